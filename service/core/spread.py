"""How far the chamber's probes are apart."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.core.probe import STEP_C, BinValue


@dataclass(frozen=True)
class Spread:
    """Hottest and coldest chamber probe of one bin.

    Parameters
    ----------
    hot, cold : str
        Names of the channels.
    hot_c, cold_c : float
        Their medians. [°C]
    largest_c : float
        Largest difference of two readings of the same moment. [°C]
    """

    hot: str
    cold: str
    hot_c: float
    cold_c: float
    largest_c: float

    @property
    def spread_c(self) -> float:
        """Difference of the medians, which one wild reading does not change [°C]."""
        return self.hot_c - self.cold_c


def spread_of(now: Mapping[str, float], values: Mapping[str, BinValue | None]) -> Spread | None:
    """Return the spread of one bin, None with fewer than two probes.

    Parameters
    ----------
    now : mapping
        What each chamber probe stands at, by channel. [°C]
    values : mapping
        What the channels said in this bin.

    Examples
    --------
    >>> spread_of({"top": 1190.0, "bottom": 1101.0}, {}).spread_c
    89.0
    """
    if len(now) < 2:
        return None
    hot, cold = max(now, key=lambda name: now[name]), min(now, key=lambda name: now[name])
    median_c = now[hot] - now[cold]
    return Spread(hot, cold, now[hot], now[cold], _largest_c(values.get(hot), values.get(cold), median_c))


def _largest_c(hot: BinValue | None, cold: BinValue | None, median_c: float) -> float:
    """Return the largest difference of readings taken together; those far from the medians are wild, and left out."""
    if hot is None or cold is None:
        return median_c
    cold_c = dict(cold.readings)
    together = [value - cold_c[time_s] for time_s, value in hot.readings if time_s in cold_c]
    return max((delta_c for delta_c in together if abs(delta_c - median_c) < STEP_C), default=median_c)
