"""One temperature for a chamber of several probes: the curve by which people compare firings."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np

from service.core.curve import drawn_gap_s
from service.core.series import FloatArray, Samples

MINUTE_S: Final = 60.0
# A probe that spoke in fewer of the minutes of the best came late or died: where it stood then says little of the rest.
SPOKEN_SHARE: Final = 0.8  # own choice
# By the median of so many points a probe's distance is known, its last wild ones or not. Own choice.
SETTLED: Final = 10


def chamber_curve(probes: Mapping[str, Samples]) -> tuple[FloatArray, FloatArray]:
    """Return the mean of the probes once a minute.

    Parameters
    ----------
    probes : mapping
        Readings of the chamber's probes, in any order; NaN and doubled readings do not count. [°C]

    Returns
    -------
    time_s, temp_c : two (n,) arrays
        The middle of every minute in which a probe speaks, but those that spoke in less than 0.8 of the minutes of the
        one that spoke most. A probe is on a straight line between two readings unless they are further apart than
        `drawn_gap_s`; beyond, it is taken to keep its distance from the others, so that the curve has no step where one
        falls silent. [s], [°C]

    Examples
    --------
    >>> top = Samples(np.array([0.0, 30.0, 60.0]), np.array([20.0, 22.0, 25.0]))
    >>> bottom = Samples(np.array([10.0, 70.0]), np.array([11.0, 15.0]))
    >>> [part.tolist() for part in chamber_curve({"top": top, "bottom": bottom})]
    [[30.0, 90.0], [16.0, 20.0]]
    """
    means = [_by_minute(samples) for samples in probes.values()]
    minutes = np.unique(np.concatenate([spoken for spoken, _ in means])) if means else np.empty(0)
    if not len(minutes):
        return np.empty(0), np.empty(0)
    levels = np.array([_between(minutes, *mean) for mean in means])
    spoken = np.isfinite(levels).sum(axis=1)
    levels = levels[spoken >= SPOKEN_SHARE * spoken.max()]
    has_any = np.isfinite(levels).any(axis=0)
    levels = levels[:, has_any]
    most = int(np.isfinite(levels).sum(axis=0).argmax())
    return (minutes[has_any] + 0.5) * MINUTE_S, joined(levels, most)


def joined(levels: FloatArray, at: int) -> FloatArray:
    """Return the mean of those probes that speak, without a step where one begins or falls silent.

    Parameters
    ----------
    levels : (probes, n) array
        Where each stands, NaN where it does not speak; at every point one does. [°C]
    at : int
        The point at which the answer is the mean itself; elsewhere who is silent keeps its distance from the others.

    Returns
    -------
    (n,) array
        One temperature. [°C]

    Examples
    --------
    >>> joined(np.array([[20.0, 30.0, 40.0], [10.0, 20.0, np.nan]]), 0).tolist()
    [15.0, 25.0, 35.0]
    >>> joined(np.array([[20.0, 30.0, 40.0], [10.0, 20.0, np.nan]]), -1).tolist()
    [20.0, 30.0, 40.0]
    """
    speaks = np.isfinite(levels)
    mean_c = np.nanmean(levels, axis=0)
    shift_c = np.zeros(len(mean_c))
    edges = np.flatnonzero((speaks[:, 1:] != speaks[:, :-1]).any(axis=0)) + 1
    bounds = [0, *edges.tolist(), len(mean_c)]
    for (begin, edge), (_, end) in pairwise(pairwise(bounds)):
        stay = speaks[:, edge - 1] & speaks[:, edge]
        if stay.any():
            above_c = mean_c - levels[stay].mean(axis=0)
            before, after = above_c[max(begin, edge - SETTLED) : edge], above_c[edge : min(end, edge + SETTLED)]
            shift_c[edge:] += np.median(before) - np.median(after)
    curve_c: FloatArray = mean_c + shift_c - shift_c[at]
    return curve_c


def _by_minute(samples: Samples) -> tuple[FloatArray, FloatArray]:
    good = np.isfinite(samples.value)
    minutes, inverse = np.unique(samples.time_s[good] // MINUTE_S, return_inverse=True)
    if not len(minutes):
        return minutes, minutes
    return minutes, np.bincount(inverse, weights=samples.value[good]) / np.bincount(inverse)


def _between(at_minute: FloatArray, minutes: FloatArray, level_c: FloatArray) -> FloatArray:
    """Return a probe's level at some minutes, on straight lines; NaN before, after and over long silences [°C]."""
    if not len(minutes):
        return np.full(len(at_minute), np.nan)
    after = np.searchsorted(minutes, at_minute)
    last, first = minutes[np.minimum(after, len(minutes) - 1)], minutes[np.maximum(after - 1, 0)]
    is_near = (last - first) * MINUTE_S <= drawn_gap_s(minutes * MINUTE_S)
    drawn = np.interp(at_minute, minutes, level_c, left=np.nan, right=np.nan)
    return np.where(is_near | np.isin(at_minute, minutes), drawn, np.nan)
