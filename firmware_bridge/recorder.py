"""Once a second, what the sources heard goes to disk: one block for each kiln, one commit for all."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from firmware_bridge.backoff import wait_for_event
from firmware_bridge.ballast import Ballast
from firmware_bridge.blocks import Draft, draft_blocks
from firmware_bridge.clock import Clock
from firmware_bridge.intake import LOOKS_BACK, MAX_WAITING_MESSAGES, Harvest, Intake
from firmware_bridge.latest import Latest
from firmware_bridge.spool import Spool

logger = logging.getLogger(__name__)

COMMIT_EVERY_S: Final = 1.0
GRACE_S: Final = 2.0
HEARTBEAT_S: Final = 10.0
MOST_SPOOL_BYTES: Final = 1_000_000_000  # half a year of eight probes at 1 Hz
# Seven hours of an instrument at 1 Hz: until then a full disk may be somebody's passing trouble.
MOST_WAITING_MESSAGES: Final = MAX_WAITING_MESSAGES // 2
# How unevenly messages travel from a device to us; its clock is not moved for less.
JITTER_S: Final = 0.25


@dataclass(frozen=True)
class Pace:
    """How often the recorder works, in seconds of the machine."""

    commit_every_s: float = COMMIT_EVERY_S
    grace_s: float = GRACE_S
    heartbeat_s: float = HEARTBEAT_S


class Recorder:
    """The loop between the intakes and the spool."""

    def __init__(
        self,
        intakes: Sequence[Intake],
        spool: Spool,
        clock: Clock,
        on_news: Callable[[], None],
        pace: Pace = Pace(),
        latest: Latest | None = None,
        true_now: Callable[[], datetime | None] = lambda: None,
        likely_now: Callable[[], datetime | None] = lambda: None,
        most_spool_bytes: int = MOST_SPOOL_BYTES,
        ballast: Ballast | None = None,
        most_waiting: int = MOST_WAITING_MESSAGES,
    ) -> None:
        self.failed_commits = 0
        self._ballast = ballast
        self._most_waiting = most_waiting
        self._room_bytes = most_spool_bytes
        self.most_spool_bytes = most_spool_bytes
        self._intakes = intakes
        self._spool = spool
        self._clock = clock
        self._on_news = on_news
        self._pace = pace
        self._latest = latest or Latest()
        self._true_now = true_now
        self._likely_now = likely_now
        # A fast clock makes silence grow fast: then every commit says how far it has got.
        self._heartbeat = clock.span(pace.heartbeat_s if clock.rate <= 1 else 0)
        self._said_at: dict[str, datetime] = {}
        self._is_failing = False
        self._is_short_of_room = False
        self._to_move: tuple[timedelta, bool] | None = None  # blocks whose time was a guess; whether it is sure then

    async def run(self, stop: asyncio.Event) -> None:
        """Commit until told to stop, then once more."""
        await self._set_clock()
        last_at = self._clock.now()
        while not stop.is_set():
            await wait_for_event(stop, self._pace.commit_every_s)
            now = self._clock.now()
            if now - last_at > self._clock.span(self._pace.commit_every_s + self._pace.grace_s / 2):
                self._was_asleep(now)
            last_at = now
            await self.commit(now)
        await self.commit(self._clock.now())  # what came while the last one was being written

    async def commit(self, now: datetime) -> None:
        """Write what waits. If the disk refuses, everything stays where it is until the next try."""
        jitter, looks_back = self._clock.span(JITTER_S), self._clock.span(LOOKS_BACK.total_seconds())
        harvests = {
            intake: intake.gather(now=now, jitter=jitter, looks_back=looks_back, is_sure=self._clock.is_sure)
            for intake in self._intakes
        }
        drafts = self._drafts(harvests, now)
        memories = {intake.key: harvest.memory for intake, harvest in harvests.items() if harvest.readings}
        try:
            await self._put_right()
            if drafts:
                await asyncio.to_thread(self._spool.append, drafts, memories)
        except sqlite3.OperationalError as error:
            self.failed_commits += 1
            if not self._is_failing:
                logger.exception("cannot write; readings wait in memory", extra={"reason": str(error)})
            self._is_failing = True
            if max(harvest.messages for harvest in harvests.values()) >= self._most_waiting:
                await self._live_on_what_there_is()
            return
        self._is_failing = False
        for intake, harvest in harvests.items():
            intake.settle(harvest)
            self._latest.note(harvest.readings, now)
        self._said_at.update({draft.kiln: now for draft in drafts})
        await self._set_clock()
        if drafts:
            self._on_news()
        await self._keep_to_its_room()

    async def _keep_to_its_room(self) -> None:
        """Make room in a spool that has grown over its share of the card, an hour of the oldest at a time."""
        if self._ballast is not None and await asyncio.to_thread(self._ballast.take_up):
            self._room_bytes = self.most_spool_bytes
        if await asyncio.to_thread(self._spool.used_bytes) <= self._room_bytes:
            return
        if not self._is_short_of_room:
            logger.warning("the spool is full; the oldest readings are thinned", extra={"bytes": self._room_bytes})
        self._is_short_of_room = True
        await self._make_room()

    async def _live_on_what_there_is(self) -> None:
        """On a disk that others have filled, thin what is there already, before what waits in memory is dropped."""
        if self._ballast is not None:
            await asyncio.to_thread(self._ballast.give_up)
        self._room_bytes = min(self._room_bytes, await asyncio.to_thread(self._spool.used_bytes))
        await self._make_room()

    async def _make_room(self) -> None:
        try:
            await asyncio.to_thread(self._spool.make_room)
        except sqlite3.OperationalError as error:  # the next commit tries again
            logger.warning("no room can be made", extra={"reason": str(error)})

    async def _set_clock(self) -> None:
        """Learn the time from whoever knows it, else go by the guess of the service, which compares it with our times.

        What was a guess before that is put right; what was sure stays. If the disk refuses, nothing more is written
        before it is done.
        """
        was_sure, shift = self._clock.is_sure, timedelta()
        if (true_now := self._true_now()) is not None:
            shift = self._clock.learn(true_now)
        elif (likely_now := self._likely_now()) is not None:
            shift = self._clock.guess(likely_now)
        is_sure = self._clock.is_sure
        if not shift and is_sure is was_sure:
            return
        said = "the clock is right now" if is_sure else "the clock goes by the service's, which nobody has set"
        logger.info(said, extra={"it_was_off_s": -shift.total_seconds()})
        for intake in self._intakes:
            intake.put_right(shift, self._clock.now())
        if was_sure:
            return
        owed, _ = self._to_move or (timedelta(), False)
        self._to_move = owed + shift, is_sure
        try:
            await self._put_right()
        except sqlite3.OperationalError as error:
            logger.exception("cannot put the times right; readings wait in memory", extra={"reason": str(error)})

    async def _put_right(self) -> None:
        if self._to_move is not None:
            shift, is_sure = self._to_move
            await asyncio.to_thread(self._spool.put_right, shift // timedelta(milliseconds=1), is_sure=is_sure)
            self._to_move = None

    def _drafts(self, harvests: Mapping[Intake, Harvest], now: datetime) -> list[Draft]:
        grace, is_sure = self._clock.span(self._pace.grace_s), self._clock.is_sure
        drafts: list[Draft] = []
        for kiln in dict.fromkeys(intake.kiln for intake in harvests):
            ours = {intake: harvest for intake, harvest in harvests.items() if intake.kiln == kiln}
            if not is_sure and any(intake.keeps_time for intake in ours):
                drafts += _apart(kiln, ours)
                continue
            readings = [reading for harvest in ours.values() for reading in harvest.readings]
            until_ms = min(
                intake.vouch(harvest, now=now, grace=grace, is_sure=is_sure) for intake, harvest in ours.items()
            )
            if readings or (until_ms and self._is_heartbeat_due(kiln, now)):
                drafts += [replace(draft, is_sure=is_sure) for draft in draft_blocks(kiln, readings, until_ms)]
        return drafts

    def _is_heartbeat_due(self, kiln: str, now: datetime) -> bool:
        said_at = self._said_at.get(kiln)
        return said_at is None or not timedelta() <= now - said_at < self._heartbeat

    def _was_asleep(self, now: datetime) -> None:
        """Vouch for nothing yet: what was said while the machine did not run us is still in its buffers."""
        for intake in self._intakes:
            intake.was_busy(now)


def _apart(kiln: str, harvests: Mapping[Intake, Harvest]) -> list[Draft]:
    """Return what was read while our clock is a guess: instruments that keep time apart from those that we date."""
    drafts: list[Draft] = []
    for keeps_time in (True, False):
        taken = [
            reading
            for intake, harvest in harvests.items()
            if intake.keeps_time is keeps_time
            for reading in harvest.readings
        ]
        if taken:
            newest_ms = max(reading.at_ms for reading in taken)
            drafts += [replace(draft, is_sure=keeps_time) for draft in draft_blocks(kiln, taken, newest_ms)]
    return drafts
