"""Rows of sealed readings in one month: an hour of a kiln each or a day, and roll-ups of days and of the month."""

import logging
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, delete, func, insert, select
from sqlalchemy.orm import Session

from firmware_bridge.wire import Unit
from service.series.codec import DamagedError, pack, unpack
from service.series.columns import Key, Readings
from service.store.months import chunk, month_bounds_ms, month_of

logger = logging.getLogger(__name__)

AS_TAKEN: Final = 0  # the `step_ms` of an hour of readings that are not rolled up
DAY_AS_TAKEN: Final = 1  # ... of a day of them that has been over for long and has few
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
# What is not named spans a month.
SPAN_MS: Final = {AS_TAKEN: HOUR_MS, DAY_AS_TAKEN: DAY_MS, 10_000: DAY_MS, 60_000: DAY_MS}


@dataclass(frozen=True)
class Chunk:
    """Readings of a kiln over one span, by column; `repeats` came as well, of times that it had already.

    One that is damaged has no columns: it is not what was written, and only what stands beside them is known.
    """

    kiln_id: int
    step_ms: int
    from_ms: int
    repeats: int = 0
    upto_block: int = 0
    columns: Mapping[Key, Readings] = field(default_factory=dict)
    is_damaged: bool = False

    @property
    def last_ms(self) -> int:
        """Return the last millisecond of the span."""
        span_ms = SPAN_MS.get(self.step_ms)
        return (self.from_ms + span_ms if span_ms else month_bounds_ms(month_of(self.from_ms))[1]) - 1

    @property
    def readings(self) -> int:
        return sum(len(readings.at_ms) for readings in self.columns.values())


def begins_ms(step_ms: int, at_ms: int) -> int:
    """Return where the span of a row begins that holds a time."""
    span_ms = SPAN_MS.get(step_ms)
    return at_ms // span_ms * span_ms if span_ms else month_bounds_ms(month_of(at_ms))[0]


def load(chunks: Session, kiln_id: int, step_ms: int, from_ms: int) -> Chunk:
    """Return a span as it is sealed, damaged or not; an empty one if nothing is."""
    query = select(chunk).where(chunk.c.kiln_id == kiln_id, chunk.c.step_ms == step_ms, chunk.c.from_ms == from_ms)
    row = chunks.execute(query).one_or_none()
    return Chunk(kiln_id, step_ms, from_ms) if row is None else _opened_or_damaged(row)


def save(chunks: Session, one: Chunk, workshop_id: int) -> None:
    """Put a span in place of what was sealed of it."""
    payload = pack(one.columns)
    row = {
        "kiln_id": one.kiln_id,
        "step_ms": one.step_ms,
        "from_ms": one.from_ms,
        "workshop_id": workshop_id,
        "readings": one.readings,
        "repeats": one.repeats,
        "upto_block": one.upto_block,
        "crc": zlib.crc32(payload),
        "payload": payload,
    }
    remove(chunks, one)
    chunks.execute(insert(chunk), [row])


def remove(chunks: Session, one: Chunk) -> None:
    """Take a span away, if it is there."""
    at = (chunk.c.kiln_id == one.kiln_id, chunk.c.step_ms == one.step_ms, chunk.c.from_ms == one.from_ms)
    chunks.execute(delete(chunk).where(*at))


def between(
    chunks: Session,
    kiln_id: int,
    step_ms: int,
    from_ms: int,
    to_ms: int,
    units: Collection[Unit] = frozenset(Unit),
    kinds: Collection[str] | None = None,
) -> Iterator[Chunk]:
    """Go through the spans of a kiln that touch [from_ms, to_ms], in order of time, also through damaged ones.

    The columns are of some units, and of some kinds unless None.
    """
    query = select(chunk).where(
        chunk.c.kiln_id == kiln_id,
        chunk.c.step_ms == step_ms,
        chunk.c.from_ms >= begins_ms(step_ms, from_ms),
        chunk.c.from_ms <= to_ms,
    )
    for row in chunks.execute(query.order_by(chunk.c.from_ms)):
        yield _opened_or_damaged(row, units, kinds)


