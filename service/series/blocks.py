"""Readings as they came: blocks in the database, read back by arrival or by time.

The newest lie on shelves, block by block; what came before them is gathered by kiln (`series.gather`).
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from math import isnan
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import BigInteger, ColumnElement, Row, and_, bindparam, func, select, text, true
from sqlalchemy.orm import Session

from firmware_bridge.wire import Block, Unit
from service.core.series import Chunk, Samples
from service.series.columns import quality_of
from service.series.kept import KeptBlock, KeptColumn, read_or_nothing, read_or_tell, vouched_to_ms
from service.store.bulk import insert_columns
from service.store.identity import BridgeIdentity
from service.store.leases import end_when_still, in_slots
from service.store.models import GatheredBlock, Gathering, Kiln, LiveState, Shelf, StoredBlock

_encode = msgspec.msgpack.Encoder().encode
_APPEND_LOCK: Final = 0x6C6F  # any number that nothing else in the database locks
BLOCKS_ON_A_SHELF: Final = 2048
# Analysis and curves are of temperatures; a gas pressure or a bent cone is stored, and must not be taken for one.
TEMPERATURES: Final = frozenset({Unit.CELSIUS})
_Row = Row[int, int, datetime, bytes]
_ARRIVAL: Final = select(StoredBlock.id, StoredBlock.kiln_id, StoredBlock.received_at, StoredBlock.payload).where(
    StoredBlock.is_history.is_(False)
)

# Times [ms since 1970] and values of one channel, None where it has none.
Curve = tuple[Sequence[int], Sequence[float | None]]


@dataclass(frozen=True)
class NewBlock:
    """A block on its way into the table."""

    bridge: BridgeIdentity
    kiln_id: int
    block: Block


class Kept(NamedTuple):
    """A block as the table holds it, with what is asked of it before it is read."""

    workshop_id: int
    kiln_id: int
    until_ms: int
    readings: int
    payload: bytes


@dataclass(frozen=True)
class Appended:
    """Blocks as the table now holds them, in its order: their ids follow one another from `first_id` on."""

    first_id: int
    blocks: Sequence[Kept]
    received_at: datetime

    @property
    def readings(self) -> int:
        return sum(kept.readings for kept in self.blocks)


@dataclass
class Arrived:
    """What came in for one kiln, packed as it is stored: what waits for the watch is bytes, not a million objects.

    `until_ms` is how far the bridge vouches for having listened; `last_id` and `last_at` are of the newest block.
    """

    payloads: list[bytes]
    until_ms: int
    last_id: int
    last_at: datetime

    @property
    def until_s(self) -> float:
        return self.until_ms / 1000

    @property
    def blocks(self) -> list[KeptBlock]:
        """Return the blocks in their order, read anew each time."""
        return [read_or_nothing(payload) for payload in self.payloads]

    @property
    def chunk(self) -> Chunk:
        """Return the readings as the science takes them."""
        return chunk_of(self.blocks)

    def add(self, later: "Arrived") -> None:
        """Go on with what came after this."""
        self.payloads += later.payloads
        self.until_ms = max(self.until_ms, later.until_ms)
        self.last_id, self.last_at = later.last_id, later.last_at


def chunk_of(blocks: Sequence[KeptBlock]) -> Chunk:
    """Return the temperatures of blocks as the science takes them."""
    return Chunk(max(block.until_ms for block in blocks) / 1000, _columns(blocks, TEMPERATURES))


def curves_of(blocks: Iterable[KeptBlock]) -> dict[str, Curve]:
    """Return the temperatures of blocks as they are drawn; of a single block, which is the rule, nothing is copied."""
    found: dict[str, Curve] = {}
    for block in blocks:
        for column in block.columns:
            if column.unit in TEMPERATURES:
                before = found.get(column.channel)
                found[column.channel] = (
                    (column.at_ms, column.value)
                    if before is None
                    else ([*before[0], *column.at_ms], [*before[1], *column.value])
                )
    return found


def shelf_of(block_id: Any) -> Any:
    """Return the shelf of a block, or of a column's: they are numbered from 1 on, and shelves from 0."""
    return (block_id - 1) // BLOCKS_ON_A_SHELF


def lying(kiln_id: Any, after_id: Any) -> ColumnElement[bool]:
    """Return the condition that a block of a kiln came after another and lies on a shelf: it is one look on each."""
    shelves = select(Shelf.id).where(Shelf.id >= shelf_of(after_id)).correlate_except(Shelf)
    return and_(StoredBlock.shelf_id.in_(shelves), StoredBlock.kiln_id == kiln_id, StoredBlock.id > after_id)


