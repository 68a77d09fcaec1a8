"""From gathered blocks to sealed hours and days: nothing is lost or doubled, wherever it is cut off.

A row says up to which block it holds everything, so blocks that were sealed and not yet taken away are passed over.
"""

import dataclasses
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from firmware_bridge.wire import Unit
from service.counters import SEALING_FAILURES
from service.series import chunks as rows
from service.series.chunks import AS_TAKEN, DAY_AS_TAKEN, DAY_MS, HOUR_MS, Chunk
from service.series.columns import Growing, IntArray, Key, Readings, in_order
from service.series.gather import gather
from service.series.kept import DamagedBlockError, read_whole
from service.series.readable import TAKEN, Found, as_taken, readable
from service.series.rollups import STEPS_MS, added, replace, roll_up
from service.store import sinks
from service.store.database import Database
from service.store.models import GatheredBlock, Gathering
from service.store.months import month_of
from service.store.sinks import Stretch

logger = logging.getLogger(__name__)

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
        with database.months.writing(month) as chunks:
            check(chunks)
            for day_ms in its_days:
                _seal_day(chunks, kiln_id, ready, day_ms)
    with database.write() as session:
        _owe_to_sinks(session, kiln_id, ready)
        is_sealed = GatheredBlock.kiln_id == kiln_id, GatheredBlock.id <= ready.last_id
        session.execute(delete(GatheredBlock).where(*is_sealed, GatheredBlock.id.not_in(ready.damaged)))
        goes_on = Gathering.kiln_id == kiln_id, Gathering.sealed_id < ready.last_id
        session.execute(update(Gathering).where(*goes_on).values(sealed_id=ready.last_id))
    _join_days(database, kiln_id, ready.workshop_id, _days_that_are_over(days_ms, received_before), check)
    return ready.readings


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
        if month in known:
            with database.months.writing(month) as chunks:
                check(chunks)
                for day_ms in its_days:
                    _join_hours(chunks, kiln_id, workshop_id, day_ms)


def _join_hours(chunks: Session, kiln_id: int, workshop_id: int, day_ms: int) -> None:
    """Make one row of the hours of a day, if there are few readings in them: packing them together is far smaller."""
    hours = list(rows.between(chunks, kiln_id, AS_TAKEN, day_ms, day_ms + DAY_MS - 1))
    if not hours or any(hour.is_damaged for hour in hours) or sum(hour.readings for hour in hours) > MOST_IN_A_DAY:
        return
    for hour in hours:
        rows.remove(chunks, hour)
    columns = _joined(column for hour in hours for column in hour.columns.items())
    repeats, upto_block = sum(hour.repeats for hour in hours), max(hour.upto_block for hour in hours)
    rows.save(chunks, Chunk(kiln_id, DAY_AS_TAKEN, day_ms, repeats, upto_block, columns), workshop_id)


def _ready(session: Session, kiln_id: int, received_before: datetime) -> _Ready:
    query = (
        select(GatheredBlock.id, GatheredBlock.workshop_id, GatheredBlock.readings, GatheredBlock.payload)
        .where(GatheredBlock.kiln_id == kiln_id, GatheredBlock.received_at <= received_before)
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


def _seal_day(chunks: Session, kiln_id: int, ready: _Ready, day_ms: int) -> None:
    rolled: dict[tuple[int, int], Chunk] = {}
    for before in _spans(chunks, kiln_id, ready.came, day_ms):
        span = _with(before, ready.came, ready.last_id)
        rows.save(chunks, span, ready.workshop_id)
        to_ms = span.last_ms + 1
        for step_ms in STEPS_MS:
            place = step_ms, rows.begins_ms(step_ms, span.from_ms)
            old = rolled.get(place) or _rolled_up(chunks, kiln_id, *place)
            new = roll_up(span.columns, step_ms)
            # What was rolled up of readings that are damaged now says more than the means that stand for them.
            columns = added(old.columns, new) if before.is_damaged else replace(old.columns, new, span.from_ms, to_ms)
            rolled[place] = Chunk(kiln_id, *place, columns=columns)
    for one in rolled.values():
        rows.save(chunks, one, ready.workshop_id)


def _spans(chunks: Session, kiln_id: int, came: Mapping[Key, _Came], day_ms: int) -> list[Chunk]:
    """Return what is sealed of a day where something came for it: the day if it is one row, else its hours."""
    day = rows.load(chunks, kiln_id, DAY_AS_TAKEN, day_ms)
    if day.columns or day.is_damaged:
        return [_mended(chunks, day)]
    hours = np.unique(np.concatenate([one.readings.at_ms // HOUR_MS * HOUR_MS for one in came.values()]))
    its_own = hours[(hours >= day_ms) & (hours < day_ms + DAY_MS)].tolist()
    return [_mended(chunks, rows.load(chunks, kiln_id, AS_TAKEN, hour_ms)) for hour_ms in its_own]


def _mended(chunks: Session, span: Chunk) -> Chunk:
    """Return readings as they were taken; of a damaged span, the means that stand for them from now on."""
    if not span.is_damaged:
        return span
    logger.error("means stand for readings that are damaged", extra={"kiln_id": span.kiln_id, "from_ms": span.from_ms})
    SEALING_FAILURES.inc()
    means = ((key._replace(kind="estimated"), one) for found in _taken(chunks, span) for key, one in as_taken(found))
    return dataclasses.replace(span, columns=_joined(means))


def _rolled_up(chunks: Session, kiln_id: int, step_ms: int, from_ms: int) -> Chunk:
    """Return a row of what is rolled up; one that is damaged is rolled up anew."""
    row = rows.load(chunks, kiln_id, step_ms, from_ms)
    if not row.is_damaged:
        return row
    anew = (column for found in _taken(chunks, row) for column in roll_up(dict(as_taken(found)), step_ms).items())
    return dataclasses.replace(row, columns=_joined(anew))


def _taken(chunks: Session, span: Chunk) -> Iterator[Found]:
    """Go through the readings of a span, or what stands for them."""

    def find(steps_ms: Sequence[int], from_ms: int, to_ms: int) -> Iterator[Chunk]:
        for step_ms in steps_ms:
            yield from rows.between(chunks, span.kiln_id, step_ms, from_ms, to_ms)

    return readable(find, TAKEN, span.from_ms, span.last_ms)


def _joined(columns: Iterable[tuple[Key, Readings]]) -> dict[Key, Readings]:
    parts: defaultdict[Key, list[Readings]] = defaultdict(list)
    for key, readings in columns:
        parts[key].append(readings)
    return {key: in_order(found) for key, found in parts.items()}


def _with(span: Chunk, came: Mapping[Key, _Came], upto_block: int) -> Chunk:
    """Return a span with what came for it since it was last sealed."""
    columns = dict(span.columns)
    new = 0
    to_ms = span.last_ms + 1
    for key, (readings, row_id) in came.items():
        chosen = (readings.at_ms >= span.from_ms) & (readings.at_ms < to_ms) & (row_id > span.upto_block)
        if chosen.any():
            new += int(chosen.sum())
            found = readings.where(chosen)
            columns[key] = in_order([columns[key], found] if key in columns else [found])
    kept = sum(len(readings.at_ms) for readings in columns.values())
    repeats = span.repeats + span.readings + new - kept
    return Chunk(span.kiln_id, span.step_ms, span.from_ms, repeats, max(upto_block, span.upto_block), columns)
