"""A village that posts: workshops with two kilns, a bridge and a phone each, and a service of its own.

The service is a real process with its analysis, alarms and sealing on; its processor time and memory are from /proc.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

import httpx
import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec

from firmware_bridge.wire import Block, Column, Quality, Unit
from service.alarms.web_push_crypto import base64url, raw_public_key
from service.demo.broker import free_port
from service.store import alarms, identity, kilns
from service.store.database import Database
from service.store.migrate import upgrade
from service.store.models import Channel, Membership, Workshop
from service.store.roles import Role

KILNS_PER_WORKSHOP: Final = 2
PERIOD_H: Final = 12
BOOT: Final = "00112233445566778899aabbccddeeff"
BIN: Final = Path(sys.executable).parent
CLOCK_TICKS: Final = os.sysconf("SC_CLK_TCK")
NOISE: Final = np.random.default_rng(7).normal(0.0, 0.5, 65_536)


@dataclass(frozen=True)
class Village:
    """What was founded: for each workshop its bridge's token, and its id."""

    tokens: list[str]
    workshop_ids: list[int]
    channels: int


def found(database: Database, workshops: int, channels: int, *, push_to: str | None = None) -> Village:
    """Make workshops with their kilns and a paired bridge each, and an owner with a phone if told where to push."""
    now = datetime.now(UTC)
    key = base64url(raw_public_key(ec.generate_private_key(ec.SECP256R1())))
    tokens, workshop_ids = [], []
    with database.write() as session:
        for number in range(workshops):
            workshop = Workshop(name=f"Xưởng {number}", created_at=now)
            session.add(workshop)
            session.flush()
            workshop_ids.append(workshop.id)
            for kiln in range(KILNS_PER_WORKSHOP):
                made = kilns.create_kiln(session, workshop.id, name=f"Lò {kiln}", key=f"lo-{kiln}")
                names = [f"c{place}" for place in range(channels)]
                session.add_all(
                    Channel(workshop_id=workshop.id, kiln_id=made.id, name=name, unit="c") for name in names
                )
            bridge = identity.create_bridge(session, workshop.id, "cầu", now=now)
            tokens.append(identity.let_in(session, bridge, now=now))
            if push_to is not None:
                owner = identity.create_account(
                    session,
                    name="Chủ",
                    login=f"chu{number}@example.org",
                    password_hash="-",
                    language="vi",
                    now=now,
                )
                session.add(Membership(account_id=owner.id, workshop_id=workshop.id, role=Role.OWNER.value))
                alarms.subscribe(
                    session,
                    owner.id,
                    endpoint=f"{push_to}/push/{number}",
                    p256dh=key,
                    auth=base64url(bytes(16)),
                    device="điện thoại",
                    now=now,
                )
    return Village(tokens, workshop_ids, channels)


def curve_c(seconds: np.ndarray, offset_s: float) -> np.ndarray:
    """Return a firing that comes again every twelve hours, somewhere else in each kiln."""
    corners_h, temps_c = [0, 3, 7, 7.5, PERIOD_H], [30, 600, 1230, 1230, 80]
    return np.interp(((seconds + offset_s) / 3600) % PERIOD_H, corners_h, temps_c)


def place_s(kiln: int) -> float:
    """Return how far ahead of the first kiln another one is."""
    return 977.0 * kiln


def blocks_of(number: int, first_seq: int, at_s: np.ndarray, channels: int, is_open: Sequence[bool]) -> list[Block]:
    """Return what a bridge read of its kilns at some times; the first probe of a kiln may be broken."""
    at_ms = (at_s * 1000).astype(np.int64).tolist()
    blocks = []
    for kiln in range(KILNS_PER_WORKSHOP):
        level = curve_c(at_s, place_s(number * KILNS_PER_WORKSHOP + kiln))
        begins = hash((number, kiln, at_ms[0])) % (len(NOISE) - channels * len(at_s))
        noise = NOISE[begins : begins + channels * len(at_s)]
        values = np.round((level - 3.0 * np.arange(channels)[:, None] + noise.reshape(channels, -1)) * 4) / 4
        columns = [
            Column(f"c{place}", Unit.CELSIUS, at_ms, cast("list[float | None]", row))
            for place, row in enumerate(values.tolist())
        ]
        if is_open[kiln]:
            nothing: list[float | None] = [None] * len(at_ms)
            columns[0] = Column("c0", Unit.CELSIUS, at_ms, nothing, dict.fromkeys(range(len(at_ms)), Quality.OPEN))
        blocks.append(Block(BOOT, first_seq + kiln, f"lo-{kiln}", at_ms[-1], columns))
    return blocks


