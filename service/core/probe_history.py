"""One probe over many firings: how it drifts against witness cones, and how much of its life is used."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import inf, sqrt
from typing import Final

import numpy as np

BASE_METALS: Final = ("K", "N", "J", "E", "T")
LEAST_FIRINGS: Final = 5  # own choice: fewer give a line with no idea of its error
NAMED_FROM_C: Final = 3.0  # own choice: less is within what one can read off a cone
CONE_SD_C: Final = 1.0  # own choice: no cone is read better than this, however well the few points lie on a line
SURE: Final = 0.975  # own choice: one-sided, a 95 % interval that leaves out no drift
WORN: Final = 0.8  # own choice: order the next one


@dataclass(frozen=True)
class Use:
    """One firing of a probe.

    Parameters
    ----------
    at_s : float
        When it was; firings are taken in this order. [s]
    peak_c : float
        Highest temperature it read. [°C]
    minus_cone_c : float or None
        What it read less what the witness cone beside it says it was; None without a cone. [°C]
    """

    at_s: float
    peak_c: float
    minus_cone_c: float | None = None


@dataclass(frozen=True)
class Drift:
    """How a probe strays from witness cones.

    `per_firing_c` with its 95 % interval `low_c` to `high_c`; `total_c` from the first to the last firing with a cone,
    `total_sd_c` its standard deviation; `probability` that it strays in this direction at all. `is_named` if that is
    sure and at least 3 °C: then it is worth acting upon, by `advice_key`.
    """

    firings: int
    per_firing_c: float
    low_c: float
    high_c: float
    total_c: float
    total_sd_c: float
    probability: float
    is_named: bool
    advice_key: str


@dataclass(frozen=True)
class BandUse:
    """Uses of a probe with their peak in a band, and how many the table allows in it [°C]."""

    from_c: float
    to_c: float
    uses: int
    allowed: int
    source: str


@dataclass(frozen=True)
class Wear:
    """Uses by peak band, and the share of the allowed life they make up (None: no published limit)."""

    bands: tuple[BandUse, ...]
    share: float | None
    advice_key: str


def drift(uses: Sequence[Use]) -> Drift | None:
    """Return how a probe strays from witness cones over its firings; None with fewer than five cones.

    Parameters
    ----------
    uses : sequence of Use
        Any order; those without a cone count as firings in between.

    Notes
    -----
    A straight line by least squares over the number of the firing, with Student's t for its error; the scatter is
    taken as no less than 1 °C. Base metal reads low as it ages above 649 °C (WIKA), and reading low means over-firing.

    Examples
    --------
    >>> record = [Use(day * 86400.0, 1220.0, -0.55 * day + (0.8 if day % 2 else -0.8)) for day in range(10)]
    >>> found = drift(record)
    >>> round(found.total_c), found.is_named
    (-5, True)
    """
    known = [
        (number, use.minus_cone_c)
        for number, use in enumerate(sorted(uses, key=lambda use: use.at_s))
        if use.minus_cone_c is not None
    ]
    if len(known) < LEAST_FIRINGS:
        return None
    number, minus_cone_c = np.array(known, dtype=np.float64).T
    centred = number - number.mean()
    square = float(centred @ centred)
    slope = float(centred @ minus_cone_c) / square
    left = minus_cone_c - minus_cone_c.mean() - slope * centred
    freedom = len(known) - 2
    slope_sd = max(sqrt(float(left @ left) / freedom), CONE_SD_C) / sqrt(square)
    from scipy.special import stdtr, stdtrit  # here, as in `ageing`: it takes a tenth of the service's start

    margin = float(stdtrit(freedom, SURE)) * slope_sd
    lasted = float(number[-1] - number[0])
    probability = float(stdtr(freedom, abs(slope) / slope_sd))
    is_named = probability >= SURE and abs(slope) * lasted >= NAMED_FROM_C
    return Drift(
        firings=len(known),
        per_firing_c=slope,
        low_c=slope - margin,
        high_c=slope + margin,
        total_c=slope * lasted,
        total_sd_c=slope_sd * lasted,
        probability=probability,
        is_named=is_named,
        advice_key="compare_with_witness_cones" if is_named else "",
    )


def wear(uses: Sequence[Use], kind: str) -> Wear:
    """Return how much of a probe's life is used, by the peaks of its firings.

    Parameters
    ----------
    uses : sequence of Use
        All firings since it was put in.
    kind : str
        Type of the thermocouple; for R, S and B no limit is published, and `share` is None.

    Notes
    -----
    AMS2750G allows base-metal test and load couples so many uses by temperature [1]_; it is made for metals' heat
    treatment, so a pattern here and no duty. That uses in different bands add up as shares is our own choice.

    References
    ----------
    .. [1] SAE AMS2750G, through tav-vacuumfurnaces.com, blog 70.

    Examples
    --------
    >>> wear([Use(0.0, 1230.0)] * 4 + [Use(0.0, 1000.0)] * 9, "K").share
    0.5
    >>> wear([Use(0.0, 1230.0)], "S").share is None
    True
    """
    bands = tuple(
        BandUse(from_c, to_c, sum(from_c < use.peak_c <= to_c for use in uses), allowed, source)
        for from_c, to_c, allowed, source in _allowed()
    )
    if kind not in BASE_METALS:
        return Wear(bands, None, "")
    share = sum(band.uses / band.allowed for band in bands)
    return Wear(bands, share, "replace_probe" if share >= 1 else "order_probe" if share >= WORN else "")


@cache
def _allowed() -> tuple[tuple[float, float, int, str], ...]:
    text = (resources.files("service.core") / "data" / "ams2750_uses.csv").read_text(encoding="utf-8")
    return tuple(
        (float(row["from_c"]), float(row["to_c"] or inf), int(row["uses"]), row["source"])
        for row in csv.DictReader(text.splitlines())
    )
