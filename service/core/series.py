"""Readings as the science takes them: arrays of one kiln, up to a moment that is vouched for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

# Not NDArray: from numpy 2.5 on that is a name of its own, which `core.snapshot` would not know for an array.
FloatArray = np.ndarray[tuple[Any, ...], np.dtype[np.float64]]
ByteArray = np.ndarray[tuple[Any, ...], np.dtype[np.uint8]]

# What an instrument says of a reading, by its place here; the names are those that travel.
QUALITIES: Final = ("good", "open", "short_to_ground", "short_to_supply", "out_of_range", "fault", "no_value")


@dataclass(frozen=True)
class Samples:
    """Readings of one channel.

    Parameters
    ----------
    time_s : (n,) array
        Unix time, as taken; need not increase, repeats are dropped downstream. [s]
    value : (n,) array
        The reading, NaN where the instrument reported a fault or no value. [°C]
    quality : (n,) array of uint8, or None
        Index into `QUALITIES` of what the instrument said; None if it says no more than the value does.
    """

    time_s: FloatArray
    value: FloatArray
    quality: ByteArray | None = None

    def __post_init__(self) -> None:
        if self.time_s.shape != self.value.shape or self.time_s.ndim != 1:
            msg = f"time_s {self.time_s.shape} and value {self.value.shape} must be one-dimensional and alike"
            raise ValueError(msg)
        if self.quality is not None and self.quality.shape != self.time_s.shape:
            msg = f"quality {self.quality.shape} must be as long as time_s {self.time_s.shape}"
            raise ValueError(msg)

    def where(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "Samples":
        """Return the readings chosen by a mask or by their indices."""
        quality = None if self.quality is None else self.quality[chosen]
        return Samples(self.time_s[chosen], self.value[chosen], quality)


@dataclass(frozen=True)
class Chunk:
    """What came in of one kiln: readings by channel name, complete up to `until_s`.

    `until_s` (Unix time, s) is how far the silence of a channel is known to be the instrument's own.
    """

    until_s: float
    channels: Mapping[str, Samples]
