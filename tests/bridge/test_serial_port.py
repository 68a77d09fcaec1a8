"""A real pty takes the instrument's place: the kernel, pyserial and the bridge are the real ones."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from bridge_fakes import NOON, Ear, until

from firmware_bridge.bridge import _listen
from firmware_bridge.clock import Clock
from firmware_bridge.intake import Intake
from firmware_bridge.recorder import Pace, Recorder
from firmware_bridge.settings import load_settings
from firmware_bridge.sources.serial_port import LINE_TOO_LONG, SerialSource
from firmware_bridge.spool import Spool
from firmware_bridge.wire import Block


class Device:
    """An instrument on a cable that can be pulled out and put back."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.plug_in()

    def plug_in(self) -> None:
        self._master, slave = os.openpty()
        self.link.symlink_to(os.ttyname(slave))
        os.close(slave)

    def say(self, said: bytes) -> None:
        os.write(self._master, said)

    def pull_out(self) -> None:
        self.link.unlink()
        os.close(self._master)


@contextlib.asynccontextmanager
async def listening(path: Path, ear: Ear) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(SerialSource(str(path), 9600, ear, lambda: NOON).run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path / "instrument")


async def test_lines_arrive_whole_however_they_were_written(device: Device) -> None:
    ear = Ear()
    async with listening(device.link, ear):
        await until(lambda: ear.is_connected)
        for piece in (b"21/10/2015 11:26:31;650;5", b"86\r\n21/10", b"/2015 11:26:36;650;587\r\n"):
            device.say(piece)
        await until(lambda: len(ear.messages) == 2)
    device.pull_out()

    assert ear.payloads == [b"21/10/2015 11:26:31;650;586", b"21/10/2015 11:26:36;650;587"]
    assert ear.messages[0].arrived_at == NOON
    assert not ear.is_connected


async def test_a_port_that_goes_away_is_opened_again_and_half_a_line_is_forgotten(device: Device) -> None:
    ear = Ear()
    async with listening(device.link, ear):
        await until(lambda: ear.is_connected)
        device.say(b"first\nhalf a li")
        await until(lambda: ear.messages)
        device.pull_out()
        await until(lambda: not ear.is_connected)
        device.plug_in()
        await until(lambda: ear.is_connected)
        device.say(b"second\n")
        await until(lambda: len(ear.messages) == 2)
    device.pull_out()

    assert ear.payloads == [b"first", b"second"]


async def test_a_port_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    ear = Ear()
    async with listening(tmp_path / "instrument", ear):
        await until(lambda: len(ear.connections) >= 2)
        device = Device(tmp_path / "instrument")
        await until(lambda: ear.is_connected)
    device.pull_out()


async def test_a_line_of_1_mb_is_counted_and_the_next_one_is_read(device: Device) -> None:
    ear = Ear()
    async with listening(device.link, ear):
        await until(lambda: ear.is_connected)
        await asyncio.to_thread(device.say, b"x" * 1_000_000 + b"\nnext\n")
        await until(lambda: ear.messages)
    device.pull_out()

    assert ear.payloads == [b"next"]
    assert ear.refused == [(LINE_TOO_LONG, 1)]


async def test_a_second_reader_of_the_same_port_gets_nothing_and_takes_nothing(device: Device) -> None:
    first, second = Ear(), Ear()
    async with listening(device.link, first):
        await until(lambda: first.is_connected)
        async with listening(device.link, second):
            await until(lambda: second.connections)
            device.say(b"one\ntwo\n")
            await until(lambda: len(first.messages) == 2)
    device.pull_out()

    assert True not in second.connections


CSV = """server = "http://127.0.0.1:9"
[[sources]]
type = "serial"
port = "{port}"
format = "csv"
kiln = "lo-1"
channels = ["top", "bottom"]
names = ["Top (C)", "Bottom (C)"]
"""


@contextlib.asynccontextmanager
async def bridged(device: Device, spool_file: Path) -> AsyncIterator[tuple[Spool, Intake]]:
    """Have a bridge listen to a CSV logger and keep what it says."""
    told = spool_file.with_name("bridge.toml")
    told.write_text(CSV.format(port=device.link))
    spool, stop = Spool(spool_file), asyncio.Event()
    (source,), (intake,) = _listen(load_settings(told), spool, Clock())
    recorder = Recorder([intake], spool, Clock(), lambda: None, Pace(commit_every_s=0.02))
    running = [asyncio.create_task(one.run(stop)) for one in (source, recorder)]
    await until(lambda: intake.is_connected)
    try:
        yield spool, intake
    finally:
        stop.set()
        await asyncio.gather(*running)
        spool.close()


def kept(spool: Spool) -> list[list[float | None]]:
    blocks = [msgspec.msgpack.decode(one.body, type=Block) for one in spool.take(100, 10**6).blocks]
    return [[column.value[0] for column in block.columns] for block in blocks if block.columns]


async def test_a_header_that_is_the_first_line_after_opening_is_read(device: Device, tmp_path: Path) -> None:
    async with bridged(device, tmp_path / "spool") as (spool, intake):
        device.say(b"Time,Top (C),Bottom (C)\r\n1,612.75,598.50\r\n")
        await until(lambda: kept(spool))
        assert kept(spool) == [[612.75, 598.5]]
        assert not intake.counters.rejected
    device.pull_out()


async def test_a_header_is_remembered_when_a_board_does_not_begin_anew_with_the_bridge(
    device: Device, tmp_path: Path
) -> None:
    async with bridged(device, tmp_path / "spool") as (spool, _):
        device.say(b"Time,Top (C),Bottom (C)\r\n1,612.75,598.50\r\n")
        await until(lambda: kept(spool))
    async with bridged(device, tmp_path / "spool") as (spool, intake):
        device.say(b"2.75,598.50\r\n3,613.75,599.50\r\n")
        await until(lambda: len(kept(spool)) == 2)
        assert kept(spool) == [[612.75, 598.5], [613.75, 599.5]]
        assert not intake.counters.rejected
    device.pull_out()


async def test_a_row_that_was_cut_by_a_restart_makes_no_header(device: Device, tmp_path: Path) -> None:
    async with bridged(device, tmp_path / "spool") as (spool, _):
        device.say(b"5,61Time,Top (C),Bottom (C)\r\nTime,Top (C),Bottom (C)\r\n1,612.75,598.50\r\n")
        await until(lambda: kept(spool))
        assert kept(spool) == [[612.75, 598.5]]
    device.pull_out()
