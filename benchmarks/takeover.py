"""Processes that share the kilns, and are killed or held still one after the other: `python -m benchmarks.takeover`.

Bridges post to any process that answers, a minute of their kilns' time every second; probes break again and again. At
the end, what was found is held against one analysis of the same blocks that nothing has disturbed.
"""

import argparse
import asyncio
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx
import msgspec
import numpy as np
from sqlalchemy import create_engine, func, select, text

from benchmarks.load import BIN, KILNS_PER_WORKSHOP, Phones, blocks_of, found
from benchmarks.section import table
from firmware_bridge.wire import Block, Post
from service.clock import Clock
from service.demo.broker import free_port
from service.ingest.known import Known
from service.ingest.store_posts import store_posts
from service.monitor.loop import Monitor
from service.series import history
from service.series.blocks import kilns_behind
from service.store import identity
from service.store.database import Database
from service.store.migrate import upgrade
from service.store.models import Delivery, Kiln, StoredFinding
from tests.service.postgres import postgres_server

RATE: Final = 60.0
BLOCK_S: Final = 60  # of the kilns' time: a second of the machine's
CHANNELS: Final = 3
STARTED_AT: Final = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
FAULT_EVERY: Final = 25  # blocks, of which the first few are without a probe
FAULT_LASTS: Final = 4
NOT_BY_READINGS: Final = "bridge_silent"  # it is judged by when blocks come, and here they come again all at once
LONGEST_WAIT_S: Final = 90.0
encode = msgspec.msgpack.Encoder().encode


@dataclass
class Process:
    """One `canhlo serve` among several."""

    port: int
    env: dict[str, str]
    log: Path
    popen: subprocess.Popen[bytes] | None = None
    is_still: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_up(self) -> bool:
        return self.popen is not None and self.popen.poll() is None and not self.is_still

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.popen = subprocess.Popen([BIN / "canhlo", "serve"], env=self.env, stdout=out, stderr=out)

    def tell(self, number: signal.Signals) -> None:
        if self.popen is not None:
            self.popen.send_signal(number)

    def end(self, number: signal.Signals) -> float:
        """Return how many seconds it took to end."""
        began_s = time.monotonic()
        self.tell(number)
        if self.popen is not None:
            self.popen.wait(30)
        return time.monotonic() - began_s


@dataclass
class Result:
    """What came of it."""

    kills_s: list[float] = field(default_factory=list)
    stills_s: list[float] = field(default_factory=list)
    leavings_s: list[float] = field(default_factory=list)
    endings_s: list[float] = field(default_factory=list)
    findings: int = 0
    lost: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    readings_sent: int = 0
    readings_stored: int = 0
    readings_doubled: int = 0
    deliveries: int = 0
    unsent: int = 0
    pushed_twice: int = 0

    def rows(self) -> list[tuple[str, object]]:
        def times(found: Sequence[float]) -> str:
            if not found:
                return "-"
            return f"{len(found)}: median {statistics.median(found):.1f} s, max {max(found):.1f} s"

        return [
            ("killed (`kill -9`), until every kiln was watched again", times(self.kills_s)),
            ("held still (SIGSTOP), until every kiln was watched again", times(self.stills_s)),
            ("asked to end (SIGTERM), until every kiln was watched again", times(self.leavings_s)),
            ("asked to end, until it had ended", times(self.endings_s)),
            ("findings of the undisturbed analysis", self.findings),
            ("of these lost; others than these", f"{len(self.lost)}; {len(self.extra)}"),
            (
                "readings sent; stored; stored twice",
                f"{self.readings_sent:,}; {self.readings_stored:,}; {self.readings_doubled}",
            ),
            (
                "alerts to send; not sent; sent twice",
                f"{self.deliveries}; {self.unsent}; {self.pushed_twice}",
            ),
        ]


