"""What a kiln can do, learnt from its own firings: the highest rate at each temperature."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.core.ageing import BESIDE_C, rates_at
from service.core.series import FloatArray, Samples

LEVELS_C: Final = np.arange(100.0, 1351.0, 50.0)
BESIDE_TEETH_C: Final = 150.0  # own choice: the rate between stokings is not the kiln's
SURE: Final = 0.8


@dataclass(frozen=True)
class HighestRate:
    """The highest rate that was shown, what the kiln is likely to have in it, and at most so much [°C/h]."""

    shown_c_per_h: float
    likely_c_per_h: float
    high_c_per_h: float


@dataclass(frozen=True)
class KilnModel:
    """Highest and second highest rate of any firing, at that level or hotter; all of it can be said in JSON.

    Parameters
    ----------
    level_c, highest_c_per_h, second_c_per_h : list of float
        The levels that two firings reached, rising, and the rates there. [°C], [°C/h]
    firings : int
        From how many it was learnt.
    """

    level_c: list[float]
    highest_c_per_h: list[float]
    second_c_per_h: list[float]
    firings: int


def learn(firings: Sequence[Mapping[str, Samples]], *, fuel: str) -> KilnModel | None:
    """Return the upper envelope of a kiln's rates, None if fewer than two firings climbed.

    Parameters
    ----------
    firings : sequence of mapping of Samples
        Chamber probes of each firing, by channel.
    fuel : str
        What it burns: saw-teeth of coal and wood are looked over.

    Raises
    ------
    ValueError
        If a firing has no reading.

    Notes
    -----
    The same fire drives a hotter kiln more slowly, for it loses more: so what was shown hotter counts for all below. A
    model of two masses with losses from the ways down was tried and left: the damper makes those other losses than
    the ways up have, and the simulated kilns' full-power rates came out two or three times too high.

    Examples
    --------
    >>> time_s = np.arange(0.0, 36000.0, 60.0)
    >>> model = learn([{"top": Samples(time_s, 20 + time_s / pace)} for pace in (30, 36)], fuel="lpg")
    >>> round(highest_rate_c_per_h(model, 500.0).likely_c_per_h)
    140
    """
    beside_c = BESIDE_TEETH_C if fuel in ("coal", "wood") else BESIDE_C
    rates = [rates_at(channels, LEVELS_C, beside_c=beside_c) for channels in firings]
    table = np.array([_at_or_hotter(one) for one in rates if np.isfinite(one).any()])
    if len(table) < 2:
        return None
    second, highest = np.sort(table, axis=0)[-2:]
    known = second > 0
    return KilnModel(LEVELS_C[known].tolist(), highest[known].tolist(), second[known].tolist(), len(table))


def _at_or_hotter(rates: FloatArray) -> FloatArray:
    """Return the highest rate at each level or any hotter one, 0 above the last."""
    return np.asarray(np.maximum.accumulate(np.nan_to_num(rates[::-1]))[::-1])


def highest_rate_c_per_h(model: KilnModel, temp_c: float) -> HighestRate | None:
    """Return how fast a kiln can climb at a temperature, None above what two firings reached [°C].

    Notes
    -----
    From the two highest of many values their limit is estimated as the highest and their difference once more, and at
    most four differences above it, four times in five [1]_. A hand that never gave full fire never showed it.

    References
    ----------
    .. [1] D. S. Robson and J. H. Whitlock, "Estimation of a truncation point," Biometrika 51 (1-2), pp. 33-39, 1964.
    """
    if not model.level_c or temp_c > model.level_c[-1]:
        return None
    highest = float(np.interp(temp_c, model.level_c, model.highest_c_per_h))
    apart = highest - float(np.interp(temp_c, model.level_c, model.second_c_per_h))
    return HighestRate(highest, highest + apart, highest + SURE / (1 - SURE) * apart)
