"""The live analysis: one kiln from firing to firing, with the same findings however its readings come in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import floor, isfinite
from typing import Any, Final

from service.core import beginning, cones, defects, deviations, sensors
from service.core.deviations import Spread
from service.core.findings import Finding
from service.core.firing import ConeProgress, EndCause, Firing, Phase, Summary
from service.core.ledger import Ledger
from service.core.probe import AHEAD_S, BIN_S, BinValue, Probe
from service.core.sensors import Jumps
from service.core.series import Chunk
from service.core.snapshot import dump, load

__all__ = [
    "Advance",
    "ChannelStatus",
    "ConeProgress",
    "EndCause",
    "FiringEnd",
    "FiringStart",
    "LiveFiring",
    "Phase",
    "Status",
    "Summary",
    "Watch",
]

# Channels whose names begin so do not measure the chamber: they are shown, and no rule on the ware looks at them.
OUTSIDE: Final = ("flue", "chimney", "stack", "exhaust", "housing", "ambient", "room", "board", "cold_junction")
FUELS: Final = tuple(sensors.STEP_BASE_C)


@dataclass(frozen=True)
class Watch:
    """What the kiln is watched for.

    Parameters
    ----------
    target_cone : str or None
        Orton self-supporting cone that the firing is to reach, None if nobody said.
    fuel : str
        ``lpg``, ``coal``, ``wood`` or ``electric``: how fast and how unsteadily the kiln may go.

    Raises
    ------
    ValueError
        If the cone or the fuel is unknown.
    """

    target_cone: str | None = None
    fuel: str = "lpg"

    def __post_init__(self) -> None:
        if self.target_cone is not None:
            cones.index_of(self.target_cone)
        if self.fuel not in FUELS:
            msg = f"fuel must be one of {', '.join(FUELS)}, not {self.fuel!r}"
            raise ValueError(msg)


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


@dataclass(frozen=True)
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
    """

    name: str
    last_s: float | None
    last_c: float | None
    rate_c_per_h: float | None
    quality: str


@dataclass(frozen=True)
class Status:
    """The kiln as it is now; all but the channels is of the firing that runs, else None or empty.

    `cone_reached` is the highest cone that is down, by heat work, at every chamber probe that still reads: the ware
    that got least decides. `next_cone` is the one after it, with the progress of that probe that is least far. `late`
    and `ahead` count readings that came too late, or were stamped over an hour ahead of what is vouched for.
    """

    last_s: float | None
    phase: Phase
    channels: tuple[ChannelStatus, ...]
    start_s: float | None
    peak_c: float | None
    peak_s: float | None
    spread_c: float | None
    cones: tuple[ConeProgress, ...]
    cone_reached: str | None
    next_cone: str | None
    next_cone_progress: float | None
    late: int
    ahead: int


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


@dataclass
class _Kiln:
    probes: dict[str, Probe] = field(default_factory=dict)
    jumps: dict[str, Jumps] = field(default_factory=dict)
    next_bin: int | None = None
    until_s: float | None = None
    firing: Firing | None = None
    may_be_hot: bool = True
    ledger: Ledger = field(default_factory=Ledger)
    late: int = 0
    ahead: int = 0


