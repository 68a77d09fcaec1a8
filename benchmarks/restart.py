"""A service that is killed under a village's load and started again: `python -m benchmarks.restart [--kilns 2600]`.

It is killed several times in one run. Bridges keep what was not acknowledged and send it again under the same numbers,
as real ones do. Thermocouples break at known times before each kill, while the service is away, and after it is back;
each is to be found once and to ring once.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx
import msgspec
import numpy as np
from sqlalchemy import select

from benchmarks.load import (
    BIN,
    KILNS_PER_WORKSHOP,
    PERIOD_H,
    Bridge,
    Village,
    blocks_of,
    closing,
    found,
    new_database,
    place_s,
)
from benchmarks.section import Section, table
from firmware_bridge.wire import Block, Post
from service.demo.broker import free_port
from service.store import identity, sessions
from service.store.database import Database
from service.store.models import Alarm, Kiln, Membership, StoredFinding, Workshop
from service.store.roles import Role

MOST_AT_ONCE: Final = 200  # blocks of a post, as bridges send what they have kept
FOUND_WITHIN_S: Final = 120.0  # a broken probe is certain within some bins
BROKEN_FOR_S: Final = 90.0
GOAL_S: Final = 20.0
encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True)
class Outage:
    """How many kilns post, how often their service is killed, and how many probes break at each time of each kill.

    It is killed `before_s` after the warm-up or after it has caught up, and is away for `away_s`.
    """

    kilns: int = 2600
    channels: int = 8
    kills: int = 5
    warm_up_s: float = 60
    before_s: float = 90
    away_s: float = 5
    breaks: int = 10
    caught_up_within_s: float = 300

    @property
    def workshops(self) -> int:
        return self.kilns // KILNS_PER_WORKSHOP


@dataclass
class Bench:
    """One bridge with what it has read and the service has not acknowledged."""

    number: int
    token: str
    breaks_s: float | None = None  # when the first probe of its first kiln breaks, Unix time
    kept: list[Block] = field(default_factory=list)
    seq: int = 1
    under_way: int = 0  # blocks of the post that waits for its answer
    refused: int = 0
    bridge: Bridge | None = None

    def read(self, at_s: float, channels: int) -> None:
        """Take a reading of every channel."""
        is_open = self.breaks_s is not None and 0 <= at_s - self.breaks_s < BROKEN_FOR_S
        self.kept += blocks_of(self.number, self.seq, np.array([at_s]), channels, [is_open, False])
        self.seq += KILNS_PER_WORKSHOP

    def send(self) -> None:
        """Forget what was acknowledged, and send what there is if nothing is under way."""
        bridge = self.bridge
        if bridge is None or bridge.is_waiting:
            return
        self._settle(bridge)
        self.under_way = len(self.kept[:MOST_AT_ONCE])
        if self.under_way:
            bridge.post(encode(Post(self.kept[:MOST_AT_ONCE])))

    def cut_off(self) -> None:
        """Notice that the service has gone: what it did not acknowledge is to be sent again."""
        if self.bridge is not None and not self.bridge.is_waiting:
            self._settle(self.bridge)
        self.bridge, self.under_way, self.refused = None, 0, 0

    def _settle(self, bridge: Bridge) -> None:
        if bridge.refused == self.refused:
            del self.kept[: self.under_way]
        self.refused = bridge.refused


class _Line(Bridge):
    """A bridge's connection, which says when it is gone."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench.token)
        self._bench = bench

    def connection_lost(self, _error: Exception | None) -> None:
        if self._bench.bridge is self:
            self._bench.cut_off()


async def _post_all(benches: Sequence[Bench], port: int, channels: int) -> None:
    """Let every bridge read once a second, evenly spread, and send what it has; until cancelled."""
    loop = asyncio.get_running_loop()
    begin, offset_s = loop.time(), time.time() - loop.time()
    tries: set[asyncio.Task[None]] = set()
    step = 0
    while True:
        bench = benches[step % len(benches)]
        due = begin + step / len(benches)
        if due > loop.time():
            await asyncio.sleep(due - loop.time())
        bench.read(due + offset_s, channels)
        if bench.bridge is None:
            task = loop.create_task(_connect(bench, port))
            tries.add(task)
            task.add_done_callback(tries.discard)
        bench.send()
        step += 1


