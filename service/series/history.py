"""What a kiln has measured: sealed hours and the blocks that came since, as one.

Blocks are read before sealed hours: what is sealed in between is then seen twice, which does not matter, and never
missed. Where a sink is read from, it stands in place of the sealed hours.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from firmware_bridge.wire import LAST_MS, Unit
from service.core.series import Samples
from service.counters import SINK_READS
from service.series import blocks, chunks
from service.series.blocks import TEMPERATURES
from service.series.chunks import HOUR_MS, Chunk
from service.series.columns import Growing, IntArray, Key, Readings, in_order
from service.series.corrections import Corrections, corrections_of
from service.series.readable import TAKEN, Damaged, Found, as_taken, damaged, readable
from service.series.rollups import STEPS_MS
from service.series.sinks.errors import SinkError
from service.series.sinks.reading import Reader
from service.store.models import Gathering, Kiln
from service.store.months import Months, month_bounds_ms, month_of
from service.store.sinks import is_owed

EVERY_UNIT: Final = frozenset(Unit)
# A chart is drawn from the coarsest roll-up that has so many steps on one pixel, or else from readings: each pixel
# shows its own lowest and highest, and a step on the border of two moves an extreme by a quarter of a pixel.
STEPS_PER_PIXEL: Final = 2
_EXTREMES: Final = frozenset(("min", "max"))
_MEANS: Final = frozenset(("mean",))
USUAL_INTERVAL_S: Final = 1.0  # what is not rolled up
_EVER_MS: Final = (0, LAST_MS)


Name = tuple[str, Unit]  # of a channel, and what it was measured in: a probe can be swapped for another kind


@dataclass(frozen=True)
class Recorded:
    """What is recorded of some time: temperatures by channel, in order, each time once; and what of it is damaged."""

    channels: Mapping[str, Samples]
    damaged: Sequence[Damaged]


def read(
    session: Session,
    kiln_id: int,
    *,
    from_at: datetime,
    to_at: datetime,
    corrections: Corrections | None = None,
) -> Recorded:
    """Return the temperatures of a kiln in [from_at, to_at].

    They are put right by the calibrations of their probes, or by other `corrections`. Means stand for what is damaged.
    """
    return _temperatures(
        *_recorded(session, kiln_id, TAKEN, (_ms(from_at), _ms(to_at)), TEMPERATURES, _MEANS, as_taken, corrections)
    )


def read_every_unit(
    session: Session, kiln_id: int, *, from_at: datetime, to_at: datetime, corrections: Corrections | None = None
) -> tuple[Mapping[Name, Samples], Sequence[Damaged]]:
    """Return as `read` does all that was measured of a kiln, and what of it is damaged."""
    return _recorded(session, kiln_id, TAKEN, (_ms(from_at), _ms(to_at)), EVERY_UNIT, _MEANS, as_taken, corrections)


def read_for_chart(
    session: Session, kiln_id: int, *, from_at: datetime, to_at: datetime, width: int
) -> tuple[Recorded, float]:
    """Return temperatures to be drawn on `width` pixels, and how far apart they may lie at most for it [s].

    Of what is rolled up there are two points a step, the lowest and the highest.
    """
    from_ms, to_ms = _ms(from_at), _ms(to_at)
    step_ms = max((step for step in STEPS_MS if (to_ms - from_ms) / step >= STEPS_PER_PIXEL * width), default=0)
    steps_ms = (step_ms,) if step_ms else TAKEN
    found = _recorded(session, kiln_id, steps_ms, (from_ms, to_ms), TEMPERATURES, _EXTREMES, _lowest_and_highest)
    return _temperatures(*found), step_ms / 1000 or USUAL_INTERVAL_S


def read_all(session: Session, kiln_id: int) -> dict[str, Samples]:
    """Return every reading of a kiln, by channel, in no order; what repeats a time is among them until it is sealed."""
    waiting = blocks.numbered(session, kiln_id)
    parts: defaultdict[str, list[Readings]] = defaultdict(list)
    sealed_upto: dict[int, int] = {}
    for one in _sealed_here(session, kiln_id, TAKEN, *_EVER_MS, EVERY_UNIT):
        for hour_ms in range(one.first_ms, one.last_ms, HOUR_MS):
            sealed_upto[hour_ms] = one.upto_block
        for key, readings in one.columns.items():
            parts[key.channel].append(readings)
    for block_id, block in waiting:
        for column in block.columns:
            came = Growing()
            came.add(column)
            readings = came.readings()
            hours = (readings.at_ms // HOUR_MS * HOUR_MS).tolist()
            is_new = [block_id > sealed_upto.get(from_ms, 0) for from_ms in hours]
            parts[column.channel].append(readings.where(np.array(is_new, dtype=np.bool_)))
    return {name: Readings(*map(np.concatenate, zip(*found, strict=True))).samples() for name, found in parts.items()}


def count(session: Session, kiln_id: int) -> tuple[int, int]:
    """Return how many readings of a kiln have come, and how many of them repeat a channel's time."""
    kept = read_all(session, kiln_id).values()
    months = _months(session)
    gone = 0
    for month in months.names(session):
        with months.reading(session, month) as found:
            gone += chunks.count_repeats(found, kiln_id, month)
    stored = gone + sum(len(samples.time_s) for samples in kept)
    return stored, stored - sum(len(np.unique(samples.time_s)) for samples in kept)


