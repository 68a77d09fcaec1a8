"""The real program, ended gently and killed: nothing lost, nothing doubled, nothing left behind."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tty
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bridge_fakes import Mosquitto, Service, free_port, until
from test_mqtt import publish

from firmware_bridge.cli import parse_clock
from firmware_bridge.clock import Clock
from firmware_bridge.settings import SettingsError
from firmware_bridge.wire import Post

SERIAL = """
type = "serial"
port = "{port}"
format = "camera_logger"
time_zone = "Europe/Paris"
kiln = "lo-1"
channels = ["top", "bottom"]
"""
MQTT = """
type = "mqtt"
host = "127.0.0.1"
port = {port}
format = "qtkiln"
kiln = "lo-2"
"""


class Bridge:
    """The program in a folder of its own."""

    def __init__(self, folder: Path, server: str, source: str) -> None:
        self.config = folder / "bridge.toml"
        self.config.write_text(f'server = "{server}"\n[page]\nport = 0\n[[sources]]\n{source}')
        (folder / "bridge.token").write_text("secret\n")
        self._folder = folder

    def start(self) -> None:
        command = [sys.executable, "-m", "firmware_bridge", "--config", str(self.config)]
        (self._folder / "data/status.json").unlink(missing_ok=True)  # of the one before
        with (self._folder / "bridge.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    async def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return await asyncio.to_thread(self.process.wait, 10)

    def status(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self._folder / "data/status.json").read_text())
        except FileNotFoundError:
            return {}
        return found

    def is_connected(self) -> bool:
        status = self.status()
        return bool(status) and bool(status["sources"][0]["connected"])

    def log(self) -> str:
        return (self._folder / "bridge.log").read_text()


@contextlib.asynccontextmanager
async def running(bridge: Bridge) -> AsyncIterator[Bridge]:
    bridge.start()
    try:
        yield bridge
    finally:
        bridge.process.kill()
        bridge.process.wait()


def values(posts: list[Post]) -> list[tuple[str, int, float | None]]:
    blocks = {(block.boot, block.seq): block for post in posts for block in post.blocks}
    return [
        (column.channel, at_ms, value)
        for block in blocks.values()
        for column in block.columns
        for at_ms, value in zip(column.at_ms, column.value, strict=True)
    ]


async def test_sigterm_writes_and_sends_what_was_heard_and_ends_with_0(tmp_path: Path) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    async with (
        Service() as service,
        running(Bridge(tmp_path, service.url, SERIAL.format(port=os.ttyname(slave)))) as bridge,
    ):
        await until(bridge.is_connected)
        os.write(master, b"garbage\n21/10/2015 11:26:31;650;586\n21/10/2015 11:26:36;nan;587\n21/10")
        await until(lambda: bridge.status()["sources"][0]["received"] == 3)
        code = await bridge.end(signal.SIGTERM)
    os.close(master)
    os.close(slave)

    status = bridge.status()
    assert code == 0, bridge.log()
    assert len(values(service.posts)) == status["readings_read"] == 4
    assert status["sources"][0]["rejected"] == {"no_time": 1}
    stored = set(service.stored)  # a post that was under way when the signal came is sent again
    assert (status["spool"]["waiting_blocks"], status["spool"]["accepted_blocks"]) == (0, len(stored))
    assert status["uplink"]["answer"] == "stored"
    assert "secret" not in bridge.log()


async def test_kill_9_again_and_again_loses_and_doubles_nothing(tmp_path: Path, mosquitto: Mosquitto) -> None:
    async with Service() as service:
        bridge = Bridge(tmp_path, service.url, MQTT.format(port=mosquitto.port))
        for first in (0, 30, 60):
            async with running(bridge):
                await until(bridge.is_connected)
                said = [b'{"time_ms":%d,"kiln":{"temp_C":%d}}' % (5000 * n, n) for n in range(first, first + 30)]
                await publish(mosquitto.port, *said)
                await until(lambda first=first: bridge.status()["readings_read"] > first)
                await bridge.end(signal.SIGKILL)
        async with running(bridge):
            await until(lambda: bridge.is_connected() and bridge.status()["readings_read"] == 90)
            await until(lambda: len(values(service.posts)) >= 90)
            code = await bridge.end(signal.SIGTERM)

    assert code == 0, bridge.log()
    assert sorted(value for _, _, value in values(service.posts)) == [float(n) for n in range(90)]
    assert bridge.status()["readings_read"] == 90


async def test_sigterm_ends_it_soon_even_when_nobody_is_there(tmp_path: Path) -> None:
    bridge = Bridge(tmp_path, f"http://127.0.0.1:{free_port()}", MQTT.format(port=free_port()))
    async with running(bridge):
        await until(bridge.status)
        async with asyncio.timeout(4):
            code = await bridge.end(signal.SIGTERM)

    assert code == 0, bridge.log()


async def test_settings_that_are_wrong_end_with_2_and_one_clear_message(tmp_path: Path) -> None:
    async with running(Bridge(tmp_path, "nowhere", SERIAL.format(port="/dev/null"))) as bridge:
        code = await asyncio.to_thread(bridge.process.wait, 10)

    assert code == 2
    assert bridge.log().count("\n") == 1
    assert "bridge.toml: dòng/line 1: server: " in bridge.log()


def test_the_clock_of_a_replay_is_three_values() -> None:
    clock = parse_clock("600,2015-10-21T09:26:31+00:00,1.5e9")

    assert clock == Clock(600.0, datetime(2015, 10, 21, 9, 26, 31, tzinfo=UTC), 1.5e9)
    assert clock.span(2) == timedelta(minutes=20)
    assert parse_clock("") is None


@pytest.mark.parametrize("text", ["fast", "600", "0,2015-10-21T09:26:31+00:00,1", "1,2015-10-21T09:26:31,1", "nan,x,y"])
def test_a_clock_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(SettingsError, match="CANHLO_CLOCK"):
        parse_clock(text)
