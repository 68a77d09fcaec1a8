"""From blocks as they came to a minute of a kiln in one row: that many fewer are found, read and sealed.

A block may be gathered once the watch over its kiln has taken it in for good: until then it is needed by itself. If the
watch cannot for hours, it is gathered all the same, or it would keep the shelves of all. It stays on its shelf until
every sink has had it, and goes with its neighbours: taken away one by one, they would have to be looked for all over
the table.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, and_, bindparam, delete, func, or_, select
from sqlalchemy.orm import Session

from service.series import blocks as series
from service.series.at_hand import AtHand, Came
from service.series.kept import KeptBlock, joined, read_or_tell, write_block
from service.store import sinks
from service.store.bulk import insert_columns
from service.store.database import Database
from service.store.models import GatheredBlock, Gathering, Kiln, LiveState, Shelf, StoredBlock

MOST_READINGS: Final = 500_000  # in memory at a time
MOST_IN_A_ROW: Final = 20_000  # readings
MOST_TAKEN_AWAY: Final = 5_000
_BLOCKS_AT_A_TIME: Final = 200
_LYING: Final = (
    select(
        StoredBlock.id,
        or_(StoredBlock.is_history, StoredBlock.received_at < bindparam("before")),
        StoredBlock.readings,
        StoredBlock.payload,
    )
    .where(series.lying(bindparam("of"), bindparam("after", type_=BigInteger)))
    .order_by(StoredBlock.id)
)
_STANDS: Final = (
    select(
        Kiln.id,
        Kiln.workshop_id,
        func.coalesce(Gathering.upto_id, 0),
        func.coalesce(LiveState.last_block_id, 0),
    )
    .outerjoin(Gathering, Gathering.kiln_id == Kiln.id)
    .outerjoin(LiveState, LiveState.kiln_id == Kiln.id)
    .where(Kiln.id.in_(bindparam("of", expanding=True)))
    .order_by(Kiln.id)
)
_NO_TIMES: Final[dict[str, int | None]] = {"from_ms": None, "to_ms": None}


class _Ready(NamedTuple):
    """What may be gathered of one kiln, from its first block on a shelf that is not gathered."""

    kiln_id: int
    workshop_id: int
    after_id: int
    came: list[Came]


def gather(
    database: Database,
    kiln_ids: Collection[int],
    *,
    unwatched_before: datetime,
    check: Callable[[Session], None],
    at_hand: AtHand | None = None,
) -> int:
    """Gather what may be gathered of some kilns, or some of it; return how many blocks.

    What came in before `unwatched_before` is not waited for. `check` is called first in the transaction, and raises if
    these kilns are another process's.
    """
    at_hand = at_hand or AtHand()
    with database.read() as session:
        ready = _ready(session, kiln_ids, unwatched_before, at_hand)
        if not ready:
            return 0
        newest = [one.came[-1].id for one in ready]
        received = select(StoredBlock.id, StoredBlock.received_at).where(StoredBlock.id.in_(newest))
        received_at = {row.id: row.received_at for row in session.execute(received)}
    rows = {one.kiln_id: list(_rows(one, received_at[one.came[-1].id])) for one in ready}
    with database.write() as session:
        check(session)
        stands = _gathered_upto(session, kiln_ids)
        ready = [one for one in ready if stands.get(one.kiln_id, 0) == one.after_id]
        _insert(session, GatheredBlock, [row for one in ready for row in rows[one.kiln_id]])
        upto = [
            {"kiln_id": one.kiln_id, "workshop_id": one.workshop_id, "upto_id": one.came[-1].id, "sealed_id": 0}
            for one in ready
        ]
        _insert(session, Gathering, upto, raising="upto_id")
    for one in ready:
        at_hand.forget(one.kiln_id, one.came[-1].id)
    return sum(len(one.came) for one in ready)


def _gathered_upto(session: Session, kiln_ids: Collection[int]) -> dict[int, int]:
    found = session.execute(select(Gathering.kiln_id, Gathering.upto_id).where(Gathering.kiln_id.in_(kiln_ids)))
    return {row.kiln_id: row.upto_id for row in found}


def _ready(session: Session, kiln_ids: Collection[int], unwatched_before: datetime, at_hand: AtHand) -> list[_Ready]:
    """Return of each kiln its first blocks that may be gathered, as far as they are not too much for one time."""
    found: list[_Ready] = []
    readings = 0
    for kiln_id, workshop_id, after_id, watched_id in session.execute(_STANDS, {"of": list(kiln_ids)}).all():
        held = at_hand.between(kiln_id, after_id, watched_id)
        ready = _Ready(kiln_id, workshop_id, after_id, [])
        for one in _lying(session, kiln_id, after_id, watched_id, unwatched_before) if held is None else held:
            if readings >= MOST_READINGS:
                break
            ready.came.append(one)
            readings += one.readings
        if ready.came:
            found.append(ready)
    return found


def _lying(
    session: Session, kiln_id: int, after_id: int, watched_id: int, unwatched_before: datetime
) -> Iterator[Came]:
    """Go through what may be gathered of a kiln, read from its shelves."""
    of_kiln = {"of": kiln_id, "after": after_id, "before": unwatched_before}
    with session.execute(_LYING, of_kiln, execution_options={"yield_per": _BLOCKS_AT_A_TIME}) as blocks:
        for block_id, is_free, readings, payload in blocks:
            if not (is_free or block_id <= watched_id):
                break
            yield Came(block_id, readings, payload)


def _rows(ready: _Ready, received_at: datetime) -> Iterator[dict[str, Any]]:
    """Go through the rows of a kiln, each of blocks whose times are all known, or all estimated."""
    always = {"workshop_id": ready.workshop_id, "kiln_id": ready.kiln_id, "received_at": received_at}
    for some in _portions(ready.came):
        pairs = ((one, read_or_tell(one.id, one.payload, one.readings)) for one in some)
        for _, group in groupby(pairs, key=_kind):
            came, read = zip(*group, strict=True)
            newest: Came = came[-1]
            if None in read:  # damaged: kept as it is, for `canhlo verify` to find
                yield {**always, "id": newest.id, "readings": newest.readings, "payload": newest.payload, **_NO_TIMES}
                continue
            whole = joined(read)
            times_ms = [at_ms for column in whole.columns for at_ms in column.at_ms]
            yield {
                **always,
                "id": newest.id,
                "readings": len(times_ms),
                "payload": write_block(whole),
                "from_ms": min(times_ms, default=None),
                "to_ms": max(times_ms, default=None),
            }


def _kind(pair: tuple[Came, KeptBlock | None]) -> tuple[bool, int]:
    """Return what blocks of one row have in common; one that cannot be read has nothing in common with any."""
    came, block = pair
    return (False, came.id) if block is None else (block.is_estimated, 0)


def _portions(came: Sequence[Came]) -> Iterator[list[Came]]:
    portion: list[Came] = []
    readings = 0
    for one in came:
        portion.append(one)
        readings += one.readings
        if readings >= MOST_IN_A_ROW:
            yield portion
            portion, readings = [], 0
    if portion:
        yield portion


def _insert(session: Session, table: Any, rows: Sequence[dict[str, Any]], *, raising: str | None = None) -> None:
    columns: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        for name, value in row.items():
            columns[name].append(value)
    insert_columns(session.connection(), table.__table__, columns, raising=raising)


def clear_shelves(database: Database) -> int:
    """Take away blocks that nobody needs any more, from the oldest on, or some of them; return how many."""
    with database.read() as session:
        # From the oldest shelf, not from the oldest block: PostgreSQL would walk over all that it took away of late.
        begin_id = (session.scalar(select(func.min(Shelf.id))) or 0) * series.BLOCKS_ON_A_SHELF + 1
        first_id = session.scalar(select(func.min(StoredBlock.id)).where(StoredBlock.id >= begin_id)) or begin_id
        end_id = min(first_id + MOST_TAKEN_AWAY, series.newest_id(session))  # the next number follows the newest
        some = StoredBlock.id >= first_id, StoredBlock.id < end_id
        sent_upto = sinks.taken_by_all(session)
        needed = select(StoredBlock.id).where(*some, ~_is_done(sent_upto))
        end_id = session.scalar(needed.order_by(StoredBlock.id).limit(1)) or end_id
    if end_id <= first_id:
        return 0
    with database.write() as session:
        sinks.hold_entries(session)
        if sinks.taken_by_all(session) < sent_upto:
            return 0  # a sink was entered just now, and needs what lies here
        session.execute(delete(StoredBlock).where(StoredBlock.id >= first_id, StoredBlock.id < end_id))
        session.execute(delete(Shelf).where(Shelf.id < series.shelf_of(end_id)))
    return end_id - first_id


def _is_done(sent_upto: int) -> Any:
    """Return the condition that a block is gathered, and that the sinks have it or are owed it."""
    is_done = and_(
        Gathering.kiln_id == StoredBlock.kiln_id,
        Gathering.upto_id >= StoredBlock.id,
        or_(StoredBlock.id <= sent_upto, StoredBlock.id <= Gathering.sealed_id),
    )
    return select(Gathering.kiln_id).where(is_done).exists()