def times_held(session: Session, kiln_id: int, from_ms: int, to_ms: int) -> dict[str, IntArray]:
    """Return by channel the times in [from_ms, to_ms] of which our own store has a reading."""
    parts: defaultdict[str, list[Readings]] = defaultdict(list)
    for (channel, _), since in _since_sealed(session, kiln_id, from_ms, to_ms, EVERY_UNIT).items():
        parts[channel].append(since)
    for one in _sealed_here(session, kiln_id, TAKEN, from_ms, to_ms, EVERY_UNIT):
        for key, readings in one.columns.items():
            parts[key.channel].append(readings)
    return {name: np.concatenate([readings.at_ms for readings in found]) for name, found in parts.items()}


def newest_sealed_ms(session: Session, kiln_id: int) -> int:
    """Return up to when something of a kiln is sealed in our own store [Unix ms], 0 if nothing is."""
    months = _months(session)
    for month in reversed(months.names(session)):
        with months.reading(session, month) as found:
            if newest_ms := chunks.newest_ms(found, kiln_id):
                return newest_ms
    return 0


def _recorded(
    session: Session,
    kiln_id: int,
    steps_ms: Sequence[int],
    between_ms: tuple[int, int],
    units: Collection[Unit],
    kinds: Collection[str],
    columns_of: Callable[[Found], Iterable[tuple[Key, Readings]]],
    corrections: Corrections | None = None,
) -> tuple[dict[Name, Samples], Sequence[Damaged]]:
    """Return what a level has of a stretch; `kinds` are the columns that are wanted of what is rolled up."""
    waiting = _since_sealed(session, kiln_id, *between_ms, units)
    found = list(_sealed(session, kiln_id, steps_ms, *between_ms, units, kinds))
    sealed = (((key.channel, key.unit), readings) for one in found for key, readings in columns_of(one))
    channels = {name: one.samples() for name, one in _joined(sealed, waiting, *between_ms).items()}
    corrections = corrections_of(session, [kiln_id])[kiln_id] if corrections is None else corrections
    temperatures = {channel: samples for (channel, unit), samples in channels.items() if unit in TEMPERATURES}
    put_right = corrections.apply(temperatures)
    right = {name: put_right[name[0]] if name[1] in TEMPERATURES else samples for name, samples in channels.items()}
    return right, damaged(found, steps_ms)


def _temperatures(channels: Mapping[Name, Samples], damaged: Sequence[Damaged]) -> Recorded:
    return Recorded({channel: samples for (channel, _), samples in channels.items()}, damaged)


def _joined(
    sealed: Iterable[tuple[Name, Readings]], waiting: Mapping[Name, Readings], from_ms: int, to_ms: int
) -> dict[Name, Readings]:
    """Return what is sealed and what came since, by channel and unit, within [from_ms, to_ms]."""
    parts: defaultdict[Name, list[Readings]] = defaultdict(list)
    for name, readings in chain(sealed, waiting.items()):
        parts[name].append(readings)
    return {name: in_order(found).between(from_ms, to_ms) for name, found in parts.items()}


def _since_sealed(
    session: Session, kiln_id: int, from_ms: int, to_ms: int, units: Collection[Unit]
) -> dict[Name, Readings]:
    found: defaultdict[Name, Growing] = defaultdict(Growing)
    for block in blocks.between(session, kiln_id, from_ms, to_ms):
        for column in block.columns:
            if column.unit in units:
                found[column.channel, column.unit].add(column)
    return {name: one.readings() for name, one in found.items()}


