"""Firing curves: how fast, drawn with few points."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from service.core.segments import Segment, segments
from service.core.series import FloatArray

__all__ = ["Segment", "drawn_gap_s", "rate_c_per_h", "segments", "thin_min_max"]

DRAWN_GAP_S: Final = 1200.0
MIN_POINTS: Final = 4  # two in each half: fewer give a rate of noise


def rate_c_per_h(points: Sequence[tuple[float, float]]) -> float | None:
    """Return the slope of a stretch of curve, untroubled by single wild points.

    Parameters
    ----------
    points : sequence of (time, value)
        In order of time. [s], [°C]

    Returns
    -------
    float or None
        Slope; None for fewer than four points. [°C/h]

    Notes
    -----
    The median of the later half minus the median of the earlier one, over their distance in time. It is exact on a
    ramp, and up to half of the points of each half may be wrong without moving it far. With readings of 1 °C over
    10 minutes it is right to within 12 °C/h.

    Examples
    --------
    >>> rate_c_per_h([(t * 60.0, 20.0 + t) for t in range(10)])
    60.0
    >>> rate_c_per_h([(0.0, 20.0)]) is None
    True
    """
    if len(points) < MIN_POINTS:
        return None
    return slope_c_per_h(*zip(*points, strict=True))


def slope_c_per_h(times_s: Sequence[float], values: Sequence[float]) -> float:
    """Return what `rate_c_per_h` does, of four points or more whose times [s] and values [°C] are apart.

    Examples
    --------
    >>> slope_c_per_h([0.0, 60.0, 120.0, 180.0], [20.0, 21.0, 22.0, 23.0])
    60.0
    """
    half = len(times_s) // 2
    lasted_s = middle(times_s[-half:]) - middle(times_s[:half])
    return (median(values[-half:]) - median(values[:half])) / lasted_s * 3600


def median(values: Sequence[float]) -> float:
    """Return the median; for the handful of values of half a minute far quicker than numpy's.

    Examples
    --------
    >>> median([3.0, 900.0, 1.0, 2.0])
    2.5
    """
    return middle(sorted(values))


def middle(ordered: Sequence[float]) -> float:
    """Return the median of values that are in order.

    Examples
    --------
    >>> middle([1.0, 2.0, 3.0, 900.0])
    2.5
    """
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def drawn_gap_s(time_s: FloatArray, *, least_s: float = DRAWN_GAP_S) -> float:
    """Return how far apart two readings are when no line is to be drawn between them [s].

    Parameters
    ----------
    time_s : (n,) array
        Not decreasing. [s]
    least_s : float
        Lines are drawn over less than this in any log. [s]

    Returns
    -------
    float
        `least_s`, or three of the log's own usual intervals if that is longer. Own choice.

    Examples
    --------
    >>> drawn_gap_s(np.arange(0.0, 3600.0, 5.0)), drawn_gap_s(np.arange(0.0, 90000.0, 3600.0))
    (1200.0, 10800.0)
    """
    usual_s = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0
    return max(least_s, 3 * usual_s)


def thin_min_max(
    time_s: FloatArray, value: FloatArray, width: int, *, gap_s: float | None = None, has_ends: bool = True
) -> tuple[FloatArray, FloatArray]:
    """Return few points that draw the same picture.

    Parameters
    ----------
    time_s : (n,) array
        Not decreasing. [s]
    value : (n,) array
        NaN where there is no value.
    width : int
        Columns of pixels of the chart, 1 or more.
    gap_s : float or None
        Points further apart than this get a NaN between them, so that no line is drawn over a gap. [s]
    has_ends : bool
        Whether the first and the last point of each column are kept as well, by which a line enters and leaves it. Of
        what is rolled up already they say nothing.

    Returns
    -------
    time_s, value : two (m,) arrays
        First, lowest, highest and last point of each column, in order of time, m <= 4 `width` and one for each gap;
        without `has_ends` those of the whole and the lowest and highest of each column. A NaN stands where readings
        without a value stood.

    Raises
    ------
    ValueError
        If the shapes differ, time decreases or `width` is below 1.

    Examples
    --------
    >>> time_s, value = thin_min_max(np.arange(1000.0), np.sin(np.arange(1000.0)), 10)
    >>> len(time_s) <= 40, bool(value.max() == np.sin(np.arange(1000.0)).max())
    (True, True)
    >>> thin_min_max(np.array([0.0, 900.0]), np.array([20.0, 30.0]), 10, gap_s=300.0)[1].tolist()
    [20.0, nan, 30.0]
    """
    if time_s.shape != value.shape or time_s.ndim != 1 or (time_s[1:] < time_s[:-1]).any():
        msg = f"time_s {time_s.shape} and value {value.shape} must be alike, and time_s must not decrease"
        raise ValueError(msg)
    if width < 1:
        msg = f"width must be 1 pixel or more, not {width}"
        raise ValueError(msg)
    if not len(time_s):
        return time_s, value
    keep = _kept(time_s, value, width, has_ends=has_ends)
    kept_s, kept = time_s[keep], value[keep]
    gaps = np.flatnonzero(time_s[1:] - time_s[:-1] > (np.inf if gap_s is None else gap_s))
    if not len(gaps):
        return kept_s, kept
    middle_s = (time_s[gaps] + time_s[gaps + 1]) / 2
    at = np.searchsorted(kept_s, middle_s)
    return np.insert(kept_s, at, middle_s), np.insert(kept, at, np.nan)


def _kept(time_s: FloatArray, value: FloatArray, width: int, *, has_ends: bool) -> np.typing.NDArray[np.intp]:
    """Return the indices of the lowest and highest point of each column, of one NaN in it, and of the ends."""
    lasted_s = time_s[-1] - time_s[0]
    share = (time_s - time_s[0]) / lasted_s if lasted_s > 0 else np.zeros(len(time_s))
    column = np.minimum((share * width).astype(np.intp), width - 1)
    starts = np.flatnonzero(_is_new(column))
    ends = np.append(starts[1:], len(time_s)) - 1
    lowest = _first_of_each(column, value == np.repeat(_fold(np.fmin, value, starts), ends - starts + 1))
    highest = _first_of_each(column, value == np.repeat(_fold(np.fmax, value, starts), ends - starts + 1))
    kept = np.zeros(len(value), dtype=np.bool_)
    kept[[0, -1]] = True
    for chosen in (lowest, highest, _first_of_each(column, np.isnan(value)), *((starts, ends) if has_ends else ())):
        kept[chosen] = True
    return np.flatnonzero(kept)


def _fold(fold: np.ufunc, value: FloatArray, starts: np.typing.NDArray[np.intp]) -> FloatArray:
    folded: FloatArray = fold.reduceat(value, starts)
    return folded


def _first_of_each(
    column: np.typing.NDArray[np.intp], chosen: np.typing.NDArray[np.bool_]
) -> np.typing.NDArray[np.intp]:
    """Return the index of the first that is chosen in each column that has one."""
    index = np.flatnonzero(chosen)
    return index[_is_new(column[index])]


def _is_new(column: np.typing.NDArray[np.intp]) -> np.typing.NDArray[np.bool_]:
    """Say of each whether it is in another column than the one before."""
    is_new = np.ones(len(column), dtype=np.bool_)
    np.not_equal(column[1:], column[:-1], out=is_new[1:])
    return is_new