_ARRIVAL_OF_KILN: Final = (
    _ARRIVAL.where(lying(bindparam("of"), bindparam("after", type_=BigInteger)), StoredBlock.id <= bindparam("upto"))
    .order_by(StoredBlock.id)
    .limit(bindparam("most"))
)


def take_turn(session: Session) -> None:
    """Let only one process add blocks at a time, so that ids become visible in their order; SQLite does by itself."""
    if session.get_bind().dialect.name == "postgresql":
        end_when_still(session)  # or a process that stands still would keep the others waiting for its turn to end
        session.execute(text(f"SELECT pg_advisory_xact_lock({_APPEND_LOCK})"))


def append(
    session: Session,
    blocks: Sequence[NewBlock],
    *,
    received_at: datetime,
    is_history: bool = False,
    after_id: int | None = None,
) -> Appended:
    """Add blocks to this transaction, whose turn it is; the caller has made sure that they are new.

    History is stored and shown as all else is; whoever watches kilns does not get to see it. `after_id` is the newest
    block there is, if the caller has just asked.
    """
    first_id = (newest_id(session) if after_id is None else after_id) + 1
    number = len(blocks)
    times_ms = [list(chain.from_iterable([column.at_ms for column in new.block.columns])) for new in blocks]
    columns: dict[str, Sequence[Any]] = {
        "id": range(first_id, first_id + number),
        "shelf_id": [shelf_of(block_id) for block_id in range(first_id, first_id + number)],
        "workshop_id": [new.bridge.workshop_id for new in blocks],
        "kiln_id": [new.kiln_id for new in blocks],
        "bridge_id": [new.bridge.bridge_id for new in blocks],
        "boot": [new.block.boot for new in blocks],
        "seq": [new.block.seq for new in blocks],
        "from_ms": [min(times, default=None) for times in times_ms],
        "to_ms": [max(times, default=None) for times in times_ms],
        "readings": [len(times) for times in times_ms],
        "received_at": [received_at] * number,
        "is_history": [is_history] * number,
        "payload": [_encode(new.block) for new in blocks],
    }
    connection = session.connection()
    insert_columns(connection, StoredBlock.__table__, columns)  # type: ignore[arg-type]
    begun = range(shelf_of(first_id - 1) + 1, shelf_of(first_id + number - 1) + 1)
    insert_columns(connection, Shelf.__table__, {"id": begun})  # type: ignore[arg-type]
    until_ms = [new.block.until_ms for new in blocks]
    kept = map(Kept, columns["workshop_id"], columns["kiln_id"], until_ms, columns["readings"], columns["payload"])
    return Appended(first_id, list(kept), received_at)


def newest_id(session: Session) -> int:
    """Return the id of the newest block of all kilns, 0 without any."""
    return session.scalar(select(func.max(StoredBlock.id))) or 0


def newest_ms(session: Session, kiln_id: int) -> int:
    """Return the time of the newest reading of a kiln that is not sealed yet [Unix ms], 0 without any."""
    upto_id = gathered_upto(session, kiln_id)
    newest = session.scalar(select(func.max(StoredBlock.to_ms)).where(lying(kiln_id, upto_id)))
    gathered = session.scalar(select(func.max(GatheredBlock.to_ms)).where(GatheredBlock.kiln_id == kiln_id))
    return max(newest or 0, gathered or 0)


def gathered_upto(session: Session, kiln_id: int) -> int:
    """Return the block up to which all of a kiln's are gathered."""
    return session.scalar(select(Gathering.upto_id).where(Gathering.kiln_id == kiln_id)) or 0


def arrived(appended: Sequence[Appended], is_ours: Callable[[int], bool]) -> dict[int, Arrived]:
    """Return by kiln what transactions added for our workshops, one after the other: the same as reading it back."""
    by_kiln: dict[int, Arrived] = {}
    for one in appended:
        for number, kept in enumerate(one.blocks, start=one.first_id):
            if is_ours(kept.workshop_id):
                new = Arrived([kept.payload], kept.until_ms, number, one.received_at)
                if (before := by_kiln.setdefault(kept.kiln_id, new)) is not new:
                    before.add(new)
    return by_kiln


def read_after(
    session: Session, after_id: int, slots: Collection[int] | None = None, *, limit: int
) -> tuple[dict[int, Arrived], int, int]:
    """Return what came in for the kilns of some slots after a block, the id up to which it is all, and how many."""
    newest = None if slots is None else newest_id(session)  # first: what comes after it is read the next time
    query = _ARRIVAL.where(StoredBlock.id > after_id, in_slots(StoredBlock.workshop_id, slots))
    if newest is not None:
        query = query.where(StoredBlock.id <= newest)
    found = session.execute(query.order_by(StoredBlock.id).limit(limit)).all()
    by_kiln: defaultdict[int, list[_Row]] = defaultdict(list)
    for one in found:
        by_kiln[one.kiln_id].append(one)
    if newest is not None and len(found) < limit:
        last_id = max(newest, after_id)
    else:
        last_id = found[-1].id if found else after_id
    return {kiln_id: _arrived(rows) for kiln_id, rows in by_kiln.items()}, last_id, len(found)


