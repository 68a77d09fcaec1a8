"""One kiln as the monitor holds it in memory: its analysis, and what is needed to speak of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from service.core.live import LiveFiring, Status, Watch
from service.store import alarms as alarm_rows
from service.store import firings as firing_rows
from service.store import kilns as kiln_rows
from service.store.models import Firing, Kiln, LiveState


@dataclass(frozen=True)
class LiveKiln:
    """A kiln as it is now, for those who look at it."""

    kiln_id: int
    workshop_id: int
    status: Status = field(default_factory=Status)
    heard_at: datetime | None = None
    firing_id: int | None = None
    firing_started_at: datetime | None = None
    open_alarms: int = 0
    channel_ids: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Watched:
    """A kiln in memory; `last_block_id` is the newest block its analysis has taken in."""

    live: LiveFiring
    now: LiveKiln
    last_block_id: int
    end_asked_at: datetime | None = None
    silent_since: datetime | None = None  # what the open finding about its bridge says
    is_dirty: bool = False
    saved_s: float = 0.0  # machine's monotonic time

    @property
    def kiln_id(self) -> int:
        return self.now.kiln_id

    @property
    def is_firing(self) -> bool:
        return self.now.firing_id is not None

    def refresh(self, session: Session) -> None:
        """Read again what people may have changed, and what the last conclusion has changed."""
        kiln = session.get_one(Kiln, self.kiln_id)
        firing = firing_rows.running_firing(session, self.kiln_id)
        self.live.watch = watch_of(kiln, firing)
        self.end_asked_at = firing.end_asked_at if firing else None
        silent = firing_rows.open_findings(session, self.kiln_id, "bridge_silent")
        self.silent_since = silent[0].start_at if silent else None
        self.now = replace(
            self.now,
            firing_id=firing.id if firing else None,
            firing_started_at=firing.started_at if firing else None,
            open_alarms=alarm_rows.count_open(session, [self.kiln_id]).get(self.kiln_id, 0),
            channel_ids={channel.name: channel.id for channel in kiln_rows.channels(session, [self.kiln_id])},
        )

    def state_row(self) -> dict[str, Any]:
        """Return where the analysis stands, as the table holds it."""
        return {
            "kiln_id": self.kiln_id,
            "workshop_id": self.now.workshop_id,
            "last_block_id": self.last_block_id,
            "last_block_at": self.now.heard_at,
            "snapshot": self.live.snapshot(),
            "status": msgspec.to_builtins(self.now.status),
        }


def load_watched(session: Session, kiln_id: int) -> Watched:
    """Return a kiln where its analysis last stood on disk."""
    kiln = session.get_one(Kiln, kiln_id)
    state = session.get(LiveState, kiln_id)
    live = LiveFiring(watch_of(kiln, None), state=state.snapshot if state else None)
    now = LiveKiln(kiln_id, kiln.workshop_id)
    if state is not None:
        now = replace(now, status=msgspec.convert(state.status, Status), heard_at=state.last_block_at)
    watched = Watched(live, now, state.last_block_id if state else 0)
    watched.refresh(session)
    return watched


def stored_kilns(session: Session, kilns: Collection[Kiln]) -> dict[int, LiveKiln]:
    """Return kilns as they last stood on disk."""
    ids = [kiln.id for kiln in kilns]
    states = kiln_rows.live_states(session, ids)
    firings = firing_rows.running_firings(session, ids)
    counts = alarm_rows.count_open(session, ids)
    channel_ids: dict[int, dict[str, int]] = {kiln_id: {} for kiln_id in ids}
    for channel in kiln_rows.channels(session, ids):
        channel_ids[channel.kiln_id][channel.name] = channel.id
    return {
        kiln.id: LiveKiln(
            kiln_id=kiln.id,
            workshop_id=kiln.workshop_id,
            status=msgspec.convert(states[kiln.id].status, Status) if kiln.id in states else Status(),
            heard_at=states[kiln.id].last_block_at if kiln.id in states else None,
            firing_id=firings[kiln.id].id if kiln.id in firings else None,
            firing_started_at=firings[kiln.id].started_at if kiln.id in firings else None,
            open_alarms=counts.get(kiln.id, 0),
            channel_ids=channel_ids[kiln.id],
        )
        for kiln in kilns
    }


def watch_of(kiln: Kiln, firing: Firing | None) -> Watch:
    """Return what a kiln is watched for: its own target, or another one for this firing."""
    return Watch(target_cone=firing.target_cone if firing else kiln.target_cone, fuel=kiln.fuel)
