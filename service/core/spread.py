"""How far the chamber's probes are apart."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from operator import sub

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
    hot_c, cold_c = hot.readings_c, cold.readings_c
    if hot.readings_s != cold.readings_s:
        hot_by_s, cold_by_s = (dict(zip(one.readings_s, one.readings_c, strict=True)) for one in (hot, cold))
        shared_s = hot_by_s.keys() & cold_by_s.keys()
        hot_c, cold_c = [hot_by_s[time_s] for time_s in shared_s], [cold_by_s[time_s] for time_s in shared_s]
    together_c = sorted(map(sub, hot_c, cold_c))
    below = bisect_left(together_c, median_c + STEP_C)
    is_near = below > 0 and together_c[below - 1] > median_c - STEP_C
    return together_c[below - 1] if is_near else median_c
