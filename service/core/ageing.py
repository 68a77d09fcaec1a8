"""How fast a kiln passes its temperatures, and whether it grows slower from firing to firing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.core.forecast import GRID_S, gridded
from service.core.series import FloatArray, Samples

BESIDE_C: Final = 40.0  # own choice: a rate at a temperature is over so much below and above it
FEWEST_FIRINGS: Final = 6  # own choice: fewer, and the interval of a trend says nothing
FEWEST_DAYS: Final = 21.0  # own choice
CONFIDENCE: Final = 0.9
MONTH_S: Final = 365.25 / 12 * 86400


@dataclass(frozen=True)
class Ageing:
    """By what share a kiln's rate changes in a month, with its interval: -0.02 is slower by 2 %."""

    low_per_month: float
    share_per_month: float
    high_per_month: float
    firings: int

    @property
    def is_slower(self) -> bool:
        """The whole interval says slower."""
        return self.high_per_month < 0


def rates_at(channels: Mapping[str, Samples], temps_c: FloatArray, *, beside_c: float = BESIDE_C) -> FloatArray:
    """Return how fast a firing passed some temperatures on its way up for the first time.

    Parameters
    ----------
    channels : mapping of Samples
        Chamber probes of one firing.
    temps_c : (n,) array
        Where to look. [°C]
    beside_c : float
        The rate is the mean from so much below to so much above. [°C]

    Returns
    -------
    (n,) array
        Rates; NaN where the firing did not go. [°C/h]

    Raises
    ------
    ValueError
        If no channel has a reading.

    Examples
    --------
    >>> time_s = np.arange(0.0, 36000.0, 60.0)
    >>> rates_at({"top": Samples(time_s, 20 + time_s / 36)}, np.array([500.0, 1200.0])).round().tolist()
    [100.0, nan]
    """
    _, temp_c = gridded(channels)
    climb_c = np.maximum.accumulate(temp_c)
    below_c, above_c = temps_c - beside_c, temps_c + beside_c
    seen = (below_c > climb_c[0]) & (above_c <= climb_c[-1])
    lasted_s = np.full(len(temps_c), np.nan)
    lasted_s[seen] = _first_s(climb_c, above_c[seen]) - _first_s(climb_c, below_c[seen])
    return 2 * beside_c / lasted_s * 3600


def _first_s(climb_c: FloatArray, level_c: FloatArray) -> FloatArray:
    """Return when a climb first came to some levels, between the points of the grid [s]."""
    after = np.searchsorted(climb_c, level_c)
    step_c = climb_c[after] - climb_c[after - 1]
    return np.asarray((after - (climb_c[after] - level_c) / step_c) * GRID_S)


def ageing(history: Sequence[tuple[float, FloatArray]]) -> Ageing | None:
    """Return the trend of a kiln's rates over its firings, None where nothing can be said.

    Parameters
    ----------
    history : sequence of (time, rates)
        When each firing was, and its `rates_at` the same temperatures. [s], [°C/h]

    Notes
    -----
    Each rate is set against the median at its temperature, as a logarithm; a firing is the median of these, and the
    trend the Theil-Sen slope with its 90 % interval [1]_. It is of the kiln only as far as it is fired alike: it means
    most at full power, and with a hand on the valve it is of the hand as well. Six firings over three weeks at least.

    References
    ----------
    .. [1] P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau," J. Am. Stat. Assoc. 63,
       pp. 1379-1389, 1968.

    Examples
    --------
    >>> of_weeks = [(7 * 86400.0 * week, np.array([100.0, 150.0]) * 0.99**week) for week in range(10)]
    >>> round(ageing(of_weeks).share_per_month, 3)
    -0.043
    """
    pace = [(at_s, np.log(rates)) for at_s, rates in history if np.isfinite(rates).any()]
    at_s = np.array([one for one, _ in pace])
    if len(pace) < FEWEST_FIRINGS or np.ptp(at_s) < FEWEST_DAYS * 86400:
        return None
    table = np.array([one for _, one in pace])
    known = np.isfinite(table).all(axis=0)
    if not known.any():
        return None
    from scipy.stats import theilslopes  # here: a fifth of the service's start, and rarely asked for

    firings = np.median(table[:, known] - np.median(table[:, known], axis=0), axis=1)
    slope, _, low, high = theilslopes(firings, at_s / MONTH_S, CONFIDENCE)
    return Ageing(float(np.expm1(low)), float(np.expm1(slope)), float(np.expm1(high)), len(pace))
