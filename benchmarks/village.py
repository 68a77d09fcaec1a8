"""A whole village on one service: `python -m benchmarks.village --seconds 60`.

Workshops with two kilns each post every block over their own connection, the way bridges do. The service is a process
of its own, with its analysis and alarms on; its processor time and memory are read from /proc.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

import httpx
import msgspec
import numpy as np

from firmware_bridge.wire import Block, Column, Post, Unit
from service.demo.broker import free_port
from service.store import identity, kilns
from service.store.database import Database
from service.store.migrate import upgrade
from service.store.models import Channel, Workshop

KILNS_PER_WORKSHOP: Final = 2
WARM_UP_S: Final = 30.0
BOOT: Final = "00112233445566778899aabbccddeeff"
BIN: Final = Path(sys.executable).parent
CLOCK_TICKS: Final = os.sysconf("SC_CLK_TCK")
encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True)
class Load:
    """How many kilns post, with how many channels, seconds in a block, and for how long."""

    kilns: int
    channels: int
    block_s: int
    seconds: float


@dataclass(frozen=True)
class Measured:
    """What one run came to."""

    readings_per_s: float
    cores: float
    ack_p50_ms: float
    ack_p99_ms: float
    rss_mb: float
    late: int
    refused: int


def found(database: Database, workshops: int, channels: int) -> list[str]:
    """Make workshops with their kilns and a paired bridge each; return the bridges' tokens."""
    now = datetime.now(UTC)
    tokens = []
    with database.write() as session:
        for number in range(workshops):
            workshop = Workshop(name=f"Xưởng {number}", created_at=now)
            session.add(workshop)
            session.flush()
            for kiln in range(KILNS_PER_WORKSHOP):
                made = kilns.create_kiln(session, workshop.id, name=f"Lò {kiln}", key=f"lo-{kiln}")
                names = [f"c{place}" for place in range(channels)]
                session.add_all(
                    Channel(workshop_id=workshop.id, kiln_id=made.id, name=name, unit="c") for name in names
                )
            bridge = identity.create_bridge(session, workshop.id, "cầu", now=now)
            code, _ = identity.new_pairing_code(session, bridge, now=now)
            tokens.append(identity.pair(session, code, now=now)[1])
    return tokens


def curve_c(seconds: np.ndarray, offset_s: float) -> np.ndarray:
    """Return a firing that comes again every twelve hours, somewhere else in each kiln."""
    corners_h, temps_c = [0, 3, 7, 7.5, 12], [30, 600, 1230, 1230, 80]
    return np.interp(((seconds + offset_s) / 3600) % 12, corners_h, temps_c)


class Bridge(asyncio.Protocol):
    """One bridge on one connection: it posts, and notes when the answer came."""

    def __init__(self, token: str, number: int, channels: int) -> None:
        self._head = (
            "POST /api/v1/blocks HTTP/1.1\r\nhost: village\r\ncontent-type: application/msgpack\r\n"
            f"authorization: Bearer {token}\r\ncontent-length: "
        ).encode()
        self._number = number
        self._channels = channels
        self._seq = 0
        self._heard = b""
        self.sent_at: float | None = None
        self.acks: list[float] = []
        self.refused = self.late = 0
        self.done = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def post(self, times_s: np.ndarray) -> None:
        at_ms = (times_s * 1000).astype(np.int64).tolist()
        blocks = []
        for kiln in range(KILNS_PER_WORKSHOP):
            self._seq += 1
            level = curve_c(times_s, 977.0 * (self._number * KILNS_PER_WORKSHOP + kiln))
            columns = [
                Column(f"c{place}", Unit.CELSIUS, at_ms, (np.round((level - 3 * place) * 4) / 4).tolist())
                for place in range(self._channels)
            ]
            blocks.append(Block(BOOT, self._seq, f"lo-{kiln}", at_ms[-1] + 500, columns))
        body = encode(Post(blocks))
        self.sent_at = time.perf_counter()
        self.done.clear()
        self._transport.write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, gap, body = self._heard.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) if gap else 0
        if not gap or len(body) < length:
            return
        self.acks.append(time.perf_counter() - (self.sent_at or 0.0))
        self.refused += b" 200 " not in head[:20]
        self._heard, self.sent_at = b"", None
        self.done.set()


async def drive(port: int, tokens: list[str], load: Load, begun: Callable[[], None]) -> list[Bridge]:
    """Let every bridge post a block every `block_s` seconds, evenly spread; the first `WARM_UP_S` do not count."""
    loop = asyncio.get_running_loop()
    bridges = [Bridge(token, number, load.channels) for number, token in enumerate(tokens)]
    for bridge in bridges:
        await loop.create_connection(lambda bridge=bridge: bridge, "127.0.0.1", port)  # type: ignore[misc]
    begin, spacing = loop.time() + 0.5, load.block_s / len(bridges)
    warm = int(WARM_UP_S / spacing)
    for step in range(warm + int(load.seconds / spacing)):
        due = begin + step * spacing
        if due > loop.time():
            await asyncio.sleep(due - loop.time())
        bridge = bridges[step % len(bridges)]
        if step == warm:
            for each in bridges:
                each.acks.clear()
            begun()
        if bridge.sent_at is None:
            now = int(time.time())
            bridge.post(np.arange(now - load.block_s, now, dtype=np.float64))
        else:
            bridge.late += 1  # still waiting for its last answer: a real one would keep this in its spool
    return bridges


def usage(pid: int) -> tuple[float, float]:
    """Return processor seconds and resident MB of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(load: Load) -> Measured:
    """Start a service on a new village, load it, and return what it cost."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/canhlo.sqlite3")
        upgrade(database)
        tokens = found(database, load.kilns // KILNS_PER_WORKSHOP, load.channels)
        database.close()
        port = free_port()
        env = {**os.environ, "CANHLO_DATA_DIR": folder, "CANHLO_PORT": str(port)}
        with subprocess.Popen([str(BIN / "canhlo"), "serve"], env=env, stdout=subprocess.DEVNULL) as service:
            try:
                wait_for(f"http://127.0.0.1:{port}/readyz")
                before: list[float] = []
                bridges = asyncio.run(
                    drive(port, tokens, load, lambda: before.extend([usage(service.pid)[0], time.monotonic()]))
                )
                cpu_s, rss_mb = usage(service.pid)
                lasted_s = time.monotonic() - before[1]
            finally:
                service.send_signal(signal.SIGTERM)
    acks_ms = np.array([ack for bridge in bridges for ack in bridge.acks]) * 1000
    return Measured(
        readings_per_s=len(acks_ms) * KILNS_PER_WORKSHOP * load.channels * load.block_s / lasted_s,
        cores=(cpu_s - before[0]) / lasted_s,
        ack_p50_ms=float(np.percentile(acks_ms, 50)),
        ack_p99_ms=float(np.percentile(acks_ms, 99)),
        rss_mb=rss_mb,
        late=sum(bridge.late for bridge in bridges),
        refused=sum(bridge.refused for bridge in bridges),
    )


def wait_for(url: str) -> None:
    """Return when the service answers."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).is_success:
                return
        time.sleep(0.1)
    msg = f"{url} did not answer within 30 s"
    raise TimeoutError(msg)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("kilns", 2600), ("channels", 8), ("block-s", 1), ("seconds", 60)):
        parser.add_argument(f"--{name}", type=int, default=default)
    said = parser.parse_args()
    load = Load(said.kilns, said.channels, said.block_s, said.seconds)
    print(json.dumps({**asdict(load), **asdict(measure(load))}, indent=1))


if __name__ == "__main__":
    main()
