"""Watches every kiln: new blocks -> the science -> firings, findings and alarms, one transaction a step."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from service.alarms import record
from service.clock import Clock
from service.core.findings import Finding, Group, Severity
from service.core.live import (
    Advance,
    ConeProgress,
    EndCause,
    FiringEnd,
    FiringStart,
    LiveFiring,
    Status,
    Summary,
    Watch,
)
from service.core.series import Chunk
from service.counters import KILNS_BEHIND, MONITOR_FAILURES
from service.series import blocks as series
from service.store import firings as firing_rows
from service.store.database import Database
from service.store.models import Firing, Kiln, LiveState, StoredFinding

logger = logging.getLogger(__name__)

BLOCKS_PER_STEP: Final = 300
WAKE_AT_LEAST_EVERY_S: Final = 1.0
# A bridge says that it lives every 10 s; three minutes without a word in a firing are worth waking somebody.
BRIDGE_SILENT_AFTER: Final = timedelta(minutes=3)
LINK_LOST_AFTER: Final = timedelta(hours=6)
TRANSPORT_ALLOWANCE_S: Final = 10.0  # of machine time: restarts and slow networks
# What was over longer ago than this is history: it is shown, and rings no phone.
LATE_AFTER: Final = timedelta(minutes=15)
LAST_CONES_SHOWN: Final = 3


@dataclass(frozen=True)
class KilnChange:
    """What one step changed on one kiln, for those who look at it live."""

    workshop_id: int
    kiln_id: int
    chunk: Chunk | None = None
    firing_ids: tuple[int, ...] = ()
    alarm_ids: tuple[int, ...] = ()


class Monitor:
    """Follows all kilns. `on_change` hears of every change after its commit, from a worker thread."""

    def __init__(self, database: Database, clock: Clock, on_change: Callable[[KilnChange], None]) -> None:
        self._database = database
        self._clock = clock
        self._on_change = on_change
        self._waiting: set[int] = set()
        self._live: dict[int, _Cached] = {}
        self._lock = threading.Lock()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def kilns_changed(self, kiln_ids: set[int]) -> None:
        """Say that blocks of these kilns were stored; called from any thread."""
        with self._lock:
            self._waiting |= kiln_ids
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Work until cancelled, beginning with whatever was stored and not looked at when the service last stopped."""
        self._loop = asyncio.get_running_loop()
        self.kilns_changed(await asyncio.to_thread(self.kilns_behind))
        while True:
            await asyncio.to_thread(self.step, self._clock.now())
            with contextlib.suppress(TimeoutError):  # not wait_for: on Python 3.11 it can swallow a cancellation
                async with asyncio.timeout(WAKE_AT_LEAST_EVERY_S):
                    await self._wake.wait()
            self._wake.clear()

    def step(self, now: datetime) -> None:
        """Look at everything that waits, then at the bridges that say nothing."""
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        KILNS_BEHIND.set(len(waiting))
        for kiln_id in sorted(waiting):
            self._guarded(kiln_id, self._advance, now)
        for kiln_id in self._kilns_gone_quiet(now):
            self._guarded(kiln_id, self._judge_silence, now)

    def end_by_operator(self, session: Session, firing: Firing, *, now: datetime) -> None:
        """End a firing in the caller's transaction; one that has ended stays as it is."""
        if firing.ended_at is not None:
            return
        state = session.get_one(LiveState, firing.kiln_id)
        live = LiveFiring(_watch(firing.kiln, firing), state=state.snapshot)
        self._conclude(session, firing.kiln, state, live, live.end(now.timestamp(), EndCause.OPERATOR), now)

    def kilns_behind(self) -> set[int]:
        """Return the kilns that have blocks which nobody has looked at."""
        with self._database.read() as session:
            return set(series.kilns_with_news(session))

    def _kilns_gone_quiet(self, now: datetime) -> list[int]:
        silent_since = now - BRIDGE_SILENT_AFTER - self._clock.span(TRANSPORT_ALLOWANCE_S)
        with self._database.read() as session:
            return firing_rows.running_and_unheard_since(session, silent_since)

    def _guarded(
        self, kiln_id: int, work: Callable[[Session, Kiln, datetime], KilnChange | None], now: datetime
    ) -> None:
        """Do one kiln's work in one transaction; if it fails, the others go on and this one is tried again."""
        try:
            with self._database.write() as session:
                change = work(session, session.get_one(Kiln, kiln_id), now)
        except Exception:
            logger.exception("analysis failed", extra={"kiln": kiln_id})
            MONITOR_FAILURES.inc()
            self._live.pop(kiln_id, None)
            with self._lock:
                self._waiting.add(kiln_id)
            return
        if change is not None:
            self._on_change(change)

    def _advance(self, session: Session, kiln: Kiln, now: datetime) -> KilnChange | None:
        state = session.get(LiveState, kiln.id)
        after_id = state.last_block_id if state else 0
        chunk, last_id, last_at = series.read_new(session, kiln.id, after_id=after_id, limit=BLOCKS_PER_STEP)
        if chunk is None or last_at is None:
            return None
        if state is None:
            state = LiveState(kiln_id=kiln.id, workshop_id=kiln.workshop_id, snapshot={}, status={}, revision=0)
            session.add(state)
        state.last_block_id, state.last_block_at = last_id, last_at
        live = self._live_of(session, kiln, state)
        heard_again = [_ended(row, now) for row in firing_rows.open_findings(session, kiln.id, "bridge_silent")]
        reached_at = _utc(chunk.until_s)
        change = self._conclude(
            session, kiln, state, live, live.advance(chunk), now, also=heard_again, reached_at=reached_at
        )
        self._live[kiln.id] = _Cached(state.revision, live)
        if series.has_news(session, kiln.id, after_id=last_id):
            self.kilns_changed({kiln.id})
        return replace(change, chunk=chunk)

    def _judge_silence(self, session: Session, kiln: Kiln, now: datetime) -> KilnChange | None:
        """Say that the bridge is silent, and end the firing when it has been for hours."""
        state = session.get_one(LiveState, kiln.id)
        live = self._live_of(session, kiln, state)
        if now - state.last_block_at > LINK_LOST_AFTER:
            return self._conclude(
                session, kiln, state, live, live.end(state.last_block_at.timestamp(), EndCause.LOST_LINK), now
            )
        if firing_rows.open_findings(session, kiln.id, "bridge_silent"):
            return None
        silence = Finding(
            kind="bridge_silent",
            group=Group.KILN,
            severity=Severity.CRITICAL,
            channel=None,
            start_s=state.last_block_at.timestamp(),
            end_s=None,
            evidence={"silent_s": (now - state.last_block_at).total_seconds()},
            advice_key="check_bridge",
        )
        return self._conclude(session, kiln, state, live, None, now, also=[silence])

    def _live_of(self, session: Session, kiln: Kiln, state: LiveState) -> LiveFiring:
        """Return the analysis where it stands: from memory if nobody else has written since, else from the row."""
        cached = self._live.get(kiln.id)
        watch = _watch(kiln, firing_rows.running_firing(session, kiln.id))
        if cached is not None and cached.revision == state.revision and cached.live.watch == watch:
            return cached.live
        return LiveFiring(watch, state=state.snapshot or None)

    def _conclude(
        self,
        session: Session,
        kiln: Kiln,
        state: LiveState,
        live: LiveFiring,
        advance: Advance | None,
        now: datetime,
        *,
        also: Sequence[Finding] = (),
        reached_at: datetime | None = None,
    ) -> KilnChange:
        """Write everything that one step concluded, and where the analysis now stands."""
        firing = firing_rows.running_firing(session, kiln.id)
        touched = {firing.id} if firing else set()
        rows: list[StoredFinding] = firing_rows.save_findings(session, kiln, firing.id if firing else None, also)
        for event in advance.events if advance else ():
            match event:
                case FiringStart():
                    firing = firing_rows.start_firing(session, kiln, started_at=_utc(event.start_s))
                    touched.add(firing.id)
                case FiringEnd():
                    if firing is not None:
                        firing.ended_at, firing.end_cause = _utc(event.end_s), event.cause.value
                        _write_summary(firing, event.summary)
                    firing = None
                case Finding():
                    rows += firing_rows.save_findings(session, kiln, firing.id if firing else None, [event])
        if advance is not None:
            summary = live.summary()
            if firing is not None and summary is not None:
                _write_summary(firing, summary)
            state.status = _status_json(advance.status)
            state.snapshot = live.snapshot()
        state.revision += 1
        session.flush()
        alarms = record.record(
            session,
            rows,
            now=now,
            now_machine=datetime.now(UTC),
            lateness=LATE_AFTER + self._clock.span(TRANSPORT_ALLOWANCE_S),
            reached_at=reached_at,
        )
        return KilnChange(
            kiln.workshop_id, kiln.id, firing_ids=tuple(touched), alarm_ids=tuple(alarm.id for alarm in alarms)
        )


