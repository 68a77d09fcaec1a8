"""The phases of a whole firing as its potter would name them: candling, heating, soak, cooling."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from service.core.series import FloatArray

CANDLING_BELOW_C: Final = 121.0  # the upper end of what is published for candling, 66-121 °C (Glazecalc guide)
CANDLING_FOR_S: Final = 3600.0  # own choice: quicker, and the kiln was only passing through
SOAK_BAND_C: Final = 10.0  # own choice: so near to its peak a kiln is at its top
SOAK_FOR_S: Final = 1200.0  # own choice: a ramp of 60 °C/h that is ended at its peak is in the band for some 13 minutes
# How far stoking lets the top fall, and how soon it is made good: saw-teeth of 100-180 °C in recordings of wood fires.
TOOTH_C: Final = {"electric": SOAK_BAND_C, "lpg": SOAK_BAND_C, "coal": 190.0, "wood": 190.0}
TOOTH_FOR_S: Final = {"electric": 0.0, "lpg": 0.0, "coal": 3 * 3600.0, "wood": 3 * 3600.0}

Name = Literal["candling", "heating", "soak", "cooling"]


@dataclass(frozen=True)
class PhaseSpan:
    """One phase: its name, from when to when [s], from which temperature to which [°C]."""

    name: Name
    start_s: float
    end_s: float
    from_c: float
    to_c: float


def phases(time_s: FloatArray, temp_c: FloatArray, *, fuel: str) -> list[PhaseSpan]:
    """Return the phases of one firing, in order; those that it did not have are left out.

    Parameters
    ----------
    time_s : (n,) array
        Increasing, from the firing's start to its end. [s]
    temp_c : (n,) array
        Chamber temperature without NaN; wild readings are to be taken out before. [°C]
    fuel : str
        ``lpg``, ``coal``, ``wood`` or ``electric``. With coal and wood a fall of up to 190 °C from the peak belongs to
        the soak when the next stoking makes it good.

    Raises
    ------
    ValueError
        If the shapes differ, time does not increase, a value is not finite or the fuel is unknown.

    Notes
    -----
    Candling is all before 121 °C, if that took an hour. The soak is from the first to the last time within 10 °C of the
    peak, if that took 20 minutes; with solid fuel the band is that of the saw-teeth. Cooling begins where the kiln
    leaves its top for good; a drop and a hold on the way down belong to it.

    Examples
    --------
    >>> hours = np.linspace(0, 16, 961)
    >>> curve = np.interp(hours, [0, 2, 9, 10, 16], [30, 110, 1200, 1200, 300])
    >>> [(one.name, round((one.end_s - one.start_s) / 3600, 1)) for one in phases(hours * 3600, curve, fuel="lpg")]
    [('candling', 2.1), ('heating', 6.9), ('soak', 1.1), ('cooling', 5.9)]
    """
    alike = time_s.shape == temp_c.shape and time_s.ndim == 1
    if not alike or not np.isfinite(temp_c).all() or (np.diff(time_s) <= 0).any():
        msg = f"time_s {time_s.shape} must increase and temp_c {temp_c.shape} be alike and finite [°C]"
        raise ValueError(msg)
    if fuel not in TOOTH_C:
        msg = f"fuel must be one of {', '.join(TOOTH_C)}, not {fuel!r}"
        raise ValueError(msg)
    if len(time_s) < 2:
        return []
    top, leaves = _top(time_s, temp_c, fuel)
    warm = min(int(np.argmax(temp_c > CANDLING_BELOW_C)) if temp_c.max() > CANDLING_BELOW_C else leaves, top)
    if time_s[warm] - time_s[0] < CANDLING_FOR_S:
        warm = 0
    names: tuple[Name, ...] = ("candling", "heating", "soak", "cooling")
    bounds = pairwise((0, warm, top, leaves, len(time_s) - 1))
    return [
        PhaseSpan(name, float(time_s[i]), float(time_s[j]), float(temp_c[i]), float(temp_c[j]))
        for name, (i, j) in zip(names, bounds, strict=True)
        if i < j
    ]


def _top(time_s: FloatArray, temp_c: FloatArray, fuel: str) -> tuple[int, int]:
    """Return where the soak begins and where cooling begins; the same twice without a soak."""
    peak = int(temp_c.argmax())
    near = np.flatnonzero(temp_c >= temp_c[peak] - TOOTH_C[fuel])
    last = near[-1]
    # What falls for good has been falling since its last crest.
    since = int(np.searchsorted(time_s, time_s[last] - TOOTH_FOR_S[fuel]))
    crest_c = temp_c[since : last + 1].max()
    leaves = since + int(np.flatnonzero(temp_c[since : last + 1] >= crest_c - SOAK_BAND_C)[-1])
    if last == len(temp_c) - 1:
        leaves = int(last)  # the recording ends at the top
    begins = int(np.flatnonzero(temp_c >= temp_c[peak] - SOAK_BAND_C)[0])
    return (begins, leaves) if time_s[leaves] - time_s[begins] >= SOAK_FOR_S else (peak, peak)
