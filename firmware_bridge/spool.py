"""Readings on disk until the service has stored them: append first, send second."""

import logging
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import structs

from firmware_bridge.blocks import Draft
from firmware_bridge.device_clock import DeviceTime
from firmware_bridge.intake import Memory
from firmware_bridge.packing import Layout, layout_of, moved, pack, unpack
from firmware_bridge.repeats import REMEMBERED_MESSAGES
from firmware_bridge.spool_file import open_checked
from firmware_bridge.thinning import thin
from firmware_bridge.wire import MAX_SKIPPED_PER_POST, Block, Skipped

logger = logging.getLogger(__name__)

MAX_REASON_CHARS: Final = 300
MOST_ASIDE_BYTES: Final = 50_000_000
ROW_ASIDE_BYTES: Final = 100  # of a block in quarantine, beside its body and the reason: its name, twice
_encode = msgspec.msgpack.Encoder().encode
UNSURE: Final = 1
THIN: Final = 2
SEQ_BITS: Final = 40
NOTHING_YET: Final = 2**62
_SEQ: Final = (1 << SEQ_BITS) - 1
BLOCKS_PER_THINNING: Final = 3600
_INSERT: Final = "INSERT INTO block VALUES (?, ?, ?, ?, ?)"
_PAGES: Final = ("page_count", "freelist_count", "page_size")
FORGOTTEN: Final = "the bridge had forgotten it after an earlier receipt"


@dataclass(frozen=True)
class Spooled:
    """One block that waits; `body` is the msgpack of a `wire.Block`."""

    boot: str
    seq: int
    body: bytes


@dataclass(frozen=True)
class Parcel:
    """The oldest blocks that wait, as they lie in the spool, and the gaps to tell of."""

    blocks: tuple[Spooled, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True)
class SpoolCounts:
    waiting_blocks: int
    waiting_readings: int
    quarantined_blocks: int
    accepted_blocks: int
    readings_read: int
    thinned_readings: int
    dropped_readings: int


