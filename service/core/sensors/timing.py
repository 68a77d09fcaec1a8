"""Readings that come twice, and clocks that jump."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from service.core.curve import rate_c_per_h
from service.core.findings import OWN_CHOICE, Finding, Group, Severity
from service.core.fuels import STOKED
from service.core.ledger import Ledger
from service.core.probe import SILENT_S, BinValue, Probe
from service.core.standing import Evidence
from service.core.trail import Trail

# Own choices: a line sent twice now and then is a network's way.
REPEATS: Final = 5
REPEATED_SHARE: Final = 0.2
REPEAT_WINDOW_S: Final = 600.0

BACK_S: Final = 60.0  # own choice: two instruments of one kiln may differ by some seconds
CLOCK_QUIET_S: Final = 600.0
# A kiln that, after hours of silence, goes on where it was and as fast as it was, has not been silent: the clock was
# set. Own choices.
MOVING_C_PER_H: Final = 45.0
EXPECTED_C: Final = 20.0
UNMOVED_C: Final = 4.0
UNMOVED_SHARE: Final = 0.3  # of what it would have gone: a flame flickers
SAME_RATE: Final = 0.2
DECIDED_AFTER_S: Final = 1200.0
# A hand on a valve changes the rate within minutes of any gap. Where each probe is within a flicker of where it was, a
# tenth of what it would have gone, the kiln need only go on the same way. Own choices.
STAYED_SHARE: Final = 0.1
SAME_WAY: Final = 2.5  # times as fast or as slow, the probes together
GOES_ON: Final = 0.7  # probability
# A stoked fire has no rate of minutes to go on with, but one of hours; and where every probe is within a flame's
# flicker of where it was, hours have not passed, unless the fire stood still. Own choices.
PACE_EVERY_S: Final = 600.0
PACE_OVER_S: Final = 7200.0
PACE_KNOWN_S: Final = 3600.0
SAME_PLACE_C: Final = 9.0
STOKED_EXPECTED_C: Final = 50.0
SAME_PLACE: Final = 0.5  # probability

CLOCK: Final = "clock_jump"


@dataclass(slots=True)
class Repeats:
    """Of one channel: (end of bin [s], readings dropped for a time already said, readings kept)."""

    bins: list[tuple[float, int, int]] = field(default_factory=list)


@dataclass
class Clock:
    """What speaks of a clock that was set: the last jump said, and gaps to be judged by what comes after.

    `has_stayed` says of the gap that each probe is where it was; `pace` is the level of a stoked kiln every ten
    minutes, over hours.
    """

    said_s: float | None = None
    gap_s: tuple[float, float] | None = None
    rates_before: dict[str, float] = field(default_factory=dict)
    has_stayed: bool = False
    pace: Trail = field(default_factory=Trail)


def judge_repeats(name: str, repeats: Repeats, probe: Probe, value: BinValue | None, now_s: float, to: Ledger) -> None:
    """Say `duplicate_readings` when a fifth of the readings have a time that had been said before."""
    if not (probe.repeats or repeats.bins):
        return
    slot = f"duplicates {name}"
    repeats.bins.append((now_s, probe.repeats, len(value.readings_s) if value else 0))
    while repeats.bins and repeats.bins[0][0] <= now_s - REPEAT_WINDOW_S:
        del repeats.bins[0]
    twice = sum(dropped for _, dropped, _ in repeats.bins)
    share = twice / max(twice + sum(kept for _, _, kept in repeats.bins), 1)
    if twice >= REPEATS and share >= REPEATED_SHARE and not to.has(slot):
        start_s = next(end_s for end_s, dropped, _ in repeats.bins if dropped)
        evidence: Evidence = {"repeats": twice, "share": share, "limit_source": OWN_CHOICE}
        _say("duplicate_readings", slot, name, start_s, evidence, to=to)
    if not twice:
        to.close(slot, now_s - REPEAT_WINDOW_S)
        repeats.bins.clear()


def judge_order(clock: Clock, probes: Mapping[str, Probe], ahead_s: float | None, now_s: float, to: Ledger) -> None:
    """Say `clock_jump` when readings arrive with times before those of earlier ones, or far ahead of now.

    Looked at as readings come in, so a log that was sorted by time shows nothing of it.
    """
    jumps = [back for probe in probes.values() if (back := probe.waiting.set_back) is not None]
    from_s, to_s = max(jumps, key=lambda jump: jump[0] - jump[1], default=(0.0, 0.0))
    evidence: Evidence = {"back_s": from_s - to_s, "limit_source": OWN_CHOICE}
    if from_s - to_s <= BACK_S:
        if ahead_s is None:
            return
        from_s, evidence = now_s, {"ahead_s": ahead_s, "limit_source": OWN_CHOICE}
    _say_clock(clock, from_s, from_s, evidence, to=to)


def judge_gap(
    clock: Clock,
    values: Mapping[str, BinValue | None],
    probes: Mapping[str, Probe],
    now_s: float,
    *,
    fuel: str,
    to: Ledger,
) -> None:
    """Say `clock_jump` when a kiln goes on after a silence as if there had been none."""
    if clock.gap_s is not None:
        _judge_after(clock, probes, to)
    said = {
        name: value
        for name, value in values.items()
        if value is not None and value.before is not None and value.first_s - value.before[0] > SILENT_S
    }
    gaps = [(value.before[0], value.first_s) for value in said.values() if value.before is not None]
    if gaps:
        gap_s = max(gaps, key=lambda gap: gap[1] - gap[0])
        if fuel in STOKED:
            _judge_place(clock, gap_s, list(said.values()), to)
        else:
            _note_gap(clock, gap_s, said)
    if fuel in STOKED and (not len(clock.pace) or now_s - clock.pace.last[0] >= PACE_EVERY_S):
        levels_c = [value.value_c for value in values.values() if value is not None]
        if levels_c:
            clock.pace.add(now_s, sum(levels_c) / len(levels_c), keep_s=PACE_OVER_S)


def _judge_place(clock: Clock, gap_s: tuple[float, float], said: Sequence[BinValue], to: Ledger) -> None:
    """Judge a gap of a stoked kiln by its pace of hours: that far it would have gone, and it has not."""
    pace, clock.pace = clock.pace, Trail()
    rate = rate_c_per_h(pace.points()) if len(pace) and pace.last[0] - pace.time_s[0] >= PACE_KNOWN_S else None
    expected_c = 0.0 if rate is None else abs(rate) * (gap_s[1] - gap_s[0]) / 3600
    has_stayed = all(
        value.before is not None and abs(value.readings_c[0] - value.before[1]) <= SAME_PLACE_C for value in said
    )
    if has_stayed and expected_c >= STOKED_EXPECTED_C:
        evidence: Evidence = {"gap_s": gap_s[1] - gap_s[0], "expected_c": expected_c, "limit_source": OWN_CHOICE}
        _say_clock(clock, *gap_s, evidence, to=to, probability=SAME_PLACE)


def _note_gap(clock: Clock, gap_s: tuple[float, float], said: Mapping[str, BinValue]) -> None:
    """Keep a gap over which nothing moved, to be judged by what comes after."""
    rates: dict[str, float] = {}
    has_stayed = True
    for name, value in said.items():
        before_s, before_c = value.before or (value.first_s, value.value_c)
        rate = value.rate_before_c_per_h
        expected_c = 0.0 if rate is None else abs(rate) * (value.first_s - before_s) / 3600
        is_moving = rate is not None and abs(rate) >= MOVING_C_PER_H and expected_c >= EXPECTED_C
        moved_c = abs(value.readings_c[0] - before_c)
        if rate is None or not is_moving or moved_c > max(UNMOVED_C, UNMOVED_SHARE * expected_c):
            return
        rates[name] = rate
        has_stayed &= moved_c <= min(UNMOVED_C, STAYED_SHARE * expected_c)
    clock.gap_s, clock.rates_before, clock.has_stayed = gap_s, rates, has_stayed


def _judge_after(clock: Clock, probes: Mapping[str, Probe], to: Ledger) -> None:
    before_s, after_s = clock.gap_s or (0.0, 0.0)
    heard_s = max(probes[name].last_s or 0.0 for name in clock.rates_before)
    if heard_s - after_s < DECIDED_AFTER_S:
        return
    rates = {name: rate_c_per_h(probes[name].trail.since(after_s)) for name in clock.rates_before}
    goes_on = all(
        rate is not None and abs(rate - clock.rates_before[name]) <= SAME_RATE * abs(clock.rates_before[name])
        for name, rate in rates.items()
    )
    before, after = sum(clock.rates_before.values()), sum(rate or 0.0 for rate in rates.values())
    goes_on |= clock.has_stayed and before * after > 0 and 1 / SAME_WAY <= after / before <= SAME_WAY
    clock.gap_s, clock.rates_before, clock.has_stayed = None, {}, False
    if goes_on:
        evidence: Evidence = {"gap_s": after_s - before_s, "limit_source": OWN_CHOICE}
        _say_clock(clock, before_s, after_s, evidence, to=to, probability=GOES_ON)


def _say_clock(
    clock: Clock, start_s: float, end_s: float, evidence: Evidence, *, to: Ledger, probability: float | None = None
) -> None:
    if clock.said_s is not None and abs(start_s - clock.said_s) < CLOCK_QUIET_S:
        return
    clock.said_s = start_s
    _say(CLOCK, CLOCK, None, start_s, evidence, to=to, probability=probability)
    to.close(CLOCK, end_s)


def _say(
    kind: str,
    slot: str,
    name: str | None,
    start_s: float,
    evidence: Evidence,
    *,
    to: Ledger,
    probability: float | None = None,
) -> None:
    to.open(slot, Finding(kind, Group.SENSOR, Severity.INFO, name, start_s, None, evidence, "check_clock", probability))
