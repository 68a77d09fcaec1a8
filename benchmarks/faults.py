"""Bridge and service under random faults: `python -m benchmarks.faults --faults 1000`.

A logger on a serial device and a device behind a broker speak without a break, while processes are killed and stopped,
the broker restarts, the link is cut, slow or deaf, posts come twice and out of order, and the bridge's disk is full. In
the end everything that was said must be stored once, at its time.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import httpx

from benchmarks.fault_proxy import FaultProxy, Link
from service.clock import Clock
from service.demo.broker import broker_command, free_port
from service.demo.instruments import MqttInstrument, SerialInstrument
from service.demo.recordings import Utterance
from service.series import history as series
from service.store import identity
from service.store.database import Database
from service.store.kilns import create_kiln, kiln_by_key
from service.store.migrate import upgrade
from service.store.models import Workshop

RATE: Final = 100.0  # the clock's: ten lines a second, each 10 s after the last
STEP_S: Final = 10.0
START_AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONE: Final = "Asia/Ho_Chi_Minh"
VALUES: Final = 4000
DEVICE_WITHIN_S: Final = 1.0  # of the machine: what a network may take
WHOLE_WITHIN_S: Final = 90.0
DISK_MB: Final = 16
BIN: Final = Path(sys.executable).parent


@dataclass(frozen=True)
class Outcome:
    """What a run came to; readings are of both kilns together."""

    faults: dict[str, int]
    said: int
    stored: int
    lost: int
    doubled: int
    wrong_time: int
    largest_error_s: float
    lasted_s: float
    whole_again_after_s: float


class Process:
    """One program that can be killed and started again."""

    def __init__(self, command: Sequence[str], log: Path, env: dict[str, str]) -> None:
        self._command, self._log, self._env = command, log, {**os.environ, **env}
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._env
            )

    def send(self, signal_number: signal.Signals) -> None:
        self._process.send_signal(signal_number)

    def end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Make a folder a file system of its own that can be filled; False where that needs more rights."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    is_small = os.getuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield is_small
    finally:
        if is_small:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def lines(count: int) -> list[Utterance]:
    """Return what the logger says: two probes, every line ten seconds later and of its own temperature."""
    zone = ZoneInfo(ZONE)
    said = []
    for number in range(count):
        at = START_AT + timedelta(seconds=number * STEP_S)
        text = f"{at.astimezone(zone):%d/%m/%Y %H:%M:%S};{value(number):g};{value(number) + 1:g}\n"
        said.append(Utterance(at, "", text.encode(), 2))
    return said


def messages(count: int) -> list[Utterance]:
    """Return what the device behind the broker says, by its own uptime."""
    return [
        Utterance(
            START_AT + timedelta(seconds=number * STEP_S),
            "qtkiln/kiln/state",
            b'{"time_ms":%d,"kiln":{"temp_C":%s}}' % (number * STEP_S * 1000 + 5000, str(value(number)).encode()),
            1,
        )
        for number in range(count)
    ]


def value(number: int) -> float:
    return 20 + number % VALUES / 4


def _number(time_s: float, temp_c: float) -> int:
    """Return which reading this is: its value comes again only every eleven hours."""
    place = round((temp_c - 20) * 4)
    nearest = (time_s - START_AT.timestamp()) / STEP_S
    return place + VALUES * round((nearest - place) / VALUES)


class Shop:
    """The processes of one workshop, the network and the disk between them, and what can happen to them."""

    def __init__(self, folder: Path, service_port: int, proxy: FaultProxy, *, has_small_disk: bool, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a repeatable one is wanted
        self._proxy = proxy
        self._disk = folder / "bridge"
        clock = f"{RATE},{START_AT.isoformat()},{time.time() + 8}"
        self.clock = Clock(RATE, START_AT, float(clock.rpartition(",")[2]))
        env = {"CANHLO_DATA_DIR": str(folder), "CANHLO_PORT": str(service_port), "CANHLO_CLOCK": clock}
        self.broker_port = free_port()
        self.service = Process([str(BIN / "canhlo"), "serve"], folder / "service.log", env)
        self.broker = Process(broker_command(folder, self.broker_port), folder / "broker.log", {})
        self._bridge_command = [str(BIN / "canhlo-bridge"), "--config", str(folder / "bridge.toml")]
        self._env, self._folder = env, folder
        self.faults: dict[str, Callable[[], Awaitable[None]]] = {
            "bridge killed (-9)": lambda: self._kill(self.bridge),
            "service killed (-9)": lambda: self._kill(self.service),
            "broker restarted": self._restart_broker,
            "bridge stopped and let go on": lambda: self._freeze(self.bridge),
            "service stopped and let go on": lambda: self._freeze(self.service),
            "link cut": lambda: self._link(Link.CUT),
            "link slow": lambda: self._link(Link.SLOW),
            "answers lost": lambda: self._link(Link.DEAF),
            "posts sent again, out of order": lambda: self._proxy.send_again(self.random.randint(1, 5)),
            **({"bridge's disk full": self._fill_disk} if has_small_disk else {}),
        }

    def start_bridge(self) -> None:
        self.bridge = Process(self._bridge_command, self._folder / "bridge.log", self._env)

    def _some_s(self) -> float:
        return self.random.uniform(0.2, 1.5)

    async def _kill(self, process: Process) -> None:
        process.end(signal.SIGKILL)
        await asyncio.sleep(self._some_s() / 3)
        process.start()

    async def _restart_broker(self) -> None:
        await asyncio.to_thread(self.broker.end, signal.SIGTERM)
        await asyncio.sleep(self._some_s() / 3)
        self.broker.start()

    async def _freeze(self, process: Process) -> None:
        process.send(signal.SIGSTOP)
        await asyncio.sleep(self._some_s())
        process.send(signal.SIGCONT)

    async def _link(self, link: Link) -> None:
        self._proxy.link = link
        await asyncio.sleep(self._some_s())
        self._proxy.link = Link.GOOD

    async def _fill_disk(self) -> None:
        ballast = self._disk / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb") as file:
            for _ in range(DISK_MB * 16):
                file.write(bytes(65536))
                file.flush()
        await asyncio.sleep(self._some_s())
        ballast.unlink()

    def end(self) -> None:
        for process in (self.bridge, self.service, self.broker):
            process.send(signal.SIGCONT)
            process.end(signal.SIGTERM)


async def run(faults: int, seed: int, folder: Path) -> Outcome:
    """Let a workshop run through so many faults; return what became of what was said."""
    database = Database(f"sqlite:///{folder}/canhlo.sqlite3")
    upgrade(database)
    with database.write() as session:
        workshop = Workshop(name="Xưởng", created_at=START_AT)
        session.add(workshop)
        session.flush()
        for key in ("lo-1", "lo-2"):
            create_kiln(session, workshop.id, name=key, key=key)
        now = datetime.now(UTC)
        token = identity.let_in(session, identity.create_bridge(session, workshop.id, "b", now=now), now=now)
    service_port = free_port()
    proxy = FaultProxy(service_port, seed)
    with small_disk(folder / "bridge") as has_small_disk:
        shop = Shop(folder, service_port, proxy, has_small_disk=has_small_disk, seed=seed)
        try:
            said_lines, said_messages = lines(200_000), messages(200_000)
            serial = SerialInstrument(said_lines, shop.clock, folder / "instrument")
            (folder / "bridge.token").write_text(token)
            (folder / "bridge.toml").write_text(_bridge_toml(folder, await proxy.start(), shop.broker_port))
            await _until_answers(service_port)
            shop.start_bridge()
            await asyncio.sleep(4)  # the bridge subscribes: a broker keeps nothing for a subscriber it never met
            mqtt = MqttInstrument(said_messages, shop.clock, shop.broker_port)
            begun_s = time.monotonic()
            playing = [asyncio.create_task(serial.run()), asyncio.create_task(mqtt.run())]
            counts, most_spoken = await _make_trouble(shop, faults, serial)
            last_fault_s = time.monotonic()
            while serial.spoken < most_spoken:  # a logger that said its last lines again goes on from there
                await asyncio.sleep(0.2)
            for task in playing:
                task.cancel()
            spoken = (serial.spoken, mqtt.spoken)
            whole_s = await _until_whole(database, spoken, last_fault_s)
            mqtt.close()
            serial.close()
            return _judge(database, spoken, counts, time.monotonic() - begun_s, whole_s)
        finally:
            shop.end()
            await proxy.close()
            database.close()


async def _make_trouble(shop: Shop, faults: int, serial: SerialInstrument) -> tuple[Counter[str], int]:
    counts: Counter[str] = Counter()
    most_spoken = 0
    names = sorted(shop.faults)
    for number in range(faults):
        name = names[number % len(names)] if number < len(names) else shop.random.choice(names)
        await shop.faults[name]()
        counts[name] += 1
        most_spoken = max(most_spoken, serial.spoken)
        await asyncio.sleep(shop.random.uniform(0.05, 0.6))
        if number % 50 == 49:
            print(f"  {number + 1} faults, {serial.spoken} lines said", file=sys.stderr, flush=True)
    return counts, most_spoken


async def _until_answers(port: int) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(30):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).is_success:
                    return
            await asyncio.sleep(0.1)


def _bridge_toml(folder: Path, server_port: int, broker_port: int) -> str:
    return f"""
