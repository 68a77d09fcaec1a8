"""Readings as the science takes them: arrays of one kiln, up to a moment that is vouched for."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """Readings of one channel.

    Parameters
    ----------
    time_s : (n,) array
        Unix time, as taken; need not increase, repeats are dropped downstream. [s]
    value : (n,) array
        The reading, NaN where the instrument reported a fault or no value. [°C]
    """

    time_s: FloatArray
    value: FloatArray

    def __post_init__(self) -> None:
        if self.time_s.shape != self.value.shape or self.time_s.ndim != 1:
            msg = f"time_s {self.time_s.shape} and value {self.value.shape} must be one-dimensional and alike"
            raise ValueError(msg)


@dataclass(frozen=True)
class Chunk:
    """What came in of one kiln: readings by channel name, complete up to `until_s`.

    `until_s` (Unix time, s) is how far the silence of a channel is known to be the instrument's own.
    """

    until_s: float
    channels: Mapping[str, Samples]
