"""The file of the spool: opened, checked, and put aside if it is damaged."""

import logging
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS boot (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS layout (
    id INTEGER PRIMARY KEY,
    columns BLOB NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS block (
    id INTEGER PRIMARY KEY,  -- boot and seq in one number: rows in order fill their pages
    layout INTEGER NOT NULL,
    readings INTEGER NOT NULL,
    state INTEGER NOT NULL,  -- 1: its times are a guess, 2: thinned
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS skipped (
    boot TEXT NOT NULL,
    seq INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (boot, seq)
);
CREATE TABLE IF NOT EXISTS quarantine (
    boot TEXT NOT NULL,
    seq INTEGER NOT NULL,
    reason TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (boot, seq)
);
CREATE TABLE IF NOT EXISTS source (
    source TEXT PRIMARY KEY,
    newest_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS header (
    source TEXT PRIMARY KEY,
    line BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS device (
    source TEXT NOT NULL,
    device TEXT NOT NULL,
    booted_ms INTEGER NOT NULL,
    since_boot_ms INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (source, device)
);
CREATE TABLE IF NOT EXISTS fingerprint (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    digest BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_fingerprint_source ON fingerprint (source, id);
CREATE TABLE IF NOT EXISTS total (
    name TEXT PRIMARY KEY,
    count INTEGER NOT NULL
);
INSERT OR IGNORE INTO total VALUES
    ('readings_read', 0), ('accepted_blocks', 0), ('waiting_blocks', 0), ('waiting_readings', 0),
    ('thinned_readings', 0), ('dropped_readings', 0);
"""


class SpoolError(Exception):
    """The spool cannot be used at all; the message says why and what to do."""


def make_folder(folder: Path) -> None:
    """Make the folder for the readings."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"data_dir {folder}: không tạo được / cannot be made: {error.strerror}"
        raise SpoolError(msg) from error


def open_checked(path: Path) -> sqlite3.Connection:
    """Open the spool. A damaged file is moved aside, never deleted, and a new one begun."""
    try:
        return _open(path)
    except sqlite3.OperationalError as error:
        msg = (
            f"{path}: không mở được ({error}). Máy đọc can khác đang dùng, hoặc thư mục không ghi được?"
            " / cannot be opened. Is another bridge using it, or the folder not writable?"
        )
        raise SpoolError(msg) from error
    except sqlite3.DatabaseError as error:
        aside = _move_aside(path)
        logger.critical(
            "the spool is damaged: a new one was begun; what was not sent yet is in the old file",
            extra={"old_file": str(aside), "reason": str(error)},
        )
        return _open(path)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=2, isolation_level=None)
    try:
        # Exclusive: a second bridge on the same spool would send and forget the first one's blocks.
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        connection.executescript(_SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _move_aside(path: Path) -> Path:
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
