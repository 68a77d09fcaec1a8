"""Readings as arrays: what stands in blocks and in sealed hours, column by column."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from firmware_bridge.wire import Quality, Unit
from service.core.series import QUALITIES, ByteArray, FloatArray, Samples
from service.series.kept import KeptColumn

IntArray = npt.NDArray[np.int64]
_CODE: Final = {Quality(name): code for code, name in enumerate(QUALITIES)}


class Key(NamedTuple):
    """What a column holds; `kind` is "" for readings, "estimated" if their time is a guess, else what was rolled up."""

    channel: str
    unit: Unit
    kind: str = ""


class Readings(NamedTuple):
    """Readings of one column in order of time: Unix ms, value (NaN for none), and index into `QUALITIES`."""

    at_ms: IntArray
    value: FloatArray
    quality: ByteArray

    def where(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.intp] | slice) -> "Readings":
        """Return the readings chosen by a mask, by their indices or by a slice."""
        return Readings(self.at_ms[chosen], self.value[chosen], self.quality[chosen])

    def between(self, from_ms: int, to_ms: int) -> "Readings":
        """Return the readings in [from_ms, to_ms]."""
        first, last = np.searchsorted(self.at_ms, (from_ms, to_ms + 1))
        return self.where(np.s_[first:last])

    def copy(self) -> "Readings":
        """Return them in arrays of their own."""
        return Readings(self.at_ms.copy(), self.value.copy(), self.quality.copy())

    def samples(self) -> Samples:
        """Return them as the science takes them."""
        return Samples(self.at_ms / 1000, self.value, self.quality if self.quality.any() else None)


class Growing:
    """Readings of one column, put together as they are read: thousands of blocks need not be kept for it."""

    def __init__(self) -> None:
        self._at_ms: list[int] = []
        self._value: list[float | None] = []
        self._fault: dict[int, Quality] = {}

    def add(self, column: KeptColumn) -> None:
        """Go on with what came after."""
        for index, one in column.fault.items():
            self._fault[len(self._at_ms) + index] = one
        self._at_ms += column.at_ms
        self._value += column.value

    def readings(self) -> Readings:
        quality = np.zeros(len(self._at_ms), dtype=np.uint8)
        for index, one in self._fault.items():
            quality[index] = _CODE[one]
        return Readings(np.array(self._at_ms, dtype=np.int64), np.array(self._value, dtype=np.float64), quality)


def quality_of(columns: Collection[KeptColumn]) -> ByteArray | None:
    """Return what the instrument said of each reading, None if it found no fault."""
    if not any([column.fault for column in columns]):  # noqa: C419 - of few, and for every block that comes in
        return None
    quality = np.zeros(sum(len(column.at_ms) for column in columns), dtype=np.uint8)
    first = 0
    for column in columns:
        for index, one in column.fault.items():
            quality[first + index] = _CODE[one]
        first += len(column.at_ms)
    return quality


def in_order(parts: Iterable[Readings]) -> Readings:
    """Return readings in order of time, each time once.

    Of several at one time the first of the first part stays that has a value: one of two bridges may see a broken wire.
    """
    joined = Readings(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    if (joined.at_ms[1:] > joined.at_ms[:-1]).all():
        return joined
    order = np.lexsort((np.isnan(joined.value), joined.at_ms))
    return joined.where(order[np.flatnonzero(np.diff(joined.at_ms[order], prepend=-1))])


def added(old: Mapping[Key, Readings], new: Mapping[Key, Readings]) -> dict[Key, Readings]:
    """Return columns with what others say of other times."""
    return {**old, **{key: in_order([old[key], one] if key in old else [one]) for key, one in new.items()}}
