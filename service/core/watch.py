"""What a kiln is watched for, and what the watch answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.core import cones
from service.core.defect_rules import WARE
from service.core.findings import Finding
from service.core.firing import ConeProgress, EndCause, Phase, Summary
from service.core.fuels import FUELS
from service.core.schedule import Schedule
from service.core.witness import SURE, Offset

__all__ = ["FUELS", "Advance", "ChannelStatus", "Event", "FiringEnd", "FiringStart", "Status", "Watch"]


@dataclass(frozen=True)
class Watch:
    """What the kiln is watched for.

    Parameters
    ----------
    target_cone : str or None
        Orton self-supporting cone that the firing is to reach, None if nobody said.
    fuel : str
        ``lpg``, ``coal``, ``wood`` or ``electric``: how fast and how unsteadily the kiln may go.
    cone_offset : mapping
        By how much cones feel another heat at a channel's place, and how sure that is; see `witness.learn`.
    ware : frozenset of str
        What is known of the ware, of `defect_rules.WARE`.
    schedule : Schedule or None
        What it is fired by; without one nothing is said of pace and holds.
    bins_from_s : float
        Where one of the bins begins that readings are gathered into, of an analysis in which no firing runs yet: who
        watches many kilns spreads them, so that not all are judged at one moment. [s]
    unlearnt : Offset
        As `cone_offset`, of the channels that are not in it.

    Raises
    ------
    ValueError
        If the cone, the fuel or the ware is unknown.
    """

    target_cone: str | None = None
    fuel: str = "lpg"
    cone_offset: Mapping[str, Offset] = field(default_factory=dict)
    ware: frozenset[str] = frozenset()
    schedule: Schedule | None = None
    bins_from_s: float = 0.0
    unlearnt: Offset = SURE

    def __post_init__(self) -> None:
        if self.target_cone is not None:
            cones.index_of(self.target_cone)
        if self.fuel not in FUELS:
            msg = f"fuel must be one of {', '.join(FUELS)}, not {self.fuel!r}"
            raise ValueError(msg)
        if not self.ware <= set(WARE):
            msg = f"ware must be of {', '.join(WARE)}, not {', '.join(sorted(self.ware - set(WARE)))}"
            raise ValueError(msg)

    def offset_of(self, channel: str) -> Offset:
        """Return by how much cones at a channel's place feel another heat than it shows."""
        return self.cone_offset.get(channel, self.unlearnt)


@dataclass(frozen=True)
class FiringStart:
    """A firing has begun, at `start_s` [s]; it may have taken a while to be sure."""

    start_s: float


@dataclass(frozen=True)
class FiringEnd:
    """The firing is over since `end_s` [s], why, and what it came to."""

    end_s: float
    cause: EndCause
    summary: Summary


Event = FiringStart | FiringEnd | Finding


@dataclass(slots=True)  # as `ConeProgress`
class ChannelStatus:
    """One channel as it is now.

    Parameters
    ----------
    name : str
        Of the channel.
    last_s, last_c : float or None
        Newest good reading. [s], [°C]
    rate_c_per_h : float or None
        Over the last ten minutes. [°C/h]
    quality : str
        ``good``; ``no_value`` if the newest reading was a fault; ``silent`` after 300 s without a good one.
    rate_sd_c_per_h : float or None
        How sure the rate is, one standard deviation; large where the kiln has just turned. [°C/h]
    """

    name: str
    last_s: float | None
    last_c: float | None
    rate_c_per_h: float | None
    quality: str
    rate_sd_c_per_h: float | None = None


@dataclass(frozen=True)
class Status:
    """The kiln as it is now; all but the channels is of the firing that runs, else None or empty.

    `cone_reached` is the highest cone that is down, by heat work, at every chamber probe that still reads: the ware
    that got least decides. `next_cone` is the one after it, with the progress of that probe that is least far.
    `behind_s` is how late the kiln is by its schedule, below 0 how early, counted from `behind_since_s`, while it heats
    by one. `late` and `ahead` count readings that came too late, or were stamped over an hour ahead of what is vouched
    for.
    """

    last_s: float | None = None
    channels: tuple[ChannelStatus, ...] = ()
    late: int = 0
    ahead: int = 0
    phase: Phase = Phase.IDLE
    start_s: float | None = None
    peak_c: float | None = None
    peak_s: float | None = None
    spread_c: float | None = None
    cones: tuple[ConeProgress, ...] = ()
    cone_reached: str | None = None
    next_cone: str | None = None
    next_cone_progress: float | None = None
    behind_s: float | None = None
    behind_since_s: float | None = None


@dataclass(frozen=True)
class Advance:
    """What one step concluded: events in the order in which they became certain, and the state after it."""

    events: tuple[Event, ...]
    status: Status

    @property
    def started(self) -> list[FiringStart]:
        """The firings that began."""
        return [event for event in self.events if isinstance(event, FiringStart)]

    @property
    def ended(self) -> list[FiringEnd]:
        """The firings that are over."""
        return [event for event in self.events if isinstance(event, FiringEnd)]

    @property
    def findings(self) -> list[Finding]:
        """The findings that are new or changed; the last of a key is what holds."""
        return [event for event in self.events if isinstance(event, Finding)]
