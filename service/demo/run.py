"""`canhlo demo`: two recorded firings through real instruments, a real broker, two bridges and the service."""

import asyncio
import contextlib
import json
import signal
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx

from service.app import check_port
from service.clock import Clock
from service.demo import village as demo_village
from service.demo.broker import broker_command, free_port
from service.demo.children import Child
from service.demo.instruments import MqttInstrument, SerialInstrument
from service.demo.phone import Phone
from service.demo.recordings import SERIAL_ZONE, mqtt_firing, serial_firing
from service.demo.report import Replayed, Report, make_report, print_report
from service.errors import ServiceError
from service.series import blocks as series
from service.store.database import Database
from service.store.migrate import upgrade

STARTUP_S: Final = 30.0
SETTLE_S: Final = 90.0
TELL_EVERY_S: Final = 10.0
BIN: Final = Path(sys.executable).parent


class DemoError(ServiceError):
    """The demo could not start or finish; the message says which part and where its log is."""

    code = "demo_failed"


@dataclass(frozen=True)
class DemoOptions:
    speed: float
    until_done: bool
    as_json: bool
    port: int
    folder: Path | None


async def run_demo(options: DemoOptions) -> None:
    if not 0.1 <= options.speed <= 2000:
        msg = f"--speed must be between 0.1 and 2000, not {options.speed}"
        raise DemoError(msg)
    with _folder(options.folder) as folder:
        demo = asyncio.ensure_future(Demo(options, folder).run())
        for told_to_stop in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(told_to_stop, demo.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await demo


@contextlib.contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="canhlo-demo-") as made:
        yield Path(made)


