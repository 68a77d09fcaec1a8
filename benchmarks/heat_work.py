"""Heat work: holds against Orton's rule, sampling, and curves that bend against the rule of the last 100 °C."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from scipy.optimize import brentq

from benchmarks.section import Section, table
from benchmarks.simulated_cone import simulated_cone
from service.core import cones
from service.core.bending import SEEN_FROM
from service.core.heat_work import HOLD_EFFICIENCY, HeatWork, heat_work, per_e_fold_c
from service.core.series import FloatArray

Curve = tuple[FloatArray, FloatArray]

HOLDS_MIN: Final = {20: 10.0, 50: 20.0, 120: 30.0}  # Orton, through the Glazecalc guide: minutes and their worth in °C
HOLD_CONES: Final = ("018", "014", "010", "08", "06", "04", "02", "1", "3", "5", "6", "8", "10", "12")
BENT_CONES: Final = ("04", "6", "10")
EVERY_S: Final = (1.0, 60.0, 300.0)


def curve(hours: Iterable[float], temp_c: Iterable[float], every_s: float = 10.0) -> Curve:
    """Return points of straight lines between corners."""
    hours = list(hours)
    time_s = np.arange(0.0, hours[-1] * 3600 + every_s, every_s)
    return time_s, np.interp(time_s, np.array(hours) * 3600, list(temp_c))


def hold_worth_c(cone: str, hold_min: float, hold_efficiency: float) -> float:
    """Return how much further a 60 °C/h ramp would have gone for the heat work of a hold at the end point [°C]."""
    index, end_c = cones.index_of(cone), cones.end_points(cone, "self_supporting")[60.0]

    def work(top_c: float, held_min: float) -> float:
        up_h = (top_c - end_c + 300.0) / 60
        held = curve([0.0, up_h, up_h + held_min / 60 + 1e-6], [end_c - 300.0, top_c, top_c], 30.0)
        return float(heat_work(*held, hold_efficiency=hold_efficiency)[index])

    wanted = work(end_c, hold_min)
    return float(brentq(lambda above_c: np.log(work(end_c + above_c, 0.0) / wanted), 0.0, 90.0, xtol=0.05))


def falls_s(cone: str, time_s: FloatArray, temp_c: FloatArray, *, hold_efficiency: float = HOLD_EFFICIENCY) -> float:
    """Return when the cone is down by heat work [s], NaN if it is not."""
    work = HeatWork(hold_efficiency=hold_efficiency)
    for at_s, at_c in zip(time_s.tolist(), temp_c.tolist(), strict=True):
        work.add(at_s, at_c)
    return work.down_s[cones.index_of(cone)] or float("nan")


def falls_by_rule_s(cone: str, time_s: FloatArray, temp_c: FloatArray) -> float:
    """Return when the kiln reaches the chart's end point for the mean rate of its last 100 °C [s], NaN if never."""
    end_c = cones.end_points(cone, "self_supporting")
    ln_rates = np.log(list(end_c))
    for index in np.flatnonzero(temp_c > end_c[15.0] - 30.0).tolist():
        began = int(np.flatnonzero(temp_c[:index] <= temp_c[index] - 100.0)[-1])
        rate = 100.0 / (time_s[index] - time_s[began]) * 3600
        if temp_c[index] >= np.interp(np.log(rate), ln_rates, list(end_c.values())):
            return float(time_s[index])
    return float("nan")


def bent_curves(cone: str) -> dict[str, Curve]:
    """Return four ways to come to a cone's end that are no straight ramp."""
    end_c = cones.end_points(cone, "self_supporting")[60.0]
    low_c = end_c - 400.0
    slow = curve([0, 340 / 150, 340 / 150 + 5], [low_c, end_c - 60, end_c + 90])
    quick = curve([0, 340 / 40, 340 / 40 + 1], [low_c, end_c - 60, end_c + 90])
    held = curve([0, 388 / 100, 388 / 100 + 12], [low_c, end_c - 12, end_c - 12])
    time_s = np.arange(0.0, 14 * 3600.0, 10.0)
    arch = time_s, end_c + 15 - 415 * np.exp(-time_s / (2.2 * 3600))
    return {
        "arch to 15 °C above": arch,
        "150, then 30 °C/h": slow,
        "40, then 150 °C/h": quick,
        "hold 12 °C below": held,
    }


