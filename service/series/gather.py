"""From blocks as they came to a minute of a kiln in one row: that many fewer are found, read and sealed.

A block may be gathered once the watch over its kiln has taken it in for good: until then it is needed by itself. If the
watch cannot for hours, it is gathered all the same, or it would keep the shelves of all. It stays on its shelf until
every sink has had it, and goes with its neighbours: taken away one by one, they would have to be looked for all over
the table.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from service.series import blocks as series
from service.series.kept import KeptBlock, joined, read_block, write_block
from service.store import sinks
from service.store.bulk import insert_columns
from service.store.database import Database
from service.store.models import GatheredBlock, Gathering, LiveState, Shelf, StoredBlock

logger = logging.getLogger(__name__)

MOST_BLOCKS: Final = 20_000  # at a time
MOST_READINGS: Final = 20_000  # in a row
MOST_TAKEN_AWAY: Final = 5_000
_NO_TIMES: Final[dict[str, int | None]] = {"from_ms": None, "to_ms": None}


class _Came(NamedTuple):
    """A block that may be gathered, still packed."""

    id: int
    readings: int
    payload: bytes


class _Ready(NamedTuple):
    """What may be gathered of one kiln, from its first block on a shelf that is not gathered."""

    kiln_id: int
    workshop_id: int
    after_id: int
    came: list[_Came]


def gather(
    database: Database,
    kiln_ids: Collection[int],
    *,
    unwatched_before: datetime,
    check: Callable[[Session], None],
) -> int:
    """Gather what may be gathered of some kilns, or some of it; return how many blocks.

    What came in before `unwatched_before` is not waited for. `check` is called first in the transaction, and raises if
    these kilns are another process's.
    """
    with database.read() as session:
        ready = _ready(session, kiln_ids, unwatched_before)
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
    return sum(len(one.came) for one in ready)


def _gathered_upto(session: Session, kiln_ids: Collection[int]) -> dict[int, int]:
    found = session.execute(select(Gathering.kiln_id, Gathering.upto_id).where(Gathering.kiln_id.in_(kiln_ids)))
    return {row.kiln_id: row.upto_id for row in found}


def _ready(session: Session, kiln_ids: Collection[int], unwatched_before: datetime) -> list[_Ready]:
    after = _gathered_upto(session, kiln_ids)
    watched = select(LiveState.kiln_id, LiveState.last_block_id).where(LiveState.kiln_id.in_(kiln_ids))
    watched_upto = {row.kiln_id: row.last_block_id for row in session.execute(watched)}
    query = (
        select(
            StoredBlock.id,
            StoredBlock.kiln_id,
            StoredBlock.workshop_id,
            or_(StoredBlock.is_history, StoredBlock.received_at < unwatched_before),
            StoredBlock.readings,
            StoredBlock.payload,
        )
        .where(series.ON_SHELVES, StoredBlock.kiln_id.in_(kiln_ids))
        .outerjoin(Gathering, Gathering.kiln_id == StoredBlock.kiln_id)
        .where(StoredBlock.id > func.coalesce(Gathering.upto_id, 0))
    )
    found: dict[int, _Ready] = {}
    needed: set[int] = set()  # kilns of which no more may be gathered
    for block_id, kiln_id, workshop_id, is_free, readings, payload in session.execute(
        query.order_by(StoredBlock.id).limit(MOST_BLOCKS)
    ):
        if not is_free and block_id > watched_upto.get(kiln_id, 0):
            needed.add(kiln_id)
        if kiln_id not in needed:
            ready = found.setdefault(kiln_id, _Ready(kiln_id, workshop_id, after.get(kiln_id, 0), []))
            ready.came.append(_Came(block_id, readings, payload))
    return list(found.values())


def _rows(ready: _Ready, received_at: datetime) -> Iterator[dict[str, Any]]:
    """Go through the rows of a kiln, each of blocks whose times are all known, or all estimated."""
    always = {"workshop_id": ready.workshop_id, "kiln_id": ready.kiln_id, "received_at": received_at}
    for some in _portions(ready.came):
        for _, group in groupby(((one, _read(one)) for one in some), key=_kind):
            came, read = zip(*group, strict=True)
            newest: _Came = came[-1]
            if None in read:  # damaged: kept as it is, for `canhlo verify` to find, and nothing else waits for it
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


def _read(came: _Came) -> KeptBlock | None:
    try:
        return read_block(came.payload)
    except msgspec.MsgspecError:
        logger.exception("a block cannot be read", extra={"block": came.id})
        return None


def _kind(pair: tuple[_Came, KeptBlock | None]) -> tuple[bool, int]:
    """Return what blocks of one row have in common; one that cannot be read has nothing in common with any."""
    came, block = pair
    return (False, came.id) if block is None else (block.is_estimated, 0)


def _portions(came: Sequence[_Came]) -> Iterator[list[_Came]]:
    portion: list[_Came] = []
    readings = 0
    for one in came:
        portion.append(one)
        readings += one.readings
        if readings >= MOST_READINGS:
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
        first_id = session.scalar(select(func.min(StoredBlock.id))) or 0
        end_id = min(first_id + MOST_TAKEN_AWAY, series.newest_id(session))  # the next number follows the newest
        is_needed = ~_is_done(sinks.taken_by_all(session))
        needed = select(StoredBlock.id).where(StoredBlock.id < end_id, is_needed).order_by(StoredBlock.id).limit(1)
        end_id = session.scalar(needed) or end_id
    if end_id <= first_id:
        return 0
    with database.write() as session:
        session.execute(delete(StoredBlock).where(StoredBlock.id < end_id))
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
