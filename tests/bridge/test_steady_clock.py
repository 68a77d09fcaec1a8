"""A board without a battery: what it reads before it knows the time is put right when somebody tells it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.clock import SteadyClock
from firmware_bridge.decoders.camera_logger import CameraLogger
from firmware_bridge.decoders.numbers import Numbers
from firmware_bridge.decoders.qtkiln import QtKiln
from firmware_bridge.intake import Intake, Memory, to_ms
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


def test_once_sure_it_follows_only_what_is_off_by_more_than_two_seconds_and_says_by_how_much_it_moved() -> None:
    clock = Board().clock()

    shifts = [clock.learn(TRUE_AT + timedelta(seconds=s)) for s in (0, 1.5, 60)]

    assert shifts == [TRUE_AT - WOKE_AT, timedelta(), timedelta(seconds=60)]
    assert clock.now() == TRUE_AT + timedelta(seconds=60)


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


TEN_DAYS_MS = 864_000_000


class Watch:
    """One run of a bridge on a board that dates by its uptime."""

    def __init__(self, path: Path, board: Board) -> None:
        self.spool = Spool(path)
        self.clock = board.clock(self.spool.newest_at())
        self.intake = Intake("lo-1/top", "lo-1", QtKiln("top"), self.spool.recall("lo-1/top"), now=self.clock.now())
        self.recorder = Recorder([self.intake], self.spool, self.clock, lambda: None, true_now=lambda: board.told_at)

    async def hear(self, *since_boot_ms: int) -> None:
        """Take lines that come in one heap, and commit."""
        for one in since_boot_ms:
            said = b'{"time_ms":%d,"kiln":{"temp_C":600}}' % one
            self.intake.take(Message(said, self.clock.now(), "qtkiln/A/state"))
        await self.recorder.commit(self.clock.now())

    def close(self) -> list[Block]:
        """End; return what this run has to send."""
        blocks = [block for block in sent(self.spool) if block.boot == self.spool.boot]
        self.spool.close()
        return blocks


async def after_ten_days(path: Path, board: Board) -> None:
    """Have a bridge that knows the time hear a board that has been running for ten days, and lose its power."""
    board.is_told = True
    watch = Watch(path, board)
    await watch.hear()
    for second in range(5):
        board.pass_s(1)
        await watch.hear(TEN_DAYS_MS + 1000 * second)
    watch.close()
    board.is_told = False
    board.pass_s(3600)
    board.wall_s = WOKE_AT.timestamp()  # nothing has counted on without power


def times_ms(blocks: list[Block]) -> list[int]:
    return [at_ms for block in blocks for column in block.columns for at_ms in column.at_ms]


async def test_a_board_that_lost_its_power_with_us_is_not_dated_by_its_last_life(tmp_path: Path) -> None:
    board = Board()
    await after_ten_days(tmp_path / "spool", board)
    watch = Watch(tmp_path / "spool", board)
    true_ms = []
    for second in range(20):
        board.pass_s(1)
        board.is_told = second >= 10
        true_ms.append(to_ms(TRUE_AT) + int(1000 * (board.steady_s - 12)))
        await watch.hear(30_000 + 1000 * second)
    blocks = watch.close()

    assert all(abs(at_ms - said_ms) < 1000 for at_ms, said_ms in zip(times_ms(blocks), true_ms, strict=True))
    assert [block.until_ms for block in blocks] == times_ms(blocks)


async def test_a_board_that_has_run_on_alone_is_dated_by_what_this_run_heard(tmp_path: Path) -> None:
    board = Board()
    await after_ten_days(tmp_path / "spool", board)
    watch = Watch(tmp_path / "spool", board)
    board.is_told = True
    await watch.hear(TEN_DAYS_MS + 3_604_000)
    board.pass_s(1)
    await watch.hear(TEN_DAYS_MS + 3_605_000)

    assert times_ms(watch.close()) == [to_ms(TRUE_AT) + 3_605_000, to_ms(TRUE_AT) + 3_606_000]


async def test_what_a_broker_kept_while_we_were_away_is_not_squeezed_behind_our_last_word(tmp_path: Path) -> None:
    board = Board()
    await after_ten_days(tmp_path / "spool", board)
    watch = Watch(tmp_path / "spool", board)
    board.is_told = True
    backlog = range(5000, 3_604_001, 1000)

    await watch.hear(*(TEN_DAYS_MS + since_ms for since_ms in backlog))

    assert times_ms(watch.close()) == [to_ms(TRUE_AT) + 1000 + since_ms for since_ms in backlog]


async def test_once_the_time_is_known_a_backlog_is_dated_by_what_the_last_run_knew(tmp_path: Path) -> None:
    board = Board()
    await after_ten_days(tmp_path / "spool", board)
    board.is_told = True
    watch = Watch(tmp_path / "spool", board)
    await watch.hear()

    await watch.hear(*(TEN_DAYS_MS + since_ms for since_ms in (5000, 6000, 7000)))  # more is on its way

    assert times_ms(watch.close()) == [to_ms(TRUE_AT) + 1000 + since_ms for since_ms in (5000, 6000, 7000)]


async def test_what_was_known_only_by_a_guess_dates_nothing_in_the_next_run(tmp_path: Path) -> None:
    board = Board()
    watch = Watch(tmp_path / "spool", board)
    await watch.hear(TEN_DAYS_MS)
    watch.close()
    board.pass_s(1)
    board.is_told = True
    watch = Watch(tmp_path / "spool", board)
    await watch.hear()

    await watch.hear(TEN_DAYS_MS + 1000)

    assert times_ms(watch.close()) == [to_ms(TRUE_AT) + 1000]


async def test_what_was_vouched_for_before_a_power_cut_is_not_moved_into_it(tmp_path: Path) -> None:
    board = Board()
    await after_ten_days(tmp_path / "spool", board)
    board.is_told = True
    watch = Watch(tmp_path / "spool", board)
    await watch.hear()  # learns the time, an hour later than its guess

    await watch.recorder.commit(watch.clock.now())

    assert [block.until_ms for block in watch.close()] == [to_ms(TRUE_AT) + 5000]


class Turned:
    """A time server that says whatever it is told to."""

    def __init__(self, board: Board) -> None:
        self.ahead = timedelta()
        self._board = board

    def now(self) -> datetime:
        return TRUE_AT + timedelta(seconds=self._board.steady_s - 12.0) + self.ahead


@pytest.mark.parametrize("ahead", [timedelta(hours=7), timedelta(hours=-7)])
async def test_a_time_that_was_wrong_and_is_put_right_blinds_nobody(spool: Spool, ahead: timedelta) -> None:
    board = Board()
    clock, told = board.clock(), Turned(board)
    numbered = Intake("lo-1/top", "lo-1", numbers(), Memory(), now=clock.now())
    dated = Intake("lo-2/top", "lo-2", QtKiln("top"), Memory(), now=clock.now())
    recorder = Recorder([numbered, dated], spool, clock, lambda: None, true_now=told.now)
    told.ahead = ahead
    for second in range(30):
        board.pass_s(1)
        numbered.take(Message(b"%d" % (600 + second), clock.now()))
        said = b'{"time_ms":%d,"kiln":{"temp_C":600}}' % (TEN_DAYS_MS + 1000 * second)
        dated.take(Message(said, clock.now(), "qtkiln/A/state"))
        await recorder.commit(clock.now())
        if second == 20:
            told.ahead = timedelta()
            await recorder.commit(clock.now())

    after = [block for block in sent(spool) if block.seq > 2 * 21]
    true_ms = [to_ms(TRUE_AT) + 1000 * (second + 1) for second in range(21, 30)]
    for kiln in ("lo-1", "lo-2"):
        ours = [block for block in after if block.kiln == kiln]
        assert times_ms(ours) == true_ms
        assert [block.until_ms for block in ours] == true_ms


async def test_a_logger_whose_line_is_ten_hours_ahead_vouches_for_no_more_than_now(spool: Spool) -> None:
    board = Board()
    board.is_told = True
    clock = board.clock()
    camera = CameraLogger(["top"], ZoneInfo("UTC"))
    intake = Intake("lo-1/top", "lo-1", camera, Memory(), now=clock.now(), keeps_time=True)
    recorder = Recorder([intake], spool, clock, lambda: None, true_now=lambda: board.told_at)
    await recorder.commit(clock.now())
    commits = []
    for second in range(10):
        board.pass_s(1)
        at = clock.now() + timedelta(hours=10 if second == 5 else 0)
        intake.take(Message(f"{at:%d/%m/%Y %H:%M:%S};{600 + second}".encode(), clock.now()))
        commits.append(to_ms(clock.now()))
        await recorder.commit(clock.now())

    untils_ms = [block.until_ms for block in sent(spool)]
    assert all(until_ms <= now_ms for until_ms, now_ms in zip(untils_ms, commits, strict=True))
    assert untils_ms[-1] >= commits[-1] - 2000


async def test_silence_is_vouched_for_while_the_clock_is_a_guess_and_put_right_with_it(spool: Spool) -> None:
    board = Board()
    clock = board.clock()
    intake = Intake("lo-1/top", "lo-1", numbers(), Memory(), now=clock.now())
    recorder = Recorder([intake], spool, clock, lambda: None, true_now=lambda: board.told_at)
    intake.set_connected(True, clock.now())
    intake.take(Message(b"600", clock.now()))
    for second in range(30):
        await recorder.commit(clock.now())
        board.is_told = second == 29
        board.pass_s(1)
    guessed = [msgspec.msgpack.decode(one.body, type=Block) for one in spool.take(99, 10**6, also_unsure=True).blocks]
    await recorder.commit(clock.now())

    woke_ms, true_ms = to_ms(WOKE_AT), to_ms(TRUE_AT)
    assert [(block.until_ms - woke_ms, block.is_estimated) for block in guessed] == [
        (0, True),
        (8000, True),
        (18_000, True),
    ]
    assert [(block.until_ms - true_ms, block.is_estimated) for block in sent(spool)][:3] == [
        (0, False),
        (8000, False),
        (18_000, False),
    ]


async def test_while_nobody_knows_it_goes_by_the_guess_of_the_service_and_is_put_right_after(spool: Spool) -> None:
    board = Board()
    clock = board.clock()
    intake = Intake("lo-1/top", "lo-1", numbers(), Memory(), now=clock.now())
    hour = timedelta(hours=1)
    likely = {"now": WOKE_AT + hour}
    recorder = Recorder(
        [intake], spool, clock, lambda: None, true_now=lambda: board.told_at, likely_now=lambda: likely["now"]
    )
    intake.take(Message(b"600", clock.now()))
    await recorder.commit(clock.now())
    guessed = [msgspec.msgpack.decode(one.body, type=Block) for one in spool.take(99, 10**6, also_unsure=True).blocks]
    likely["now"] -= 9 * hour
    await recorder.commit(clock.now())
    went_back = clock.now()
    board.is_told = True
    await recorder.commit(clock.now())

    assert [(times_ms([block]), block.is_estimated) for block in guessed] == [([to_ms(WOKE_AT + hour)], True)]
    assert went_back == WOKE_AT + hour
    assert times_ms(sent(spool)) == [to_ms(TRUE_AT)]
