"""Readings as they came: blocks in the database, read back by arrival or by time."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
import numpy as np
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from firmware_bridge.wire import Block, Quality
from service.core.series import QUALITIES, ByteArray, Chunk, Samples
from service.store.identity import BridgeIdentity
from service.store.models import Kiln, LiveState, StoredBlock

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Block).decode


def append(session: Session, bridge: BridgeIdentity, kiln: Kiln, block: Block, *, received_at: datetime) -> None:
    """Add one block to this transaction; the caller has made sure that it is new."""
    times = [at_ms for column in block.columns for at_ms in column.at_ms]
    session.add(
        StoredBlock(
            workshop_id=kiln.workshop_id,
            kiln_id=kiln.id,
            bridge_id=bridge.bridge_id,
            boot=block.boot,
            seq=block.seq,
            from_ms=min(times, default=None),
            to_ms=max(times, default=None),
            readings=len(times),
            received_at=received_at,
            payload=_encode(block),
        )
    )


def read_new(session: Session, kiln_id: int, *, after_id: int, limit: int) -> tuple[Chunk | None, int, datetime | None]:
    """Return what came in after a block: the readings as one chunk, the last block's id and when it came."""
    rows = session.execute(
        select(StoredBlock.id, StoredBlock.payload, StoredBlock.received_at)
        .where(StoredBlock.kiln_id == kiln_id, StoredBlock.id > after_id)
        .order_by(StoredBlock.id)
        .limit(limit)
    ).all()
    if not rows:
        return None, after_id, None
    blocks = [_decode(row.payload) for row in rows]
    return Chunk(max(block.until_ms for block in blocks) / 1000, _columns(blocks)), rows[-1].id, rows[-1].received_at


def read(session: Session, kiln_id: int, *, from_at: datetime, to_at: datetime) -> dict[str, Samples]:
    """Return the readings of a kiln in [from_at, to_at], by channel, in order of time, each time once."""
    from_s, to_s = from_at.timestamp(), to_at.timestamp()
    payloads = session.scalars(
        select(StoredBlock.payload)
        .where(
            StoredBlock.kiln_id == kiln_id,
            StoredBlock.to_ms >= int(from_s * 1000),
            StoredBlock.from_ms <= int(to_s * 1000),
        )
        .order_by(StoredBlock.id)
    )
    found = _columns(_decode(payload) for payload in payloads)
    return {name: _window(samples, from_s, to_s) for name, samples in found.items()}


def has_news(session: Session, kiln_id: int, *, after_id: int) -> bool:
    return session.scalar(select(exists().where(StoredBlock.kiln_id == kiln_id, StoredBlock.id > after_id))) or False


def kilns_with_news(session: Session) -> list[int]:
    """Return the kilns that have blocks which the live analysis has not seen."""
    newest = select(StoredBlock.kiln_id, func.max(StoredBlock.id).label("id")).group_by(StoredBlock.kiln_id).subquery()
    seen = func.coalesce(LiveState.last_block_id, 0)
    query = select(newest.c.kiln_id).outerjoin(LiveState, LiveState.kiln_id == newest.c.kiln_id)
    return list(session.scalars(query.where(newest.c.id > seen)))


def count_readings(session: Session, kiln_id: int) -> tuple[int, int]:
    """Return how many readings of a kiln are stored, and how many of them repeat a channel's time."""
    payloads = session.scalars(select(StoredBlock.payload).where(StoredBlock.kiln_id == kiln_id))
    columns = _columns(_decode(payload) for payload in payloads).values()
    stored = sum(len(samples.time_s) for samples in columns)
    return stored, stored - sum(len(np.unique(samples.time_s)) for samples in columns)


def _columns(blocks: Iterable[Block]) -> dict[str, Samples]:
    times: defaultdict[str, list[Sequence[int]]] = defaultdict(list)
    values: defaultdict[str, list[Sequence[float | None]]] = defaultdict(list)
    faults: defaultdict[str, list[dict[int, Quality]]] = defaultdict(list)
    for block in blocks:
        for column in block.columns:
            times[column.channel].append(column.at_ms)
            values[column.channel].append(column.value)
            faults[column.channel].append(column.fault)
    return {
        name: Samples(
            np.concatenate([np.asarray(part, dtype=np.float64) for part in parts]) / 1000,
            np.concatenate([np.asarray(part, dtype=np.float64) for part in values[name]]),
            _quality(parts, faults[name]),
        )
        for name, parts in times.items()
    }


def _quality(parts: Sequence[Sequence[int]], faults: Sequence[dict[int, Quality]]) -> ByteArray | None:
    """Return what the instrument said of each reading, None if it found no fault."""
    if not any(faults):
        return None
    quality = np.zeros(sum(len(part) for part in parts), dtype=np.uint8)
    first = 0
    for part, fault in zip(parts, faults, strict=True):
        for index, one in fault.items():
            quality[first + index] = QUALITIES.index(one.value)
        first += len(part)
    return quality


def _window(samples: Samples, from_s: float, to_s: float) -> Samples:
    time_s, first = np.unique(samples.time_s, return_index=True)
    inside = (time_s >= from_s) & (time_s <= to_s)
    return samples.where(first[inside])
