"""From blocks as they came to sealed hours: nothing is lost or doubled, wherever it is cut off.

An hour says up to which block it holds everything, so blocks that were sealed and not yet taken away are passed over.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from itertools import groupby
from typing import Final, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import and_, delete, select
from sqlalchemy.orm import Session

from firmware_bridge.wire import Block, Column
from service.series import chunks as rows
from service.series.blocks import newest_id
from service.series.chunks import AS_TAKEN, HOUR_MS, Chunk
from service.series.columns import IntArray, Key, Readings, in_order, readings_of
from service.series.rollups import STEPS_MS, replace, roll_up
from service.store.database import Database
from service.store.models import LiveState, Mark, StoredBlock
from service.store.months import month_of

MOST_READINGS: Final = 500_000  # in memory at a time
_ROWS_AT_A_TIME: Final = 50
_decode = msgspec.msgpack.Decoder(Block).decode


class _Came(NamedTuple):
    """Readings of one column in order of arrival, and the block that each came in."""

    readings: Readings
    block_id: IntArray


class _Ready(NamedTuple):
    """Blocks of a kiln that wait for nothing any more, from its first on."""

    workshop_id: int
    blocks: list[tuple[int, Block]]


def seal(database: Database, kiln_id: int, *, received_before: datetime) -> int:
    """Seal the next readings of a kiln, at most about `MOST_READINGS`; return of how many blocks."""
    with database.read() as session:
        ready = _ready(session, kiln_id, received_before)
    if not ready.blocks:
        return 0
    came = _by_column(ready.blocks)
    hours = np.unique(
        np.concatenate([np.empty(0, np.int64), *(one.readings.at_ms // HOUR_MS for one in came.values())])
    )
    for month, its_hours in groupby(hours.tolist(), key=lambda hour: month_of(hour * HOUR_MS)):
        with database.months.writing(month) as chunks:
            _seal_hours(chunks, kiln_id, ready, came, list(its_hours))
    with database.write() as session:
        last_id = ready.blocks[-1][0]
        session.execute(delete(StoredBlock).where(StoredBlock.kiln_id == kiln_id, StoredBlock.id <= last_id))
    return len(ready.blocks)


def _ready(session: Session, kiln_id: int, received_before: datetime) -> _Ready:
    """Return the blocks up to the first that is still needed.

    Those are the newest of all (the next number follows it), what the watch over the kiln has not taken in for good,
    and what lies above a gap in the numbers of its bridge: only the block itself says that it has come.
    """
    newest = newest_id(session)
    query = (
        select(
            StoredBlock.id,
            StoredBlock.workshop_id,
            StoredBlock.seq,
            StoredBlock.readings,
            StoredBlock.received_at,
            StoredBlock.is_history,
            StoredBlock.payload,
            Mark.seq.label("mark"),
            LiveState.last_block_id,
        )
        .outerjoin(Mark, and_(Mark.bridge_id == StoredBlock.bridge_id, Mark.boot == StoredBlock.boot))
        .outerjoin(LiveState, LiveState.kiln_id == StoredBlock.kiln_id)
        .where(StoredBlock.kiln_id == kiln_id, StoredBlock.id < newest)
        .order_by(StoredBlock.id)
        .execution_options(yield_per=_ROWS_AT_A_TIME)
    )
    ready = _Ready(0, [])
    readings = 0
    with session.execute(query) as found:
        for stored in found:
            is_watched = stored.is_history or stored.id <= (stored.last_block_id or 0)
            if stored.received_at > received_before or not is_watched or stored.seq > (stored.mark or 0):
                break
            ready = ready._replace(workshop_id=stored.workshop_id)
            ready.blocks.append((stored.id, _decode(stored.payload)))
            readings += stored.readings
            if readings >= MOST_READINGS:
                break
    return ready


def _by_column(blocks: Collection[tuple[int, Block]]) -> dict[Key, _Came]:
    parts: defaultdict[Key, list[tuple[int, Column]]] = defaultdict(list)
    for block_id, block in blocks:
        for column in block.columns:
            parts[Key(column.channel, column.unit, "estimated" if block.is_estimated else "")].append(
                (block_id, column)
            )
    return {key: _came(columns) for key, columns in parts.items()}


def _came(columns: Collection[tuple[int, Column]]) -> _Came:
    block_id = np.repeat([block_id for block_id, _ in columns], [len(column.at_ms) for _, column in columns])
    return _Came(readings_of([column for _, column in columns]), block_id)


def _seal_hours(
    chunks: Session, kiln_id: int, ready: _Ready, came: Mapping[Key, _Came], hours: Collection[int]
) -> None:
    rolled: dict[tuple[int, int], Chunk] = {}
    for from_ms in (hour * HOUR_MS for hour in hours):
        hour = _with(rows.load(chunks, kiln_id, AS_TAKEN, from_ms), came, ready.blocks[-1][0])
        rows.save(chunks, hour, ready.workshop_id)
        for step_ms in STEPS_MS:
            place = step_ms, rows.begins_ms(step_ms, from_ms)
            old = rolled.get(place) or rows.load(chunks, kiln_id, *place)
            columns = replace(old.columns, roll_up(hour.columns, step_ms), from_ms=from_ms, to_ms=from_ms + HOUR_MS)
            rolled[place] = Chunk(kiln_id, *place, columns=columns)
    for one in rolled.values():
        rows.save(chunks, one, ready.workshop_id)


def _with(hour: Chunk, came: Mapping[Key, _Came], upto_block: int) -> Chunk:
    """Return an hour with what came for it since it was last sealed."""
    columns = dict(hour.columns)
    new = 0
    for key, (readings, block_id) in came.items():
        chosen = (readings.at_ms // HOUR_MS == hour.from_ms // HOUR_MS) & (block_id > hour.upto_block)
        if chosen.any():
            new += int(chosen.sum())
            columns[key] = in_order(
                [columns[key], readings.where(chosen)] if key in columns else [readings.where(chosen)]
            )
    kept = sum(len(readings.at_ms) for readings in columns.values())
    repeats = hour.repeats + hour.readings + new - kept
    return Chunk(hour.kiln_id, AS_TAKEN, hour.from_ms, repeats, max(upto_block, hour.upto_block), columns)