server = "http://127.0.0.1:{server_port}"
token_file = "bridge.token"
data_dir = "bridge"

[[sources]]
type = "serial"
kiln = "lo-1"
port = "{folder}/instrument"
format = "camera_logger"
time_zone = "{ZONE}"
channels = ["top", "bottom"]

[[sources]]
type = "mqtt"
kiln = "lo-2"
host = "127.0.0.1"
port = {broker_port}
topic = "qtkiln/#"
format = "qtkiln"
client_id = "faults"
channels = ["kiln"]
"""


async def _until_whole(database: Database, spoken: tuple[int, int], since_s: float) -> float:
    """Wait until everything is stored, and then for what would come twice; return how long it took."""
    wanted = 2 * spoken[0] + spoken[1]
    while sum(len(one) for one in _stored(database).values()) < wanted:
        if time.monotonic() - since_s > WHOLE_WITHIN_S:
            break
        await asyncio.sleep(0.5)
    whole_s = time.monotonic() - since_s
    await asyncio.sleep(3)
    return whole_s


def _stored(database: Database) -> dict[str, list[tuple[float, float]]]:
    """Return (time, value) of every reading in the store, by channel."""
    found: dict[str, list[tuple[float, float]]] = {}
    with database.read() as session:
        for key in ("lo-1", "lo-2"):
            kiln = kiln_by_key(session, 1, key)
            if kiln is None:
                continue
            for name, samples in series.read_all(session, kiln.id).items():
                found[name] = list(zip(samples.time_s.tolist(), samples.value.tolist(), strict=True))
    return found


def _came(database: Database) -> int:
    """Return how many readings have come, doubles and all."""
    with database.read() as session:
        kilns = [kiln for key in ("lo-1", "lo-2") if (kiln := kiln_by_key(session, 1, key))]
        return sum(series.count(session, kiln.id)[0] for kiln in kilns)


def _judge(
    database: Database, spoken: tuple[int, int], faults: Counter[str], lasted_s: float, whole_s: float
) -> Outcome:
    stored = _stored(database)
    lost = wrong = 0
    doubled = _came(database) - sum(len(readings) for readings in stored.values())  # what sealing has thrown away
    largest_s = 0.0
    # The logger writes its own time, to the second. The device behind the broker knows only its uptime: when it
    # started is told by the message that came through fastest, so its times can be late by what the network takes.
    for name, count, extra, within_s in (
        ("top", spoken[0], 0, 0.0),
        ("bottom", spoken[0], 1, 0.0),
        ("kiln", spoken[1], 0, DEVICE_WITHIN_S),
    ):
        seen: Counter[int] = Counter()
        for time_s, temp_c in stored.get(name, []):
            number = _number(time_s, temp_c - extra)
            off_s = abs(time_s - START_AT.timestamp() - number * STEP_S) / RATE
            seen[number] += 1
            wrong += off_s > within_s or not 0 <= number < count
            largest_s = max(largest_s, off_s)
        lost += sum(number not in seen for number in range(count))
        doubled += sum(times - 1 for times in seen.values())
    return Outcome(
        faults=dict(sorted(faults.items())),
        said=2 * spoken[0] + spoken[1],
        stored=sum(len(readings) for readings in stored.values()),
        lost=lost,
        doubled=doubled,
        wrong_time=wrong,
        largest_error_s=round(largest_s, 2),
        lasted_s=round(lasted_s, 1),
        whole_again_after_s=round(whole_s, 1),
    )


REPORT: Final = """# Reliability

