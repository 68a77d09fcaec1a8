"""A firing curve as its potter would tell it: ramps, holds, cooling."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from service.core.series import FloatArray

MOST_POINTS: Final = 300  # the fit takes the square of this; of 12 h they are 2.4 minutes each
TOLERANCE_C: Final = 4.0  # own choice: a line that is followed so closely is straight, whatever the instrument resolves
CORNER_WEIGHT: Final = 2.0  # a corner brings two parameters, its time and its temperature
GAP_S: Final = 1200.0  # own choice: over a longer silence nobody knows how the kiln went
GAP_INTERVALS: Final = 10  # ... unless the log is one of few points
HOLD_BELOW_C_PER_H: Final = 10.0  # own choice: slower than any planned ramp but candling
REFINED: Final = 8  # times at most that all corners are moved together

Kind = Literal["ramp", "hold", "cool"]


@dataclass(frozen=True)
class Segment:
    """One straight stretch of a firing curve.

    Parameters
    ----------
    kind : "ramp", "hold" or "cool"
        Up, level, down.
    start_s, end_s : float
        Unix time. [s]
    from_c, to_c : float
        Temperature of the fitted line at both ends. [°C]
    rate_c_per_h : float
        Slope, negative on the way down. [°C/h]
    """

    kind: Kind
    start_s: float
    end_s: float
    from_c: float
    to_c: float
    rate_c_per_h: float


def segments(time_s: FloatArray, temp_c: FloatArray) -> list[Segment]:
    """Return the straight stretches of a curve, in order.

    Parameters
    ----------
    time_s : (n,) array
        Increasing. [s]
    temp_c : (n,) array
        Without NaN. [°C]

    Returns
    -------
    list of Segment
        Each begins where the one before ends, but for gaps of more than 20 minutes and ten usual intervals, over which
        there is none; neighbours of one kind may differ in rate. Empty for fewer than 2 points.

    Raises
    ------
    ValueError
        If the shapes differ, time does not increase or a value is not finite.

    Notes
    -----
    Means of at most 300 equal spans are fitted by straight lines over all sets of corners (dynamic programming). Their
    number is that of the least Bayesian information criterion, with a noise of what neighbouring means show, 2 °C at
    the least. Then all corners of the unbroken line are moved together to where they fit best [1]_.

    References
    ----------
    .. [1] V. M. R. Muggeo, "Estimating regression models with unknown break-points," Statist. Med. 22, pp. 3055-3071,
       2003.

    Examples
    --------
    >>> hours = np.linspace(0, 8, 241)
    >>> curve = np.interp(hours, [0, 4, 5, 8], [20, 620, 620, 20])
    >>> [(part.kind, round(part.rate_c_per_h)) for part in segments(hours * 3600, curve)]
    [('ramp', 150), ('hold', 0), ('cool', -200)]
    """
    alike = time_s.shape == temp_c.shape and time_s.ndim == 1
    if not alike or not np.isfinite(temp_c).all() or (np.diff(time_s) <= 0).any():
        msg = f"time_s {time_s.shape} must increase and temp_c {temp_c.shape} be alike and finite [°C]"
        raise ValueError(msg)
    if len(time_s) < 2:
        return []
    steps_s = np.diff(time_s)
    gaps = np.flatnonzero(steps_s > max(GAP_S, GAP_INTERVALS * float(np.median(steps_s)))) + 1
    span_s = float(time_s[-1] - time_s[0]) / MOST_POINTS
    parts = zip(np.split(time_s, gaps), np.split(temp_c, gaps), strict=True)
    return [one for part_s, part_c in parts if len(part_s) > 1 for one in _unbroken(part_s, part_c, span_s)]


def _unbroken(time_s: FloatArray, temp_c: FloatArray, span_s: float) -> list[Segment]:
    """Return the segments of a curve without gaps."""
    start_s = float(time_s[0])
    x, y = _means(time_s - start_s, temp_c, span_s)
    noise_c = max(TOLERANCE_C, _noise_c(y))
    knots = _refined(x, y, x[_corners(x, y / noise_c)])
    levels = _levels(x, y, knots)
    knots[0], knots[-1] = 0.0, time_s[-1] - start_s
    corners = list(zip((start_s + knots).tolist(), levels.tolist(), strict=True))
    return [_segment(*begin, *end) for begin, end in pairwise(corners)]


def _segment(start_s: float, from_c: float, end_s: float, to_c: float) -> Segment:
    rate = (to_c - from_c) / (end_s - start_s) * 3600
    kind: Kind = "hold" if abs(rate) < HOLD_BELOW_C_PER_H else "ramp" if rate > 0 else "cool"
    return Segment(kind, start_s, end_s, from_c, to_c, rate)


def _means(x: FloatArray, y: FloatArray, span_s: float) -> tuple[FloatArray, FloatArray]:
    """Return the means of equal spans of time; both ends stay points of their own."""
    starts = np.unique(np.concatenate([[0, 1], np.searchsorted(x, np.arange(span_s, x[-1], span_s)), [len(x) - 1]]))
    count = np.diff(starts, append=len(x))
    return np.add.reduceat(x, starts) / count, np.add.reduceat(y, starts) / count


def _noise_c(y: FloatArray) -> float:
    """Return the standard deviation of points about a smooth curve, by their second differences."""
    return float(np.median(np.abs(np.diff(y, 2)))) / 0.6745 / 6**0.5 if len(y) > 2 else 0.0


def _corners(x: FloatArray, y: FloatArray) -> list[int]:
    """Return the indices of the best corners, with both ends; `y` is in units of its noise."""
    n = len(x)
    sums = [np.concatenate([[0.0], np.cumsum(term)]) for term in (np.ones(n), x, y, x * x, x * y, y * y)]
    cost = _residual(*[total[None, 1:] - total[:-1, None] for total in sums]) + CORNER_WEIGHT * np.log(n)
    best = np.zeros(n)
    back = np.zeros(n, dtype=np.intp)
    for end in range(1, n):
        way = best[:end] + cost[:end, end]
        back[end] = way.argmin()
        best[end] = way[back[end]]
    corners = [n - 1]
    while corners[-1]:
        corners.append(int(back[corners[-1]]))
    return corners[::-1]


def _residual(
    n: FloatArray, x: FloatArray, y: FloatArray, xx: FloatArray, xy: FloatArray, yy: FloatArray
) -> FloatArray:
    """Return the sum of squares about the best line, from sums of products."""
    count = np.maximum(n, 1.0)
    across, along, up = xx - x * x / count, xy - x * y / count, yy - y * y / count
    return np.asarray(np.maximum(up - along * along / np.maximum(across, 1e-12), 0.0))


def _refined(x: FloatArray, y: FloatArray, knots: FloatArray) -> FloatArray:
    """Return the knots moved, all together, to where an unbroken line fits best."""
    best = _misfit(x, y, knots)
    for _ in range(REFINED if len(knots) > 2 else 0):
        inner = knots[1:-1]
        hinges = np.maximum(x[:, None] - inner, 0.0)
        beyond = (x[:, None] > inner).astype(np.float64)
        design = np.column_stack([np.ones(len(x)), x, hinges, beyond])
        turn, jump = np.split(np.linalg.lstsq(design, y, rcond=None)[0][2:], 2)
        moved = np.concatenate([knots[:1], inner - jump / np.where(turn == 0.0, np.inf, turn), knots[-1:]])
        if (np.diff(moved) <= 0).any() or (misfit := _misfit(x, y, moved)) >= best:
            break
        knots, best = moved, misfit
    return knots


def _misfit(x: FloatArray, y: FloatArray, knots: FloatArray) -> float:
    return float(np.square(y - np.interp(x, knots, _levels(x, y, knots))).sum())


def _levels(x: FloatArray, y: FloatArray, knots: FloatArray) -> FloatArray:
    """Return the temperatures at the knots of the best unbroken line with them."""
    design = np.stack([np.interp(x, knots, unit) for unit in np.eye(len(knots))], axis=1)
    return np.asarray(np.linalg.lstsq(design, y, rcond=None)[0])
