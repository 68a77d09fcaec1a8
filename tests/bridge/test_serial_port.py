"""A real pty takes the instrument's place: the kernel, pyserial and the bridge are the real ones."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bridge_fakes import NOON, Ear, until

from firmware_bridge.sources.serial_port import LINE_TOO_LONG, SerialSource


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