What bridge and service keep when everything around them fails. {lasted} of one workshop, written by

    {command}

A logger with two probes on a serial device says ten lines a second, a device behind a broker ten messages; both stamp
their own time. Faults come at random, {per_minute:.0f} a minute, to the real programs, a real Mosquitto and a real file
system of {disk_mb} MB; the service seals what is older than ten minutes, six seconds of the run. At the end every
reading that was said is looked for in the store.

| | |
|---|---|
| readings said | {said:,} |
| stored | {stored:,} |
| **lost** | **{lost}** |
| **stored twice** | **{doubled}** |
| **with a wrong time** (logger: to its second; device without a clock: {within:g} s) | **{wrong_time}** |
| largest error of a time (device without a clock) | {largest:.2f} s |
| whole again after the last fault | {whole:.1f} s |

| fault | times |
|---|---|
{faults}
| **together** | **{count}** |
"""


def report(outcome: Outcome, command: str) -> str:
    """Return the run as a page of the documentation."""
    count = sum(outcome.faults.values())
    return REPORT.format(
        command=command,
        lasted=f"{outcome.lasted_s / 60:.0f} minutes",
        per_minute=count / outcome.lasted_s * 60,
        disk_mb=DISK_MB,
        said=outcome.said,
        stored=outcome.stored,
        lost=outcome.lost,
        doubled=outcome.doubled,
        wrong_time=outcome.wrong_time,
        within=DEVICE_WITHIN_S,
        largest=outcome.largest_error_s,
        whole=outcome.whole_again_after_s,
        faults="\n".join(f"| {name} | {times} |" for name, times in outcome.faults.items()),
        count=count,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="write the run to this page (docs/reliability.md)")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="canhlo-faults-") as folder:
        outcome = asyncio.run(run(said.faults, said.seed, Path(folder)))
    print(json.dumps(asdict(outcome), indent=1, ensure_ascii=False))
    if said.write:
        command = f"python -m benchmarks.faults --faults {said.faults} --seed {said.seed} --write {said.write}"
        said.write.write_text(report(outcome, command))


if __name__ == "__main__":
    main()
