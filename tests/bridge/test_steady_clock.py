"""A board without a battery: what it reads before it knows the time is put right when somebody tells it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.clock import SteadyClock
from firmware_bridge.decoders.numbers import Numbers
from firmware_bridge.intake import Intake, Memory
from firmware_bridge.message import Message
from firmware_bridge.recorder import Recorder
from firmware_bridge.spoken import Wanted
from firmware_bridge.spool import Spool
from firmware_bridge.units import UNITS
from firmware_bridge.wire import Block

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
WOKE_AT = datetime(2026, 1, 1, tzinfo=UTC)
TRUE_AT = WOKE_AT + timedelta(hours=41, minutes=48)  # the jump in a real kiln's log


class Board:
    """The hands of a board's two clocks: the one on the wall can be set, the steady one cannot."""

    def __init__(self) -> None:
        self.wall_s = WOKE_AT.timestamp()
        self.steady_s = 12.0
        self.is_told = False

    @property
    def told_at(self) -> datetime | None:
        """Return the true time once a time server has told it: the wall clock jumps, and the board hears why."""
        return TRUE_AT + timedelta(seconds=self.steady_s - 12.0) if self.is_told else None

    def pass_s(self, seconds: float) -> None:
        self.wall_s += seconds
        self.steady_s += seconds

    def clock(self, not_before: datetime = LONG_AGO) -> SteadyClock:
        return SteadyClock(not_before, lambda: self.wall_s, lambda: self.steady_s)


def numbers() -> Numbers:
    return Numbers([Wanted("top", said=UNITS["c"])])


def sent(spool: Spool) -> list[Block]:
    return [msgspec.msgpack.decode(one.body, type=Block) for one in spool.take(100, 10**6).blocks]


@given(steps=st.lists(st.tuples(st.floats(0, 3600), st.floats(-1e6, 1e6)), max_size=6))
def test_nothing_that_sets_the_wall_clock_moves_it(steps: list[tuple[float, float]]) -> None:
    board = Board()
    clock = board.clock()
    for seconds, set_by_s in steps:
        board.pass_s(seconds)
        board.wall_s += set_by_s

    assert abs(clock.now() - WOKE_AT - timedelta(seconds=sum(seconds for seconds, _ in steps))) < timedelta(
        seconds=1e-3
    )


def test_a_guess_never_goes_back_behind_what_was_recorded() -> None:
    assert Board().clock(not_before=TRUE_AT).now() == TRUE_AT


def test_once_sure_it_follows_only_what_is_off_by_more_than_two_seconds_and_moves_nothing_back() -> None:
    clock = Board().clock()

    shifts = [clock.learn(TRUE_AT + timedelta(seconds=s)) for s in (0, 1.5, 60)]

    assert shifts == [TRUE_AT - WOKE_AT, timedelta(), timedelta()]
    assert clock.now() == TRUE_AT + timedelta(seconds=60)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool.sqlite3")


async def test_a_pi_without_clock_jumps_by_41_8_hours_and_its_curve_does_not(spool: Spool) -> None:
    board = Board()
    clock = board.clock()
    intake = Intake("lo-1/top", "lo-1", numbers(), Memory(), now=clock.now())
    recorder = Recorder([intake], spool, clock, lambda: None, true_now=lambda: board.told_at)
    for second in range(20):
        board.pass_s(1)
        if second == 10:
            board.is_told = True
        intake.take(Message(b"%d" % (600 + second), clock.now()))
        await recorder.commit(clock.now())
        if second < 10:
            assert sent(spool) == []

    readings = [(column.at_ms[0], column.value[0]) for block in sent(spool) for column in block.columns]
    true_ms = int(TRUE_AT.timestamp() * 1000)
    assert readings == [(true_ms + 1000 * (second + 1), 600.0 + second) for second in range(20)]
    assert not any(block.is_estimated for block in sent(spool))
    spool.close()


async def test_what_lost_its_power_before_it_knew_the_time_goes_as_estimated_and_in_order(
    spool: Spool, tmp_path: Path
) -> None:
    board = Board()
    intake = Intake("lo-1/top", "lo-1", numbers(), Memory(), now=board.clock().now())
    for value in (600, 601):
        board.pass_s(1)
        clock = board.clock()
        intake.take(Message(b"%d" % value, clock.now()))
        await Recorder([intake], spool, clock, lambda: None).commit(clock.now())
    newest_at = spool.newest_at()
    spool.close()

    after = Spool(tmp_path / "spool.sqlite3")
    found = sent(after)
    after.close()

    assert [(block.is_estimated, block.columns[0].value) for block in found] == [(True, [600.0]), (True, [601.0])]
    assert newest_at == WOKE_AT + timedelta(seconds=2)


async def test_an_instrument_that_keeps_time_itself_is_not_moved(spool: Spool) -> None:
    board = Board()
    clock = board.clock()
    intake = Intake("lo-1/top", "lo-1", numbers(), Memory(), now=clock.now(), keeps_time=True)
    recorder = Recorder([intake], spool, clock, lambda: None, true_now=lambda: TRUE_AT)
    intake.take(Message(b"600", WOKE_AT))

    await recorder.commit(clock.now())

    assert [block.columns[0].at_ms for block in sent(spool)] == [[int(WOKE_AT.timestamp() * 1000)]]
    await asyncio.to_thread(spool.close)
