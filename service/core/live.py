"""The live analysis: one kiln from firing to firing, with the same findings however its readings come in."""

from collections.abc import Collection, Iterator, Mapping
from math import inf, isfinite
from typing import Any, Final

from service.core import bounds, defects, deviations, kiln_limits, sensors
from service.core.defect_watch import judge_defects
from service.core.findings import Finding
from service.core.firing import HOT_C, ConeProgress, EndCause, Firing, Phase, Summary
from service.core.kiln import Kiln
from service.core.probe import AHEAD_S, BIN_S, BinValue
from service.core.schedule import ROOM_C
from service.core.schedule_watch import holds_as_planned, judge_schedule
from service.core.sensors import drift, timing
from service.core.series import Chunk
from service.core.snapshot import dump, load
from service.core.spread import spread_of
from service.core.watch import Advance, ChannelStatus, Event, FiringEnd, FiringStart, Status, Watch

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

QUIET_AFTER_S: Final = bounds.LOST_AFTER_S + 2 * BIN_S  # longer than any rule waits on time alone


class LiveFiring:
    """Follow one kiln from firing to firing.

    Readings are gathered into bins of 30 s of Unix time, from `Watch.bins_from_s` on. A bin is judged when
    `Chunk.until_s` has passed its end, and then never again: so neither the size of chunks nor a restart from a
    snapshot between any two changes a finding.

    Parameters
    ----------
    watch : Watch
        What it is watched for.
    state : mapping, Kiln or None
        What `snapshot` returned, or a state that nobody else goes on with, to go on exactly from there; None to begin.

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
    ([FiringStart(start_s=100.0)], 'heating')
    """

    def __init__(self, watch: Watch, state: Mapping[str, Any] | Kiln | None = None) -> None:
        self.watch = watch
        self._kiln = Kiln() if state is None else state if isinstance(state, Kiln) else load(Kiln, state)
        if self._kiln.firing is None and self._kiln.bins_from_s != watch.bins_from_s:
            self._kiln.move_bins(watch.bins_from_s)
        self._status = self._kiln.status()
        self._held_to_s = -inf  # not of the state: once judged past, it says nothing more

    @property
    def state(self) -> Kiln:
        """The state itself, which goes on changing; for who writes it down at once, with a faster encoder."""
        return self._kiln

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON can say it: a few kB for each channel, however long the firing."""
        plain: dict[str, Any] = dump(self._kiln)
        return plain

    def can_judge(self, until_s: float) -> bool:
        """Say whether something is judged when readings are complete up to then [s], or readings are only gathered."""
        return self._kiln.next_bin is None or self._kiln.bin_of(until_s) > self._kiln.next_bin

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
        ahead_before = kiln.ahead
        for name, samples in chunk.channels.items():
            late, ahead = kiln.probe(name).add(samples, since_s=kiln.judged_to_s(), ahead_s=kiln.until_s + AHEAD_S)
            kiln.late += late
            kiln.ahead += ahead
        ahead_s = AHEAD_S if kiln.ahead > ahead_before else None
        came = {name: kiln.probes[name] for name in chunk.channels}
        timing.judge_order(kiln.clock, came, ahead_s, kiln.until_s, kiln.ledger)
        before_s = kiln.judged_to_s()
        events: list[Event] = [*kiln.ledger.take_news()]
        for end_s in self._complete_bins(kiln.until_s):
            events += self._judge_bin(end_s)
        for probe in kiln.probes.values():
            probe.waiting.forget_taken()
        self._status = kiln.refreshed(self._status) if kiln.judged_to_s() == before_s else kiln.status()
        return Advance(tuple(events), self._status)

    def end(self, at_s: float, cause: EndCause) -> Advance:
        """End the firing from outside at `at_s` [s]: its operator says so, or the link to the kiln is lost."""
        firing = self._kiln.firing
        events = [] if firing is None else self._end(firing, max(at_s, firing.start_s), cause)
        self._status = self._kiln.status()
        return Advance(tuple(events), self._status)

    def recall(self, before: "LiveFiring", heard: Collection[str]) -> list[Finding]:
        """Take over what another analysis of this kiln knows of all channels but these, and return what stands of them.

        Who looks at the last hour alone would know nothing of a probe that fell silent earlier.
        """
        return self._kiln.recall(before.state, before.state.probes.keys() - heard)

    def begin(self, at_s: float, *, held_to_s: float = -inf) -> Advance:
        """Begin a firing at `at_s` because a person says so, in place of one that runs.

        Parameters
        ----------
        at_s : float
            Unix time; what is judged already counts for no firing. [s]
        held_to_s : float
            Up to when it does not end by itself, whatever the readings say: a person knows better. [s]
        """
        kiln = self._kiln
        if kiln.firing is not None:
            kiln.ledger.close_firing(max(at_s, kiln.firing.start_s))
        self._held_to_s, kiln.may_be_hot = held_to_s, False
        judged_s = kiln.judged_to_s()
        stands_c = [probe.trail.last[1] for probe in kiln.chamber(judged_s).values()] if isfinite(judged_s) else []
        events = self._start(at_s, min(stands_c, default=ROOM_C), max(at_s, judged_s))
        self._status = kiln.status()
        return Advance(tuple(events), self._status)

    def started_s(self) -> float | None:
        """Return when the running firing began [s], None if none is running."""
        return None if self._kiln.firing is None else self._kiln.firing.start_s

    def vouched_to_s(self) -> float | None:
        """Return up to when its readings are known to be complete [s], None before the first."""
        return self._kiln.until_s

    def summary(self) -> Summary | None:
        """Return what the running firing has come to so far, None if none is running."""
        return self._kiln.summary()

    def _complete_bins(self, until_s: float) -> Iterator[float]:
        """Go through the ends of the bins that are complete; jump over those in which nothing can happen any more."""
        kiln = self._kiln
        complete = kiln.bin_of(until_s)
        while True:
            waiting_s = kiln.first_waiting_s()
            with_readings = complete if waiting_s is None else min(kiln.bin_of(waiting_s), complete)
            if kiln.next_bin is None:
                if waiting_s is None:
                    return
                kiln.next_bin = with_readings
            elif kiln.is_quiet(QUIET_AFTER_S):
                kiln.next_bin = max(kiln.next_bin, with_readings)
            if kiln.next_bin >= complete:
                return
            kiln.next_bin += 1
            yield kiln.judged_to_s()

    def _judge_bin(self, now_s: float) -> list[Event]:
        kiln = self._kiln
        values = {name: kiln.probes[name].finish_bin(now_s) for name in sorted(kiln.probes)}
        events: list[Event] = self._look_for_start(values, now_s) if kiln.firing is None else []
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
        if kiln.ended_s is not None and now_s <= kiln.ended_s:
            return []  # what its operator has ended begins no other, though its readings come late
        said = {name: value for name in kiln.chamber(now_s) if (value := values[name]) is not None}
        began = [bounds.rise_began_s(kiln.probes[name], value) for name, value in said.items()]
        if kiln.may_be_hot and said:
            kiln.may_be_hot = False
            if max(value.value_c for value in said.values()) >= HOT_C:
                began.append(min(value.first_s for value in said.values()))
        start_s = min((time_s for time_s in began if time_s is not None), default=None)
        if start_s is None:
            return []
        if kiln.ended_s is not None:
            start_s = max(start_s, kiln.ended_s)
        bases = [probe.base[1] for probe in kiln.probes.values() if probe.base is not None]
        return self._start(start_s, min(bases), now_s)

    def _start(self, start_s: float, start_c: float, now_s: float) -> list[Event]:
        self._kiln.firing = Firing.begin(start_s, start_c, now_s)
        self._kiln.ledger.raise_silences()
        return [FiringStart(start_s), *self._kiln.ledger.take_news()]

    def _judge_sensors(self, values: Mapping[str, BinValue | None], now_s: float) -> None:
        kiln = self._kiln
        chamber = {name: kiln.probes[name] for name in values if kiln.is_chamber(name)}
        sensors.judge(
            kiln.signs,
            kiln.probes,
            values,
            chamber,
            now_s,
            fuel=self.watch.fuel,
            is_firing=kiln.firing is not None,
            to=kiln.ledger,
        )
        said = {name: values[name] for name in chamber}
        timing.judge_gap(kiln.clock, said, kiln.probes, now_s, fuel=self.watch.fuel, to=kiln.ledger)

    def _judge_firing(self, firing: Firing, values: Mapping[str, BinValue | None], now_s: float) -> None:
        kiln, watch, ledger = self._kiln, self.watch, self._kiln.ledger
        chamber = kiln.chamber(now_s)
        for name in kiln.signs.keys() - chamber.keys():
            kiln.signs[name].away_s = now_s
        if not chamber:
            return
        said = {name: value for name in chamber if (value := values[name]) is not None}
        firing.add_heat({name: (one.time_s, one.value_c + watch.offset_of(name).mean_c) for name, one in said.items()})
        stand = {name: probe.trail.last[1] for name, probe in chamber.items()}
        rates = {
            name: probe.rate_c_per_h
            for name, probe in chamber.items()
            if probe.rate_c_per_h is not None and kiln.signs[name].is_settled(now_s)
        }
        hottest = chamber[max(stand, key=lambda name: stand[name])]
        firing.follow(now_s, hottest.trail.last, rates.values(), watch.fuel)
        spread = spread_of(stand, values)
        if spread is not None:
            firing.see_spread(now_s, spread)
        drift.judge_drift(kiln.drift, chamber, now_s, to=ledger)
        deviations.judge_uneven(firing, spread, now_s, fuel=watch.fuel, to=ledger)
        is_meant = holds_as_planned(firing.following, watch.schedule, watch.fuel)
        deviations.judge_stalled(
            firing, now_s, fuel=watch.fuel, target_cone=watch.target_cone, is_meant=is_meant, to=ledger
        )
        felt_c = {name: temp_c + watch.offset_of(name).mean_c for name, temp_c in stand.items()}
        kiln_limits.judge_too_hot(
            firing, stand, felt_c, now_s, fuel=watch.fuel, target_cone=watch.target_cone, to=ledger
        )
        kiln_limits.judge_runaway(firing, rates.values(), now_s, fuel=watch.fuel, to=ledger)
        kiln_limits.judge_heat_lost(
            firing,
            rates.values(),
            now_s,
            fuel=watch.fuel,
            target_cone=watch.target_cone,
            schedule=watch.schedule,
            to=ledger,
        )
        level_c = sum(stand.values()) / len(stand)
        if firing.is_over_the_top or not firing.began_at_its_top:  # else nobody knows yet which way it goes
            firing.following = judge_schedule(
                firing.following,
                watch.schedule,
                level_c,
                now_s,
                fuel=watch.fuel,
                is_over_the_top=firing.is_over_the_top,
                to=ledger,
            )
        judge_defects(firing, stand, rates, spread, now_s, fuel=watch.fuel, ware=watch.ware, to=ledger)
        defects.judge_cone(firing, kiln.judged_channels(), watch, now_s, to=ledger)

    def _look_for_end(self, firing: Firing, now_s: float) -> list[Event]:
        kiln = self._kiln
        if now_s <= self._held_to_s:
            return []
        # One that was begun by hand may not have been heard of since, or never.
        heard_s = max([firing.start_s, *(one.last_s for one in kiln.probes.values() if one.last_s is not None)])
        if now_s - heard_s > bounds.LOST_AFTER_S:
            return self._end(firing, heard_s, EndCause.LOST_SENSOR)
        if not kiln.has_chamber(now_s):
            return []
        again_s = bounds.reheated_from_s(firing, now_s)
        if again_s is not None:
            return [*self._end(firing, again_s, EndCause.COOLED), *self._start(again_s, firing.low_c, now_s)]
        cooled_s = bounds.cooled_at_s(firing, now_s)
        if cooled_s is not None:
            return self._end(firing, cooled_s, EndCause.COOLED)
        slipped_s = bounds.slipped_out_s(firing, now_s)
        return [] if slipped_s is None else self._end(firing, slipped_s, EndCause.LOST_SENSOR)

    def _end(self, firing: Firing, end_s: float, cause: EndCause) -> list[Event]:
        kiln = self._kiln
        kiln.ledger.close_firing(end_s)
        summary = firing.summary(kiln.judged_channels())
        kiln.firing, kiln.ended_s = None, end_s
        kiln.may_be_hot = cause in (EndCause.LOST_SENSOR, EndCause.LOST_LINK)
        for probe in kiln.probes.values():
            probe.base, probe.risen_since_s = None, None
        return [*kiln.ledger.take_news(), FiringEnd(end_s, cause, summary)]
