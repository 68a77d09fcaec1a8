"""One temperature for a chamber of several probes: the curve by which people compare firings."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from service.core.series import FloatArray, Samples

MINUTE_S: Final = 60.0
# A probe that spoke in fewer of the minutes of the best came late or died: with it the curve would be cut or stepped.
SPOKEN_SHARE: Final = 0.8  # own choice


def chamber_curve(probes: Mapping[str, Samples]) -> tuple[FloatArray, FloatArray]:
    """Return the mean of the probes once a minute.

    Parameters
    ----------
    probes : mapping
        Readings of the chamber's probes, in any order; NaN and doubled readings do not count. [°C]

    Returns
    -------
    time_s, temp_c : two (n,) arrays
        The middle of every minute in which all probes speak, but those that spoke in less than 0.8 of the minutes of
        the one that spoke most. [s], [°C]

    Examples
    --------
    >>> top = Samples(np.array([0.0, 30.0, 60.0]), np.array([20.0, 22.0, 25.0]))
    >>> bottom = Samples(np.array([10.0, 70.0]), np.array([11.0, 15.0]))
    >>> [part.tolist() for part in chamber_curve({"top": top, "bottom": bottom})]
    [[30.0, 90.0], [16.0, 20.0]]
    """
    means = [_by_minute(samples) for samples in probes.values()]
    most = max((len(minutes) for minutes, _ in means), default=0)
    means = [mean for mean in means if mean[0].size and len(mean[0]) >= SPOKEN_SHARE * most]
    if not means:
        return np.empty(0), np.empty(0)
    shared = means[0][0]
    for minutes, _ in means[1:]:
        shared = np.intersect1d(shared, minutes, assume_unique=True)
    levels = [level[np.searchsorted(minutes, shared)] for minutes, level in means]
    return (shared + 0.5) * MINUTE_S, np.mean(levels, axis=0)


def _by_minute(samples: Samples) -> tuple[FloatArray, FloatArray]:
    good = np.isfinite(samples.value)
    minutes, inverse = np.unique(samples.time_s[good] // MINUTE_S, return_inverse=True)
    if not len(minutes):
        return minutes, minutes
    return minutes, np.bincount(inverse, weights=samples.value[good]) / np.bincount(inverse)
