"""Whatever fails, in whatever order: no reading is lost, doubled or given a wrong time, and all of it arrives."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from shaky_bridge import PowerCutError, ShakyBridge, read_in

from firmware_bridge.intake import to_ms
from firmware_bridge.message import Message

# The clock is told to the millisecond here; a time that is put right may be off by rounding.
TOLERANCE_MS = 2
MOODS = ("well", "well", "well", "away", "garbling", "answers lost")
# What may be under way at the end: malformed blocks are looked for one by one, and boots have marks of their own.
MOST_ROUNDS = 40


class BridgeMachine(RuleBasedStateMachine):
    """Instruments speak, and everything else fails.

    `top` comes from a logger that says again what was not acknowledged, `bottom` from a board that has no memory and
    no clock, `chip` from one that knows only how long it has been running. Every reading is a number of its own, so
    each can be looked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._folder = tempfile.TemporaryDirectory()
        self._at = ShakyBridge(Path(self._folder.name))
        self._said_at_ms: dict[float, int] = {}
        self._logged: set[float] = set()
        self._heard: set[float] = set()  # of the boards, since the last commit
        self._kept: set[float] = set()  # of the boards, in a commit that was answered for
        self._lines: dict[float, bytes] = {}

    def _next(self) -> float:
        self._at.steady_s += 1
        value = float(len(self._said_at_ms) + 1)
        self._said_at_ms[value] = to_ms(self._at.true_now)
        return value

    @initialize(off_s=st.sampled_from([0, -150_480, -(10**9), 3600]))
    def the_machine_wakes_up(self, off_s: int) -> None:
        """Without a clock chip it wakes up in the past: 41.8 hours, or at the time its card was written."""
        self._at.wall_off_s = off_s
        self._at.stop_dead()

    @rule(lines=st.integers(1, 4), is_written=st.booleans(), is_sent=st.booleans())
    def the_logger_speaks(self, lines: int, is_written: bool, is_sent: bool) -> None:
        for _ in range(lines):
            value = self._next()
            self._logged.add(value)
            self._lines[value] = f"{self._at.true_now:%d/%m/%Y %H:%M:%S};{value:.0f}".encode()
            self._at.log(value, self._lines[value])
        self._go_on(is_written, is_sent)

    @rule(lines=st.integers(1, 4), is_written=st.booleans(), is_sent=st.booleans())
    def the_board_speaks(self, lines: int, is_written: bool, is_sent: bool) -> None:
        for _ in range(lines):
            value = self._next()
            self._heard.add(value)
            self._at.board.take(Message(b"%d" % value, self._at.clock.now()))
        self._go_on(is_written, is_sent)

    @rule(lines=st.integers(1, 4), is_written=st.booleans(), is_sent=st.booleans())
    def the_board_that_knows_its_uptime_speaks(self, lines: int, is_written: bool, is_sent: bool) -> None:
        for _ in range(lines):
            value = self._next()
            self._heard.add(value)
            self._at.tell(value)
        self._go_on(is_written, is_sent)

    def _go_on(self, is_written: bool, is_sent: bool) -> None:
        if is_written:
            self.commit()
        if is_sent:
            self._runner.run(self._at.send())

    @precondition(lambda self: self._logged)
    @rule(last=st.integers(1, 8))
    def the_logger_says_its_last_lines_again(self, last: int) -> None:
        for value in sorted(self._logged)[-last:]:
            self._at.log(value, self._lines[value])

    @rule()
    def commit(self) -> None:
        if self._runner.run(self._at.commit()):
            self._kept |= self._heard
            self._heard.clear()

    @rule(mood=st.sampled_from(MOODS), rounds=st.integers(1, 3))
    def send(self, mood: str, rounds: int) -> None:
        self._at.service.mood = mood
        for _ in range(rounds):
            self._runner.run(self._at.send())

    @precondition(lambda self: self._at.service.posts)
    @rule(data=st.data())
    def the_network_delivers_an_old_post_once_more(self, data: st.DataObject) -> None:
        self._at.service.store(data.draw(st.sampled_from(self._at.service.posts)))

    @rule(torn=st.binary(max_size=5000), last=st.integers(0, 8))
    def the_power_fails(self, torn: bytes, last: int) -> None:
        self._heard.clear()
        self._at.stop_dead(torn=torn)
        if last and self._logged:
            self.the_logger_says_its_last_lines_again(last)

    @precondition(lambda self: self._at.kiln_began_s < 0)
    @rule()
    def the_power_fails_of_the_board_too(self) -> None:
        self._at.kiln_began_s = self._at.steady_s
        self._heard.clear()
        self._at.stop_dead()

    @rule(cut_at=st.floats(0, 1))
    def the_power_fails_in_a_write(self, cut_at: float) -> None:
        self._at.spool.cut_at = cut_at
        try:
            self._runner.run(self._at.commit())
        except PowerCutError as cut:
            self._heard.clear()
            self._at.stop_dead(cut.args[0])
        self._at.spool.cut_at = None

    @rule()
    def the_power_fails_when_the_service_has_stored(self) -> None:
        self._at.service.mood = "power cut"
        try:
            self._runner.run(self._at.send())
        except PowerCutError:
            self._heard.clear()
            self._at.stop_dead()
        self._at.service.mood = "well"

    @rule(is_full=st.booleans())
    def the_disk_fills_or_has_room_again(self, is_full: bool) -> None:
        if is_full:
            self._at.spool.fill_disk()
        else:
            self._at.spool.free_disk()

    @rule(off_s=st.integers(-(10**7), 10**7), passes_s=st.integers(0, 10_000))
    def the_wall_clock_jumps(self, off_s: int, passes_s: int) -> None:
        self._at.wall_off_s = off_s
        self._at.steady_s += passes_s

    @rule(is_found=st.booleans())
    def a_time_server_is_found_or_gone(self, is_found: bool) -> None:
        self._at.time_is_known = is_found

    @precondition(lambda self: self._logged)
    @rule(data=st.data())
    def a_reading_turns_out_to_be_one_the_service_cannot_store(self, data: st.DataObject) -> None:
        value = data.draw(st.sampled_from(sorted(self._logged)))
        stored = read_in(list(self._at.service.stored.values()), "top")
        if value not in stored:
            self._at.service.poison.add(value)

    @invariant()
    def nothing_is_lost(self) -> None:
        stored, kept = list(self._at.service.stored.values()), self._at.on_disk()
        acknowledged = self._logged - self._at.unacknowledged.keys()
        assert acknowledged <= (read_in(stored, "top") + read_in(kept, "top")).keys()
        boards = [read_in(blocks, channel) for blocks in (stored, kept) for channel in ("bottom", "chip")]
        assert self._kept <= set().union(*boards)

    @invariant()
    def nothing_is_doubled(self) -> None:
        for channel in ("top", "bottom", "chip"):
            for blocks in (list(self._at.service.stored.values()), self._at.on_disk()):
                assert all(times == 1 for times in read_in(blocks, channel).values())

    @invariant()
    def no_time_is_wrong_unless_it_says_so(self) -> None:
        for block in self._at.service.stored.values():
            for column in block.columns:
                if column.channel != "top" and block.is_estimated:
                    continue
                for at_ms, value in zip(column.at_ms, column.value, strict=True):
                    assert value is not None
                    assert abs(at_ms - self._said_at_ms[value]) <= TOLERANCE_MS

    @invariant()
    def nothing_is_vouched_for_that_is_still_to_come(self) -> None:
        now_ms = to_ms(self._at.true_now)
        assert all(
            one.until_ms <= now_ms + TOLERANCE_MS for one in self._at.service.stored.values() if not one.is_estimated
        )

    def teardown(self) -> None:
        """Let everything be well again: then all arrives, in a bounded number of posts."""
        try:
            self._everything_arrives()
        finally:
            self._at.spool.close()
            self._runner.close()
            self._folder.cleanup()

    def _everything_arrives(self) -> None:
        self._at.spool.free_disk()
        self._at.service.mood, self._at.time_is_known = "well", True
        self._runner.run(self._at.commit())
        self._kept |= self._heard
        self._runner.run(self._at.commit())  # the first one may only have learnt the time
        for _ in range(MOST_ROUNDS):
            if not self._at.spool.take(1, 1, also_unsure=True).blocks:
                break
            self._runner.run(self._at.send())
        counts = self._at.spool.counts()
        assert counts.waiting_blocks == counts.waiting_readings == 0
        assert not self._at.unacknowledged
        self.nothing_is_lost()
        self.nothing_is_doubled()
        self.no_time_is_wrong_unless_it_says_so()


BridgeMachine.TestCase.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
TestBridgeMachine = BridgeMachine.TestCase
