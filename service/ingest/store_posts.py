"""Store posts in one transaction: each block once, whatever the order and however often it is sent."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.orm import Session

from firmware_bridge.wire import Post, Receipt
from service.counters import DUPLICATE_BLOCKS, READINGS, SKIPPED_BLOCKS
from service.errors import ServiceError
from service.ingest.known import Known
from service.series import blocks as series
from service.series.blocks import Appended, NewBlock
from service.store.bulk import insert_columns
from service.store.identity import BridgeIdentity
from service.store.models import Bridge, Island, Mark, SkippedBlock


@dataclass
class _Rows:
    """What the transaction writes at its end, table by table."""

    after_id: int  # the newest block there is
    blocks: list[NewBlock] = field(default_factory=list)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    marks: dict[tuple[int, str], int] = field(default_factory=dict)
    islands: dict[tuple[int, str], list[tuple[int, int]]] = field(
        default_factory=dict
    )  # of boots that have any, or had
    bridges: set[int] = field(default_factory=set)
    duplicates: int = 0


def store_posts(
    session: Session, posts: Sequence[tuple[BridgeIdentity, Post]], known: Known, *, now: datetime
) -> tuple[list[Receipt | ServiceError], Appended]:
    """Return for each post its receipt, or why it was refused (then no block of it is stored); and what is new.

    If the transaction fails, `known` has to forget.
    """
    series.take_turn(session)
    rows = _Rows(known.catch_up(session))
    known.look_up(session, posts)
    results: list[Receipt | ServiceError] = []
    for bridge, post in posts:
        try:
            results.append(_take(session, bridge, post, known, rows, now))
        except ServiceError as error:
            results.append(error)
    return results, _write(session, rows, known, now)


def _take(session: Session, bridge: BridgeIdentity, post: Post, known: Known, rows: _Rows, now: datetime) -> Receipt:
    # Everything that can refuse a post comes first: after it, its blocks count as stored.
    made: list[str] = []
    kiln_ids = [known.kiln_id(session, bridge, block, made) for block in post.blocks]
    marks: defaultdict[str, int] = defaultdict(int)
    stored = 0
    for block, kiln_id in zip(post.blocks, kiln_ids, strict=True):
        runs = known.stored(session, bridge, block.boot)
        if block.seq not in runs:
            runs.add(block.seq)
            rows.blocks.append(NewBlock(bridge, kiln_id, block))
            stored += 1
        marks[block.boot] = runs.mark
    for skipped in post.skipped:
        runs = known.stored(session, bridge, skipped.boot)
        if skipped.seq not in runs:
            runs.add(skipped.seq)
            rows.skipped.append(_skipped_row(bridge, skipped.boot, skipped.seq, skipped.reason, now))
        marks[skipped.boot] = runs.mark
    for boot, mark in marks.items():
        rows.marks[bridge.bridge_id, boot] = mark
        if (islands := known.islands(bridge, boot)) is not None:
            rows.islands[bridge.bridge_id, boot] = islands
    if known.is_seen_anew(bridge, now):
        rows.bridges.add(bridge.bridge_id)
    duplicate = len(post.blocks) - stored
    rows.duplicates += duplicate
    return Receipt(stored, duplicate, dict(marks), new_kilns=made or None)


def _skipped_row(bridge: BridgeIdentity, boot: str, seq: int, reason: str, now: datetime) -> dict[str, Any]:
    return {
        "bridge_id": bridge.bridge_id,
        "boot": boot,
        "seq": seq,
        "workshop_id": bridge.workshop_id,
        "reason": reason,
        "at": now,
    }


def _write(session: Session, rows: _Rows, known: Known, now: datetime) -> Appended:
    connection = session.connection()
    appended = series.append(session, rows.blocks, after_id=rows.after_id, received_at=now)
    known.added(len(rows.blocks))
    if rows.skipped:
        connection.execute(insert(SkippedBlock), rows.skipped)
    marks = {
        "bridge_id": [bridge_id for bridge_id, _ in rows.marks],
        "boot": [boot for _, boot in rows.marks],
        "seq": list(rows.marks.values()),
    }
    insert_columns(connection, Mark.__table__, marks, raising="seq")  # type: ignore[arg-type]  # others may know more
    if rows.islands:
        _write_islands(connection, rows.islands)
    if rows.bridges:
        connection.execute(update(Bridge).where(Bridge.id.in_(sorted(rows.bridges))).values(seen_at=now))
    READINGS.inc(appended.readings)
    SKIPPED_BLOCKS.inc(len(rows.skipped))
    DUPLICATE_BLOCKS.inc(rows.duplicates)
    return appended


def _write_islands(connection: Connection, islands: Mapping[tuple[int, str], Sequence[tuple[int, int]]]) -> None:
    """Write down what of some boots lies above a gap; what the marks have passed is dropped."""
    passed = (Mark.bridge_id == Island.bridge_id) & (Mark.boot == Island.boot) & (Mark.seq >= Island.last_seq)
    bridges = Island.bridge_id.in_({bridge_id for bridge_id, _ in islands})
    connection.execute(delete(Island).where(bridges, select(Mark.seq).where(passed).exists()))
    every = [(*boot, *run) for boot, runs in islands.items() for run in runs]
    if every:
        columns = dict(zip(("bridge_id", "boot", "first_seq", "last_seq"), zip(*every, strict=True), strict=True))
        insert_columns(connection, Island.__table__, columns, raising="last_seq")  # type: ignore[arg-type]
