"""Rows of sealed readings in one month: an hour of a kiln each or a day, and roll-ups of days and of the month."""

import logging
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, delete, func, insert, literal, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from firmware_bridge.wire import Unit
from service.counters import DAMAGED_ROWS
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
Place = tuple[int, int]  # `step_ms` and `from_ms` of a row
# A row but for what it holds, which may lie on a page that cannot be read.
_BESIDE_PAYLOAD: Final[Select[Any]] = select(
    *(column for column in chunk.c if column is not chunk.c.payload), literal(b"").label("payload")
)


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
    def first_ms(self) -> int:
        """Return the first millisecond of the span; `from_ms` is later in a row that lies beside a damaged one."""
        return begins_ms(self.step_ms, self.from_ms)

    @property
    def last_ms(self) -> int:
        """Return the last millisecond of the span."""
        span_ms = SPAN_MS.get(self.step_ms)
        return (self.first_ms + span_ms if span_ms else month_bounds_ms(month_of(self.from_ms))[1]) - 1

    @property
    def is_beside(self) -> bool:
        """Return whether it holds what came late for a span that is damaged."""
        return self.from_ms != self.first_ms

    @property
    def readings(self) -> int:
        return sum(len(readings.at_ms) for readings in self.columns.values())


def begins_ms(step_ms: int, at_ms: int) -> int:
    """Return where the span of a row begins that holds a time."""
    span_ms = SPAN_MS.get(step_ms)
    return at_ms // span_ms * span_ms if span_ms else month_bounds_ms(month_of(at_ms))[0]


def load(
    chunks: Session,
    kiln_id: int,
    step_ms: int,
    from_ms: int,
    units: Collection[Unit] = frozenset(Unit),
    kinds: Collection[str] | None = None,
    *,
    lost: Collection[Place] = (),
) -> Chunk:
    """Return a span as it is sealed, damaged or not; an empty one if nothing is. What is `lost` is not even tried."""
    row = _row(chunks, kiln_id, step_ms, from_ms, is_lost=(step_ms, from_ms) in lost)
    return Chunk(kiln_id, step_ms, from_ms) if row is None else _opened_or_damaged(row, units, kinds)


def lost_places(chunks: Session, kiln_id: int, from_ms: int, to_ms: int) -> set[Place]:
    """Return the rows of a kiln that touch [from_ms, to_ms] and lie on pages of SQLite's file that cannot be read.

    Who meets one while writing can write no more: SQLite refuses it for the rest of that transaction.
    """
    steps = chunks.scalars(select(chunk.c.step_ms).where(chunk.c.kiln_id == kiln_id).distinct()).all()
    lost = set()
    for step_ms in steps:
        for begins in begins_of(chunks, kiln_id, step_ms, begins_ms(step_ms, from_ms), to_ms):
            at = (chunk.c.kiln_id == kiln_id, chunk.c.step_ms == step_ms, chunk.c.from_ms == begins)
            try:
                chunks.execute(select(chunk.c.payload).where(*at)).one()
            except DatabaseError as error:
                check_is_of_a_page(error)
                lost.add((step_ms, begins))
    return lost


def open_to_add(chunks: Session, kiln_id: int, step_ms: int, from_ms: int, lost: Collection[Place] = ()) -> Chunk:
    """Return a span to which more may be added: a damaged one stays as it is, and the next millisecond has its own."""
    span = load(chunks, kiln_id, step_ms, from_ms, lost=lost)
    while span.is_damaged:
        beside = load(chunks, kiln_id, step_ms, span.from_ms + 1, lost=lost)
        span = replace(beside, upto_block=max(beside.upto_block, span.upto_block))
    return span


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
    from_ms = begins_ms(step_ms, from_ms)
    held = (chunk.c.kiln_id == kiln_id, chunk.c.step_ms == step_ms, chunk.c.from_ms.between(from_ms, to_ms))
    try:
        rows = chunks.execute(select(chunk).where(*held).order_by(chunk.c.from_ms)).all()
    except DatabaseError as error:
        check_is_of_a_page(error)
        for begins in begins_of(chunks, kiln_id, step_ms, from_ms, to_ms):
            yield load(chunks, kiln_id, step_ms, begins, units, kinds)
    else:
        for row in rows:
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
    """Go through all rows of a month, kiln by kiln; of one on a page that cannot be read, without what it holds."""
    order = (chunk.c.kiln_id, chunk.c.step_ms, chunk.c.from_ms)
    done: tuple[int, ...] = ()
    try:
        with chunks.execute(
            select(chunk).where(_in_month(month)).order_by(*order).execution_options(yield_per=100)
        ) as rows:
            for row in rows:
                yield row
                done = row.kiln_id, row.step_ms, row.from_ms
    except DatabaseError as error:
        check_is_of_a_page(error)
        for place in chunks.execute(select(*order).where(_in_month(month)).order_by(*order)).all():
            if tuple(place) > done and (found := _row(chunks, *place)) is not None:
                yield found


def _row(chunks: Session, kiln_id: int, step_ms: int, from_ms: int, *, is_lost: bool = False) -> Row[Any] | None:
    """Return a row, if there is one; where its page cannot be read, without what it holds, so that no checksum fits."""
    at = (chunk.c.kiln_id == kiln_id, chunk.c.step_ms == step_ms, chunk.c.from_ms == from_ms)
    try:
        if not is_lost:
            return chunks.execute(select(chunk).where(*at)).one_or_none()
    except DatabaseError as error:
        check_is_of_a_page(error)
    return chunks.execute(_BESIDE_PAYLOAD.where(*at)).one()


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
        place = {"kiln_id": row.kiln_id, "step_ms": row.step_ms, "from_ms": row.from_ms}
        logger.warning("sealed readings are damaged", extra={**place, "reason": str(error)})
        DAMAGED_ROWS.inc()
        return Chunk(row.kiln_id, row.step_ms, row.from_ms, row.repeats, row.upto_block, is_damaged=True)


def check_is_of_a_page(error: DatabaseError) -> None:
    """Raise what SQLite has said, unless it is that a page of its file is damaged."""
    if type(error) is not DatabaseError:
        raise error