async def _connect(bench: Bench, port: int) -> None:
    with suppress(OSError):
        transport, line = await asyncio.get_running_loop().create_connection(lambda: _Line(bench), "127.0.0.1", port)
        if bench.bridge is None:
            bench.bridge, bench.under_way, bench.refused = line, 0, 0
        else:
            transport.close()


@dataclass(frozen=True)
class Return:
    """How long it took after a kill until the service answered and had caught up, and what it used until then."""

    answers_s: float
    caught_up_s: float
    cpu_s: float


@dataclass
class Measured:
    """How it came back each time, and what became of the probes that broke."""

    returns: list[Return] = field(default_factory=list)
    findings: Counter[int] = field(default_factory=Counter)  # of kilns with a broken probe
    alarms: Counter[int] = field(default_factory=Counter)
    broken: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # kilns by when theirs broke

    def missed(self, when: str, seen: Counter[int]) -> tuple[int, int]:
        """Return how many of those that broke then have none, and how many more than one."""
        return sum(seen[one] == 0 for one in self.broken[when]), sum(seen[one] > 1 for one in self.broken[when])


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    own = {"CANHLO_DATA_DIR": str(folder), "CANHLO_PORT": str(port)}
    return subprocess.Popen([str(BIN / "canhlo"), "serve"], env={**os.environ, **own}, stdout=subprocess.DEVNULL)


async def _answers(http: httpx.AsyncClient) -> None:
    while True:
        with suppress(httpx.TransportError):
            if (await http.get("/readyz")).is_success:
                return
        await asyncio.sleep(0.1)


async def _all_read_after(http: httpx.AsyncClient, kilns: int, after: datetime) -> None:
    """Return when every kiln shows a reading that was taken after a moment.

    The list of all kilns is work for the service, so it is asked for once all of them are watched.
    """
    while True:
        with suppress(httpx.TransportError):
            counts = (await http.get("/metrics")).text
            if f"canhlo_monitor_kilns_watched {float(kilns)}\n" not in counts:
                await asyncio.sleep(0.5)
                continue
            answer = await http.get("/api/v1/kilns")
            shown: list[dict[str, Any]] = answer.raise_for_status().json()
            last = [datetime.fromisoformat(one["now"]["last_at"]) for one in shown if one["now"]["last_at"]]
            if len(last) == kilns and min(last) > after:
                return
        await asyncio.sleep(1.0)


def association(database: Database) -> str:
    """Return the cookie of a person who sees every workshop."""
    now = datetime.now(UTC)
    with database.write() as session:
        account = identity.create_account(
            session, name="Hội", login="hoi@example.org", password_hash="-", language="vi", now=now
        )
        for workshop_id in session.scalars(select(Workshop.id)):
            session.add(Membership(account_id=account.id, workshop_id=workshop_id, role=Role.OWNER.value))
        return sessions.open_session(session, account, now=now)


async def run(outage: Outage, folder: Path, village: Village, cookie: str) -> Measured:
    """Load a service, kill it and start it again, again and again, and wait until all is found that is to be found."""
    port = free_port()
    benches = [Bench(number, token) for number, token in enumerate(village.tokens)]
    measured = Measured()
    service = _start(folder, port)
    posting: asyncio.Task[None] | None = None
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", cookies={"canhlo": cookie}, timeout=httpx.Timeout(60.0)
        ) as http:
            await _answers(http)
            posting = asyncio.create_task(_post_all(benches, port, outage.channels))
            in_fire = [bench for bench in benches if _is_in_fire(bench.number, time.time())]
            whole = iter([in_fire[place] for place in np.random.default_rng(5).permutation(len(in_fire))])
            await asyncio.sleep(outage.warm_up_s)
            for _ in range(outage.kills):
                _break(whole, outage, time.time(), measured.broken)
                await asyncio.sleep(outage.before_s)
                service.send_signal(signal.SIGKILL)
                await asyncio.to_thread(service.wait)
                await asyncio.sleep(outage.away_s)
                began_s, began_at = time.monotonic(), datetime.now(UTC)
                service = _start(folder, port)
                async with asyncio.timeout(outage.caught_up_within_s):
                    await _answers(http)
                    answers_s = time.monotonic() - began_s
                    await _all_read_after(http, outage.kilns, began_at)
                measured.returns.append(Return(answers_s, time.monotonic() - began_s, _cpu_s(service.pid)))
            found_s = [
                bench.breaks_s + BROKEN_FOR_S + FOUND_WITHIN_S for bench in benches if bench.breaks_s is not None
            ]
            await asyncio.sleep(max([0.0, *(one - time.time() for one in found_s)]))
    finally:
        if posting is not None:
            posting.cancel()
            await asyncio.gather(posting, return_exceptions=True)
        async with closing([bench.bridge for bench in benches if bench.bridge is not None]):
            pass
        service.send_signal(signal.SIGTERM)
        await asyncio.to_thread(service.wait)
    return measured


