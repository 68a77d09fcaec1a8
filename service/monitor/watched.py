"""One kiln as the monitor holds it in memory: its analysis, and what is needed to speak of it."""

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy.orm import Session

from service.analysis.again import watch_of
from service.core.assess import SAME_S
from service.core.kiln import Kiln as State
from service.core.live import LiveFiring, Status
from service.monitor.packing import DamagedStateError, pack, unpack
from service.series.blocks import Arrived
from service.series.corrections import Corrections, corrections_of
from service.store import alarms as alarm_rows
from service.store import firings as firing_rows
from service.store import kilns as kiln_rows
from service.store.kilns import ChannelSaid, Stood
from service.store.models import Firing, Kiln

logger = logging.getLogger(__name__)

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_NOT_YET: Final = datetime.max.replace(tzinfo=UTC)
_encode_status = msgspec.json.Encoder().encode
_decode_status = msgspec.json.Decoder(Status).decode


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
    channels: Mapping[str, ChannelSaid] = field(default_factory=dict)  # by name
    edited_at: datetime | None = None  # as the kiln's row has it


@dataclass
class Watched:
    """A kiln in memory; `last_block_id` is the newest block its analysis has taken in."""

    live: LiveFiring
    now: LiveKiln
    last_block_id: int
    end_asked_at: datetime | None = None
    silent_since: datetime | None = None  # what the open finding about its bridge says
    taken_up_at: datetime = _LONG_AGO  # what was said before that, nobody here could hear
    waiting: Arrived | None = None  # came in, and not yet taken into the analysis ...
    waits_since_s: float = 0.0  # ... since then, by the machine's monotonic time
    is_news: bool = True  # ... and it is worth a look at once, as what comes first after the kiln was taken up
    is_dirty: bool = False
    came_s: float = 0.0  # machine's monotonic time, when a block last came
    saved_s: float = 0.0
    corrections: Corrections = field(default_factory=Corrections)
    began_again_for: datetime | None = None  # the beginning that a person gave the firing, once it is followed

    @property
    def kiln_id(self) -> int:
        return self.now.kiln_id

    @property
    def could_be_heard_at(self) -> datetime:
        """Return since when nothing was heard that could be: a kiln is not silent because we were away."""
        return _NOT_YET if self.now.heard_at is None else max(self.now.heard_at, self.taken_up_at)

    def clock_was_set(self, now: datetime) -> None:
        """Count silence from now on: what was heard, was heard by a clock that showed another time."""
        self.taken_up_at = now
        if self.now.heard_at is not None and self.now.heard_at > now:
            self.now = replace(self.now, heard_at=now)

    @property
    def is_firing(self) -> bool:
        return self.now.firing_id is not None

    def wait(self, arrived: Arrived, machine_s: float) -> None:
        """Keep what came in until it is worth a look."""
        self.came_s = machine_s
        if self.waiting is None:
            self.waiting, self.waits_since_s = arrived, machine_s
        else:
            self.waiting.add(arrived)

    @property
    def is_out_of_step(self) -> bool:
        """Say whether a person gave the running firing another beginning than the analysis has."""
        said_at, began_s = self.now.firing_started_at, self.live.started_s()
        if said_at is None or said_at == self.began_again_for:
            return False
        return began_s is None or abs(began_s - said_at.timestamp()) >= SAME_S

    def refresh(self, session: Session) -> None:
        """Read again what people may have changed, and what the last conclusion has changed."""
        self.apply(read_facts(session, [self.kiln_id])[self.kiln_id])

    def apply(self, facts: "Facts") -> None:
        """Take over what the tables say."""
        firing = facts.firing
        self.live.watch = watch_of(facts.kiln, firing)
        self.end_asked_at = firing.end_asked_at if firing else None
        self.silent_since = facts.silent_since
        self.corrections = facts.corrections
        self.now = facts.on(self.now)
        if self.now.firing_started_at != self.began_again_for:
            self.began_again_for = None  # another firing, or another beginning: it may come to this one again

    def state_row(self) -> dict[str, Any]:
        """Return where the analysis stands, as the table holds it."""
        return {
            "kiln_id": self.kiln_id,
            "workshop_id": self.now.workshop_id,
            "last_block_id": self.last_block_id,
            "last_block_at": self.now.heard_at,
            "snapshot": pack(self.live.state),
            "status": msgspec.Raw(_encode_status(self.now.status)),
        }