def bend_min(cone: str) -> float:
    """Return how long a cone is seen bending at 60 °C/h [min]."""
    end_c = cones.end_points(cone, "self_supporting")[60.0]
    points = np.arange(end_c - 80, end_c + 15, 0.25)
    work, done = HeatWork(), []
    for at_c in points.tolist():
        work.add(at_c * 60.0, at_c)
        done.append(float(work.done[cones.index_of(cone)]))
    return float(np.interp(1.0, done, points) - np.interp(SEEN_FROM, done, points))


def sampling_c() -> float:
    """Return how far apart the end points of any cone at 150 °C/h are, read every 1, 60 or 300 s [°C]."""
    ends = []
    for every_s in EVERY_S:
        work = HeatWork()
        for at_s in np.arange(0.0, 1000 / 150 * 3600, every_s).tolist():
            work.add(at_s, 400 + at_s / 24)
        ends.append([np.nan if down_s is None else 400 + down_s / 24 for down_s in work.down_s])
    return float(np.nanmax(np.ptp(np.array(ends), axis=0)))


def sampling_of_hold_c(cone: str) -> float:
    """Return how far apart a ramp and an hour 20 °C below the end point come out, read every 1, 60 or 300 s [°C]."""
    index = cones.index_of(cone)
    top_c = cones.end_points(cone, "self_supporting")[60.0] - 20
    done = [
        heat_work(*curve([0, 4, 5, 8], [top_c - 400, top_c, top_c, top_c - 400], every_s))[index] for every_s in EVERY_S
    ]
    return float(np.ptp(np.log(done)) * per_e_fold_c(index))


def measure() -> Section:
    """Return holds, bending, sampling and bent curves."""
    text = f"""**Holds.** What a hold after a ramp of 60 °C/h is worth in °C of that ramp, median and range of
{len(HOLD_CONES)} cones. The goal is Orton's rule within 5 °C. `HeatWork.hold_efficiency` states how much of a hold
counts; {HOLD_EFFICIENCY} is in use.

{table(("hold", "Orton", "all of its time counts (1.0)", f"{HOLD_EFFICIENCY} of it counts"), _hold_rows())}

**Bending.** {_bending()}

**Sampling.** The end point of any cone at 150 °C/h differs by at most {sampling_c():.3f} °C between logs of 1, 60 and
300 s, and the heat work of a ramp, a hold of an hour and cooling by {max(map(sampling_of_hold_c, BENT_CONES)):.3f} °C
(goal 0.05).

**Curves that bend.** When a cone falls, in minutes from the fall of a *simulated* cone of other kinetics
(Vogel-Fulcher-Tammann, 90 s behind the sensor, fitted to the chart on its own, all of a hold counts). "Rule" is the
chart's end point at the rate of the last 100 °C.

{table(("curve", "cone", "heat work", "all of a hold counts", "rule of the last 100 °C"), _bent_rows())}"""
    return Section("Heat work", "python -m benchmarks.validate heat_work", text)


def _hold_rows() -> list[tuple[str, ...]]:
    rows = []
    for hold_min, orton_c in HOLDS_MIN.items():
        worth = [[hold_worth_c(cone, hold_min, share) for cone in HOLD_CONES] for share in (1.0, HOLD_EFFICIENCY)]
        told = (f"{np.median(one):.1f} ({min(one):.1f}-{max(one):.1f})" for one in worth)
        rows.append((f"{hold_min} min", f"{orton_c:.0f}", *told))
    return rows


def _bending() -> str:
    bends = [bend_min(cone) for cone in HOLD_CONES]
    took = f"{np.median(bends):.0f} min at 60 °C/h (median; {min(bends):.0f}-{max(bends):.0f})"
    return f"From H = {SEEN_FROM}, where it is first seen, to 1: {took}. Orton: 15-25 min."


def bent_misses_min() -> dict[tuple[str, str], list[float]]:
    """Return minutes from the simulated cone's fall: heat work, bare integral, rule."""
    misses = {}
    for cone in BENT_CONES:
        simulated = simulated_cone(cone)
        for shape, (time_s, temp_c) in bent_curves(cone).items():
            truth_s = simulated.falls_s(time_s, temp_c)
            found_s = (
                falls_s(cone, time_s, temp_c),
                falls_s(cone, time_s, temp_c, hold_efficiency=1.0),
                falls_by_rule_s(cone, time_s, temp_c),
            )
            misses[shape, cone] = [(one_s - truth_s) / 60 for one_s in found_s]
    return misses


def _bent_rows() -> list[tuple[str, ...]]:
    return [
        (shape, cone, *("never" if np.isnan(miss) else f"{miss:+.0f}" for miss in misses))
        for (shape, cone), misses in sorted(bent_misses_min().items())
    ]