class Village:
    """Several processes, bridges that post to them, and everything that was sent."""

    def __init__(self, url: str, folder: Path, *, processes: int, workshops: int, phones: Phones) -> None:
        self.database = Database(url)
        upgrade(self.database)
        self.clock = Clock(RATE, STARTED_AT, time.time())
        self.phones = phones
        self.tokens = found(self.database, workshops, CHANNELS, push_to=phones.url).tokens
        self.sent: list[list[Block]] = [[] for _ in self.tokens]
        self.random = random.Random(1)  # noqa: S311 - which process is next
        data = folder / "data"
        self.processes = [
            Process(port, self._env(url, data, port), folder / f"{port}.log") for port in _ports(processes)
        ]
        self._is_over = asyncio.Event()

    def _env(self, url: str, data: Path, port: int) -> dict[str, str]:
        return os.environ | {
            "CANHLO_DATABASE_URL": url,
            "CANHLO_DATA_DIR": str(data),
            "CANHLO_PORT": str(port),
            "CANHLO_PUSH_HOSTS": '["127.0.0.1"]',
            "CANHLO_CLOCK": f"{RATE},{STARTED_AT.isoformat()},{self.clock.machine_start_s}",
        }

    @property
    def kilns(self) -> int:
        return len(self.tokens) * KILNS_PER_WORKSHOP

    @asynccontextmanager
    async def at_work(self, http: httpx.AsyncClient) -> AsyncIterator[None]:
        """Run everything; at the end, wait until all that was sent has been looked at."""
        for one in self.processes:
            one.start()
        await self.until(self._all_watched, "every process to have its share", http, needs_kilns=False)
        async with asyncio.TaskGroup() as bridges:
            for number in range(len(self.tokens)):
                bridges.create_task(self._post(number, http))
            await self.until(self._all_watched, "every kiln to be watched", http)
            yield
            self._is_over.set()
        await self.until(self._all_looked_at, "everything to be looked at", http)

    async def _post(self, number: int, http: httpx.AsyncClient) -> None:
        seq, minute = 1, 0
        while not self._is_over.is_set():
            at_s = STARTED_AT.timestamp() + minute * BLOCK_S + np.arange(0, BLOCK_S, 10)
            phase = [(minute + 7 * number + 3 * kiln) % FAULT_EVERY for kiln in range(KILNS_PER_WORKSHOP)]
            blocks = blocks_of(number, seq, at_s, CHANNELS, [one < FAULT_LASTS for one in phase])
            await self._deliver(self.tokens[number], encode(Post(blocks, [])), http)
            self.sent[number] += blocks
            seq, minute = seq + len(blocks), minute + 1
            ahead_s = (at_s[-1] + 10 - self.clock.now().timestamp()) / RATE
            await asyncio.sleep(max(0.0, ahead_s))

    async def _deliver(self, token: str, body: bytes, http: httpx.AsyncClient) -> None:
        """Post until somebody has said that it is stored, each time to any process."""
        headers = {"authorization": f"Bearer {token}", "content-type": "application/msgpack"}
        while True:
            process = self.random.choice(self.processes)
            try:
                answer = await http.post(f"{process.url}/api/v1/blocks", content=body, headers=headers, timeout=3)
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
                continue
            if answer.status_code == 200:
                return
            await asyncio.sleep(0.1)

    async def gauges(self, name: str, http: httpx.AsyncClient) -> list[float]:
        """Return a figure of every process that is up; one that does not answer has none."""
        up = [one for one in self.processes if one.is_up]
        return list(await asyncio.gather(*(_gauge(one, name, http) for one in up)))

    async def _all_watched(self, http: httpx.AsyncClient, *, needs_kilns: bool = True) -> bool:
        slots = await self.gauges("canhlo_leases_held", http)
        kilns = await self.gauges("canhlo_monitor_kilns_watched", http)
        return sum(slots) == 120 and (not needs_kilns or sum(kilns) == self.kilns)

    async def _even(self, http: httpx.AsyncClient) -> bool:
        slots = await self.gauges("canhlo_leases_held", http)
        is_even = len(slots) == len(self.processes) and max(slots) - min(slots) <= 1
        return is_even and await self._all_watched(http)

    async def _all_looked_at(self, _http: httpx.AsyncClient) -> bool:
        def look() -> bool:
            soon = datetime.now(UTC) + timedelta(minutes=2)  # what rings again unless somebody answers does so later
            with self.database.read() as session:
                waiting = session.scalar(select(func.count(Delivery.id)).where(Delivery.next_try_at < soon))
                return not waiting and not kilns_behind(session)

        return await asyncio.to_thread(look)

    async def until(self, look, what: str, http: httpx.AsyncClient, **words: bool) -> float:  # type: ignore[no-untyped-def]
        """Return after how many seconds something was so."""
        began_s = time.monotonic()
        while not await look(http, **words):
            if time.monotonic() - began_s > LONGEST_WAIT_S:
                msg = f"waited {LONGEST_WAIT_S} s for {what}"
                raise TimeoutError(msg)
            await asyncio.sleep(0.05)
        return time.monotonic() - began_s

    async def start_again(self, process: Process, http: httpx.AsyncClient) -> None:
        process.start()
        await self.until(self._even, "the started process to have its share", http)

    async def kill(self, http: httpx.AsyncClient, *, is_last: bool) -> float:
        """Kill any process; return when the others watched all kilns. Then it starts again, and gets its share."""
        process = self.random.choice(self.processes)
        process.end(signal.SIGKILL)
        took_s = await self.until(self._all_watched, "the kilns of the killed process to be watched", http)
        if not is_last:
            await self.start_again(process, http)
        return took_s

    async def leave(self, http: httpx.AsyncClient, *, is_last: bool) -> tuple[float, float]:
        """Ask any process to end; return when all kilns were watched, and when it had ended."""
        process = self.random.choice(self.processes)
        process.is_still = True  # its own figures count no more
        ending = asyncio.create_task(asyncio.to_thread(process.end, signal.SIGTERM))
        took_s = await self.until(self._all_watched, "the kilns of the process that left to be watched", http)
        ended_s = await ending
        process.is_still = False
        if not is_last:
            await self.start_again(process, http)
        return took_s, ended_s

    async def hold_still(self, http: httpx.AsyncClient) -> float:
        """Let any process stand still until its kilns are watched by others and for some seconds more."""
        process = self.random.choice(self.processes)
        process.tell(signal.SIGSTOP)
        process.is_still = True
        took_s = await self.until(self._all_watched, "the kilns of the still process to be watched", http)
        await asyncio.sleep(3)
        process.tell(signal.SIGCONT)
        process.is_still = False
        await self.until(self._even, "the process to have its share again", http)
        return took_s

    def compare(self, folder: Path, result: Result) -> None:
        """Hold what was found, stored and sent against what should have been."""
        wanted, found_now = self._undisturbed(folder), _findings(self.database)
        result.findings = len(wanted)
        result.lost = sorted(map(str, wanted - found_now))
        result.extra = sorted(map(str, found_now - wanted))
        result.readings_sent = sum(block.readings for blocks in self.sent for block in blocks)
        with self.database.read() as session:
            counts = [history.count(session, kiln_id) for kiln_id in session.scalars(select(Kiln.id))]
            result.readings_stored = sum(stored for stored, _ in counts)
            result.readings_doubled = sum(repeats for _, repeats in counts)
            deliveries = list(session.scalars(select(Delivery)))
        result.deliveries = len(deliveries)
        result.unsent = sum(one.delivered_at is None and one.attempts > 0 for one in deliveries)
        due = Counter(one.workshop_id - 1 for one in deliveries if one.attempts > 0)
        came = Counter(number for number, _ in self.phones.handed_over)
        result.pushed_twice = (came - due).total()

    def _undisturbed(self, folder: Path) -> set[tuple[object, ...]]:
        """Return what one process finds in the same blocks."""
        database = Database(f"sqlite:///{folder / 'undisturbed.sqlite3'}")
        upgrade(database)
        tokens = found(database, len(self.tokens), CHANNELS).tokens
        monitor, known = Monitor(database, Clock(), lambda _change: None, gather_s=0.0), Known()
        with database.read() as session:
            bridges = [identity.bridge_of_token(session, token) for token in tokens]
        for begin in range(0, max(map(len, self.sent)), 20):
            some = [(bridge, blocks[begin : begin + 20]) for bridge, blocks in zip(bridges, self.sent, strict=True)]
            now = datetime.fromtimestamp(max(b.until_ms for _, blocks in some for b in blocks) / 1000, UTC)
            with database.write() as session:
                posts = [(bridge, Post(blocks, [])) for bridge, blocks in some if bridge is not None]
                store_posts(session, posts, known, now=now)
            monitor.step(now)
        monitor.step(now + timedelta(seconds=1))
        monitor.save_all()
        result = _findings(database)
        database.close()
        return result