@dataclass(frozen=True)
class Facts:
    """What the tables say of a kiln beside its analysis."""

    kiln: Kiln
    firing: Firing | None
    silent_since: datetime | None
    open_alarms: int
    channels: Mapping[str, ChannelSaid]
    corrections: Corrections

    def on(self, live: LiveKiln) -> LiveKiln:
        """Return a kiln with these facts."""
        return replace(
            live,
            firing_id=self.firing.id if self.firing else None,
            firing_started_at=self.firing.started_at if self.firing else None,
            open_alarms=self.open_alarms,
            channels=self.channels,
            edited_at=self.kiln.edited_at,
        )


def read_facts(session: Session, kiln_ids: Collection[int]) -> dict[int, Facts]:
    """Return the facts of several kilns in a handful of queries."""
    firings = firing_rows.running_firings(session, kiln_ids)
    silent = {row.kiln_id: row.start_at for row in firing_rows.open_findings(session, kiln_ids, "bridge_silent")}
    counts = alarm_rows.count_open(session, kiln_ids)
    corrections = corrections_of(session, kiln_ids)
    channels: defaultdict[int, dict[str, ChannelSaid]] = defaultdict(dict)
    for channel in kiln_rows.channels(session, kiln_ids):
        channels[channel.kiln_id][channel.name] = ChannelSaid(channel.id, channel.label, channel.is_hidden)
    return {
        kiln.id: Facts(
            kiln,
            firings.get(kiln.id),
            silent.get(kiln.id),
            counts.get(kiln.id, 0),
            channels[kiln.id],
            corrections[kiln.id],
        )
        for kiln in kiln_rows.kilns_by_id(session, kiln_ids)
    }


def stored_kilns(session: Session, kiln_ids: Collection[int]) -> dict[int, LiveKiln]:
    """Return kilns as they last stood on disk."""
    states = kiln_rows.live_states(session, kiln_ids, with_snapshot=False)
    facts = read_facts(session, kiln_ids)
    return {kiln_id: one.on(_stored(one.kiln, states.get(kiln_id))) for kiln_id, one in facts.items()}


def load_watched(session: Session, kiln_ids: Collection[int]) -> list[Watched]:
    """Return kilns where their analyses last stood on disk."""
    states = kiln_rows.live_states(session, kiln_ids, with_snapshot=True)
    loaded = []
    for kiln_id, facts in read_facts(session, kiln_ids).items():
        state = states.get(kiln_id)
        live = LiveFiring(watch_of(facts.kiln, facts.firing), state=_state(kiln_id, state))
        watched = Watched(live, _stored(facts.kiln, state), state.last_block_id if state else 0)
        watched.apply(facts)
        loaded.append(watched)
    return loaded


def _state(kiln_id: int, stood: Stood | None) -> State | None:
    """Return the state of an analysis; one that is damaged keeps no other kiln waiting, and begins anew."""
    try:
        return None if stood is None else unpack(stood.snapshot)
    except DamagedStateError:
        logger.exception("where an analysis stood cannot be read; it begins anew", extra={"kiln_id": kiln_id})
        return None


def _stored(kiln: Kiln, state: Stood | None) -> LiveKiln:
    live = LiveKiln(kiln.id, kiln.workshop_id)
    if state is None:
        return live
    try:
        status = _decode_status(state.status)
    except msgspec.DecodeError:
        logger.exception("how a kiln stood cannot be read", extra={"kiln_id": kiln.id})
        status = Status()
    return replace(live, status=status, heard_at=state.last_block_at)