class LiveFiring:
    """Follow one kiln from firing to firing.

    Readings are gathered into bins of 30 s of Unix time. A bin is judged when `Chunk.until_s` has passed its end, and
    then never again: so neither the size of chunks nor a restart from a snapshot between any two changes a finding.

    Parameters
    ----------
    watch : Watch
        What it is watched for.
    state : mapping or None
        What `snapshot` returned, to go on exactly from there; None to begin.

    Raises
    ------
    KeyError
        If `state` was written by another version.

    Examples
    --------
    >>> import numpy as np
    >>> from service.core.series import Samples
    >>> time_s = np.arange(0.0, 7200.0, 10.0)
    >>> kiln = LiveFiring(Watch(fuel="electric"))
    >>> advance = kiln.advance(Chunk(7200.0, {"top": Samples(time_s, 25 + time_s / 30)}))
    >>> advance.started, advance.status.phase.value
    ([FiringStart(start_s=75.0)], 'heating')
    """

    def __init__(self, watch: Watch, state: Mapping[str, Any] | None = None) -> None:
        self.watch = watch
        self._kiln = _Kiln() if state is None else load(_Kiln, state)

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON can say it: a few kB for each channel, however long the firing."""
        plain: dict[str, Any] = dump(self._kiln)
        return plain

    def advance(self, chunk: Chunk) -> Advance:
        """Take in what came, judge what is complete by it, and say what is new.

        Raises
        ------
        ValueError
            If `chunk.until_s` is not finite.
        """
        if not isfinite(chunk.until_s):
            msg = f"until_s must be a time in s, not {chunk.until_s}"
            raise ValueError(msg)
        kiln = self._kiln
        kiln.until_s = chunk.until_s if kiln.until_s is None else max(kiln.until_s, chunk.until_s)
        since_s = -float("inf") if kiln.next_bin is None else kiln.next_bin * BIN_S
        for name, samples in chunk.channels.items():
            late, ahead = kiln.probes.setdefault(name, Probe()).add(
                samples, since_s=since_s, ahead_s=kiln.until_s + AHEAD_S
            )
            kiln.late += late
            kiln.ahead += ahead
        events: list[Event] = []
        for number in self._complete_bins(kiln.until_s):
            events += self._judge_bin((number + 1) * BIN_S)
        return Advance(tuple(events), self.status())

    def end(self, at_s: float, cause: EndCause) -> Advance:
        """End the firing from outside at `at_s` [s]: its operator says so, or the link to the kiln is lost."""
        kiln = self._kiln
        events: list[Event] = []
        if kiln.firing is not None:
            events = self._end(kiln.firing, max(at_s, kiln.firing.start_s), cause)
        return Advance(tuple(events), self.status())

    def summary(self) -> Summary | None:
        """Return what the running firing has come to so far, None if none is running."""
        firing = self._kiln.firing
        return None if firing is None else firing.summary(self._judged_channels())

    def _complete_bins(self, until_s: float) -> Iterator[int]:
        """Go through the bins that are complete; jump over those in which nothing can happen any more."""
        kiln = self._kiln
        complete = floor(until_s / BIN_S)
        while True:
            waiting = [probe.pending[0][0] for probe in kiln.probes.values() if probe.pending]
            if kiln.next_bin is None and not waiting:
                return
            first = floor(min(waiting) / BIN_S) if waiting else complete
            if kiln.next_bin is None or self._is_quiet(kiln.next_bin * BIN_S):
                kiln.next_bin = max(first, kiln.next_bin or first) if first < complete else max(complete, first)
            if kiln.next_bin >= complete:
                return
            kiln.next_bin += 1
            yield kiln.next_bin - 1

    def _is_quiet(self, now_s: float) -> bool:
        """Say whether time alone changes nothing: no firing runs, and every silence and jump has had its say."""
        latest_s = max(
            (probe.last_s for probe in self._kiln.probes.values() if probe.last_s is not None), default=now_s
        )
        return self._kiln.firing is None and now_s - latest_s > QUIET_AFTER_S

    def _judge_bin(self, now_s: float) -> list[Event]:
        kiln = self._kiln
        events: list[Event] = []
        values = {name: kiln.probes[name].finish_bin(now_s) for name in sorted(kiln.probes)}
        if kiln.firing is None:
            events += self._look_for_start(values, now_s)
        self._judge_sensors(values, now_s)
        firing = kiln.firing
        if firing is not None:
            self._judge_firing(firing, values, now_s)
        events += kiln.ledger.take_news()
        if firing is not None:
            events += self._look_for_end(firing, now_s)
        return events

    def _look_for_start(self, values: Mapping[str, BinValue | None], now_s: float) -> list[Event]:
        kiln = self._kiln
        chamber = {name: value for name, value in values.items() if not name.startswith(OUTSIDE)}
        began = [beginning.rise_began_s(kiln.probes[name], value) for name, value in chamber.items()]
        said = [value for value in chamber.values() if value is not None]
        if kiln.may_be_hot and said:
            kiln.may_be_hot = False
            if max(value.value_c for value in said) >= beginning.HOT_C:
                began.append(min(value.first_s for value in said))
        start_s = min((time_s for time_s in began if time_s is not None), default=None)
        return [] if start_s is None else self._start(start_s, now_s)

    def _start(self, start_s: float, now_s: float) -> list[Event]:
        kiln = self._kiln
        hottest_c = self._hottest_c(now_s) or 0.0
        start_c = min((probe.base[1] for probe in kiln.probes.values() if probe.base is not None), default=hottest_c)
        kiln.firing = Firing(
            start_s=start_s,
            start_c=start_c,
            peak_c=hottest_c,
            peak_s=now_s,
            low_c=hottest_c,
            low_s=now_s,
            record_c=hottest_c,
            record_s=now_s,
        )
        kiln.ledger.raise_silences()
        return [FiringStart(start_s), *kiln.ledger.take_news()]

    def _judge_sensors(self, values: Mapping[str, BinValue | None], now_s: float) -> None:
        kiln = self._kiln
        is_firing = kiln.firing is not None
        chamber = {name: kiln.probes[name] for name in values if not name.startswith(OUTSIDE)}
        for name, value in values.items():
            probe = kiln.probes[name]
            sensors.judge_silence(name, probe, value, now_s, is_firing=is_firing, to=kiln.ledger)
            if name in chamber:
                sensors.judge_frozen(name, probe, value, chamber, now_s, to=kiln.ledger)
            jumps = kiln.jumps.setdefault(name, Jumps())
            sensors.judge_jump(name, jumps, value, now_s, fuel=self.watch.fuel, is_firing=is_firing, to=kiln.ledger)

    def _judge_firing(self, firing: Firing, values: Mapping[str, BinValue | None], now_s: float) -> None:
        kiln, fuel = self._kiln, self.watch.fuel
        now = self._chamber_now(now_s)
        for name in now:
            value = values[name]
            if value is not None:
                firing.add_heat(name, value.time_s, value.value_c)
        if not now:
            return
        hottest_c = max(value_c for value_c, _ in now.values())
        rates = {name: (value_c, rate) for name, (value_c, rate) in now.items() if rate is not None}
        rate = sum(rate for _, rate in rates.values()) / len(rates) if rates else None
        firing.follow(now_s, hottest_c, rate, fuel)
        spread = _spread(now)
        if spread is not None:
            firing.see_spread(now_s, spread.spread_c)
        target = self.watch.target_cone
        deviations.judge_uneven(firing, spread, now_s, to=kiln.ledger)
        deviations.judge_stalled(firing, hottest_c, now_s, fuel=fuel, target_cone=target, to=kiln.ledger)
        defects.judge_quartz(firing, rates, spread, now_s, to=kiln.ledger)
        defects.judge_cone(firing, self._judged_channels(), target, now_s, to=kiln.ledger)

    def _look_for_end(self, firing: Firing, now_s: float) -> list[Event]:
        kiln = self._kiln
        heard = [probe.last_s for name, probe in kiln.probes.items() if probe.last_s is not None]
        if heard and now_s - max(heard) > beginning.LOST_AFTER_S:
            return self._end(firing, max(heard), EndCause.LOST_SENSOR)
        hottest_c = self._hottest_c(now_s)
        if hottest_c is None:
            return []
        again_s = beginning.reheated_from_s(firing, now_s, hottest_c)
        if again_s is not None:
            return [*self._end(firing, again_s, EndCause.COOLED), *self._start(again_s, now_s)]
        cooled_s = beginning.cooled_at_s(firing, now_s, hottest_c)
        return [] if cooled_s is None else self._end(firing, cooled_s, EndCause.COOLED)

    def _end(self, firing: Firing, end_s: float, cause: EndCause) -> list[Event]:
        kiln = self._kiln
        kiln.ledger.close_firing(end_s)
        summary = firing.summary(self._judged_channels())
        kiln.firing = None
        kiln.may_be_hot = cause in (EndCause.LOST_SENSOR, EndCause.LOST_LINK)
        for probe in kiln.probes.values():
            probe.base, probe.risen_since_s = None, None
        return [*kiln.ledger.take_news(), FiringEnd(end_s, cause, summary)]

    def _chamber_now(self, now_s: float) -> dict[str, tuple[float, float | None]]:
        """Return value and rate of the chamber probes that can be believed now: [°C], [°C/h]."""
        return {
            name: (probe.trail[-1][1], probe.rate_c_per_h)
            for name, probe in sorted(self._kiln.probes.items())
            if not name.startswith(OUTSIDE) and probe.is_current(now_s) and not self._kiln.ledger.has(f"frozen {name}")
        }

    def _hottest_c(self, now_s: float) -> float | None:
        return max((value_c for value_c, _ in self._chamber_now(now_s).values()), default=None)

    def _judged_channels(self) -> list[str]:
        """Return the chamber probes on which cones are judged: those that are not silent or frozen, all if all are."""
        firing, ledger = self._kiln.firing, self._kiln.ledger
        worked = sorted(firing.works) if firing is not None else []
        reading = [name for name in worked if not ledger.has(f"silent {name}") and not ledger.has(f"frozen {name}")]
        return reading or worked

    def status(self) -> Status:
        """Return the kiln as it is now."""
        kiln, firing = self._kiln, self._kiln.firing
        channels = tuple(self._channel_status(name) for name in sorted(kiln.probes))
        last_s = max((one.last_s for one in channels if one.last_s is not None), default=None)
        judged = self._judged_channels()
        reached = firing.cone_reached(judged) if firing else None
        least = firing.least_done(judged) if firing else None
        following = 0 if reached is None else cones.index_of(reached) + 1
        has_next = least is not None and following < len(least)
        now = self._chamber_now(kiln.next_bin * BIN_S) if kiln.next_bin is not None else {}
        spread = _spread(now)
        return Status(
            last_s=last_s,
            phase=firing.phase if firing else Phase.IDLE,
            channels=channels,
            start_s=firing.start_s if firing else None,
            peak_c=firing.peak_c if firing else None,
            peak_s=firing.peak_s if firing else None,
            spread_c=spread.spread_c if spread and firing else None,
            cones=firing.cone_progress() if firing else (),
            cone_reached=reached,
            next_cone=cones.names()[following] if has_next else None,
            next_cone_progress=least[following] if has_next and least else None,
            late=kiln.late,
            ahead=kiln.ahead,
        )

    def _channel_status(self, name: str) -> ChannelStatus:
        probe = self._kiln.probes[name]
        waiting = [(time_s, value) for time_s, value in probe.pending if value is not None]
        last_s, last_c = waiting[-1] if waiting else (probe.last_s, probe.last_c)
        is_fault = probe.newest is not None and probe.newest[1] is None
        quality = "silent" if self._kiln.ledger.has(f"silent {name}") else "no_value" if is_fault else "good"
        return ChannelStatus(name, last_s, None if last_s is None else last_c, probe.rate_c_per_h, quality)


QUIET_AFTER_S: Final = beginning.LOST_AFTER_S + 2 * BIN_S  # longer than any rule waits on time alone


def _spread(now: Mapping[str, tuple[float, float | None]]) -> Spread | None:
    if len(now) < 2:
        return None
    hot = max(now, key=lambda name: now[name][0])
    cold = min(now, key=lambda name: now[name][0])
    return Spread(hot, cold, now[hot][0], now[cold][0])
