"""A probe that flickers more than a flame makes it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import sub
from typing import Final

from service.core.curve import median
from service.core.findings import OWN_CHOICE, Finding, Group, Severity
from service.core.ledger import Ledger
from service.core.probe import BinValue, Probe
from service.core.standing import Evidence
from service.core.trail import Trail

# Median distance of a reading from the middle of its neighbours, over ten minutes; 0.83 of the standard deviation of
# white noise. Own choice, from recordings: an instrument of 1 °C makes 0.5, a gas kiln with a bare tip under 1.
NOISE_C: Final = {"electric": 3.0, "lpg": 4.0, "coal": 6.0, "wood": 6.0}
STILL_SHARE: Final = 0.6  # of the limit: below this it is over
WINDOW_S: Final = 600.0
LEAST_BINS: Final = 10
MOST_LOOKED_AT: Final = 6  # readings of a bin: more would cost time and say the same
NEIGHBOUR_S: Final = 180.0  # further apart the kiln itself moves


@dataclass(slots=True)
class Noise:
    """How far readings lay from the middle of their neighbours, by bin: (time, °C)."""

    rough: Trail = field(default_factory=Trail)


def judge_noise(
    name: str, noise: Noise, probe: Probe, value: BinValue, *, fuel: str, is_firing: bool, to: Ledger
) -> None:
    """Say `thermocouple_noisy` when readings flicker for ten minutes; single wild ones are jumps."""
    if len(value.readings_s) >= 3:
        rough_c = roughness_c(value.readings_s, value.readings_c)
    else:
        rough_c = roughness_c(probe.trail.time_s[-3:], probe.trail.value[-3:])
    if rough_c is None:
        return
    slot = f"noisy {name}"
    noise.rough.add(value.time_s, rough_c, keep_s=WINDOW_S)
    limit_c = NOISE_C[fuel]
    is_above = rough_c > limit_c
    if len(noise.rough) < LEAST_BINS or not (is_above or to.has(slot)):
        return
    level_c = median(noise.rough.value)
    if to.has(slot) and level_c < STILL_SHARE * limit_c:
        to.close(slot, value.time_s)
    elif level_c > limit_c and not to.has(slot):
        evidence: Evidence = {
            "noise_c": level_c,
            "noise_limit_c": limit_c,
            "limit_source": OWN_CHOICE,
        }
        severity = Severity.WARNING if is_firing else Severity.INFO
        start_s = next(time_s for time_s, rough in noise.rough.points() if rough > limit_c)
        to.open(
            slot,
            Finding("thermocouple_noisy", Group.SENSOR, severity, name, start_s, None, evidence, "check_probe_wiring"),
        )


def roughness_c(time_s: Sequence[float], value_c: Sequence[float]) -> float | None:
    """Return the median distance of readings from the middle of their neighbours [°C]; None for fewer than three.

    Examples
    --------
    >>> roughness_c([0.0, 1.0, 2.0, 3.0, 4.0], [20.0, 21.0, 22.0, 33.0, 24.0])
    5.0
    """
    every = max(1, (len(time_s) - 2) // MOST_LOOKED_AT)
    threes = zip(value_c[:-2:every], value_c[1:-1:every], value_c[2::every], strict=True)
    off_c = [abs(at_c - (before_c + after_c) / 2) for before_c, at_c, after_c in threes]
    if len(time_s) and time_s[-1] - time_s[0] > 2 * NEIGHBOUR_S:
        apart_s = map(sub, time_s[2::every], time_s[:-2:every])
        off_c = list(compress(off_c, [one_s <= 2 * NEIGHBOUR_S for one_s in apart_s]))
    return median(off_c) if off_c else None
