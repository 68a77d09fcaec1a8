"""The bridge's own disk, looked at: is the spool whole, what waits in it, what was put aside."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from firmware_bridge.set_up.check import FREE_BYTES, Finding, Level
from firmware_bridge.spool import Spool
from firmware_bridge.status import read_snapshot

SPOOL_FILE: Final = "spool.sqlite3"
SHOWN_REASONS: Final = 5


def examine(data_dir: Path) -> Iterator[Finding]:
    """Look at the spool without changing it. A running bridge holds it, and then its own status is what there is."""
    spool = data_dir / SPOOL_FILE
    if not spool.exists():
        yield Finding(Level.WARNING, "spool_absent", {"path": spool})
        return
    try:
        yield from _look_inside(spool)
    except sqlite3.OperationalError:
        yield from _look_at_status(data_dir)
    except sqlite3.DatabaseError as error:
        yield Finding(Level.WRONG, "spool_damaged", {"path": spool, "detail": error})
    for aside in sorted(data_dir.glob(f"{SPOOL_FILE}.damaged-*")):
        if not aside.name.endswith(("-wal", "-shm")):
            yield Finding(Level.WARNING, "spool_aside", {"path": aside, "size_bytes": aside.stat().st_size})
    free_bytes = shutil.disk_usage(data_dir).free
    values = {"path": data_dir, "free_bytes": free_bytes}
    yield Finding(Level.WELL if free_bytes >= FREE_BYTES else Level.WARNING, "disk_room", values)


def send_again(data_dir: Path) -> Iterator[Finding]:
    """Let what the service refused wait to be sent once more. A running bridge holds the spool: that is an error."""
    path = data_dir / SPOOL_FILE
    if path.exists():
        with closing(Spool(path)) as spool:
            yield Finding(Level.WELL, "sent_again", {"n": spool.send_again()})


def _look_inside(spool: Path) -> Iterator[Finding]:
    with closing(sqlite3.connect(f"{spool.absolute().as_uri()}?mode=rw", uri=True, timeout=0.5)) as db:
        db.execute("PRAGMA query_only=ON")
        found = [row[0] for row in db.execute("PRAGMA integrity_check(3)")]
        if found != ["ok"]:
            yield Finding(Level.WRONG, "spool_damaged", {"path": spool, "detail": "; ".join(found)})
            return
        blocks, readings = db.execute("SELECT count(*), coalesce(sum(readings), 0) FROM block").fetchone()
        reasons = db.execute(
            "SELECT reason, count(*) FROM quarantine GROUP BY reason ORDER BY 2 DESC LIMIT ?", (SHOWN_REASONS,)
        ).fetchall()
    yield Finding(
        Level.WELL, "spool_well", {"blocks": blocks, "readings": readings, "size_bytes": spool.stat().st_size}
    )
    for reason, n in reasons:
        yield Finding(Level.WARNING, "quarantine", {"n": n, "detail": reason})


def _look_at_status(data_dir: Path) -> Iterator[Finding]:
    snapshot = read_snapshot(data_dir / "status.json")
    if snapshot is None:
        yield Finding(Level.WRONG, "spool_busy", {"path": data_dir / SPOOL_FILE})
        return
    spool = snapshot.spool
    values = {"blocks": spool.waiting_blocks, "readings": spool.waiting_readings, "size_bytes": spool.size_bytes}
    yield Finding(Level.WELL, "spool_running", values)
    if spool.quarantined_blocks:
        yield Finding(Level.WARNING, "quarantine", {"n": spool.quarantined_blocks, "detail": "–"})