class Spool:
    """One file, one bridge. Methods may be called from any thread; each is one transaction."""

    def __init__(self, path: Path, most_aside_bytes: int = MOST_ASIDE_BYTES) -> None:
        self._db = open_checked(path)
        self._most_aside_bytes = most_aside_bytes
        aside = "SELECT coalesce(sum(length(body) + length(reason) + ?), 0) FROM quarantine"
        self._aside_bytes: int = self._db.execute(aside, (ROW_ASIDE_BYTES,)).fetchone()[0]
        self._lock = threading.Lock()
        self.boot = secrets.token_hex(8)
        self._boots: dict[int, str] = dict(self._db.execute("SELECT id, name FROM boot").fetchall())
        layouts = self._db.execute("SELECT id, columns FROM layout").fetchall()
        self._layouts: dict[int, Layout] = {number: _decode_layout(columns) for number, columns in layouts}
        self._layout_ids = {layout: number for number, layout in self._layouts.items()}
        self._boot_id: int | None = None
        self._seq = 0

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def newest_at(self) -> datetime:
        """Return the newest time that was ever recorded, 1970 if none was."""
        with self._lock:
            (newest_ms,) = self._db.execute("SELECT coalesce(max(newest_ms), 0) FROM source").fetchone()
        return datetime.fromtimestamp(newest_ms / 1000, UTC)

    def recall(self, source: str) -> Memory:
        """Return what was remembered of a source."""
        with self._lock:
            newest = self._db.execute("SELECT newest_ms FROM source WHERE source = ?", (source,)).fetchone()
            header = self._db.execute("SELECT line FROM header WHERE source = ?", (source,)).fetchone()
            devices = self._db.execute(
                "SELECT device, booted_ms, since_boot_ms, at_ms FROM device WHERE source = ?", (source,)
            ).fetchall()
            digests = self._db.execute(
                "SELECT digest FROM fingerprint WHERE source = ? ORDER BY id", (source,)
            ).fetchall()
        return Memory(
            newest[0] if newest else 0,
            {device: DeviceTime(*clock) for device, *clock in devices},
            tuple(digest for (digest,) in digests),
            header[0] if header else b"",
        )

    def append(self, drafts: Sequence[Draft], memories: Mapping[str, Memory]) -> None:
        """Write the blocks of one interval and all that must never be known without them, or nothing."""
        with self._adding(drafts) as db:
            for source, memory in memories.items():
                _remember(db, source, memory)
            _count(db, readings_read=sum(draft.readings for draft in drafts))

    @contextmanager
    def _adding(self, drafts: Sequence[Draft]) -> Iterator[sqlite3.Connection]:
        """Write blocks under the next numbers, in one transaction with what is done meanwhile."""
        blocks = [
            Block(self.boot, seq, draft.kiln, draft.until_ms, list(draft.columns))
            for seq, draft in enumerate(drafts, start=self._seq + 1)
        ]
        with self._transaction() as db:
            boot_id = self._boot_id or _number(db, "boot", "name", self.boot)
            layouts = {layout: self._layout_id(db, layout) for layout in {layout_of(block) for block in blocks}}
            db.executemany(
                _INSERT,
                [
                    (
                        _id(boot_id, block.seq),
                        layouts[layout_of(block)],
                        block.readings,
                        0 if draft.is_sure else UNSURE,
                        pack(block),
                    )
                    for block, draft in zip(blocks, drafts, strict=True)
                ],
            )
            _count(db, waiting_blocks=len(blocks), waiting_readings=sum(block.readings for block in blocks))
            yield db
        self._boot_id, self._boots[boot_id] = boot_id, self.boot
        self._learn(layouts)
        self._seq += len(blocks)

    def _first_id(self) -> int:
        """Return what lies below all blocks of this boot and above those of all others."""
        return NOTHING_YET if self._boot_id is None else _id(self._boot_id, 0)

    def _learn(self, layouts: Mapping[Layout, int]) -> None:
        """Remember layouts once they are on disk."""
        for layout, number in layouts.items():
            self._layouts[number], self._layout_ids[layout] = layout, number

    def _layout_id(self, db: sqlite3.Connection, layout: Layout) -> int:
        return self._layout_ids.get(layout) or _number(db, "layout", "columns", msgspec.msgpack.encode(layout))

    def _block(self, block_id: int, layout_id: int, body: bytes) -> Block:
        return unpack(self._boots[block_id >> SEQ_BITS], block_id & _SEQ, self._layouts[layout_id], body)

    def put_right(self, shift_ms: int, *, is_sure: bool = True) -> None:
        """Move the times of this boot that were a guess by how much it was off; then they are sure, if the clock is."""
        with self._transaction() as db:
            unsure = "SELECT id, layout, body FROM block WHERE id > ? AND state & ?"
            for row in db.execute(unsure, (self._first_id(), UNSURE)).fetchall():
                block = moved(self._block(*row), shift_ms)
                values = (UNSURE if is_sure else 0, pack(block), row[0])
                db.execute("UPDATE block SET state = state & ~?, body = ? WHERE id = ?", values)

    def take(self, blocks: int, max_bytes: int, *, also_unsure: bool = False, after: Spooled | None = None) -> Parcel:
        """Return the oldest blocks, at least one if any may go; they stay until the answer settles them.

        With `after`, those that follow a block that is on its way, without the gaps, which are told of with the first.
        While gaps fill a post, one block goes with it, which the gaps may be waiting for: the others would be sent with
        every such post anew, as the mark does not get to them before the last.

        Blocks of this boot whose times are a guess wait for its clock to be put right, unless `also_unsure`. What an
        earlier boot could not put right goes as estimated.
        """
        with self._lock:
            gaps = [] if after is not None else self._gaps()
            most = 1 if len(gaps) == MAX_SKIPPED_PER_POST else blocks
            rows = self._db.execute(
                "SELECT state & ?, id, layout, body FROM block WHERE id > ? AND (NOT state & ? OR ? OR id < ?)"
                " ORDER BY id LIMIT ?",
                (UNSURE, self._id_of(after), UNSURE, also_unsure, self._first_id(), most),
            ).fetchall()
            taken: list[Spooled] = []
            room = max_bytes
            for is_unsure, *row in rows:
                block = self._block(*row)
                body = _encode(structs.replace(block, is_estimated=True) if is_unsure else block)
                room -= len(body)
                if taken and room < 0:
                    break
                taken.append(Spooled(block.boot, block.seq, body))
        return Parcel(tuple(taken), tuple(gaps))

    def _gaps(self) -> list[Skipped]:
        """Return as many of the gaps to tell of as a post takes."""
        first = "SELECT boot, seq, reason FROM skipped ORDER BY boot, seq LIMIT ?"
        return [Skipped(*gap) for gap in self._db.execute(first, (MAX_SKIPPED_PER_POST,))]

    def _id_of(self, block: Spooled | None) -> int:
        """Return the number of a block, 0 for none."""
        if block is None:
            return 0
        return _id(next(number for number, name in self._boots.items() if name == block.boot), block.seq)

    def accept(self, marks: Mapping[str, int]) -> None:
        """Forget what the service has: all that is at or below the mark of its boot."""
        boot_ids = {name: number for number, name in self._boots.items()}
        with self._transaction() as db:
            for boot, mark in marks.items():
                if boot in boot_ids:
                    self._forget(db, boot_ids[boot], mark)
                db.execute("DELETE FROM skipped WHERE boot = ? AND seq <= ?", (boot, mark))
                _tell_of_gap(db, boot, boot_ids.get(boot), mark)

    def _forget(self, db: sqlite3.Connection, boot_id: int, mark: int) -> None:
        settled = "DELETE FROM block WHERE id > ? AND id <= ? RETURNING readings"
        gone = db.execute(settled, (_id(boot_id, 0), _id(boot_id, min(mark, _SEQ)))).fetchall()
        readings = sum(count for (count,) in gone)
        _count(db, accepted_blocks=len(gone), waiting_blocks=-len(gone), waiting_readings=-readings)

    def reject(self, boot: str, seq: int, reason: str) -> None:
        """Put a block that the service calls malformed into quarantine, with a notice that it will not come."""
        boot_id = next((number for number, name in self._boots.items() if name == boot), None)
        aside_bytes = self._aside_bytes
        with self._transaction() as db:
            found = "DELETE FROM block WHERE id = ? RETURNING state, id, layout, body"
            for state, *row in db.execute(found, (None if boot_id is None else _id(boot_id, seq),)).fetchall():
                block = structs.replace(self._block(*row), is_estimated=bool(state & UNSURE))
                said, body = reason[:MAX_REASON_CHARS], _encode(block)
                db.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?)", (boot, seq, said, body))
                db.execute("INSERT INTO skipped VALUES (?, ?, ?)", (boot, seq, said))
                _count(db, waiting_blocks=-1, waiting_readings=-block.readings)
                aside_bytes = self._give_up_oldest_aside(db, aside_bytes + _aside_size(body, said))
        self._aside_bytes = aside_bytes

    def _give_up_oldest_aside(self, db: sqlite3.Connection, aside_bytes: int) -> int:
        """Keep the quarantine within its bounds; return how large it is then."""
        while aside_bytes > self._most_aside_bytes:
            oldest = "DELETE FROM quarantine WHERE rowid = (SELECT min(rowid) FROM quarantine) RETURNING reason, body"
            reason, body = db.execute(oldest).fetchone()
            aside_bytes -= _aside_size(body, reason)
            lost = msgspec.msgpack.decode(body, type=Block).readings
            _count(db, dropped_readings=lost)
            logger.warning("quarantine is full; its oldest block is given up", extra={"readings": lost})
        return aside_bytes

    def send_again(self) -> int:
        """Let what was put aside wait anew, under new numbers; return how many blocks."""
        with self._lock:
            rows = self._db.execute("SELECT rowid, reason, body FROM quarantine ORDER BY rowid").fetchall()
        blocks = [msgspec.msgpack.decode(body, type=Block) for _, _, body in rows]
        drafts = [Draft(one.kiln, one.until_ms, tuple(one.columns), is_sure=not one.is_estimated) for one in blocks]
        with self._adding(drafts) as db:
            db.executemany("DELETE FROM quarantine WHERE rowid = ?", [(row[0],) for row in rows])
        self._aside_bytes -= sum(_aside_size(body, reason) for _, reason, body in rows)
        return len(blocks)

    def used_bytes(self) -> int:
        """Return what the spool needs of the card; what it has freed it uses again.

        What was put aside has a room of its own: it must not push out what waits.
        """
        with self._lock:
            pages, free, size = (self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in _PAGES)
        return max(0, int((pages - free) * size) - self._aside_bytes)

    def make_room(self, blocks: int = BLOCKS_PER_THINNING) -> None:
        """Thin the oldest blocks to means of ten seconds; where all are thin, the oldest are lost."""
        oldest = "SELECT id, layout, body, state FROM block WHERE NOT state & ? ORDER BY id LIMIT ?"
        with self._transaction() as db:
            rows = db.execute(oldest, (THIN, blocks)).fetchall()
            if not rows:
                self._drop_oldest(db, blocks // 10)
                return
            boot_id = rows[0][0] >> SEQ_BITS
            whole = [self._block(*row[:3]) for row in rows if row[0] >> SEQ_BITS == boot_id]
            thinned = thin(whole)
            layouts = {layout: self._layout_id(db, layout) for layout in {layout_of(block) for block in thinned}}
            states = {row[0]: row[3] | THIN for row in rows}
            numbered = [(_id(boot_id, block.seq), block) for block in thinned]
            # Written anew, not changed: only pages that become empty can be used again.
            db.executemany("DELETE FROM block WHERE id = ?", [(number,) for number, _ in numbered])
            db.executemany(
                _INSERT,
                [
                    (number, layouts[layout_of(block)], block.readings, states[number], pack(block))
                    for number, block in numbered
                ],
            )
            gone = sum(block.readings for block in whole) - sum(block.readings for block in thinned)
            _count(db, thinned_readings=gone, waiting_readings=-gone)
        self._learn(layouts)

    def _drop_oldest(self, db: sqlite3.Connection, blocks: int) -> None:
        oldest = "SELECT id, readings FROM block WHERE body <> x'' ORDER BY id LIMIT ?"
        rows = db.execute(oldest, (blocks,)).fetchall()
        db.executemany("UPDATE block SET readings = 0, body = x'' WHERE id = ?", [(row[0],) for row in rows])
        lost = sum(readings for _, readings in rows)
        _count(db, dropped_readings=lost, waiting_readings=-lost)

    def counts(self) -> SpoolCounts:
        with self._lock:
            (quarantined,) = self._db.execute("SELECT count(*) FROM quarantine").fetchone()
            totals = dict(self._db.execute("SELECT name, count FROM total").fetchall())
        return SpoolCounts(quarantined_blocks=quarantined, **totals)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk can end it before we do
                    self._db.execute("ROLLBACK")
                raise


def _id(boot_id: int, seq: int) -> int:
    return boot_id << SEQ_BITS | seq


def _aside_size(body: bytes, reason: str) -> int:
    return len(body) + len(reason) + ROW_ASIDE_BYTES


def _number(db: sqlite3.Connection, table: str, column: str, value: str | bytes) -> int:
    """Return the number that stands for a long value in every block."""
    # The names are those of our own tables; the value travels beside the statement.
    number = db.execute(f"INSERT INTO {table} ({column}) VALUES (?) RETURNING id", (value,)).fetchone()[0]  # noqa: S608
    return int(number)


def _count(db: sqlite3.Connection, **more: int) -> None:
    rows = [(number, name) for name, number in more.items() if number]
    db.executemany("UPDATE total SET count = count + ? WHERE name = ?", rows)


def _decode_layout(columns: bytes) -> Layout:
    layout: Layout = msgspec.msgpack.decode(columns, type=Layout)
    return layout


def _remember(db: sqlite3.Connection, source: str, memory: Memory) -> None:
    db.execute("INSERT OR REPLACE INTO source VALUES (?, ?)", (source, memory.newest_ms))
    db.executemany(
        "INSERT OR REPLACE INTO device VALUES (?, ?, ?, ?, ?)",
        [
            (source, device, clock.booted_ms, clock.since_boot_ms, clock.at_ms)
            for device, clock in memory.devices.items()
        ],
    )
    if memory.header:
        db.execute("INSERT OR REPLACE INTO header VALUES (?, ?)", (source, memory.header))
    if not memory.fingerprints:
        return
    db.executemany(
        "INSERT INTO fingerprint (source, digest) VALUES (?, ?)", [(source, digest) for digest in memory.fingerprints]
    )
    db.execute(
        "DELETE FROM fingerprint WHERE source = ?1 AND id <= "
        "(SELECT id FROM fingerprint WHERE source = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        (source, REMEMBERED_MESSAGES),
    )


def _tell_of_gap(db: sqlite3.Connection, boot: str, boot_id: int | None, mark: int) -> None:
    """Give up what was accepted before and is missing again, as after a service came back from an old backup.

    Its mark would stop below the gap for ever, and nothing sent later would ever be forgotten here.
    """
    (lowest,) = db.execute(
        "SELECT min(seq) FROM (SELECT min(id) & ? AS seq FROM block WHERE id > ? AND id < ? "
        "UNION ALL SELECT min(seq) FROM skipped WHERE boot = ?)",
        (_SEQ, _id(boot_id or 0, 0), _id((boot_id or 0) + 1, 0), boot),
    ).fetchone()
    if lowest is None:
        return
    missing = range(mark + 1, min(lowest, mark + 1 + MAX_SKIPPED_PER_POST))
    db.executemany("INSERT INTO skipped VALUES (?, ?, ?)", [(boot, seq, FORGOTTEN) for seq in missing])