def _sealed(
    session: Session,
    kiln_id: int,
    steps_ms: Sequence[int],
    from_ms: int,
    to_ms: int,
    units: Collection[Unit],
    kinds: Collection[str],
) -> Iterator[Found]:
    """Go through what is sealed: of the sink that is read from, unless it lacks some of it or fails and we do not."""
    reader: Reader | None = session.info.get("reads_from")
    if reader is not None and not is_owed(session, reader.name, kiln_id, from_ms, to_ms):
        try:
            chunk = _from_sink(session, reader, kiln_id, steps_ms, from_ms, to_ms, units)
        except SinkError as error:
            SINK_READS.labels(reader.name, "failed").inc()
            if not _is_all_ours(session, kiln_id, from_ms):
                msg = "readings this old are kept in another store, which does not answer now; please try again later"
                raise SinkError(msg) from error
        else:
            SINK_READS.labels(reader.name, "sink").inc()
            yield Found(chunk, from_ms, to_ms)
            return
    elif reader is not None:
        SINK_READS.labels(reader.name, "own").inc()

    def find(steps_ms: Sequence[int], from_ms: int, to_ms: int) -> Iterator[Chunk]:
        its_kinds = None if steps_ms == TAKEN else kinds
        return _sealed_here(session, kiln_id, steps_ms, from_ms, to_ms, units, its_kinds)

    yield from readable(find, steps_ms, from_ms, to_ms)


def _from_sink(
    session: Session,
    reader: Reader,
    kiln_id: int,
    steps_ms: Collection[int],
    from_ms: int,
    to_ms: int,
    units: Collection[Unit],
) -> Chunk:
    workshop_id = session.scalar(select(Kiln.workshop_id).where(Kiln.id == kiln_id)) or 0
    step_ms = max(steps_ms)
    if step_ms in TAKEN:
        columns = reader.as_taken(workshop_id, kiln_id, from_ms, to_ms, units)
    else:
        columns = reader.rolled_up(workshop_id, kiln_id, from_ms, to_ms, units, step_ms)
    return Chunk(kiln_id, step_ms, from_ms, columns=dict(sorted(columns.items())))


def _is_all_ours(session: Session, kiln_id: int, from_ms: int) -> bool:
    """Return whether our own store has everything of a kiln since a time: what is dropped are its oldest months."""
    names = _months(session).names(session)
    if names and names[0] <= month_of(from_ms):
        return True
    return not session.scalar(select(Gathering.sealed_id).where(Gathering.kiln_id == kiln_id))  # nothing was sealed yet


def _sealed_here(
    session: Session,
    kiln_id: int,
    steps_ms: Collection[int],
    from_ms: int,
    to_ms: int,
    units: Collection[Unit],
    kinds: Collection[str] | None = None,
) -> Iterator[Chunk]:
    months = _months(session)
    for month in months.names(session):
        if month_of(from_ms) <= month <= month_of(to_ms):
            begins_ms, ends_ms = month_bounds_ms(month)
            within_ms = max(from_ms, begins_ms), min(to_ms, ends_ms - 1)
            with months.reading(session, month) as found:
                for step_ms in steps_ms:
                    yield from chunks.between(found, kiln_id, step_ms, *within_ms, units, kinds)


def _lowest_and_highest(found: Found) -> Iterator[tuple[Key, Readings]]:
    """Go through the columns; of rolled up ones, the extremes of each step, a quarter from its beginning and end."""
    chunk = found.chunk
    if chunk.step_ms in TAKEN:
        yield from chunk.columns.items()
        return
    for key, lowest in chunk.columns.items():
        if key.kind == "min":
            highest = chunk.columns[key._replace(kind="max")]
            if len(lowest.at_ms) != len(highest.at_ms):  # a sink was asked for each, and more came in between
                _, low, high = np.intersect1d(lowest.at_ms, highest.at_ms, return_indices=True)
                lowest, highest = lowest.where(low), highest.where(high)
            begin_ms, value = lowest.at_ms, np.stack([lowest.value, highest.value], axis=1)
            touches = (begin_ms + chunk.step_ms > found.from_ms) & (begin_ms <= found.to_ms)
            begin_ms, value = begin_ms[touches], value[touches].ravel()
            quarter_ms = chunk.step_ms // 4
            at_ms = np.stack(
                [  # a step that the stretch cuts is shown all the same, within it
                    np.clip(begin_ms + quarter_ms, found.from_ms, found.to_ms - 1),
                    np.clip(begin_ms + 3 * quarter_ms, found.from_ms + 1, found.to_ms),
                ],
                axis=1,
            ).ravel()
            yield key, Readings(at_ms, value, np.zeros(len(at_ms), dtype=np.uint8))


def _months(session: Session) -> Months:
    months: Months = session.info["months"]
    return months


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
