"""Readings as they came: blocks in the database, read back by arrival or by time."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
import numpy as np
from sqlalchemy import Row, func, insert, select, text
from sqlalchemy.orm import Session

from firmware_bridge.wire import Block, Unit
from service.core.series import Chunk, Samples
from service.store.identity import BridgeIdentity
from service.store.models import Kiln, LiveState, StoredBlock

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Block).decode
_APPEND_LOCK: Final = 0x6C6F  # any number that nothing else in the database locks
# Analysis and curves are of temperatures; a gas pressure or a bent cone is stored, and must not be taken for one.
_TEMPERATURES: Final = frozenset({Unit.CELSIUS})
_Row = Row[int, int, datetime, bytes]
_ARRIVAL: Final = select(StoredBlock.id, StoredBlock.kiln_id, StoredBlock.received_at, StoredBlock.payload)


def row(bridge: BridgeIdentity, kiln_id: int, block: Block, *, received_at: datetime) -> dict[str, Any]:
    """Return one block as the table holds it."""
    times = [at_ms for column in block.columns for at_ms in column.at_ms]
    return {
        "workshop_id": bridge.workshop_id,
        "kiln_id": kiln_id,
        "bridge_id": bridge.bridge_id,
        "boot": block.boot,
        "seq": block.seq,
        "from_ms": min(times, default=None),
        "to_ms": max(times, default=None),
        "readings": len(times),
        "received_at": received_at,
        "payload": _encode(block),
    }


def take_turn(session: Session) -> None:
    """Let only one process add blocks at a time, so that ids become visible in their order; SQLite does by itself."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({_APPEND_LOCK})"))


def append(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add blocks to this transaction; the caller has made sure that they are new."""
    if rows:
        session.connection().execute(insert(StoredBlock), rows)


@dataclass(frozen=True)
class Arrived:
    """What came in for one kiln: its readings as one chunk, the newest block's id and when that came."""

    chunk: Chunk
    last_id: int
    last_at: datetime


def newest_id(session: Session) -> int:
    """Return the id of the newest block of all kilns, 0 without any."""
    return session.scalar(select(func.max(StoredBlock.id))) or 0


def read_after(session: Session, after_id: int, *, limit: int) -> tuple[dict[int, Arrived], int, int]:
    """Return what came in for all kilns after a block, the id of the last block looked at, and how many there were."""
    found = session.execute(_ARRIVAL.where(StoredBlock.id > after_id).order_by(StoredBlock.id).limit(limit)).all()
    by_kiln: defaultdict[int, list[_Row]] = defaultdict(list)
    for one in found:
        by_kiln[one.kiln_id].append(one)
    last_id = found[-1].id if found else after_id
    return {kiln_id: _arrived(rows) for kiln_id, rows in by_kiln.items()}, last_id, len(found)


def read_kiln(session: Session, kiln_id: int, *, after_id: int, upto_id: int, limit: int) -> Arrived | None:
    """Return what came in for one kiln after a block, up to and with another."""
    found = session.execute(
        _ARRIVAL.where(StoredBlock.kiln_id == kiln_id, StoredBlock.id > after_id, StoredBlock.id <= upto_id)
        .order_by(StoredBlock.id)
        .limit(limit)
    ).all()
    return _arrived(found) if found else None


def _arrived(rows: Sequence[_Row]) -> Arrived:
    blocks = [_decode(row.payload) for row in rows]
    until_s = max(block.until_ms for block in blocks) / 1000
    return Arrived(Chunk(until_s, _columns(blocks, _TEMPERATURES)), rows[-1].id, rows[-1].received_at)


def read(session: Session, kiln_id: int, *, from_at: datetime, to_at: datetime) -> dict[str, Samples]:
    """Return the temperatures of a kiln in [from_at, to_at], by channel, in order of time, each time once."""
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
    found = _columns((_decode(payload) for payload in payloads), _TEMPERATURES)
    return {name: _window(samples, from_s, to_s) for name, samples in found.items()}


def kilns_with_news(session: Session) -> list[int]:
    """Return the kilns that have blocks which the live analysis has not seen."""
    seen = select(LiveState.last_block_id).where(LiveState.kiln_id == Kiln.id).scalar_subquery()
    newest = select(func.max(StoredBlock.id)).where(StoredBlock.kiln_id == Kiln.id).scalar_subquery()
    return list(session.scalars(select(Kiln.id).where(newest > func.coalesce(seen, 0))))


def count_readings(session: Session, kiln_id: int) -> tuple[int, int]:
    """Return how many readings of a kiln are stored, and how many of them repeat a channel's time."""
    payloads = session.scalars(select(StoredBlock.payload).where(StoredBlock.kiln_id == kiln_id))
    columns = _columns((_decode(payload) for payload in payloads), frozenset(Unit)).values()
    stored = sum(len(samples.time_s) for samples in columns)
    return stored, stored - sum(len(np.unique(samples.time_s)) for samples in columns)


def _columns(blocks: Iterable[Block], units: frozenset[Unit]) -> dict[str, Samples]:
    times: defaultdict[str, list[Sequence[int]]] = defaultdict(list)
    values: defaultdict[str, list[Sequence[float | None]]] = defaultdict(list)
    for block in blocks:
        for column in (column for column in block.columns if column.unit in units):
            times[column.channel].append(column.at_ms)
            values[column.channel].append(column.value)
    return {
        name: Samples(
            np.concatenate([np.asarray(part, dtype=np.float64) for part in parts]) / 1000,
            np.concatenate([np.asarray(part, dtype=np.float64) for part in values[name]]),
        )
        for name, parts in times.items()
    }


def _window(samples: Samples, from_s: float, to_s: float) -> Samples:
    time_s, first = np.unique(samples.time_s, return_index=True)
    inside = (time_s >= from_s) & (time_s <= to_s)
    return Samples(time_s[inside], samples.value[first][inside])