def read_kiln(session: Session, kiln_id: int, *, after_id: int, upto_id: int, limit: int) -> Arrived | None:
    """Return what came in for one kiln after a block, up to and with another."""
    where = {"of": kiln_id, "after": after_id, "upto": upto_id, "most": limit}
    found = session.execute(_ARRIVAL_OF_KILN, where).all()
    return _arrived(found) if found else None


def _arrived(rows: Sequence[_Row]) -> Arrived:
    payloads = [row.payload for row in rows]
    return Arrived(payloads, max(map(vouched_to_ms, payloads)), rows[-1].id, rows[-1].received_at)


def kilns_behind(session: Session, slots: Collection[int] | None = None) -> set[int]:
    """Return the kilns of some slots of which something lies on a shelf that their saved analysis has not taken in."""
    seen_id = func.coalesce(LiveState.last_block_id, 0)
    query = select(Kiln.id).outerjoin(LiveState, LiveState.kiln_id == Kiln.id).where(in_slots(Kiln.workshop_id, slots))
    is_new = lying(Kiln.id, seen_id) & StoredBlock.is_history.is_(False)
    return set(
        session.scalars(query.where(select(StoredBlock.id).where(is_new).correlate_except(StoredBlock).exists()))
    )


def newest_ids(session: Session) -> dict[int, int]:
    """Return the id of the newest block of each kiln that has any on a shelf, history apart."""
    newest = select(StoredBlock.kiln_id, func.max(StoredBlock.id)).where(StoredBlock.is_history.is_(False))
    return {row[0]: row[1] for row in session.execute(newest.group_by(StoredBlock.kiln_id))}


def between(session: Session, kiln_id: int, from_ms: int, to_ms: int) -> Iterator[KeptBlock]:
    """Go through what came of a kiln and is not sealed yet, of [from_ms, to_ms] and around it, as it came."""
    return (block for _, block in _unsealed(session, kiln_id, from_ms, to_ms))


def numbered(session: Session, kiln_id: int) -> list[tuple[int, KeptBlock]]:
    """Return all that came of a kiln and is not sealed yet, with the ids of the newest block in each."""
    return list(_unsealed(session, kiln_id))


def _unsealed(
    session: Session, kiln_id: int, from_ms: int | None = None, to_ms: int | None = None
) -> Iterator[tuple[int, KeptBlock]]:
    """Go through what is gathered of a kiln, then what lies on shelves; what is gathered meanwhile is there twice."""
    found: list[Row[int, bytes, int]] = []
    places = (StoredBlock, lying(kiln_id, gathered_upto(session, kiln_id))), (GatheredBlock, true())
    for table, where in places:  # read in this order: nothing is missed
        query = select(table.id, table.payload, table.readings).where(table.kiln_id == kiln_id, where)
        if from_ms is not None and to_ms is not None:
            query = query.where(table.to_ms >= from_ms, table.from_ms <= to_ms)
        found = [*session.execute(query.order_by(table.id)), *found]
    return ((row.id, block) for row in found if (block := read_or_tell(*row)) is not None)


def curve_of(samples: Samples) -> Curve:
    """Return readings as they are drawn."""
    values = [None if isnan(value) else value for value in samples.value.tolist()]
    return np.rint(samples.time_s * 1000).astype(np.int64).tolist(), values


def _columns(blocks: Iterable[KeptBlock], units: frozenset[Unit]) -> dict[str, Samples]:
    parts: defaultdict[str, list[KeptColumn]] = defaultdict(list)
    for block in blocks:
        for column in block.columns:
            if column.unit in units:
                parts[column.channel].append(column)
    every = list(
        chain.from_iterable(parts.values())
    )  # one array for all of them: of each, making it is most of the work
    time_s = np.array(list(chain.from_iterable([column.at_ms for column in every])), dtype=np.float64) / 1000
    value = np.array(list(chain.from_iterable([column.value for column in every])), dtype=np.float64)
    quality = quality_of(every)
    samples: dict[str, Samples] = {}
    end = 0
    for name, columns in parts.items():
        begin, end = end, end + sum([len(column.at_ms) for column in columns])
        said = None if quality is None else quality[begin:end]
        samples[name] = Samples(time_s[begin:end], value[begin:end], said)
    return samples
