"""What is known to be wrong with a probe and its instrument, put right; the raw readings are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from service.core.series import FloatArray, Samples
from service.core.thermocouple import corrected_max31855_c

COLD_JUNCTION_HOLDS_S: Final = 600.0  # own choice: a terminal block follows the room, which is slow


@dataclass(frozen=True)
class Chip:
    """An instrument that draws a straight line: `kind` of thermocouple, and its slope if not the MAX31855's [mV/°C]."""

    kind: str
    mv_per_c: float | None = None


@dataclass(frozen=True)
class Correction:
    """Everything that stands between what a probe said and what it is taken to mean, in this order.

    Parameters
    ----------
    version : str
        Names this correction wherever its result is stored; another correction has another version.
    chip : Chip or None
        The straight-line instrument, which needs the cold junction beside it.
    points : tuple of (indicated, error)
        From a calibration: error = indicated - true. Straight between points, the nearest beyond the ends. [°C]
    offset_c : float
        Added at the end: what a comparison on the kiln itself has shown. [°C]

    Raises
    ------
    ValueError
        If the indicated temperatures do not increase or a number is not finite.

    Examples
    --------
    >>> correction = Correction("2026-03", points=((0.0, 0.0), (1000.0, 4.0)), offset_c=1.0)
    >>> raw = Samples(np.array([0.0]), np.array([500.0]))
    >>> correction.apply(raw).value.tolist(), raw.value.tolist()
    ([499.0], [500.0])
    >>> Correction.from_json(correction.to_json()) == correction
    True
    """

    version: str
    chip: Chip | None = None
    points: tuple[tuple[float, float], ...] = ()
    offset_c: float = 0.0

    def __post_init__(self) -> None:
        table = np.array([*self.points, (np.inf, self.offset_c)], dtype=np.float64)
        if not (np.isfinite(table[:-1]).all() and np.isfinite(self.offset_c)):
            msg = f"points and offset_c must be finite [°C], not {self.points}, {self.offset_c}"
            raise ValueError(msg)
        if not (np.diff(table[:, 0]) > 0).all():
            msg = f"points must go up in indicated temperature [°C], but are {[at for at, _ in self.points]}"
            raise ValueError(msg)

    def apply(self, raw: Samples, cold_junction: Samples | None = None) -> Samples:
        """Return the corrected readings; times and qualities stay, and so does `raw`.

        Parameters
        ----------
        raw : Samples
            As the instrument sent them. [°C]
        cold_junction : Samples or None
            Its cold junction; between its readings a straight line, NaN over 10 min from the nearest. [°C]

        Raises
        ------
        ValueError
            If there is a chip to correct and no cold junction.
        """
        value = raw.value
        if self.chip is not None:
            if cold_junction is None:
                msg = f"correction {self.version} is for a straight-line chip and needs its cold junction's readings"
                raise ValueError(msg)
            cold_c = _at(raw.time_s, cold_junction)
            value = corrected_max31855_c(value, cold_c, self.chip.kind, mv_per_c=self.chip.mv_per_c)
        if self.points:
            indicated, error = np.array(self.points).T
            value = value - np.interp(value, indicated, error)
        return replace(raw, value=value + self.offset_c)

    def to_json(self) -> dict[str, Any]:
        """Return this as JSON can say it."""
        chip = None if self.chip is None else {"kind": self.chip.kind, "mv_per_c": self.chip.mv_per_c}
        points = [list(point) for point in self.points]
        return {"version": self.version, "chip": chip, "points": points, "offset_c": self.offset_c}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Correction":
        """Return what `to_json` said.

        Raises
        ------
        KeyError
            If a part is missing.
        """
        chip = None if plain["chip"] is None else Chip(**plain["chip"])
        points: Sequence[Sequence[float]] = plain["points"]
        return cls(plain["version"], chip, tuple((at, error) for at, error in points), plain["offset_c"])


def _at(time_s: FloatArray, samples: Samples) -> FloatArray:
    """Return a slow quantity at other times; NaN where it was not read near them."""
    good = np.isfinite(samples.value)
    known_s, first = np.unique(samples.time_s[good], return_index=True)
    if not len(known_s):
        return np.full(time_s.shape, np.nan)
    after = np.searchsorted(known_s, time_s).clip(1, max(len(known_s) - 1, 1))
    near_s = np.minimum(abs(time_s - known_s[after - 1]), abs(time_s - known_s[after % len(known_s)]))
    value = np.interp(time_s, known_s, samples.value[good][first])
    return np.where(near_s <= COLD_JUNCTION_HOLDS_S, value, np.nan)
