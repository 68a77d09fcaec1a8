"""State of the live analysis of one kiln, and what it looks like from outside."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from math import floor
from typing import Final

from service.core import cones
from service.core.findings import Finding
from service.core.firing import Firing, Summary
from service.core.ledger import Ledger
from service.core.probe import BIN_S, Probe
from service.core.sensors import Signs, is_doubtful, is_out
from service.core.sensors.drift import Drift
from service.core.sensors.timing import Clock
from service.core.spread import spread_of
from service.core.watch import ChannelStatus, Status

# Channels whose names begin so do not measure the chamber: they are shown, and no rule on the ware looks at them.
OUTSIDE: Final = ("flue", "chimney", "stack", "exhaust", "housing", "ambient", "room", "board", "cold_junction")


@dataclass
class Kiln:
    """All that the live analysis knows of a kiln; everything in it can be said in JSON.

    Examples
    --------
    >>> Kiln().status().phase.value, Kiln().is_chamber("flue_2")
    ('idle', False)
    """

    probes: dict[str, Probe] = field(default_factory=dict)
    signs: dict[str, Signs] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    drift: Drift = field(default_factory=Drift)
    bins_from_s: float = 0.0
    next_bin: int | None = None
    until_s: float | None = None
    firing: Firing | None = None
    may_be_hot: bool = True
    ended_s: float | None = None
    ledger: Ledger = field(default_factory=Ledger)
    late: int = 0
    ahead: int = 0

    def probe(self, name: str) -> Probe:
        """Return the probe of a channel, a new one when it speaks for the first time."""
        if name not in self.probes:
            self.probes[name], self.signs[name] = Probe(), Signs()
        return self.probes[name]

    def recall(self, before: "Kiln", unheard: Collection[str]) -> list[Finding]:
        """Take over what is known of channels that this has not heard; return what stands of them."""
        for name in before.probes.keys() & unheard:
            self.probes[name], self.signs[name] = before.probes[name], before.signs[name]
        standing = {slot: one for slot, one in before.ledger.standing.items() if one.channel in unheard}
        self.ledger.standing |= standing
        return list(standing.values())

    def is_chamber(self, name: str) -> bool:
        """Say whether a channel measures where the ware is."""
        return not name.startswith(OUTSIDE)

    def judged_to_s(self) -> float:
        """Return up to when readings are judged and closed: the end of the last bin [s]."""
        return -float("inf") if self.next_bin is None else self.bins_from_s + self.next_bin * BIN_S

    def move_bins(self, from_s: float) -> None:
        """Let the bins from now on begin elsewhere [s]; the next one is short, for what is judged stays judged."""
        judged_s, self.bins_from_s = self.judged_to_s(), from_s
        if self.next_bin is not None:
            self.next_bin = self.bin_of(judged_s)

    def bin_of(self, time_s: float) -> int:
        """Return the number of the bin that a moment [s] falls into."""
        return floor((time_s - self.bins_from_s) / BIN_S)

    def first_waiting_s(self) -> float | None:
        """Return the time of the earliest reading that is not yet judged [s]."""
        waiting_s = (probe.waiting.first_s() for probe in self.probes.values())
        return min((time_s for time_s in waiting_s if time_s is not None), default=None)

    def is_quiet(self, after_s: float) -> bool:
        """Say whether time alone changes nothing: no firing runs, and every silence and jump has had its say."""
        heard_s = [probe.last_s for probe in self.probes.values() if probe.last_s is not None]
        return self.firing is None and self.judged_to_s() - max(heard_s, default=-float("inf")) > after_s

    def chamber(self, now_s: float) -> dict[str, Probe]:
        """Return the chamber probes that read now and can be believed, by channel."""
        return {name: self.probes[name] for name in sorted(self.probes) if self._is_believed(name, now_s)}

    def has_chamber(self, now_s: float) -> bool:
        """Say whether there is any chamber probe that reads now and can be believed."""
        return any(self._is_believed(name, now_s) for name in self.probes)

    def _is_believed(self, name: str, now_s: float) -> bool:
        return (
            self.is_chamber(name)
            and self.probes[name].is_current(now_s)
            and not is_doubtful(name, self.signs[name], self.ledger)
        )

    def judged_channels(self) -> list[str]:
        """Return the probes on which cones are judged: those that saw the top and are not out, all if all are."""
        if self.firing is None:
            return []
        worked = sorted(self.firing.works)
        seen = [name for name in worked if not self.firing.has_missed_the_top(name)] or worked
        return [name for name in seen if not is_out(name, self.ledger)] or seen

    def summary(self) -> Summary | None:
        """Return what the running firing has come to so far, None if none is running."""
        return None if self.firing is None else self.firing.summary(self.judged_channels())

    def status(self) -> Status:
        """Return the kiln as it is now."""
        if self.firing is None:
            return self.refreshed(Status())
        firing, judged = self.firing, self.judged_channels()
        reached = firing.cone_reached(judged)
        following = 0 if reached is None else cones.index_of(reached) + 1
        is_known = following < len(cones.names()) and not firing.began_at_its_top
        progress = firing.least_done(following, judged) if is_known else None
        spread = spread_of({name: probe.trail.last[1] for name, probe in self.chamber(self.judged_to_s()).items()}, {})
        behind_s, behind_since_s = (None, None) if firing.following is None else firing.following.pace_s
        status = Status(
            phase=firing.phase,
            start_s=firing.start_s,
            peak_c=firing.peak_c,
            peak_s=firing.peak_s,
            spread_c=spread.spread_c if spread else None,
            cones=firing.cone_progress(),
            cone_reached=reached,
            next_cone=None if progress is None else cones.names()[following],
            next_cone_progress=progress,
            behind_s=behind_s,
            behind_since_s=behind_since_s,
        )
        return self.refreshed(status)

    def refreshed(self, status: Status) -> Status:
        """Return a status with its newest readings: all that changes while no bin is judged."""
        channels = tuple(self._channel_status(name) for name in sorted(self.probes))
        last_s = max((one.last_s for one in channels if one.last_s is not None), default=None)
        return replace(status, last_s=last_s, channels=channels, late=self.late, ahead=self.ahead)

    def _channel_status(self, name: str) -> ChannelStatus:
        probe = self.probes[name]
        last_s, last_c = probe.newest_good()
        quality = "silent" if self.ledger.has(f"silent {name}") else "no_value" if probe.newest_is_fault else "good"
        rate, sd = (None, None) if quality == "silent" else (probe.rate_c_per_h, probe.rate_sd_c_per_h)
        return ChannelStatus(name, last_s, last_c, rate, quality, sd)
