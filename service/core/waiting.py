"""Readings of one channel that wait for their bin: in order of time, none twice."""

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

import numpy as np

from service.core.series import QUALITIES, FloatArray, Samples
from service.core.trail import Doubles

NO_VALUE: Final = QUALITIES.index("no_value")
NEAR: Final = 32  # readings of a bin, but for quick instruments: a whole log need not be searched for its end
SHUFFLED_SHARE: Final = 0.05  # own choice: a clock that is set goes back once


@dataclass(slots=True)
class Waiting:
    """Readings by time [s]: value [°C], 0 for none, and place in `QUALITIES`; the first `taken` wait no more.

    `newest_s` is the one that arrived last, whatever its time; `set_back` from when to when the clock went back in what
    was added last; `repeats_s` the times that came again, of readings not yet taken.

    Examples
    --------
    >>> waiting = Waiting()
    >>> waiting.add(Samples(np.arange(0.0, 60.0, 10.0), np.arange(20.0, 26.0)), since_s=0.0, ahead_s=3600.0)
    (0, 0)
    >>> waiting.take_before(30.0)
    ([0.0, 10.0, 20.0], [20.0, 21.0, 22.0], [0, 0, 0])
    """

    time_s: Doubles = field(default_factory=lambda: array("d"))
    value: Doubles = field(default_factory=lambda: array("d"))
    quality: list[int] = field(default_factory=list)
    taken: int = 0
    newest_s: float | None = None
    set_back: tuple[float, float] | None = None
    repeats_s: list[float] = field(default_factory=list)

    def add(self, samples: Samples, *, since_s: float, ahead_s: float) -> tuple[int, int]:
        """Take readings from `since_s` on and before `ahead_s` [s]; return how many came before and after that.

        Of those with one time the first is kept; order does not matter.
        """
        time_s, self.set_back = samples.time_s, None
        if not len(time_s):
            return 0, 0
        if since_s <= time_s[0] and time_s[-1] < ahead_s and self._goes_on(time_s):
            self._append(samples)
            self.newest_s = float(time_s[-1])
            return 0, 0
        late = time_s < since_s
        new = samples.where(~late & (time_s < ahead_s))
        is_disordered = not self._goes_on(new.time_s)
        self._append(new)
        has_repeats = is_disordered and self._put_in_order()
        if (is_disordered or late.any()) and not has_repeats:
            self.set_back = self._went_back(time_s)
        self.newest_s = float(time_s[-1])
        return int(late.sum()), len(time_s) - len(new.time_s) - int(late.sum())

    def _goes_on(self, time_s: FloatArray) -> bool:
        """Say whether all are later than what waits, each later than the one before."""
        if not len(time_s):
            return True
        is_after = not self.time_s or self.time_s[-1] < time_s[0]
        return bool(is_after) and np.count_nonzero(time_s[1:] > time_s[:-1]) == len(time_s) - 1

    def _append(self, samples: Samples) -> None:
        value = samples.value
        quality = [0] * len(value) if samples.quality is None else samples.quality.tolist()
        if np.count_nonzero(np.isfinite(value)) < len(value):
            quality = [said or (0 if isfinite(one) else NO_VALUE) for said, one in zip(quality, value, strict=True)]
            value = np.nan_to_num(value, nan=0.0, posinf=0.0, neginf=0.0)
        self.time_s.frombytes(np.asarray(samples.time_s, dtype=np.float64).tobytes())
        self.value.frombytes(np.asarray(value, dtype=np.float64).tobytes())
        self.quality += quality

    def _put_in_order(self) -> bool:
        """Put what waits in order of time, and drop and count repeats; say whether there were any."""
        time_s, quality = np.array(self.time_s), np.array(self.quality)
        order = np.argsort(time_s, kind="stable")
        is_repeat = np.diff(time_s[order], prepend=-np.inf) == 0
        self.repeats_s += time_s[order][is_repeat].tolist()
        kept = order[~is_repeat]
        self.value = array("d", np.array(self.value)[kept].tobytes())
        self.time_s, self.quality = array("d", time_s[kept].tobytes()), quality[kept].tolist()
        return bool(is_repeat.any())

    def _went_back(self, time_s: FloatArray) -> tuple[float, float] | None:
        """Return from when to when the clock went back most, in the order of arrival; a shuffle is a network's."""
        if self.newest_s is not None:
            time_s = np.append(self.newest_s, time_s)
        back_s = np.diff(time_s)
        if not 0 < (back_s < 0).sum() <= max(SHUFFLED_SHARE * len(back_s), 1):
            return None
        worst = int(back_s.argmin())
        return float(time_s[worst]), float(time_s[worst + 1])

    def take_before(self, end_s: float) -> tuple[list[float], list[float], list[int]]:
        """Take everything before a time [s]; return times, values and qualities."""
        begin, near = self.taken, self.taken + NEAR
        is_near = near < len(self.time_s) and self.time_s[near] >= end_s
        self.taken = end = bisect_left(self.time_s, end_s, begin, near if is_near else len(self.time_s))
        return self.time_s[begin:end].tolist(), self.value[begin:end].tolist(), self.quality[begin:end]

    def repeats_before(self, end_s: float) -> int:
        """Forget the repeats before a time [s]; return how many there were."""
        if not self.repeats_s:
            return 0
        count = len(self.repeats_s)
        self.repeats_s = [time_s for time_s in self.repeats_s if time_s >= end_s]
        return count - len(self.repeats_s)

    def forget_taken(self) -> None:
        """Drop what was taken."""
        del self.time_s[: self.taken], self.value[: self.taken], self.quality[: self.taken]
        self.taken = 0

    def newest_good(self) -> tuple[float, float] | None:
        """Return time [s] and value [°C] of the latest that has a value, None if none has."""
        for at in range(len(self.time_s) - 1, self.taken - 1, -1):
            if not self.quality[at]:
                return self.time_s[at], self.value[at]
        return None

    def first_s(self) -> float | None:
        """Return the earliest time that waits [s]."""
        return self.time_s[self.taken] if self.taken < len(self.time_s) else None
