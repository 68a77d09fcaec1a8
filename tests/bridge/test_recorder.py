import asyncio
import sqlite3
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from bridge_fakes import NOON, until

from firmware_bridge.clock import Clock, SteadyClock
from firmware_bridge.decoders.camera_logger import CameraLogger
from firmware_bridge.decoders.numbers import Numbers
from firmware_bridge.intake import Intake, Memory, to_ms
from firmware_bridge.message import Message
from firmware_bridge.recorder import Pace, Recorder
from firmware_bridge.spoken import Wanted
from firmware_bridge.spool import Spool
from firmware_bridge.units import UNITS
from firmware_bridge.wire import Block

SECOND = timedelta(seconds=1)


def intake(kiln: str = "lo-1", channel: str = "top") -> Intake:
    return Intake(f"{kiln}/{channel}", kiln, CameraLogger([channel], ZoneInfo("UTC")), Memory(), now=NOON)


def recorder(intakes: list[Intake], spool: Spool, clock: Clock | None = None) -> Recorder:
    return Recorder(intakes, spool, clock or Clock(), lambda: None)


def blocks(spool: Spool) -> list[Block]:
    return [msgspec.msgpack.decode(block.body, type=Block) for block in spool.take(64, 10**6).blocks]


def say(source: Intake, at_s: int) -> None:
    at = NOON + at_s * SECOND
    source.take(Message(f"{at:%d/%m/%Y %H:%M:%S};650".encode(), at))


async def test_an_interval_is_one_block_for_each_kiln(spool: Spool) -> None:
    top, bottom, other = intake(), intake(channel="bottom"), intake("lo-2")
    for source in (top, bottom, other):
        say(source, 0)
        say(source, 1)

    await recorder([top, bottom, other], spool).commit(NOON + SECOND)

    assert [(block.kiln, [column.channel for column in block.columns]) for block in blocks(spool)] == [
        ("lo-1", ["top", "bottom"]),
        ("lo-2", ["top"]),
    ]
    assert {block.until_ms for block in blocks(spool)} == {to_ms(NOON + SECOND)}


async def test_a_kiln_is_vouched_for_as_far_as_its_slowest_source(spool: Spool) -> None:
    quick, slow = intake(), intake(channel="bottom")
    say(quick, 9)
    say(slow, 4)

    await recorder([quick, slow], spool).commit(NOON + 9 * SECOND)

    assert blocks(spool)[0].until_ms == to_ms(NOON + 4 * SECOND)


async def test_silence_is_told_every_10_seconds(spool: Spool) -> None:
    source = intake()
    source.set_connected(True, NOON)
    at_work = recorder([source], spool)

    for second in range(1, 31):
        await at_work.commit(NOON + second * SECOND)

    assert [block.until_ms for block in blocks(spool)] == [to_ms(NOON + second * SECOND) for second in (1, 11, 21)]


async def test_a_fast_clock_is_told_of_silence_at_every_commit(spool: Spool) -> None:
    source = intake()
    source.set_connected(True, NOON)
    at_work = recorder([source], spool, Clock(rate=60, start_at=NOON))

    for machine_s in range(3, 6):
        await at_work.commit(NOON + machine_s * 60 * SECOND)

    assert [block.until_ms for block in blocks(spool)] == [to_ms(NOON + 60 * second * SECOND) for second in (1, 2, 3)]


async def test_nothing_is_sent_of_a_kiln_that_was_never_heard(spool: Spool) -> None:
    await recorder([intake()], spool).commit(NOON + 60 * SECOND)

    assert blocks(spool) == []


class FullDisk(Spool):
    """A spool whose disk has no room for the first tries."""

    refusals = 2

    def append(self, *words: object) -> None:
        if self.refusals:
            self.refusals -= 1
            raise sqlite3.OperationalError("database or disk is full")
        super().append(*words)  # type: ignore[arg-type]


async def test_a_full_disk_keeps_readings_in_memory_until_there_is_room(tmp_path: Path) -> None:
    spool = FullDisk(tmp_path / "spool.sqlite3")
    source = intake()
    at_work = recorder([source], spool)
    for second in range(3):
        say(source, second)
        await at_work.commit(NOON + second * SECOND)

    assert [column.at_ms for column in blocks(spool)[0].columns] == [[to_ms(NOON + s * SECOND) for s in range(3)]]
    assert at_work.failed_commits == 2
    spool.close()


async def test_memory_is_bounded_and_what_does_not_fit_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware_bridge.intake.MAX_WAITING_MESSAGES", 2)
    source = intake()

    for second in range(5):
        say(source, second)

    assert source.counters.dropped == 3
    assert source.counters.readings == 2


async def test_the_loop_commits_on_its_own_and_once_more_when_told_to_stop(spool: Spool) -> None:
    source, stop = intake(), asyncio.Event()
    at_work = Recorder([source], spool, Clock(), lambda: None, Pace(commit_every_s=0.05))
    running = asyncio.create_task(at_work.run(stop))
    say(source, 0)
    await until(lambda: spool.counts().readings_read == 1)

    say(source, 1)
    stop.set()
    await running

    assert spool.counts().readings_read == 2


async def test_a_guess_that_the_disk_does_not_let_put_right_is_put_right_before_anything_else(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[datetime] = []
    clock = SteadyClock(NOON, lambda: NOON.timestamp(), lambda: 0.0)
    source = Intake("lo-1/top", "lo-1", Numbers([Wanted("top", said=UNITS["c"])]), Memory(), now=NOON)
    at_work = Recorder([source], spool, clock, lambda: None, true_now=lambda: told[0] if told else None)
    put_right = spool.put_right

    def fail(_shift_ms: int, *, is_sure: bool) -> None:
        raise sqlite3.OperationalError

    source.take(Message(b"600", clock.now()))
    await at_work.commit(clock.now())
    monkeypatch.setattr(spool, "put_right", fail)
    told.append(NOON + 3600 * SECOND)
    await at_work.commit(clock.now())
    source.take(Message(b"601", clock.now()))
    await at_work.commit(clock.now())
    assert (blocks(spool), at_work.failed_commits) == ([], 1)

    monkeypatch.setattr(spool, "put_right", put_right)
    await at_work.commit(clock.now())

    assert [column.at_ms for block in blocks(spool) for column in block.columns] == [[to_ms(told[0])]] * 2


async def test_after_the_machine_slept_nothing_is_vouched_for_yet(spool: Spool) -> None:
    clock = Clock(start_at=NOON, machine_start_s=time.time())
    source, stop = intake(), asyncio.Event()
    source.set_connected(True, NOON)
    at_work = Recorder([source], spool, clock, lambda: None, Pace(commit_every_s=0.05, grace_s=0.2))
    running = asyncio.create_task(at_work.run(stop))
    await asyncio.sleep(0)

    time.sleep(0.5)  # noqa: ASYNC251 - the machine sleeps, not the task
    stop.set()
    await running

    assert blocks(spool) == []
