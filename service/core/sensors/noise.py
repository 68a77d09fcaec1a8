"""A probe that flickers more than a flame makes it."""

from dataclasses import dataclass, field
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
    rough_c = roughness_c(value.readings if len(value.readings) >= 3 else tuple(probe.trail.newest(3)))
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


def roughness_c(readings: tuple[tuple[float, float], ...]) -> float | None:
    """Return the median distance of readings from the middle of their neighbours [°C]; None for fewer than three.

    Examples
    --------
    >>> roughness_c(((0.0, 20.0), (1.0, 21.0), (2.0, 22.0), (3.0, 33.0), (4.0, 24.0)))
    5.0
    """
    middles = range(1, len(readings) - 1, max(1, (len(readings) - 2) // MOST_LOOKED_AT))
    off = [
        abs(readings[i][1] - (readings[i - 1][1] + readings[i + 1][1]) / 2)
        for i in middles
        if readings[i + 1][0] - readings[i - 1][0] <= 2 * NEIGHBOUR_S
    ]
    return median(off) if off else None