def next_day_ms(chunks: Session, kiln_id: int, from_ms: int, to_ms: int) -> int | None:
    """Return where the first day begins, of those that touch [from_ms, to_ms], of which something is sealed."""
    first = select(func.min(chunk.c.from_ms)).where(
        chunk.c.kiln_id == kiln_id,
        chunk.c.step_ms.in_((AS_TAKEN, DAY_AS_TAKEN)),
        chunk.c.from_ms >= from_ms // DAY_MS * DAY_MS,
        chunk.c.from_ms <= to_ms,
    )
    found: int | None = chunks.scalar(first)
    return None if found is None else found // DAY_MS * DAY_MS


def newest_ms(chunks: Session, kiln_id: int) -> int:
    """Return up to when something of a kiln is sealed [Unix ms], 0 if nothing is."""
    query = select(func.max(chunk.c.from_ms)).where(chunk.c.kiln_id == kiln_id)
    found = [(step_ms, chunks.scalar(query.where(chunk.c.step_ms == step_ms))) for step_ms in (AS_TAKEN, DAY_AS_TAKEN)]
    return max((from_ms + SPAN_MS[step_ms] for step_ms, from_ms in found if from_ms is not None), default=0)


def begins_of(chunks: Session, kiln_id: int, step_ms: int, from_ms: int, to_ms: int) -> list[int]:
    """Return where the rows of a kiln begin that do so within [from_ms, to_ms]."""
    query = select(chunk.c.from_ms).where(
        chunk.c.kiln_id == kiln_id, chunk.c.step_ms == step_ms, chunk.c.from_ms.between(from_ms, to_ms)
    )
    return list(chunks.scalars(query.order_by(chunk.c.from_ms)))


def kilns_of(chunks: Session, month: str) -> list[tuple[int, int]]:
    """Return the kilns of which something is sealed in a month, each with its workshop."""
    found = chunks.execute(select(chunk.c.kiln_id, chunk.c.workshop_id).where(_in_month(month)).distinct())
    return sorted((kiln_id, workshop_id) for kiln_id, workshop_id in found)


def count_repeats(chunks: Session, kiln_id: int, month: str) -> int:
    """Return how many readings of a kiln came once more, of times that its hours of a month had already."""
    held = _in_month(month) & (chunk.c.kiln_id == kiln_id) & chunk.c.step_ms.in_((AS_TAKEN, DAY_AS_TAKEN))
    return chunks.scalar(select(func.coalesce(func.sum(chunk.c.repeats), 0)).where(held)) or 0


def every(chunks: Session, month: str) -> Iterator[Row[Any]]:
    """Go through all rows of a month, kiln by kiln."""
    order = (chunk.c.kiln_id, chunk.c.step_ms, chunk.c.from_ms)
    with chunks.execute(
        select(chunk).where(_in_month(month)).order_by(*order).execution_options(yield_per=100)
    ) as rows:
        yield from rows


def _in_month(month: str) -> ColumnElement[bool]:
    from_ms, to_ms = month_bounds_ms(month)
    return (chunk.c.from_ms >= from_ms) & (chunk.c.from_ms < to_ms)


def opened(row: Row[Any], units: Collection[Unit] = frozenset(Unit), kinds: Collection[str] | None = None) -> Chunk:
    """Return a row with its columns of some units, and of some kinds unless None.

    Raises
    ------
    DamagedError
        If it is not what was written.
    """
    if zlib.crc32(row.payload) != row.crc:
        msg = f"sealed readings of kiln {row.kiln_id} from {row.from_ms} on are not what was written: wrong checksum"
        raise DamagedError(msg)
    columns = unpack(row.payload, units, kinds)
    return Chunk(row.kiln_id, row.step_ms, row.from_ms, row.repeats, row.upto_block, columns)


def _opened_or_damaged(
    row: Row[Any], units: Collection[Unit] = frozenset(Unit), kinds: Collection[str] | None = None
) -> Chunk:
    try:
        return opened(row, units, kinds)
    except DamagedError as error:
        logger.warning("sealed readings are damaged", extra={"kiln_id": row.kiln_id, "reason": str(error)})
        return Chunk(row.kiln_id, row.step_ms, row.from_ms, row.repeats, row.upto_block, is_damaged=True)
