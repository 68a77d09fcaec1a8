"""Readings on disk until the service has stored them: append first, send second."""

import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from firmware_bridge.blocks import Draft
from firmware_bridge.device_clock import DeviceTime
from firmware_bridge.intake import Memory
from firmware_bridge.repeats import REMEMBERED_MESSAGES
from firmware_bridge.spool_file import open_checked
from firmware_bridge.wire import MAX_BLOCKS_PER_POST, Block, Skipped

MAX_REASON_CHARS: Final = 300
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


class Spool:
    """One file, one bridge. Methods may be called from any thread; each is one transaction."""

    def __init__(self, path: Path) -> None:
        self._db = open_checked(path)
        self._lock = threading.Lock()
        self.boot = secrets.token_hex(8)
        self._seq = 0

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def recall(self, source: str) -> Memory:
        """Return what was remembered of a source."""
        with self._lock:
            newest = self._db.execute("SELECT newest_ms FROM source WHERE source = ?", (source,)).fetchone()
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
        )

    def append(self, drafts: Sequence[Draft], memories: Mapping[str, Memory]) -> None:
        """Write the blocks of one interval and all that must never be known without them, or nothing."""
        numbered = list(enumerate(drafts, start=self._seq + 1))
        readings = sum(draft.readings for draft in drafts)
        with self._transaction() as db:
            for seq, draft in numbered:
                body = msgspec.msgpack.encode(Block(self.boot, seq, draft.kiln, draft.until_ms, list(draft.columns)))
                db.execute(
                    "INSERT INTO block (boot, seq, readings, body) VALUES (?, ?, ?, ?)",
                    (self.boot, seq, draft.readings, body),
                )
            for source, memory in memories.items():
                _remember(db, source, memory)
            if readings:
                db.execute("UPDATE total SET count = count + ? WHERE name = 'readings_read'", (readings,))
        self._seq += len(numbered)

    def take(self, blocks: int, max_bytes: int) -> Parcel:
        """Return the oldest blocks, at least one if any waits; they stay until the answer settles them."""
        with self._lock:
            rows = self._db.execute("SELECT boot, seq, body FROM block ORDER BY id LIMIT ?", (blocks,)).fetchall()
            gaps = self._db.execute(
                "SELECT boot, seq, reason FROM skipped ORDER BY boot, seq LIMIT ?", (MAX_BLOCKS_PER_POST,)
            ).fetchall()
        taken: list[Spooled] = []
        room = max_bytes
        for row in rows:
            room -= len(row[2])
            if taken and room < 0:
                break
            taken.append(Spooled(*row))
        return Parcel(tuple(taken), tuple(Skipped(*gap) for gap in gaps))

    def accept(self, marks: Mapping[str, int]) -> None:
        """Forget what the service has: all that is at or below the mark of its boot."""
        with self._transaction() as db:
            for boot, mark in marks.items():
                freed = db.execute("DELETE FROM block WHERE boot = ? AND seq <= ?", (boot, mark)).rowcount
                db.execute("DELETE FROM skipped WHERE boot = ? AND seq <= ?", (boot, mark))
                db.execute("UPDATE total SET count = count + ? WHERE name = 'accepted_blocks'", (freed,))
                _tell_of_gap(db, boot, mark)

    def reject(self, boot: str, seq: int, reason: str) -> None:
        """Put a block that the service calls malformed into quarantine, with a notice that it will not come."""
        with self._transaction() as db:
            row = db.execute("SELECT body FROM block WHERE boot = ? AND seq = ?", (boot, seq)).fetchone()
            if row is None:
                return
            said = reason[:MAX_REASON_CHARS]
            db.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?)", (boot, seq, said, row[0]))
            db.execute("INSERT INTO skipped VALUES (?, ?, ?)", (boot, seq, said))
            db.execute("DELETE FROM block WHERE boot = ? AND seq = ?", (boot, seq))

    def counts(self) -> SpoolCounts:
        with self._lock:
            blocks, readings = self._db.execute("SELECT count(*), coalesce(sum(readings), 0) FROM block").fetchone()
            (quarantined,) = self._db.execute("SELECT count(*) FROM quarantine").fetchone()
            totals = dict(self._db.execute("SELECT name, count FROM total").fetchall())
        return SpoolCounts(blocks, readings, quarantined, totals["accepted_blocks"], totals["readings_read"])

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


def _remember(db: sqlite3.Connection, source: str, memory: Memory) -> None:
    db.execute("INSERT OR REPLACE INTO source VALUES (?, ?)", (source, memory.newest_ms))
    db.executemany(
        "INSERT OR REPLACE INTO device VALUES (?, ?, ?, ?, ?)",
        [
            (source, device, clock.booted_ms, clock.since_boot_ms, clock.at_ms)
            for device, clock in memory.devices.items()
        ],
    )
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


def _tell_of_gap(db: sqlite3.Connection, boot: str, mark: int) -> None:
    """Give up what was accepted before and is missing again, as after a service came back from an old backup.

    Its mark would stop below the gap for ever, and nothing sent later would ever be forgotten here.
    """
    (lowest,) = db.execute(
        "SELECT min(seq) FROM (SELECT boot, seq FROM block UNION ALL SELECT boot, seq FROM skipped) WHERE boot = ?",
        (boot,),
    ).fetchone()
    if lowest is None:
        return
    missing = range(mark + 1, min(lowest, mark + 1 + MAX_BLOCKS_PER_POST))
    db.executemany("INSERT INTO skipped VALUES (?, ?, ?)", [(boot, seq, FORGOTTEN) for seq in missing])
