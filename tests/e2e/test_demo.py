"""The two recorded firings, replayed whole: nothing lost or doubled, the right alarms, also through power cuts."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from programs import BIN, Program, until

from service.core.series import Samples
from service.demo.recordings import mqtt_firing, serial_firing
from service.series import history as series
from service.store.database import Database
from service.store.kilns import kiln_by_key

SERIAL_VALUES = 11_008  # 5,504 lines of two probes
MQTT_VALUES = 5_119  # of 5,126 /state messages, 7 are memory statistics


def replay(folder: Path, *, cut: tuple[str, ...] = ()) -> list[dict]:
    """Run the demo to its end, killing the named processes on the way; return its report for each kiln."""
    command = [BIN / "canhlo", "demo", "--until-done", "--speed", "600", "--json", "--port", "0", "--folder", folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        try:
            for wait_for, name in enumerate(cut, start=1):
                _wait_for_readings(folder, wait_for * SERIAL_VALUES // (len(cut) + 2))
                os.kill(int((folder / f"{name}.pid").read_text()), signal.SIGKILL)
            out, err = demo.communicate(timeout=280)
        except BaseException:
            demo.terminate()
            raise
    assert demo.returncode == 0, err
    return json.loads(out)["kilns"]


def _wait_for_readings(folder: Path, wanted: int) -> None:
    status = folder / "lo-1/data/status.json"

    def enough() -> bool:
        return status.exists() and json.loads(status.read_text())["readings_read"] >= wanted

    until(enough, 120, lambda: f"{wanted} readings in {status}")


def stored(folder: Path, key: str, channel: str) -> Samples:
    database = Database(f"sqlite:///{folder / 'canhlo.sqlite3'}")
    try:
        with database.read() as session:
            kiln = kiln_by_key(session, 1, key)
            far = datetime.fromisoformat("2016-01-01T00:00:00+00:00")
            early = datetime.fromisoformat("2015-01-01T00:00:00+00:00")
            return series.read(session, kiln.id, from_at=early, to_at=far).channels[channel]
    finally:
        database.close()


def assert_complete(kilns: list[dict]) -> None:
    for kiln, said in zip(kilns, (SERIAL_VALUES, MQTT_VALUES), strict=True):
        figures = {name: kiln[name] for name in ("readings_read", "readings_stored", "lost", "duplicated")}
        assert figures == {"readings_read": said, "readings_stored": said, "lost": 0, "duplicated": 0}, kiln["name"]


class Replayed(NamedTuple):
    """Both replays: of the one that nobody disturbed its folder too."""

    folder: Path
    kilns: list[dict]
    kilns_with_cuts: list[dict]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    """Replay both firings undisturbed, and with all that can be killed killed; at once, for they mostly wait."""
    folder = tmp_path_factory.mktemp("demo")
    cut = ("bridge-lo-1", "service", "broker", "bridge-lo-2")
    with ThreadPoolExecutor() as pool:
        whole = pool.submit(replay, folder)
        with_cuts = pool.submit(replay, tmp_path_factory.mktemp("cut"), cut=cut)
        return Replayed(folder, whole.result(), with_cuts.result())


@pytest.mark.timeout(320)
def test_every_reading_of_both_kilns_is_stored_once(replayed: Replayed) -> None:
    assert_complete(replayed.kilns)


@pytest.mark.timeout(320)
def test_the_serial_kiln_keeps_the_times_of_its_logger(replayed: Replayed) -> None:
    time_s = stored(replayed.folder, "lo-1", "top").time_s

    assert time_s.tolist() == [line.at.timestamp() for line in serial_firing()]


@pytest.mark.timeout(320)
def test_the_mqtt_kiln_keeps_the_right_time_through_every_reboot_of_its_device(
    replayed: Replayed,
) -> None:
    start_at = serial_firing()[0].at
    said_s = [message.at.timestamp() for message in mqtt_firing(start_at) if message.readings]

    time_s = stored(replayed.folder, "lo-2", "kiln").time_s

    assert len(time_s) == len(said_s)
    # Within one boot the device's own clock counts: steps are exact to its millisecond. Where a boot begins is known
    # only from when its first message came: at 600 times real speed a fifth of a second is two minutes.
    steps = [(late - early, told_late - told_early) for (early, late), (told_early, told_late)
             in zip(pairwise(time_s), pairwise(said_s), strict=True)]  # fmt: skip
    exact = [abs(kept - told) < 0.002 for kept, told in steps]
    # A message that came sooner than those before it puts the boot's beginning right: a step not exact, but truer.
    assert sum(not ok for ok in exact) <= 0.005 * len(exact)
    assert max(abs(kept - told) for kept, told in zip(time_s, said_s, strict=True)) < 300


@pytest.mark.timeout(320)
def test_the_99_minute_gap_is_an_alarm_with_the_right_times(replayed: Replayed) -> None:
    silent = [
        (alarm["at"], alarm["until"]) for alarm in replayed.kilns[0]["alarms"] if alarm["kind"] == "sensor_silent"
    ]

    # 20:28:05 to 22:07:25 by the logger's clock in France, two hours ahead of UTC.
    assert silent.count(("2015-10-21T18:28:05+00:00", "2015-10-21T20:07:25+00:00")) == 2  # both probes


@pytest.mark.timeout(320)
def test_the_peak_the_cooling_spread_and_the_pushes_are_reported(replayed: Replayed) -> None:
    serial = replayed.kilns[0]

    assert serial["peak_c"] == 1283
    assert serial["cone_reached"] is not None
    assert serial["cone_reached_at"] is not None
    assert "uneven_heating" in {alarm["kind"] for alarm in serial["alarms"]}
    assert serial["pushes_delivered"] > 0


@pytest.mark.timeout(320)
def test_kill_9_of_bridges_service_and_broker_in_mid_run_changes_no_count(replayed: Replayed) -> None:
    assert_complete(replayed.kilns_with_cuts)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT], ids=lambda told: told.name)
def test_a_demo_that_is_told_to_stop_leaves_no_process_behind(
    tmp_path: Path, programs: Callable[..., Program], told: signal.Signals
) -> None:
    demo = programs("canhlo", "demo", "--port", "0", "--folder", str(tmp_path))
    demo.said("ready: ")
    children = [int(file.read_text()) for file in tmp_path.glob("*.pid")]

    demo.process.send_signal(told)

    assert demo.process.wait(20) == 0
    assert len(children) == 4
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