class Demo:
    """One run of the demo: everything lives in its folder and ends with it."""

    def __init__(self, options: DemoOptions, folder: Path) -> None:
        self._options = options
        self._folder = folder
        self._port = options.port or free_port()
        check_port("127.0.0.1", self._port)
        self._url = f"http://127.0.0.1:{self._port}"
        self._broker_port = free_port()
        self._phone = Phone(free_port(), self._url)
        lines = serial_firing()
        # Time for the instruments' ports to be opened, in the replay's own time.
        self._clock = Clock(options.speed, lines[0].at - timedelta(seconds=2 * options.speed), time.time() + STARTUP_S)
        self._lines = lines

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr if self._options.as_json else sys.stdout, flush=True)

    async def run(self) -> None:
        database = Database(f"sqlite:///{self._folder / 'canhlo.sqlite3'}")
        try:
            upgrade(database)
            with database.write() as session:
                village = demo_village.found_village(session, self._phone.subscription)
            async with asyncio.TaskGroup() as group:
                background = [group.create_task(self._phone.run())]
                await self._start_service(group, background)
                await self._pair_bridges(village)
                report = await self._replay(group, background, village, database)
                for task in background:
                    task.cancel()
            print_report(report, as_json=self._options.as_json)
        finally:
            database.close()

    async def _start_service(self, group: asyncio.TaskGroup, background: list[asyncio.Task[None]]) -> None:
        self._say("starting the broker, the service and two bridges ...")
        # The clock starts when the instruments do; until then everything agrees on a time shortly before.
        self._clock = Clock(self._clock.rate, self._clock.start_at, time.time() + 6.0)
        serve = Child("service", [str(BIN / "canhlo"), "serve"], self._folder, self._service_env())
        broker = Child("broker", broker_command(self._folder, self._broker_port), self._folder, {})
        background += [group.create_task(child.run()) for child in (serve, broker)]
        async with httpx.AsyncClient() as client, asyncio.timeout(STARTUP_S):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{self._url}/readyz")).is_success:
                        return
                await asyncio.sleep(0.1)

    def _clock_text(self) -> str:
        assert self._clock.start_at is not None  # noqa: S101 - given at its making
        return f"{self._clock.rate},{self._clock.start_at.isoformat()},{self._clock.machine_start_s}"

    def _service_env(self) -> dict[str, str]:
        return {
            "CANHLO_DATA_DIR": str(self._folder),
            "CANHLO_PORT": str(self._port),
            "CANHLO_CLOCK": self._clock_text(),
            "CANHLO_PUSH_HOSTS": json.dumps(["127.0.0.1", "fcm.googleapis.com", "updates.push.services.mozilla.com"]),
        }

    async def _pair_bridges(self, village: demo_village.Village) -> None:
        """Write each bridge's settings and pair it, the way a person would."""
        for kiln, code in village.pairing_codes.items():
            folder = self._folder / kiln
            folder.mkdir(exist_ok=True)
            config = folder / "bridge.toml"
            config.write_text(self._bridge_settings(kiln))
            command = [str(BIN / "canhlo-bridge"), "pair", code, "--server", self._url, "--config", str(config)]
            pairing = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
            said, _ = await pairing.communicate()
            if pairing.returncode != 0:
                msg = f"the bridge of {kiln} could not be paired: {said.decode(errors='replace').strip()}"
                raise DemoError(msg)

    def _bridge_settings(self, kiln: str) -> str:
        source = (
            f'type = "serial"\nport = "{self._folder}/instrument"\nbaud = 9600\nformat = "camera_logger"\n'
            f'time_zone = "{SERIAL_ZONE}"\nchannels = ["top", "bottom"]\n'
            if kiln == demo_village.SERIAL_KILN
            else f'type = "mqtt"\nhost = "127.0.0.1"\nport = {self._broker_port}\ntopic = "qtkiln/#"\n'
            'format = "qtkiln"\nclient_id = "bridge-lo-2"\nchannels = ["kiln"]\n'
        )
        return (
            f'server = "{self._url}"\ntoken_file = "bridge.token"\ndata_dir = "data"\n\n[page]\nport = 0\n\n'
            f'[[sources]]\nkiln = "{kiln}"\n{source}'
        )

    async def _replay(
        self,
        group: asyncio.TaskGroup,
        background: list[asyncio.Task[None]],
        village: demo_village.Village,
        database: Database,
    ) -> Report:
        serial = SerialInstrument(self._lines, self._clock, self._folder / "instrument")
        messages = mqtt_firing(self._lines[0].at)
        kilns = [
            Replayed(demo_village.SERIAL_KILN, self._folder / "lo-1/data/status.json", self._lines),
            Replayed(demo_village.MQTT_KILN, self._folder / "lo-2/data/status.json", messages),
        ]
        for kiln in kilns:
            config = str(self._folder / kiln.key / "bridge.toml")
            command = [str(BIN / "canhlo-bridge"), "--config", config]
            child = Child(f"bridge-{kiln.key}", command, self._folder, {"CANHLO_CLOCK": self._clock_text()})
            background.append(group.create_task(child.run()))
        await self._until_subscribed(kilns[1])
        mqtt = MqttInstrument(messages, self._clock, self._broker_port)
        try:
            playing = [group.create_task(serial.run()), group.create_task(mqtt.run())]
            await self._until_reading(database, len(kilns))
            self._say(
                f"ready: {self._url}/link#{village.link_token}   (signs you in, once)\n"
                f"       or sign in as {demo_village.LOGIN} with the password {village.password}\n"
                f"       {self._options.speed:g} times faster than life; Ctrl-C ends it"
            )
            background.append(group.create_task(self._tell(serial, mqtt, len(messages))))
            await asyncio.gather(*playing)
            staying = group.create_task(serial.stay())
            background.append(staying)
            report = await self._settle(database, kilns)
            if not self._options.until_done:
                self._say("both firings were replayed; the page stays up until Ctrl-C")
                await asyncio.Event().wait()
            return report
        finally:
            mqtt.close()
            serial.close()

    async def _until_subscribed(self, kiln: Replayed) -> None:
        """Wait for the bridge's subscription: a broker keeps nothing for a subscriber it never met."""
        async with asyncio.timeout(STARTUP_S):
            while not kiln.bridge_is_connected():
                await asyncio.sleep(0.05)

    async def _until_reading(self, database: Database, kilns: int) -> None:
        """Wait for the first readings of every kiln: a page opened now shows them."""

        def reading() -> int:
            with database.read() as session:
                return len(series.newest_ids(session))

        async with asyncio.timeout(STARTUP_S):
            while await asyncio.to_thread(reading) < kilns:
                await asyncio.sleep(0.1)

    async def _tell(self, serial: SerialInstrument, mqtt: MqttInstrument, messages: int) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            self._say(
                f"  {self._clock.now():%Y-%m-%d %H:%M} UTC   serial {serial.spoken}/{len(self._lines)} lines"
                f"   mqtt {mqtt.spoken}/{messages} messages   pushes {len(self._phone.pushes)}"
            )

    async def _settle(self, database: Database, kilns: list[Replayed]) -> Report:
        """Wait until all that was said is stored, looked at and pushed, or for as long as that may take."""
        deadline = time.monotonic() + SETTLE_S
        while True:
            report = await asyncio.to_thread(make_report, database, kilns)
            if report.is_settled or time.monotonic() > deadline:
                return report
            await asyncio.sleep(0.5)