def _findings(database: Database) -> set[tuple[object, ...]]:
    with database.read() as session:
        return {
            (row.kiln_id, row.kind, row.channel, row.start_at.isoformat())
            for row in session.scalars(select(StoredFinding).where(StoredFinding.kind != NOT_BY_READINGS))
        }


async def _gauge(process: Process, name: str, http: httpx.AsyncClient) -> float:
    try:
        answer = await http.get(f"{process.url}/metrics", timeout=5)
    except httpx.HTTPError:
        return float("nan")
    return next(
        (float(line.split(" ")[1]) for line in answer.text.splitlines() if line.startswith(f"{name} ")), float("nan")
    )


def _ports(number: int) -> list[int]:
    found_now: set[int] = set()
    while len(found_now) < number:
        found_now.add(free_port())
    return sorted(found_now)


async def measure(
    *, kills: int, stills: int, leavings: int, processes: int = 3, workshops: int = 12, minutes: float = 60.0
) -> Result:
    """Run the village, and do that to its processes; what does not fit into so many minutes is left out."""
    result, ends_s = Result(), time.monotonic() + 60 * minutes
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(postgres_server())
        admin = create_engine(cluster.format(name="postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text("CREATE DATABASE takeover"))
        admin.dispose()
        phones = Phones()
        await stack.enter_async_context(phones.listening())
        http = await stack.enter_async_context(httpx.AsyncClient())
        url = cluster.format(name="takeover")
        village = Village(url, folder, processes=processes, workshops=workshops, phones=phones)
        stack.callback(village.database.close)
        try:
            async with village.at_work(http):
                todo = ["kill"] * kills + ["still"] * stills + ["leave"] * leavings
                village.random.shuffle(todo)
                for number, one in enumerate(todo, start=1):
                    if time.monotonic() > ends_s:
                        break
                    await asyncio.sleep(village.random.uniform(0, 2))
                    if one == "kill":
                        result.kills_s.append(await village.kill(http, is_last=number == len(todo)))
                    elif one == "still":
                        result.stills_s.append(await village.hold_still(http))
                    else:
                        watched_s, ended_s = await village.leave(http, is_last=number == len(todo))
                        result.leavings_s.append(watched_s)
                        result.endings_s.append(ended_s)
                    print(f"{one}: {result.rows()[:4]}", file=sys.stderr)
        except BaseException:
            for process in village.processes:
                print(process.log.read_text()[-3000:], file=sys.stderr)
            raise
        finally:
            for process in village.processes:
                if process.popen is not None and process.popen.poll() is None:
                    process.tell(signal.SIGCONT)
                    result.endings_s.append(process.end(signal.SIGTERM))
        await asyncio.to_thread(village.compare, folder, result)
        for process in village.processes:
            print(_tracebacks(process.log), file=sys.stderr)
    return result


def _tracebacks(log: Path) -> str:
    lines = log.read_text().splitlines()
    return "\n".join(line for line in lines if " ERROR " in line or line.startswith("Traceback"))[-2000:]


def main() -> None:
    """Print the table of docs/scale.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--stills", type=int, default=6)
    parser.add_argument("--leavings", type=int, default=6)
    parser.add_argument("--minutes", type=float, default=60.0, help="leave out what does not fit into these")
    options = parser.parse_args()
    result = asyncio.run(measure(**vars(options)))
    print(table(("what", "came to"), result.rows()))
    for one in (*result.lost, *result.extra):
        print(one, file=sys.stderr)


if __name__ == "__main__":
    main()
