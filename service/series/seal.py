"""From gathered blocks to sealed hours and days: nothing is lost or doubled, wherever it is cut off.

A row says up to which block it holds everything, so blocks that were sealed and not yet taken away are passed over.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from firmware_bridge.wire import Unit
from service.series import chunks as rows
from service.series.chunks import AS_TAKEN, DAY_AS_TAKEN, DAY_MS, HOUR_MS, Chunk
from service.series.columns import Growing, IntArray, Key, Readings, added
from service.series.gather import gather
from service.series.kept import DamagedBlockError, read_whole
from service.series.rollups import STEPS_MS, combined, replace, roll_up
from service.store import sinks
from service.store.database import Database
from service.store.models import GatheredBlock, Gathering
from service.store.months import month_of
from service.store.sinks import Stretch

MOST_READINGS: Final = 500_000  # in memory at a time
MOST_IN_A_DAY: Final = 100_000  # of a day that becomes one row: a chart of half of it reads all
_ROWS_AT_A_TIME: Final = 50
NEVER: Final = datetime.fromtimestamp(0, UTC)


class _Came(NamedTuple):
    """Readings of one column in order of arrival, and the newest block of the row that each is in."""

    readings: Readings
    row_id: IntArray


class _Ready(NamedTuple):
    """What is gathered of a kiln and came in early enough, from its first row on."""

    workshop_id: int
    rows: int
    readings: int
    last_id: int
    damaged: Collection[int]  # rows that cannot be read: they stay, for `canhlo verify` to find
    came: Mapping[Key, _Came]


def anybody(_session: Session) -> None:
    """Let whoever asks do it."""


def seal(
    database: Database,
    kiln_id: int,
    *,
    received_before: datetime,
    unwatched_before: datetime = NEVER,
    check: Callable[[Session], None] = anybody,
) -> int:
    """Gather what there is of a kiln and seal its next readings, at most about `MOST_READINGS`; return how many.

    `check` is called first in every transaction that writes chunks, and raises if they are another process's to write.
    """
    while gather(database, [kiln_id], unwatched_before=unwatched_before, check=check):
        pass
    with database.read() as session:
        ready = _ready(session, kiln_id, received_before)
    if not ready.rows:
        return 0
    days_ms = _days_ms(ready.came)
    for month, its_days in groupby(days_ms.tolist(), key=month_of):
        _seal_days(database, kiln_id, ready, month, list(its_days), check)
    with database.write() as session:
        _owe_to_sinks(session, kiln_id, ready)
        is_sealed = GatheredBlock.kiln_id == kiln_id, GatheredBlock.id <= ready.last_id
        session.execute(delete(GatheredBlock).where(*is_sealed, GatheredBlock.id.not_in(ready.damaged)))
        goes_on = Gathering.kiln_id == kiln_id, Gathering.sealed_id < ready.last_id
        session.execute(update(Gathering).where(*goes_on).values(sealed_id=ready.last_id))
    _join_days(database, kiln_id, ready.workshop_id, _days_that_are_over(days_ms, received_before), check)
    return ready.readings


def _seal_days(
    database: Database,
    kiln_id: int,
    ready: _Ready,
    month: str,
    days_ms: Sequence[int],
    check: Callable[[Session], None],
    lost: Collection[rows.Place] = (),
) -> None:
    try:
        with database.months.writing(month) as chunks:
            check(chunks)
            for day_ms in days_ms:
                _seal_day(chunks, kiln_id, ready, day_ms, lost)
    except DatabaseError as error:
        rows.check_is_of_a_page(error)
        with database.read() as session, database.months.reading(session, month) as chunks:
            found = rows.lost_places(chunks, kiln_id, days_ms[0], days_ms[-1] + DAY_MS - 1)
        if found <= set(lost):
            raise
        _seal_days(database, kiln_id, ready, month, days_ms, check, found)


def _days_ms(came: Mapping[Key, _Came], *, after_block: int = 0, upto_block: int = 2**62) -> IntArray:
    """Return where the days begin that have readings of rows after one and up to another."""
    found = [one.readings.at_ms[(one.row_id > after_block) & (one.row_id <= upto_block)] for one in came.values()]
    return np.unique(np.concatenate([np.empty(0, np.int64), *found]) // DAY_MS) * DAY_MS


def _owe_to_sinks(session: Session, kiln_id: int, ready: _Ready) -> None:
    """Note for each sink what it has not taken of what is about to go, or could not, for it came too late."""
    for name, mark, before_it in sinks.behind(session, ready.last_id):
        missed = np.union1d(_days_ms(ready.came, after_block=mark), _days_ms(ready.came, upto_block=before_it))
        for _, found in groupby(missed.tolist(), key=month_of):
            days_ms = list(found)
            sinks.owe(session, name, Stretch(kiln_id, ready.workshop_id, days_ms[0], days_ms[-1] + DAY_MS - 1))


def _days_that_are_over(touched_ms: IntArray, received_before: datetime) -> list[int]:
    """Return the days to be joined: of those that were sealed now, and the one that has just been over for a day."""
    today_ms = int(received_before.timestamp() * 1000) // DAY_MS * DAY_MS
    just_over_ms = today_ms - 2 * DAY_MS
    return sorted({just_over_ms, *(day_ms for day_ms in touched_ms.tolist() if day_ms <= just_over_ms)})


def _join_days(
    database: Database, kiln_id: int, workshop_id: int, days_ms: Collection[int], check: Callable[[Session], None]
) -> None:
    with database.read() as session:
        known = database.months.names(session)
    for month, its_days in groupby(days_ms, key=month_of):
        for day_ms in its_days if month in known else ():
            with database.months.writing(month) as chunks:  # each its own: one that cannot be read holds up no other
                check(chunks)
                _join_hours(chunks, kiln_id, workshop_id, day_ms)


def _join_hours(chunks: Session, kiln_id: int, workshop_id: int, day_ms: int) -> None:
    """Make one row of the hours of a day, if there are few readings in them: packing them together is far smaller."""
    hours = list(rows.between(chunks, kiln_id, AS_TAKEN, day_ms, day_ms + DAY_MS - 1))
    if not hours or any(hour.is_damaged for hour in hours) or sum(hour.readings for hour in hours) > MOST_IN_A_DAY:
        return
    for hour in hours:
        rows.remove(chunks, hour)
    columns: dict[Key, Readings] = {}
    for hour in hours:
        columns = added(columns, hour.columns)
    repeats, upto_block = sum(hour.repeats for hour in hours), max(hour.upto_block for hour in hours)
    rows.save(chunks, Chunk(kiln_id, DAY_AS_TAKEN, day_ms, repeats, upto_block, columns), workshop_id)


def _ready(session: Session, kiln_id: int, received_before: datetime) -> _Ready:
    # By their order, which no clock can turn round: all that lies before what came early enough came early enough.
    came_early = GatheredBlock.kiln_id == kiln_id, GatheredBlock.received_at <= received_before
    upto_id = select(func.max(GatheredBlock.id)).where(*came_early).scalar_subquery()
    query = (
        select(GatheredBlock.id, GatheredBlock.workshop_id, GatheredBlock.readings, GatheredBlock.payload)
        .where(GatheredBlock.kiln_id == kiln_id, GatheredBlock.id <= upto_id)
        .order_by(GatheredBlock.id)
    )
    came: defaultdict[tuple[str, Unit, str], tuple[Growing, list[int]]] = defaultdict(lambda: (Growing(), []))
    damaged: list[int] = []
    number = row_id = workshop_id = readings = 0
    with session.connection().execute(query, execution_options={"yield_per": _ROWS_AT_A_TIME}) as found:
        for row_id, workshop_id, its_readings, payload in found:  # noqa: B007 - the last of them is asked for
            try:
                block = read_whole(payload, its_readings)
            except DamagedBlockError:
                damaged.append(row_id)
                continue
            kind = "estimated" if block.is_estimated else ""
            for column in block.columns:
                growing, row_ids = came[column.channel, column.unit, kind]
                growing.add(column)
                row_ids += [row_id] * len(column.at_ms)
            number += 1
            readings += its_readings
            if readings >= MOST_READINGS:
                break
    by_column = {Key(*key): _Came(one.readings(), np.array(row_ids, np.int64)) for key, (one, row_ids) in came.items()}
    return _Ready(workshop_id, number, readings, row_id, damaged, by_column)


def _seal_day(chunks: Session, kiln_id: int, ready: _Ready, day_ms: int, lost: Collection[rows.Place]) -> None:
    rolled: dict[rows.Place, Chunk] = {}
    for before in _spans(chunks, kiln_id, ready.came, day_ms, lost):
        new = _new(before, ready.came)
        span = _with(before, new, ready.last_id)
        rows.save(chunks, span, ready.workshop_id)
        for step_ms in STEPS_MS:
            place = step_ms, rows.begins_ms(step_ms, span.first_ms)
            old = rolled.get(place) or rows.load(chunks, kiln_id, *place, lost=lost)
            if old.is_damaged:  # what is finer stands for it
                continue
            if before.is_beside:  # nobody can read again what else its steps are of
                columns = combined(old.columns, roll_up(new, step_ms))
            else:
                columns = replace(old.columns, roll_up(span.columns, step_ms), span.first_ms, span.last_ms)
            rolled[place] = Chunk(kiln_id, *place, columns=columns)
    for one in rolled.values():
        rows.save(chunks, one, ready.workshop_id)


def _spans(
    chunks: Session, kiln_id: int, came: Mapping[Key, _Came], day_ms: int, lost: Collection[rows.Place]
) -> list[Chunk]:
    """Return what is sealed of a day where something came for it: the day if it is one row, else its hours."""
    day = rows.open_to_add(chunks, kiln_id, DAY_AS_TAKEN, day_ms, lost)
    if day.columns or day.is_beside:
        return [day]
    hours = np.unique(np.concatenate([one.readings.at_ms // HOUR_MS * HOUR_MS for one in came.values()]))
    its_own = hours[(hours >= day_ms) & (hours < day_ms + DAY_MS)].tolist()
    return [rows.open_to_add(chunks, kiln_id, AS_TAKEN, hour_ms, lost) for hour_ms in its_own]


def _new(span: Chunk, came: Mapping[Key, _Came]) -> dict[Key, Readings]:
    """Return what came for a span since it was last sealed."""
    new = {}
    for key, (readings, row_id) in came.items():
        chosen = (readings.at_ms >= span.first_ms) & (readings.at_ms <= span.last_ms) & (row_id > span.upto_block)
        if chosen.any():
            new[key] = readings.where(chosen)
    return new


def _with(span: Chunk, new: Mapping[Key, Readings], upto_block: int) -> Chunk:
    """Return a span with what came for it."""
    columns = added(span.columns, new)
    kept = sum(len(readings.at_ms) for readings in columns.values())
    repeats = span.repeats + span.readings + sum(len(readings.at_ms) for readings in new.values()) - kept
    return Chunk(span.kiln_id, span.step_ms, span.from_ms, repeats, max(upto_block, span.upto_block), columns)
