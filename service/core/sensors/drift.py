"""Two probes of one kiln that part while nothing else changes; said doubtfully."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from service.core.curve import median, rate_c_per_h
from service.core.findings import OWN_CHOICE, Finding, Group, Severity
from service.core.ledger import Ledger
from service.core.probe import Probe
from service.core.standing import Evidence, since

# In a hold a kiln evens out; probes that part in it drift, or the fire moves. Own choices.
HOLDING_C_PER_H: Final = 40.0  # over half an hour, so that teeth of solid fuel even out
HELD_FOR_S: Final = 1800.0
TURNING_C_PER_H: Final = 60.0  # over ten minutes: at the end of a hold one probe falls before the other
PARTED_FOR_S: Final = 300.0
LEVEL_BINS: Final = 10  # five minutes: the flame's flicker is no drift
HOT_C: Final = 300.0
APART_C: Final = 10.0
PROBABILITY: Final = 0.5
KIND: Final = "thermocouple_drift"


@dataclass
class Drift:
    """Since when the kiln stands still, and since when a probe has left the others [s]; how far apart all were [°C]."""

    since_s: float | None = None
    parted_since_s: float | None = None
    apart_c: dict[str, float] = field(default_factory=dict)


def judge_drift(drift: Drift, chamber: Mapping[str, Probe], now_s: float, *, to: Ledger) -> None:
    """Say `thermocouple_drift` of the probe that has left the others in a hold; with two, of the one that fell.

    Base metal that has aged above 649 °C reads low (WIKA), so of two the lower is the more likely; it is even odds.
    """
    is_turning = any(abs(probe.rate_c_per_h or 0.0) > TURNING_C_PER_H for probe in chamber.values())
    if is_turning or len(chamber) < 2:
        _forget(drift, chamber, now_s, to)
        return
    rates = [rate_c_per_h(probe.trail.points()) for probe in chamber.values()]
    levels_c = {name: median(probe.trail.value[-LEVEL_BINS:]) for name, probe in chamber.items()}
    is_slow = all(rate is not None and abs(rate) <= HOLDING_C_PER_H for rate in rates)
    is_still = is_slow and min(levels_c.values()) >= HOT_C
    if not is_still or (drift.since_s is not None and set(drift.apart_c) != set(levels_c)):
        _forget(drift, chamber, now_s, to)
        return
    apart_c = {name: level_c - _others_c(name, levels_c) for name, level_c in levels_c.items()}
    if drift.since_s is None:
        drift.since_s, drift.apart_c = now_s, apart_c
    if now_s - drift.since_s < HELD_FOR_S:
        return
    parted_c = {name: apart - drift.apart_c[name] for name, apart in apart_c.items()}
    name = min(parted_c, key=lambda one: (-abs(parted_c[one]), parted_c[one]))
    has_left = abs(parted_c[name]) >= APART_C and abs(apart_c[name]) > abs(drift.apart_c[name])
    drift.parted_since_s = since(drift.parted_since_s, now_s, is_so=has_left)
    has_stayed = drift.parted_since_s is not None and now_s - drift.parted_since_s >= PARTED_FOR_S
    if has_stayed and not any(to.has(f"drift {one}") for one in chamber):
        evidence: Evidence = {
            "parted_c": parted_c[name],
            "parted_limit_c": APART_C,
            "held_s": now_s - drift.since_s,
            "limit_source": OWN_CHOICE,
        }
        finding = Finding(
            KIND,
            Group.SENSOR,
            Severity.INFO,
            name,
            drift.since_s,
            None,
            evidence,
            "compare_with_witness_cones",
            PROBABILITY,
        )
        to.open(f"drift {name}", finding)


def _forget(drift: Drift, chamber: Collection[str], now_s: float, to: Ledger) -> None:
    """Begin anew with the next hold."""
    drift.since_s, drift.parted_since_s, drift.apart_c = None, None, {}
    for name in chamber:
        to.close(f"drift {name}", now_s)


def _others_c(name: str, levels_c: Mapping[str, float]) -> float:
    return median([level_c for other, level_c in levels_c.items() if other != name])