@dataclass(frozen=True)
class _Cached:
    revision: int
    live: LiveFiring


def _watch(kiln: Kiln, firing: Firing | None) -> Watch:
    return Watch(target_cone=firing.target_cone if firing else kiln.target_cone, fuel=kiln.fuel)


def _ended(row: StoredFinding, now: datetime) -> Finding:
    return Finding(
        kind=row.kind,
        group=Group(row.group),
        severity=Severity(row.severity),
        channel=row.channel or None,
        start_s=row.start_at.timestamp(),
        end_s=now.timestamp(),
        evidence=row.evidence,
        advice_key=row.advice_key,
        probability=row.probability,
    )


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _write_summary(firing: Firing, summary: Summary) -> None:
    firing.peak_c, firing.peak_at = summary.peak_c, _utc(summary.peak_s)
    firing.cone_reached, firing.max_spread_c = summary.cone_reached, summary.max_spread_c
    firing.cones = [_cone_json(cone) for cone in summary.cones]


def _status_json(status: Status) -> dict[str, Any]:
    """Return the state as the page wants it; of the cones that are down, only the last few."""
    return {
        "last_at": _iso(status.last_s),
        "phase": status.phase.value,
        "peak_c": status.peak_c,
        "spread_c": status.spread_c,
        "cone_reached": status.cone_reached,
        "next_cone": status.next_cone,
        "next_cone_progress": status.next_cone_progress,
        "cones": [_cone_json(cone) for cone in _worth_showing(status.cones)],
        "channels": [
            {
                "name": channel.name,
                "at": _iso(channel.last_s),
                "value_c": channel.last_c,
                "rate_c_per_h": channel.rate_c_per_h,
                "quality": channel.quality,
            }
            for channel in status.channels
        ],
    }


def _worth_showing(cones: Sequence[ConeProgress]) -> list[ConeProgress]:
    """Return, for each probe, the cones that bend and the last three that fell."""
    shown: list[ConeProgress] = []
    for channel in dict.fromkeys(cone.channel for cone in cones):
        of_probe = [cone for cone in cones if cone.channel == channel]
        down = [cone for cone in of_probe if cone.progress >= 1]
        shown += [*down[-LAST_CONES_SHOWN:], *(cone for cone in of_probe if cone.progress < 1)]
    return shown


def _cone_json(cone: ConeProgress) -> dict[str, Any]:
    return {
        "channel": cone.channel,
        "cone": cone.cone,
        "progress": cone.progress,
        "down_at": _iso(cone.down_s),
    }


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else _utc(seconds).isoformat()
