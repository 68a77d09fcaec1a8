"""How a firing will go on: its curve, when it will be done, and when the target cone will be down.

For display: nothing is advanced or controlled by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal

import numpy as np

from service.core import cones
from service.core.chamber import joined
from service.core.deviations import target_end_c
from service.core.fuels import STOKED
from service.core.heat_work import HeatWork, add_all
from service.core.schedule_watch import DRY_C
from service.core.series import FloatArray, Samples

Basis = Literal["schedule", "past", "this_firing", "nothing"]

GRID_S: Final = 120.0  # everything is thinned to this
LEVEL_C: Final = 5.0  # firings are laid side by side where they first came this close to where this one is now
PACE_C: Final = 300.0  # the pace is that of the last 300 °C
TOP_C: Final = 15.0  # own choice: a firing is done when it leaves the last 15 °C below its peak
SOONEST_S: Final = 60.0
WAITS_S: Final = 3600.0  # own choice: so long an operator waits at the top for the cone
# Own measurement (`benchmarks.cones_ahead`, seeds 1000 to 1039): how far it is off besides, an hour before as well.
CONE_DOUBT_S: Final = 900.0
RECENT: Final = 5  # own choice, points of the grid: what was silent for longer tells no more what cones beside it feel
# Where fire is fed by the shovel, the highest yet may be so old while the kiln goes on climbing.
TEETH_S: Final = 7200.0
MOST_STRETCH: Final = 1.6


@dataclass(frozen=True)
class Interval:
    """A forecast in s with the interval that holds it four times in five."""

    low_s: float
    median_s: float
    high_s: float


@dataclass(frozen=True)
class PastFiring:
    """A firing as forecasts need it: temperature every 120 s from its beginning until it was done [°C]."""

    temp_c: FloatArray


@dataclass(frozen=True)
class Forecast:
    """How the firing will go on.

    Parameters
    ----------
    time_left_s, cone_down_s : Interval or None
        From now until it is done, and Unix times when the target cone will be down beside every probe; None where
        nothing tells. [s]
    end_s : Interval or None
        Unix time when it is done. [s]
    time_s, low_c, median_c, high_c : (n,) arrays
        The curve from now on; empty where nothing tells. [s], [°C]
    basis : str
        What it stands on: ``schedule``, ``past``, ``this_firing`` (a wide guess) or ``nothing``.
    """

    time_left_s: Interval | None
    end_s: Interval | None
    cone_down_s: Interval | None
    time_s: FloatArray
    low_c: FloatArray
    median_c: FloatArray
    high_c: FloatArray
    basis: Basis


# Own measurement (`benchmarks.forecasts`, simulated kilns, seeds 1000 to 1119): how much of the pace so far goes on,
# and the 10th, 50th and 90th percentile of true over raw forecast time left at half-way, by basis and fuel.
PACE_WEIGHT: Final = {"schedule": 0.7, "past": 0.3, "this_firing": 0.0}
SPREAD: Final = {
    ("schedule", "electric"): (0.993, 0.997, 1.002),
    ("schedule", "lpg"): (0.992, 1.043, 1.139),
    ("schedule", "coal"): (1.070, 1.227, 1.342),
    ("schedule", "wood"): (1.051, 1.152, 1.302),
    ("past", "electric"): (0.937, 0.993, 1.051),
    ("past", "lpg"): (0.893, 0.982, 1.050),
    ("past", "coal"): (0.986, 1.073, 1.219),
    ("past", "wood"): (0.965, 1.074, 1.169),
    ("this_firing", "electric"): (0.920, 0.986, 1.143),
    ("this_firing", "lpg"): (0.942, 1.037, 1.193),
    ("this_firing", "coal"): (0.572, 1.003, 1.456),
    ("this_firing", "wood"): (0.627, 0.916, 1.399),
}


def past_firing(channels: Mapping[str, Samples]) -> PastFiring:
    """Return a finished firing as forecasts need it, from the readings of its chamber probes.

    Raises
    ------
    ValueError
        If no channel has a reading.

    Examples
    --------
    >>> time_s = np.arange(0.0, 7200.0, 10.0)
    >>> len(past_firing({"top": Samples(time_s, np.interp(time_s, [0, 3600, 7200], [20, 900, 400]))}).temp_c)
    31
    """
    temp_c = gridded(channels)[1]
    near_top = np.flatnonzero(temp_c >= temp_c.max() - TOP_C)
    return PastFiring(temp_c[: near_top[-1] + 1])


def planned(schedule: Sequence[tuple[float, float, float]], from_c: float) -> PastFiring:
    """Return a plan (rate [°C/h], target [°C], hold [s]) as the firing it would be, from a temperature [°C].

    Examples
    --------
    >>> planned([(100.0, 120.0, 3600.0)], 20.0).temp_c[[0, 15, 30, -1]].tolist()
    [20.0, 70.0, 120.0, 120.0]
    """
    corners_s, corners_c = [0.0], [from_c]
    for rate, target_c, hold_s in schedule:
        up_s = corners_s[-1] + abs(target_c - corners_c[-1]) / rate * 3600
        corners_s += [up_s, up_s + hold_s]
        corners_c += [target_c, target_c]
    grid_s = np.arange(0.0, corners_s[-1] + GRID_S, GRID_S)
    return PastFiring(np.interp(grid_s, corners_s, corners_c))


def forecast(
    history: Mapping[str, Samples],
    *,
    past: Sequence[PastFiring] = (),
    schedule: Sequence[tuple[float, float, float]] | None = None,
    target_cone: str | None = None,
    fuel: str = "lpg",
    above_c: Mapping[str, float] | None = None,
) -> Forecast:
    """Return how a firing will go on, from what its chamber probes have said so far.

    Parameters
    ----------
    history : mapping of Samples
        This firing up to now, by channel.
    past : sequence of PastFiring
        Finished firings of this kiln, alike in what is fired.
    schedule : sequence of (rate, target, hold), or None
        What the operator means to do. [°C/h], [°C], [s]
    target_cone : str or None
        Orton cone it is to reach.
    fuel : str
        What the kiln burns: how wide the interval is, and how far saw-teeth run ahead of the ware.
    above_c : mapping or None
        By how much cones beside a channel feel more than it shows, where that is known. [°C]

    Raises
    ------
    ValueError
        If no channel has a reading, or there is no such cone.

    Notes
    -----
    Other firings, or the plan as a firing, are laid beside this one where they first came to its temperature; what they
    still had to go is stretched by the pace of this one, in part. The interval is the spread of past errors.

    Examples
    --------
    >>> time_s = np.arange(0.0, 5 * 3600.0, 60.0)
    >>> top = Samples(time_s, 20 + time_s / 36)
    >>> ahead = forecast({"top": top}, schedule=[(100.0, 1020.0, 0.0)], fuel="electric")
    >>> ahead.basis, round(ahead.time_left_s.median_s / 3600, 1)
    ('schedule', 5.0)
    """
    start_s, temp_c = gridded(history)
    now_s = start_s + GRID_S * (len(temp_c) - 1)
    basis, others = _references(temp_c, past, schedule, target_cone)
    ways = [way for other in others if (way := _way_on(temp_c, other, PACE_WEIGHT[basis], fuel)) is not None]
    if not ways:
        return nothing()
    left_s, (after_s, after_c) = sorted(ways, key=lambda way: way[0])[len(ways) // 2]
    low, usual, high = SPREAD[basis, fuel]
    time_s = np.arange(0.0, left_s * high + GRID_S, GRID_S)
    curves = [np.interp(time_s, after_s * factor, after_c) for factor in (high, usual, low)]
    done = None if target_cone is None else _cone_down(history, (after_s * usual, after_c), target_cone, above_c or {})
    return Forecast(
        time_left_s=Interval(left_s * low, left_s * usual, left_s * high),
        end_s=Interval(now_s + left_s * low, now_s + left_s * usual, now_s + left_s * high),
        cone_down_s=None if done is None else _around(now_s, done, low / usual, high / usual),
        time_s=now_s + time_s,
        low_c=np.minimum(curves[0], curves[2]),
        median_c=curves[1],
        high_c=np.maximum(curves[0], curves[2]),
        basis=basis,
    )


def _around(now_s: float, left_s: float, low: float, high: float) -> Interval:
    """Return when the cone is down, as doubtful as the time left and what the heat at the coldest place adds to it."""
    early_s, late_s = max(left_s * low - CONE_DOUBT_S, 0.0), left_s * high + CONE_DOUBT_S
    return Interval(now_s + early_s, now_s + left_s, now_s + late_s)


def nothing() -> Forecast:
    """Return the forecast of what nothing is known of.

    Examples
    --------
    >>> nothing().time_left_s is None
    True
    """
    empty = np.array([])
    return Forecast(None, None, None, empty, empty, empty, empty, "nothing")


def gridded(channels: Mapping[str, Samples]) -> tuple[float, FloatArray]:
    """Return where a grid of 120 s begins [s], and the mean of the channels on it, gaps bridged [°C].

    It ends as the mean of those that read last; what fell silent before, or spoke later, keeps its distance from them.

    Raises
    ------
    ValueError
        If no channel has a reading.

    Examples
    --------
    >>> start_s, temp_c = gridded({"top": Samples(np.arange(0.0, 600.0, 60.0), np.arange(20.0, 30.0))})
    >>> start_s, temp_c.tolist()
    (0.0, [20.5, 22.5, 24.5, 26.5, 28.5])
    """
    _, start_s, levels = _levels(channels)
    return start_s, _mean(levels)


def _levels(channels: Mapping[str, Samples]) -> tuple[list[str], float, FloatArray]:
    """Return the channels that read, where the grid begins [s], and each on it: NaN before it spoke and after [°C]."""
    good = {
        name: (one.time_s[ok], one.value[ok]) for name, one in channels.items() if (ok := np.isfinite(one.value)).any()
    }
    if not good:
        msg = "channels must hold at least one reading that is a number [°C]"
        raise ValueError(msg)
    start_s = min(float(time_s.min()) for time_s, _ in good.values())
    end_s = max(float(time_s.max()) for time_s, _ in good.values())
    n = int((end_s - start_s) / GRID_S) + 1
    levels = np.full((len(good), n), np.nan)
    for level, (time_s, value) in zip(levels, good.values(), strict=True):
        cell = ((time_s - start_s) / GRID_S).astype(np.intp)
        count = np.bincount(cell, minlength=n)
        said = np.flatnonzero(count)
        mean = np.bincount(cell, value, minlength=n)[said] / count[said]
        level[:] = np.interp(np.arange(n), said, mean, left=np.nan, right=np.nan)
    return list(good), start_s, levels


def _mean(levels: FloatArray) -> FloatArray:
    heard = np.flatnonzero(np.isfinite(levels).any(axis=0))
    return np.interp(np.arange(levels.shape[1]), heard, joined(levels[:, heard], -1))


def _references(
    temp_c: FloatArray,
    past: Sequence[PastFiring],
    schedule: Sequence[tuple[float, float, float]] | None,
    target_cone: str | None,
) -> tuple[Basis, Sequence[PastFiring]]:
    """Return what a forecast stands on, and the firings it follows."""
    if schedule:
        return "schedule", [planned(schedule, float(temp_c[0]))]
    if past:
        return "past", past
    hour = min(len(temp_c) - 1, int(2 * 3600 / GRID_S))
    rate = (temp_c[-1] - temp_c[-1 - hour]) / max(hour * GRID_S, GRID_S) * 3600
    if target_cone is None or rate < 5.0 or temp_c[-1] >= target_end_c(target_cone):
        return "this_firing", []
    return "this_firing", [planned([(float(rate), target_end_c(target_cone), 0.0)], float(temp_c[0]))]


def _way_on(
    temp_c: FloatArray, other: PastFiring, weight: float, fuel: str
) -> tuple[float, tuple[FloatArray, FloatArray]] | None:
    """Return the time left [s] and the curve if this firing goes on as another; None if that was never so hot."""
    mine, its = np.maximum.accumulate(temp_c), np.maximum.accumulate(other.temp_c)
    level_c = mine[-1] - LEVEL_C
    if level_c > its[-1]:
        return None
    my_at, its_at = int(np.searchsorted(mine, level_c)), int(np.searchsorted(its, level_c))
    # How long a kiln is candled says nothing of how fast it climbs.
    begin_c = max(mine[0], its[0], DRY_C + LEVEL_C, level_c - PACE_C)
    my_pace = my_at - int(np.searchsorted(mine, begin_c))
    its_pace = its_at - int(np.searchsorted(its, begin_c))
    pace = (my_pace / its_pace) ** weight if my_pace > 0 and its_pace > 0 else 1.0
    pace = min(max(pace, 1 / MOST_STRETCH), MOST_STRETCH)
    its_stay_s = (int(np.searchsorted(its, mine[-1] + LEVEL_C, side="right")) - its_at) * GRID_S * pace
    # A kiln that stands for longer than the other did comes no nearer.
    since_s = min((len(mine) - 1 - my_at) * GRID_S, its_stay_s + (TEETH_S if fuel in STOKED else 0.0))
    ahead_s = (np.arange(its_at, len(its)) - its_at) * GRID_S * pace - since_s
    keep = ahead_s > 0
    left_s = max(float(ahead_s[-1]), SOONEST_S)
    at_s = np.concatenate([[0.0], ahead_s[keep]]) if keep.any() else np.array([0.0, left_s])
    at_c = np.concatenate([[temp_c[-1]], other.temp_c[its_at:][keep]]) if keep.any() else np.repeat(temp_c[-1], 2)
    return left_s, (at_s, at_c)


def _cone_down(
    channels: Mapping[str, Samples], way: tuple[FloatArray, FloatArray], target_cone: str, above_c: Mapping[str, float]
) -> float | None:
    """Return in how long the cone will be down beside every probe that reads [s]; None if it will not, or is.

    Each probe is taken to stay as far from the mean of all as it was when it last read, and whoever fires for a cone to
    wait for it at the top for a while.
    """
    names, _, levels = _levels(channels)
    mean_c = _mean(levels)
    after_s = np.arange(GRID_S, way[0][-1] + WAITS_S, GRID_S)
    after_c = np.interp(after_s, *way) - way[1][0]
    works, curves = [], []
    for name, level_c in zip(names, levels, strict=True):
        read = np.flatnonzero(np.isfinite(level_c))
        if read[-1] < len(level_c) - RECENT:
            continue
        stays_c = mean_c[read[-1] + 1 :] + level_c[read[-1]] - mean_c[read[-1]]
        so_far_c = np.concatenate([level_c[: read[-1] + 1], stays_c])
        curves.append(np.concatenate([so_far_c, so_far_c[-1] + after_c]) + above_c.get(name, 0.0))
        works.append(HeatWork())
    for point, temps_c in enumerate(np.transpose(curves).tolist()):
        add_all(
            [(work, point * GRID_S, temp_c) for work, temp_c in zip(works, temps_c, strict=True) if isfinite(temp_c)]
        )
    down_s = [work.down_s[cones.index_of(target_cone)] for work in works]
    known_s = [at_s for at_s in down_s if at_s is not None]
    left_s = max(known_s, default=0.0) - GRID_S * (len(mean_c) - 1)
    return left_s if len(known_s) == len(down_s) and left_s > 0 else None
