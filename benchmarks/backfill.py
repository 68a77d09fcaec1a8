"""A week without the service: `python -m benchmarks.backfill --days 7`.

A spool is filled with one kiln's eight probes at 1 Hz, a block a second; then the bridge's uplink and a real service,
each a process of its own, meet. What it costs on the card, and how long until the service has everything.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import resource
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.load import found, serving
from firmware_bridge.blocks import draft_blocks
from firmware_bridge.spool import Spool
from firmware_bridge.uplink import Uplink
from firmware_bridge.wire import Reading
from service.series import history as series
from service.store.database import Database
from service.store.kilns import kiln_by_key
from service.store.migrate import upgrade

CHANNELS: Final = 8
BEGIN_MS: Final = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)
BLOCKS_PER_COMMIT: Final = 5000


@dataclass(frozen=True)
class Outcome:
    """Bytes on the card for each reading, the time until the service had all of them, and how long each was at work.

    On a machine that does other things too the time says little; what it cannot be less than, the processor times say.
    """

    readings: int
    stored: int
    bytes_per_reading: float
    backfill_s: float
    service_busy_s: float
    bridge_busy_s: float


def fill(path: Path, seconds: int) -> float:
    """Write the spool; return its bytes for each reading."""
    spool = Spool(path)
    noise = random.Random(1)  # noqa: S311 - a repeatable one is wanted
    for begin in range(0, seconds, BLOCKS_PER_COMMIT):
        drafts = []
        for second in range(begin, min(begin + BLOCKS_PER_COMMIT, seconds)):
            until_ms = BEGIN_MS + second * 1000
            level = 600 + 500 * ((second / 36_000) % 1)
            taken = [
                Reading("lo-0", f"c{n}", until_ms - 900 + 100 * n, round((level - 3 * n + noise.gauss(0, 0.5)) * 4) / 4)
                for n in range(CHANNELS)
            ]
            drafts += draft_blocks("lo-0", taken, until_ms)
        spool.append(drafts, {})
    spool.close()
    return sum(file.stat().st_size for file in path.parent.iterdir()) / (seconds * CHANNELS)


def send(path: Path, server: str, token_file: Path) -> None:
    """Send all that waits, as the bridge does."""

    async def until_empty() -> None:
        spool = Spool(path)
        uplink = asyncio.create_task(Uplink(server, token_file, spool).run())
        while spool.counts().waiting_blocks:
            await asyncio.sleep(0.2)
        uplink.cancel()
        await asyncio.gather(uplink, return_exceptions=True)
        spool.close()

    asyncio.run(until_empty())


def measure(days: float) -> Outcome:
    seconds = int(days * 86_400)
    with tempfile.TemporaryDirectory(prefix="canhlo-backfill-") as name:
        folder = Path(name)
        (folder / "spool").mkdir()
        size = fill(folder / "spool/spool.sqlite3", seconds)
        database = Database(f"sqlite:///{folder}/canhlo.sqlite3")
        upgrade(database)
        (folder / "token").write_text(found(database, 1, CHANNELS).tokens[0])
        with serving(folder) as service:
            begun_s, service_s, bridge_s = time.monotonic(), _busy_s(service.pid), _children_s()
            bridge = multiprocessing.Process(
                target=send, args=(folder / "spool/spool.sqlite3", service.url, folder / "token")
            )
            bridge.start()
            bridge.join()
            lasted_s = time.monotonic() - begun_s
            service_s, bridge_s = _busy_s(service.pid) - service_s, _children_s() - bridge_s
        with database.read() as session:
            kiln = kiln_by_key(session, 1, "lo-0")
            stored = series.count(session, kiln.id)[0] if kiln else 0
        database.close()
    times = (round(took_s, 1) for took_s in (lasted_s, service_s, bridge_s))
    return Outcome(seconds * CHANNELS, stored, round(size, 2), *times)


def _busy_s(process: int) -> float:
    """Return the processor time of a process so far, in user and system mode (proc(5))."""
    after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, after_name[11:13])) / os.sysconf("SC_CLK_TCK")


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=7)
    print(json.dumps(asdict(measure(parser.parse_args().days)), indent=1))


if __name__ == "__main__":
    main()
