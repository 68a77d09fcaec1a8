"""What a sink costs: `python -m benchmarks.sinks --kilns 650 --seconds 60`.

A village's blocks of a second are passed on to a real VictoriaMetrics as they stand in the database; then all is
sealed, and a second sink that never had any of it is caught up from what is sealed. Time on the wall, and of our own
process on its core: the server's is its own.
"""

import argparse
import math
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx

from firmware_bridge.wire import Block, Column, Unit
from service.clock import Clock
from service.series import blocks
from service.series.blocks import NewBlock
from service.series.gather import clear_shelves
from service.series.seal import seal
from service.series.sinks.feed import Feed
from service.series.sinks.sending import Sender
from service.settings import SinkSettings
from service.store import identity, kilns, sinks
from service.store.database import Database
from service.store.migrate import upgrade
from service.store.models import Kiln, LiveState, Mark, Sink

CHANNELS: Final = 8
VILLAGE_PER_S: Final = 20_800
BOOT: Final = "b007" * 4
BEGIN: Final = datetime(2026, 3, 1, tzinfo=UTC)


@contextmanager
def victoria_metrics(folder: Path) -> Iterator[str]:
    """Run a server with a folder of its own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    words = [f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"]
    with subprocess.Popen(["victoria-metrics", *words, "-loggerLevel=ERROR"]) as server:
        until_s = time.monotonic() + 30
        while time.monotonic() < until_s:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        server.terminate()


def fill(database: Database, kiln_count: int, seconds: int) -> None:
    """Write a block a second of each kiln, as ingest would."""
    with database.write() as session:
        account = identity.create_account(
            session, name="Lan", login="lan@example.org", password_hash="-", language="vi", now=BEGIN
        )
        workshop = identity.create_workshop(session, name="Làng", owner=account, now=BEGIN)
        bridge = identity.bridge_of_lines(session, workshop.id, now=BEGIN)
        session.add_all(
            Kiln(workshop_id=workshop.id, key=f"lo-{n}", name=f"Lò {n}", fuel="lpg") for n in range(kiln_count)
        )
        session.flush()
        keys = {kiln.id: kiln.key for kiln in kilns.list_kilns(session, [workshop.id])}
        session.add(Mark(bridge_id=bridge.bridge_id, boot=BOOT, seq=kiln_count * seconds))
    seq = 0
    for second in range(seconds):
        at_ms = int(BEGIN.timestamp() * 1000) + 1000 * second
        new = []
        for kiln_id, key in keys.items():
            seq += 1
            level = 600 + 300 * math.sin((second + kiln_id) / 5000)
            columns = [
                Column(f"c{n}", Unit.CELSIUS, [at_ms + n], [round((level - 3 * n) * 4) / 4]) for n in range(CHANNELS)
            ]
            new.append(NewBlock(bridge, kiln_id, Block(BOOT, seq, key, at_ms, columns)))
        with database.write() as session:
            blocks.append(session, new, received_at=BEGIN)
    with database.write() as session:
        state = {"last_block_id": seq, "last_block_at": BEGIN, "snapshot": b"", "status": {}}
        session.add_all(LiveState(kiln_id=kiln_id, workshop_id=workshop.id, **state) for kiln_id in keys)


def seal_all(database: Database, kiln_count: int) -> None:
    for kiln_id in range(1, kiln_count + 1):
        while seal(database, kiln_id, received_before=BEGIN + timedelta(hours=1)):
            pass
        while clear_shelves(database):
            pass


def feed_until(feed: Feed, is_done: Callable[[], bool]) -> tuple[float, float]:
    """Return how long it took, and how long of it our own process worked [s]."""
    began_s, worked_s = time.perf_counter(), time.process_time()
    while not is_done():
        if not feed.step():
            msg = "the sink fails"
            raise RuntimeError(msg)
    return time.perf_counter() - began_s, time.process_time() - worked_s


def told(what: str, readings: int, wall_s: float, worked_s: float) -> str:
    share = worked_s / readings * VILLAGE_PER_S
    return (
        f"{what}: {readings:,} readings in {wall_s:.1f} s, {readings / wall_s:,.0f} a second;"
        f" {worked_s / readings * 1e6:.1f} µs of our core each, {share:.0%} of it at {VILLAGE_PER_S:,} a second"
    )


def measure(kiln_count: int, seconds: int, folder: Path) -> Iterator[str]:
    """Go through the lines of the report."""
    database = Database(f"sqlite:///{folder / 'canhlo.sqlite3'}")
    upgrade(database)
    fill(database, kiln_count, seconds)
    readings = kiln_count * seconds * CHANNELS
    with victoria_metrics(folder / "victoria") as url:
        settings = SinkSettings(kind="victoriametrics", url=url)
        live = Feed(database, Clock(), Sender("live", settings))
        last_id = kiln_count * seconds
        yield told("as it comes", readings, *feed_until(live, lambda: live.sent_upto() >= last_id))
        seal_all(database, kiln_count)
        late = Feed(database, Clock(), Sender("late", settings))

        def is_paid() -> bool:
            with database.read() as session:
                return session.get(Sink, "late") is not None and not sinks.owed(session, "late", limit=1)

        yield told("from what is sealed", readings, *feed_until(late, is_paid))
        live.close()
        late.close()
    database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kilns", type=int, default=650)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="canhlo-sinks-"))
    try:
        for line in measure(options.kilns, options.seconds, folder):
            print(line, flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