def _break(whole: Iterator[Bench], outage: Outage, now_s: float, broken: defaultdict[str, list[int]]) -> None:
    """Let probes break at each time around the next kill, evenly within it; note their kilns, by number from 1."""
    killed_s = now_s + outage.before_s
    spans = {
        "long before": (now_s, killed_s - 30),
        "just before": (killed_s - 30, killed_s),
        "while it was away": (killed_s, killed_s + outage.away_s),
        "after it was back": (killed_s + outage.away_s + 5, killed_s + outage.away_s + 30),
    }
    for when, (from_s, to_s) in spans.items():
        for breaks_s in np.linspace(from_s, max(from_s, to_s), outage.breaks, endpoint=False).tolist():
            bench = next(whole)
            bench.breaks_s = breaks_s
            broken[when].append(bench.number * KILNS_PER_WORKSHOP + 1)


def _is_in_fire(number: int, now_s: float) -> bool:
    """Say whether the first kiln of a workshop is hot for the next hours: in a cold one a broken probe rings nobody."""
    return 1 <= ((now_s + place_s(number * KILNS_PER_WORKSHOP)) / 3600) % PERIOD_H <= 8


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _read_what_was_found(database: Database, measured: Measured) -> None:
    with database.read() as session:
        opened = select(StoredFinding.kiln_id).where(StoredFinding.kind == "thermocouple_open")
        measured.findings.update(session.scalars(opened.join(Kiln, Kiln.id == StoredFinding.kiln_id)))
        measured.alarms.update(session.scalars(opened.join(Alarm, Alarm.finding_id == StoredFinding.id)))


def measure_restart(outage: Outage) -> Measured:
    """Found a village, kill its service under load, and return how it came back."""
    with new_database() as (database, folder):
        village = found(database, outage.workshops, outage.channels)
        cookie = association(database)
        database.close()
        measured = asyncio.run(run(outage, folder, village, cookie))
        again = Database(f"sqlite:///{folder}/canhlo.sqlite3")
        try:
            _read_what_was_found(again, measured)
        finally:
            again.close()
    return measured


def measure(kilns: int = 2600) -> Section:
    """Return how long a restart takes, and the table of what was found."""
    outage = Outage(kilns=kilns)
    one = measure_restart(outage)
    took = {
        "answers again after [s]": [came.answers_s for came in one.returns],
        "every kiln shows a reading taken after the restart [s]": [came.caught_up_s for came in one.returns],
        "processor time until then [s]": [came.cpu_s for came in one.returns],
    }
    goals = ("", f"{GOAL_S:.0f}", "")
    times = [
        (name, f"{median(found):.1f}", f"{max(found):.1f}", goal)
        for (name, found), goal in zip(took.items(), goals, strict=True)
    ]
    rows = []
    for when, broken in one.broken.items():
        findings, alarms = one.missed(when, one.findings), one.missed(when, one.alarms)
        rows.append((when, len(broken), f"{findings[0]} / {findings[1]}", f"{alarms[0]} / {alarms[1]}"))
    text = (
        f"{kilns:,} kilns of {outage.channels} channels at 1 Hz in blocks of 1 s; killed (SIGKILL) {outage.kills} "
        f"times, {outage.before_s:.0f} s after it had caught up, away for {outage.away_s:.0f} s, started again on the "
        "same folder. Bridges send again what was not acknowledged.\n\n"
        + table(("", "median", "longest", "goal"), times)
        + "\n\nBroken thermocouples, by when they broke; each is to be one finding and one alarm.\n\n"
        + table(
            ("broke", "probes", "findings lost / doubled", "alarms lost / doubled"),
            [*rows, ("goal", "", "0 / 0", "0 / 0")],
        )
    )
    return Section("Killed under load", f"python -m benchmarks.restart --kilns {kilns}", text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kilns", type=int, default=2600)
    print(measure(parser.parse_args().kilns).markdown())


if __name__ == "__main__":
    main()