class Bridge(asyncio.Protocol):
    """One bridge on one connection: it posts, and notes when the answer came."""

    def __init__(self, token: str) -> None:
        self.head = (
            "POST /api/v1/blocks HTTP/1.1\r\nhost: village\r\ncontent-type: application/msgpack\r\n"
            f"authorization: Bearer {token}\r\ncontent-length: "
        ).encode()
        self._transport: asyncio.Transport | None = None
        self._heard = b""
        self._sent_s = 0.0
        self.is_waiting = False
        self.acks_s: list[float] = []
        self.refused = 0
        self.answered = asyncio.Event()

    @property
    def is_connected(self) -> bool:
        return self._transport is not None

    async def connect(self, service: "Service") -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", service.port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def post(self, body: bytes) -> None:
        assert self._transport is not None  # noqa: S101 - whoever posts has connected it
        self._sent_s, self.is_waiting = time.perf_counter(), True
        self.answered.clear()
        self._transport.write(self.head + str(len(body)).encode() + b"\r\n\r\n" + body)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, gap, body = self._heard.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0) if gap else 0
        if not gap or len(body) < length:
            return
        self.acks_s.append(time.perf_counter() - self._sent_s)
        self.refused += head[9:10] != b"2"
        self._heard, self.is_waiting = b"", False
        self.answered.set()


class Phones:
    """The push services of all phones: an address for each workshop, and when something was handed over to it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.handed_over: list[tuple[int, float]] = []
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        async with server:
            yield
            for writer in self._open:  # the service keeps its connections, and a server waits for them to end
                writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                await reader.readexactly(int(head.partition("content-length: ")[2].split("\r\n")[0]))
                self.handed_over.append((int(head.split(" ")[1].rpartition("/")[2]), time.time()))
                writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n")
        writer.close()
        self._open.discard(writer)


def cpu_s(pid: int) -> float:
    """Return the processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


@dataclass(frozen=True)
class Service:
    """A service that runs: where, and as which process."""

    port: int
    pid: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_s(self) -> float:
        """Return the processor seconds it has used."""
        return cpu_s(self.pid)

    def written_mb(self) -> float:
        """Return what it has given to the disk."""
        said = Path(f"/proc/{self.pid}/io").read_text().splitlines()
        return next(int(line.split()[1]) for line in said if line.startswith("write_bytes")) / 1e6

    def rss_mb(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def count(self, name: str) -> float:
        """Return a count of its /metrics."""
        return sum(self.counts(name).values())

    def counts(self, name: str) -> dict[str, float]:
        """Return a count of its /metrics by its label's value, which is empty if it has none."""
        lines = httpx.get(f"{self.url}/metrics", timeout=60).text.splitlines()
        return {
            line.partition('="')[2].partition('"')[0]: float(line.rpartition(" ")[2])
            for line in lines
            if line.startswith((f"{name} ", f"{name}{{"))
        }


@contextmanager
def new_database() -> Iterator[tuple[Database, Path]]:
    """Give an empty database in a folder that goes away."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/canhlo.sqlite3")
        upgrade(database)
        try:
            yield database, Path(folder)
        finally:
            database.close()


@contextmanager
def serving(folder: Path, *, module: str | None = None, **settings: str) -> Iterator[Service]:
    """Run a service on a folder's database until the block ends; another module in its place if one is named."""
    program = [str(BIN / "canhlo")] if module is None else [sys.executable, "-m", module]
    port = free_port()
    own = {"CANHLO_DATA_DIR": str(folder), "CANHLO_PORT": str(port), "CANHLO_PUSH_HOSTS": '["127.0.0.1"]'}
    with subprocess.Popen(
        [*program, "serve"], env={**os.environ, **own, **settings}, stdout=subprocess.DEVNULL
    ) as service:
        try:
            wait_for(f"http://127.0.0.1:{port}/readyz")
            yield Service(port, service.pid, folder)
        finally:
            service.send_signal(signal.SIGTERM)


async def connected(service: Service, tokens: Sequence[str]) -> list[Bridge]:
    """Return a bridge for each token, each on a connection of its own."""
    bridges = [Bridge(token) for token in tokens]
    for bridge in bridges:
        await bridge.connect(service)
    return bridges


@contextlib.asynccontextmanager
async def closing(bridges: Sequence[Bridge]) -> AsyncIterator[None]:
    """Close their connections in the end, whatever happens."""
    try:
        yield
    finally:
        for bridge in bridges:
            bridge.close()
        await asyncio.sleep(0)  # what was closed is gone after a turn of the loop


def wait_for(url: str) -> None:
    """Return when the service answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).is_success:
                return
        time.sleep(0.05)
    msg = f"{url} did not answer within 60 s"
    raise TimeoutError(msg)
