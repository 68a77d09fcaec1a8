"""The loop that watches: everything new is read once, each kiln's analysis goes on in memory, conclusions are written.

On disk an analysis stands where it stood when something was last concluded, or at most `SAVE_EVERY_S` ago. A restart
goes on from there with the blocks that follow, and comes to the same conclusions.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, ParamSpec, TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from service.clock import Clock
from service.core.live import EndCause
from service.core.watch import Event
from service.counters import ANALYSED, KILNS_WATCHED, MONITOR_FAILURES, WATCH_THREAD
from service.monitor.again import begin_again, write_again
from service.monitor.arrivals import Arrivals
from service.monitor.conclude import Conclusion, Moment, bridge_silent, conclude, save_states, states_of
from service.monitor.elsewhere import Edited, Elsewhere, Freed
from service.monitor.leases import Leases
from service.monitor.share import Share
from service.monitor.watched import LiveKiln, Watched, load_watched, read_facts, stored_kilns
from service.series import blocks as series
from service.series.blocks import Appended, Arrived, Curve
from service.store import firings as firing_rows
from service.store import kilns as kiln_rows
from service.store.database import Database
from service.store.leases import LeaseLostError, slot_of

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

BLOCKS_PER_KILN: Final = 300
KILNS_PER_LOAD: Final = 200
WAKE_AT_LEAST_EVERY_S: Final = 1.0
LOOK_AMONG_OTHERS_EVERY_S: Final = 0.2
# A look costs the same for one block as for hundreds; a person does not see the difference.
LOOK_AT_MOST_EVERY_S: Final = 0.2
ROUND_EVERY_S: Final = 1.0
# A round is of a fifth of all kilns, and of all if they are few: a village is all over the memory, and changes little.
ROUNDS_FOR_ALL: Final = 5
FEW_KILNS: Final = 200
# What decides nothing is gathered for so long: ten readings at once cost what one does, and who looks on sees them.
GATHER_AT_MOST_S: Final = 15.0
SAVE_EVERY_S: Final = 60.0
SAVE_WHEN_QUIET_S: Final = 3.0
MOST_SAVES_PER_ROUND: Final = 100
# What happens at one moment to many kilns, such as a power cut, must keep neither their alarms nor bridges waiting.
KILNS_AT_A_TIME: Final = 12
# An edit counts from when it is committed, which is a little after the time it carries.
EDITS_OVERLAP: Final = timedelta(seconds=10)
# A bridge says that it lives every 10 s; three minutes without a word in a firing are worth waking somebody.
BRIDGE_SILENT_AFTER: Final = timedelta(minutes=3)
LINK_LOST_AFTER: Final = timedelta(hours=6)
TRANSPORT_ALLOWANCE_S: Final = 10.0  # of machine time: restarts and slow networks
CLOCK_SET_S: Final = 60.0  # of machine time: no clock goes so wrong between two looks unless it is set
LONGEST_REST_S: Final = 60.0  # of a kiln that fails again and again


@dataclass(frozen=True)
class KilnChange:
    """What one step changed on one kiln, for those who look at it live."""

    now: LiveKiln
    firing_ids: tuple[int, ...] = ()
    alarm_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class NewReadings:
    """What came in of one kiln, for those who look at it before the analysis does."""

    now: LiveKiln
    curves: Mapping[str, Curve]  # by channel, put right


class Monitor:
    """Follows all kilns. `on_change` hears of every change after its commit, from a worker thread.

    `is_followed` says of a workshop whether somebody looks at its kilns just now: `on_readings` hears of theirs as they
    come in, while the analysis gathers for `gather_s` what decides nothing. `on_saved` hears whose analyses, with their
    workshops, stand on disk as they are.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        on_change: Callable[[KilnChange], None],
        is_followed: Callable[[int], bool] = lambda _workshop_id: True,
        leases: Leases | None = None,
        *,
        on_readings: Callable[[NewReadings], None] = lambda _came: None,
        on_saved: Callable[[list[tuple[int, int]]], None] = lambda _kilns: None,
        gather_s: float = GATHER_AT_MOST_S,
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_change = on_change
        self._is_followed = is_followed
        self._on_readings = on_readings
        self._on_saved = on_saved
        self._gather_s = gather_s
        self._share = Share(leases)
        self._arrivals = Arrivals(database)
        self._kilns: dict[int, Watched] = {}
        self._to_load: set[int] = set()
        self._failed: dict[int, tuple[int, float]] = {}  # how often in a row, and until when it is left alone
        self._edits_seen_at = datetime.now(UTC)
        self._edited: deque[tuple[int, tuple[int, ...]]] = deque()
        self.elsewhere: Elsewhere | None = None  # the other processes, if the database can have any
        self._clock_stood: tuple[datetime, float] | None = None  # at which of the machine's monotonic times
        self._next_round_s = 0.0
        self._to_go_round: deque[int] = deque()
        self._turn = threading.Lock()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stored(self, appended: Appended) -> None:
        """Take note of blocks that this process has just stored; called from any thread."""
        self._arrivals.note(appended)
        self.wake()

    @property
    def in_step(self) -> threading.Event:
        """Return what is set unless so much is stored and not looked at that storing had better wait."""
        return self._arrivals.in_step

    def wake(self) -> None:
        """Say that there is something to look at; called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    def attend(self) -> None:
        """Look at what people have changed at once, not at the next round."""
        self._next_round_s = 0.0
        self.wake()

    def live_kilns(self, session: Session, kiln_ids: Collection[int]) -> dict[int, LiveKiln]:
        """Return kilns as they are now; those that nobody watches here, as they last stood on disk."""
        here = {kiln_id: watched.now for kiln_id in kiln_ids if (watched := self._kilns.get(kiln_id))}
        if self.elsewhere is not None:
            here |= self.elsewhere.ask([kiln_id for kiln_id in kiln_ids if kiln_id not in here])
        elsewhere = [kiln_id for kiln_id in kiln_ids if kiln_id not in here]
        return {**stored_kilns(session, elsewhere), **here} if elsewhere else here

    def watched_here(self, kiln_ids: Collection[int]) -> list[LiveKiln]:
        """Return those of some kilns that this process watches, as they are now; called from any thread."""
        kilns = self._kilns if self._share.is_sure else {}
        return [watched.now for kiln_id in kiln_ids if (watched := kilns.get(kiln_id)) is not None]

    def tell(self, kiln_id: int, alarm_ids: tuple[int, ...] = ()) -> None:
        """Let those who look at a kiln hear of what a person has changed; called after the commit."""
        if kiln_id in self._kilns or self.elsewhere is None:
            with self._turn, self._database.read() as session:
                watched = self._kilns.get(kiln_id)
                if watched is not None:
                    watched.refresh(session)
                live = self.live_kilns(session, [kiln_id])[kiln_id]
        else:
            self.elsewhere.say(Edited(kiln_id, alarm_ids))
            with self._database.read() as session:
                # Whoever watches it may not have looked again yet, and would say what was so before.
                live = read_facts(session, [kiln_id])[kiln_id].on(self.live_kilns(session, [kiln_id])[kiln_id])
        self._on_change(KilnChange(live, alarm_ids=alarm_ids))

    def look_again(self, kiln_id: int, alarm_ids: tuple[int, ...]) -> None:
        """Tell at the next look what a person has changed of a kiln through another process; from any thread."""
        if kiln_id in self._kilns:
            self._edited.append((kiln_id, alarm_ids))
            self.attend()

    async def run(self) -> None:
        """Work until cancelled, beginning with whatever was stored and not looked at when the service last stopped."""
        self._loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(
            1, WATCH_THREAD
        ) as thread:  # always the same: what it needs is in one processor's caches
            try:
                while True:
                    if not await self._loop.run_in_executor(thread, self._step_or_say_why):
                        await asyncio.sleep(LOOK_AT_MOST_EVERY_S)
                        # Not wait_for: on Python 3.11 it can lose a cancellation.
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(self._wake_at_least_every_s):
                                await self._wake.wait()
                    self._wake.clear()
            finally:
                await self._loop.run_in_executor(thread, self.save_all)

    @property
    def _wake_at_least_every_s(self) -> float:
        """Return how soon to look again: nobody says here what another process has stored."""
        return LOOK_AMONG_OTHERS_EVERY_S if self._share.has_others else WAKE_AT_LEAST_EVERY_S

    def _step_or_say_why(self) -> bool:
        try:
            now = self._clock.now()
            self._follow_clock(now)
            return self.step(now)
        except LeaseLostError as error:
            logger.warning("some kilns are watched elsewhere by now", extra={"reason": str(error)})
            return False
        except Exception:
            logger.exception("the watch could not go on; it tries again")
            MONITOR_FAILURES.inc()
            return False

    def _follow_clock(self, now: datetime) -> None:
        """Notice that the clock was set, as the network does after a power cut: no kiln was silent for that."""
        machine_s = time.monotonic()
        stood, self._clock_stood = self._clock_stood, (now, machine_s)
        if stood is None:
            return
        set_by = now - stood[0] - self._clock.span(machine_s - stood[1])
        if abs(set_by) > self._clock.span(CLOCK_SET_S):
            logger.warning("the clock was set", extra={"by_s": round(set_by.total_seconds())})
            with self._turn:
                for watched in self._kilns.values():
                    watched.clock_was_set(now)

    def step(self, now: datetime) -> bool:
        """Look at everything new, at most `BLOCKS_PER_LOOK` blocks; say whether there is more."""
        with self._turn:
            if not self._knows_its_kilns():
                return False
            if self._arrivals.upto is None:
                newest = self._arrivals.newest()
                self._begin_with(self.slots)
                self._arrivals.begin_after(newest)
            arrived, is_more = self._arrivals.take(self.slots, self._share.is_ours)
            known = arrived.keys() & self._kilns.keys()
            self._to_load |= arrived.keys() - known
            machine_s = time.monotonic()
            new = sorted(kiln_id for kiln_id in self._to_load if self._failed.get(kiln_id, (0, 0.0))[1] <= machine_s)
            self._gather(known, arrived)
            for begin in range(0, len(new), KILNS_PER_LOAD):
                self._load(new[begin : begin + KILNS_PER_LOAD], now)
            self._take_due([self._kilns[kiln_id] for kiln_id in arrived if kiln_id in self._kilns], now)
            if time.monotonic() >= self._next_round_s:
                self._next_round_s = time.monotonic() + ROUND_EVERY_S
                self._go_round(now)
            KILNS_WATCHED.set(len(self._kilns))
            self._arrivals.looked_at()
        return is_more

    def save_all(self) -> None:
        """Write down where every analysis stands."""
        with self._turn:
            try:
                self._save([watched for watched in self._kilns.values() if watched.is_dirty])
            except LeaseLostError as error:
                logger.warning("some kilns are watched elsewhere by now", extra={"reason": str(error)})

    def _knows_its_kilns(self) -> bool:
        """Go by the leases: leave what others watch now, begin with what came to us, hand over what is too much."""
        if not self._share.is_sure:
            return False
        moved = self._share.moved()
        self._leave(moved.lost)
        if moved.gained and self._arrivals.upto is not None:
            self._begin_with(moved.gained)
        self._share.settle(moved)
        if too_many := self._share.too_many(self._kilns.values()):
            self._hand_over(too_many)
        return True

    def _leave(self, slots: Collection[int]) -> None:
        if slots:
            self._kilns = {
                kiln_id: watched
                for kiln_id, watched in self._kilns.items()
                if slot_of(watched.now.workshop_id) not in slots
            }

    def _hand_over(self, slots: Collection[int]) -> None:
        """Leave slots to others, who go on from just where we stopped."""
        theirs = [watched for watched in self._kilns.values() if slot_of(watched.now.workshop_id) in slots]
        with self._share.giving_up(slots, theirs) as session:
            if dirty := [watched for watched in theirs if watched.is_dirty]:
                save_states(session, states_of(dirty))
        self._leave(slots)
        if self.elsewhere is not None:
            self.elsewhere.say(Freed())

    @property
    def slots(self) -> Collection[int] | None:
        """Return the slots of workshops whose kilns this process watches; None are all."""
        return self._share.slots

    def _begin_with(self, slots: Collection[int] | None) -> None:
        """Take up the kilns of some slots that have readings to be looked at, or a firing."""
        with self._database.read() as session:
            self._to_load |= series.kilns_behind(session, slots) | set(firing_rows.kilns_firing(session, slots))

    def _guarded(self, kiln_ids: Collection[int], work: Callable[P, R], *args: P.args, **words: P.kwargs) -> R | None:
        """Do some kilns' work; if it fails, others go on, and these are tried again from where they stand on disk."""
        try:
            return work(*args, **words)
        except LeaseLostError as error:
            logger.warning("kilns are watched elsewhere", extra={"kilns": list(kiln_ids), "reason": str(error)})
            self._try_again(kiln_ids)
            return None
        except Exception:
            logger.exception("analysis failed", extra={"kilns": list(kiln_ids)})
            MONITOR_FAILURES.inc()
            self._try_again(kiln_ids)
            return None

    def _try_again(self, kiln_ids: Collection[int]) -> None:
        """Let kilns begin anew from the disk: at once, and when that fails as well after rests that grow longer."""
        for kiln_id in kiln_ids:
            self._kilns.pop(kiln_id, None)
            self._to_load.add(kiln_id)
            times = self._failed.get(kiln_id, (0, 0.0))[0]
            rest_s = min(LONGEST_REST_S, 2.0**times - 1)
            self._failed[kiln_id] = min(times + 1, 10), time.monotonic() + rest_s

    def _load(self, kiln_ids: Sequence[int], now: datetime) -> None:
        """Take kilns into memory."""
        for watched in self._read_from_disk(kiln_ids):
            self._to_load.discard(watched.kiln_id)
            watched.taken_up_at = now
            if self._share.is_ours(watched.now.workshop_id):
                self._guarded([watched.kiln_id], self._catch_up, watched, now)

    def _read_from_disk(self, kiln_ids: Sequence[int]) -> list[Watched]:
        """Return kilns where they stand on disk; one that cannot be read keeps no other from being watched."""
        try:
            with self._database.read() as session:
                return load_watched(session, kiln_ids)
        except SQLAlchemyError:
            raise  # none of them can be read
        except Exception:
            if len(kiln_ids) > 1:
                return [one for kiln_id in kiln_ids for one in self._read_from_disk([kiln_id])]
            logger.exception("a kiln cannot be watched", extra={"kilns": list(kiln_ids)})
            MONITOR_FAILURES.inc()
            self._try_again(kiln_ids)
            return []

    def _catch_up(self, watched: Watched, now: datetime) -> None:
        """Go on with a kiln's blocks from where its analysis stands up to where those of all kilns are read."""
        upto_id = self._arrivals.upto or 0
        is_more = watched.last_block_id < upto_id
        while is_more:
            with self._database.read() as session:
                arrived = series.read_kiln(
                    session,
                    watched.kiln_id,
                    after_id=watched.last_block_id,
                    upto_id=upto_id,
                    limit=BLOCKS_PER_KILN,
                )
            if arrived is None:
                break
            self._show(watched, arrived)
            conclusion = self._take(watched, arrived, now)
            if conclusion is not None:
                self._conclude([conclusion], now)
            is_more = len(arrived.payloads) == BLOCKS_PER_KILN
        self._kilns[watched.kiln_id] = watched
        self._failed.pop(watched.kiln_id, None)

    def _gather(self, kiln_ids: Collection[int], arrived: Mapping[int, Arrived]) -> None:
        """Keep what came in until it is worth a look; those who look on see it at once."""
        machine_s = time.monotonic()
        for kiln_id in sorted(kiln_ids):
            watched = self._kilns[kiln_id]
            self._guarded([kiln_id], self._show, watched, arrived[kiln_id])
            watched.wait(arrived[kiln_id], machine_s)

    def _show(self, watched: Watched, arrived: Arrived) -> None:
        if not self._is_followed(watched.now.workshop_id):
            return
        blocks = arrived.blocks
        curves = series.curves_of(blocks)
        if not watched.now.channels.keys() >= curves.keys():
            with self._database.read() as session:
                watched.refresh(session)
        if watched.corrections.of_channel:
            chunk = watched.corrections.on(series.chunk_of(blocks))
            curves = {name: series.curve_of(samples) for name, samples in chunk.channels.items()}
        self._on_readings(NewReadings(watched.now, curves))
        watched.is_news |= _breaks_or_speaks_again(watched.now, curves)

    def _is_due(self, watched: Watched, machine_s: float) -> bool:
        """Say whether what waits is worth a look: it decides something, or it has waited."""
        if watched.waiting is None:
            return False
        waited_s = machine_s - watched.waits_since_s
        return (
            watched.live.can_judge(watched.waiting.until_s)
            or waited_s >= self._gather_s
            or watched.silent_since is not None
            or watched.is_news
        )

    def _take_due(self, kilns: Iterable[Watched], now: datetime) -> None:
        """Take in what waits of these kilns, where it is worth a look."""
        machine_s = time.monotonic()
        self._look_at([watched for watched in kilns if self._is_due(watched, machine_s)], self._take_waiting, now)

    def _look_at(
        self, kilns: Sequence[Watched], look: Callable[[Watched, datetime], Conclusion | None], now: datetime
    ) -> None:
        """Look at kilns, some at a time; write what these conclude before others are looked at."""
        for begin in range(0, len(kilns), KILNS_AT_A_TIME):
            concluded = [
                conclusion
                for watched in kilns[begin : begin + KILNS_AT_A_TIME]
                if (conclusion := self._guarded([watched.kiln_id], look, watched, now)) is not None
            ]
            try:
                if concluded:
                    self._conclude(concluded, now)
            except Exception:  # one of them; it must not keep the alarms of the others
                logger.warning("conclusions could not be written together; each is tried by itself", exc_info=True)
                for one in concluded:
                    self._guarded([one.watched.kiln_id], self._conclude, [one], now)

    def _take_waiting(self, watched: Watched, now: datetime) -> Conclusion | None:
        arrived, watched.waiting, watched.is_news = watched.waiting, None, False
        return None if arrived is None else self._take(watched, arrived, now)

    def _take(self, watched: Watched, arrived: Arrived, now: datetime) -> Conclusion | None:
        """Let the analysis go on; return what it concluded, which is to be written, or tell of what there is to see."""
        chunk = watched.corrections.on(arrived.chunk)
        advance = watched.live.advance(chunk)
        ANALYSED.inc(sum(len(samples.time_s) for samples in chunk.channels.values()))
        watched.last_block_id, watched.is_dirty, watched.came_s = arrived.last_id, True, time.monotonic()
        watched.now = replace(watched.now, status=advance.status, heard_at=arrived.last_at)
        events: list[Event] = list(advance.events)
        if watched.silent_since is not None:
            events.append(bridge_silent(watched.silent_since, now, ended=True))
        if events:
            return Conclusion(watched, events, chunk)
        if not watched.now.channels.keys() >= chunk.channels.keys():
            with self._database.read() as session:
                watched.refresh(session)
        self._on_change(KilnChange(watched.now))
        return None

    def _conclude(self, conclusions: Sequence[Conclusion], now: datetime) -> None:
        """Write events and where the analyses now stand, in one transaction, and tell of it."""
        with self._database.write() as session:
            self._share.check(session, [one.watched for one in conclusions])
            changed = conclude(session, conclusions, self._moment(now))
            save_states(session, states_of([one.watched for one in conclusions]))
        self._note_saved([one.watched for one in conclusions])
        for one, (firing_ids, alarm_ids) in zip(conclusions, changed, strict=True):
            self._on_change(KilnChange(one.watched.now, firing_ids, alarm_ids))

    def _moment(self, now: datetime) -> Moment:
        return Moment(now, self._clock.span(TRANSPORT_ALLOWANCE_S))

    def _go_round(self, now: datetime) -> None:
        """Look at what no block tells: what people changed, bridges that say nothing; and save some analyses."""
        edited, some = self._follow_edits(), self._next_of_round()
        for watched in (both := [*edited, *some]):
            if watched.is_out_of_step:
                self._guarded([watched.kiln_id], self._begin_again, watched, now)
        silent_since = now - BRIDGE_SILENT_AFTER - self._clock.span(TRANSPORT_ALLOWANCE_S)
        unheard = {
            watched.kiln_id: watched
            for watched in both
            if watched.is_firing and (watched.end_asked_at or watched.could_be_heard_at < silent_since)
        }
        self._look_at(list(unheard.values()), self._judge_unheard, now)
        machine_s = time.monotonic()
        self._take_due(some, now)
        due = [
            watched
            for watched in some
            if watched.is_dirty
            and (watched.saved_s <= machine_s - SAVE_EVERY_S or watched.came_s <= machine_s - SAVE_WHEN_QUIET_S)
        ]
        self._save(due[:MOST_SAVES_PER_ROUND])

    def _next_of_round(self) -> list[Watched]:
        """Return the kilns whose turn it is."""
        if not self._to_go_round:
            self._to_go_round.extend(self._kilns)
        count = max(FEW_KILNS, len(self._kilns) // ROUNDS_FOR_ALL)
        ids = [self._to_go_round.popleft() for _ in range(min(count, len(self._to_go_round)))]
        return [watched for kiln_id in ids if (watched := self._kilns.get(kiln_id)) is not None]

    def _follow_edits(self) -> list[Watched]:
        """Read again what people may have changed; return those kilns."""
        machine_now = datetime.now(UTC)
        edited = []
        with self._database.read() as session:
            for kiln_id in kiln_rows.edited_since(session, self._edits_seen_at - EDITS_OVERLAP):
                if (watched := self._kilns.get(kiln_id)) is not None:
                    self._guarded([kiln_id], watched.refresh, session)
                    edited.append(watched)
                elif (firing := firing_rows.running_firing(session, kiln_id)) and self._share.is_ours(
                    firing.workshop_id
                ):
                    self._to_load.add(kiln_id)
        self._edits_seen_at = machine_now
        while self._edited:
            kiln_id, alarm_ids = self._edited.popleft()
            if (watched := self._kilns.get(kiln_id)) is not None:
                with self._database.read() as session:
                    watched.refresh(session)
                edited.append(watched)
                self._on_change(KilnChange(watched.now, alarm_ids=alarm_ids))
        return edited

    def _begin_again(self, watched: Watched, now: datetime) -> None:
        """Follow the firing from where a person says that it began."""
        with self._database.read() as session:
            assessed = begin_again(session, watched, now)
        if assessed is None:
            return
        with self._database.write() as session:
            self._share.check(session, [watched])
            alarm_ids = write_again(session, watched, assessed, self._moment(now))
            save_states(session, states_of([watched]))
        self._note_saved([watched])
        firing_ids = (watched.now.firing_id,) if watched.now.firing_id else ()
        self._on_change(KilnChange(watched.now, firing_ids, alarm_ids))

    def _judge_unheard(self, watched: Watched, now: datetime) -> Conclusion | None:
        """End the firing that its operator has ended, or whose link is lost for hours; say that a bridge is silent."""
        heard_at = watched.now.heard_at or watched.could_be_heard_at
        if watched.end_asked_at is not None:
            advance = watched.live.end(watched.end_asked_at.timestamp(), EndCause.OPERATOR)
        elif now - watched.could_be_heard_at > LINK_LOST_AFTER:
            advance = watched.live.end(heard_at.timestamp(), EndCause.LOST_LINK)
        elif watched.silent_since is None:
            return Conclusion(watched, [bridge_silent(heard_at, now)])
        else:
            return None
        watched.now = replace(watched.now, status=advance.status)
        events = list(advance.events)
        if watched.end_asked_at is not None and watched.silent_since is not None:
            events.insert(0, bridge_silent(watched.silent_since, now, ended=True))  # nobody waits for it any more
        return Conclusion(watched, events)

    def _save(self, kilns: Sequence[Watched]) -> None:
        if not kilns:
            return
        states = states_of(kilns)
        with self._database.write() as session:
            self._share.check(session, kilns)
            save_states(session, states)
        self._note_saved(kilns)

    def _note_saved(self, kilns: Sequence[Watched]) -> None:
        for watched in kilns:
            watched.is_dirty, watched.saved_s = False, time.monotonic()
        self._on_saved([(watched.kiln_id, watched.now.workshop_id) for watched in kilns])


def _breaks_or_speaks_again(now: LiveKiln, curves: Mapping[str, Curve]) -> bool:
    """Say whether a probe that read has a fault now, or the other way round: it is not shown by readings alone."""
    return any(
        (curve := curves.get(channel.name)) and curve[1] and (curve[1][-1] is None) is (channel.quality == "good")
        for channel in now.status.channels
    )
