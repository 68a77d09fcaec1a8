"""A firing curve as its potter would tell it: ramps, holds, cooling."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from service.core.series import FloatArray

MOST_POINTS: Final = 300  # the fit takes the square of this; 300 points over 24 h are 5 minutes each
TOLERANCE_C: Final = 4.0  # own choice: what a straight line may be off before a corner is worth it
CORNER_COST: Final = 25.0  # own choice: a corner must save this many squared tolerances
HOLD_BELOW_C_PER_H: Final = 10.0  # own choice: slower than any planned ramp but candling

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
        Each begins where the one before ends; neighbours of one kind may differ in rate. Empty for fewer than 2 points.

    Raises
    ------
    ValueError
        If the shapes differ, time does not increase or a value is not finite.

    Notes
    -----
    Piecewise-linear least squares over all sets of corners, by dynamic programming over at most 300 points; every
    corner costs a fixed sum of squares, so their number is found too.

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
    at = np.unique(np.linspace(0, len(time_s) - 1, min(len(time_s), MOST_POINTS)).round().astype(np.intp))
    x, y = time_s[at] - time_s[0], temp_c[at]
    corners = _corners(x, y)
    levels = np.interp(x, x[corners], _levels(x, y, corners))
    return [
        _segment(float(time_s[at[i]]), float(time_s[at[j]]), float(levels[i]), float(levels[j]))
        for i, j in pairwise(corners)
    ]


def _segment(start_s: float, end_s: float, from_c: float, to_c: float) -> Segment:
    rate = (to_c - from_c) / (end_s - start_s) * 3600
    kind: Kind = "hold" if abs(rate) < HOLD_BELOW_C_PER_H else "ramp" if rate > 0 else "cool"
    return Segment(kind, start_s, end_s, from_c, to_c, rate)


def _corners(x: FloatArray, y: FloatArray) -> list[int]:
    """Return the indices of the best corners, with both ends."""
    n = len(x)
    ones = np.ones(n)
    sums = [np.concatenate([[0.0], np.cumsum(term)]) for term in (ones, x, y, x * x, x * y, y * y)]
    best = np.full(n, np.inf)
    best[0] = 0.0
    back = np.zeros(n, dtype=np.intp)
    for end in range(1, n):
        begin = np.arange(end)
        cost = best[:end] + _residual(*[total[end + 1] - total[begin] for total in sums]) / TOLERANCE_C**2 + CORNER_COST
        back[end] = int(np.argmin(cost))
        best[end] = cost[back[end]]
    corners = [n - 1]
    while corners[-1]:
        corners.append(int(back[corners[-1]]))
    return corners[::-1]


def _residual(
    n: FloatArray, x: FloatArray, y: FloatArray, xx: FloatArray, xy: FloatArray, yy: FloatArray
) -> FloatArray:
    """Return the sum of squares about the best line, from sums of products."""
    across, along, up = xx - x * x / n, xy - x * y / n, yy - y * y / n
    return np.maximum(up - along * along / np.maximum(across, 1e-12), 0.0)


def _levels(x: FloatArray, y: FloatArray, corners: list[int]) -> FloatArray:
    """Return the temperatures at the corners of the best unbroken line through them."""
    knots = x[corners]
    design = np.stack([np.interp(x, knots, unit) for unit in np.eye(len(knots))], axis=1)
    return np.asarray(np.linalg.lstsq(design, y, rcond=None)[0])
