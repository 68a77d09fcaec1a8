"""One channel as its readings come in: what waits, what was last said, and the last half hour in bins."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from math import hypot, inf
from operator import sub
from typing import Final, NamedTuple

from service.core.curve import MIN_POINTS, median, middle, rate_c_per_h, slope_c_per_h
from service.core.rate import RateFilter
from service.core.series import QUALITIES, Samples
from service.core.trail import Trail
from service.core.waiting import Waiting

BIN_S: Final = 30.0  # own choice: at 150 °C/h a kiln moves 1 °C in it
TRAIL_S: Final = 1860.0  # half an hour and a bin: as far back as a rule on one probe looks
RATE_WINDOW_S: Final = 600.0  # own choice: steady to a few °C/h with instruments of 1 °C, and no slower than a person
SILENT_S: Final = 300.0  # own choice: at 150 °C/h the kiln has moved 12 °C unseen
# A log of a reading an hour is not silent between them: so many of its usual intervals have to pass. Own choices.
SILENT_INTERVALS: Final = 3.0
INTERVALS: Final = 5  # the usual one is the median of the last five
INTERVALS_KNOWN: Final = 3
STEP_C: Final = 10.0  # a step between two readings below this is never looked at
# No potters' kiln is outside this, and no air in a workshop: such a value is the instrument's. Own choice.
LOWEST_C: Final = -50.0
HIGHEST_C: Final = 1500.0
# What instruments show for want of a measurement: nothing at all, or the end of their scale (MAX6675 1023.75, type K
# 1372, MAX31855 2047.75). A kiln can pass through some of these, but not from 50 °C away in one reading.
RAILS_C: Final = frozenset((0.0, -200.0, -270.0, 1023.75, 1024.0, 1372.0, 2047.0, 2047.75, 3276.7))
ORDERED_RAILS_C: Final = sorted(RAILS_C)
RAIL_STEP_C: Final = 50.0
AHEAD_S: Final = 3600.0  # a reading later than what is vouched for by more than this has a wrong clock


@dataclass(frozen=True)
class Step:
    """Two good readings in a row, far apart in value."""

    start_s: float
    end_s: float
    from_c: float
    to_c: float


class BinValue(NamedTuple):
    """What one channel said in one bin.

    Parameters
    ----------
    time_s, value_c : float
        Mean time and median of the good readings. [s], [°C]
    first_s : float
        The first good reading. [s]
    before : (time, value) or None
        The good reading before it. [s], [°C]
    moved_s, still_since_s : float or None, float
        First reading that differed from the one before; since when it did not. [s]
    steps : tuple of Step
        Steps above 10 °C.
    readings_s, readings_c : sequence of float
        Times and values of all that were good. [s], [°C]
    rate_before_c_per_h : float or None
        The probe's rate as it was before this bin; over half an hour if there was silence between. [°C/h]
    """

    time_s: float
    value_c: float
    first_s: float
    before: tuple[float, float] | None
    moved_s: float | None
    still_since_s: float
    steps: tuple[Step, ...]
    readings_s: Sequence[float]
    readings_c: Sequence[float]
    rate_before_c_per_h: float | None = None


@dataclass
class Probe:
    """State of one channel; all times are Unix times in s, all values °C.

    Of the last finished bin, `faults` are (time, what, value or None) and `repeats` the readings whose time had been
    said before. `silent_s` is how long without a good reading the channel is silent: 300 s, or three of its usual
    intervals.

    Examples
    --------
    >>> import numpy as np
    >>> probe = Probe()
    >>> probe.add(Samples(np.arange(0.0, 60.0, 5.0), np.arange(20.0, 32.0)), since_s=0.0, ahead_s=3600.0)
    (0, 0)
    >>> probe.finish_bin(30.0).value_c, probe.finish_bin(60.0).value_c
    (22.5, 28.5)
    """

    waiting: Waiting = field(default_factory=Waiting)
    newest_is_fault: bool = False
    repeats: int = 0
    faults: list[tuple[float, str, float | None]] = field(default_factory=list)
    last_s: float | None = None
    last_c: float = 0.0
    still_since_s: float = 0.0
    resolution_c: float | None = None
    intervals_s: list[float] = field(default_factory=list)
    silent_s: float = SILENT_S
    trail: Trail = field(default_factory=Trail)
    rate_c_per_h: float | None = None
    filtered: RateFilter = field(default_factory=RateFilter)
    base: tuple[float, float] | None = None
    base_left_s: float = 0.0
    risen_since_s: float | None = None

    def add(self, samples: Samples, *, since_s: float, ahead_s: float) -> tuple[int, int]:
        """Take readings from `since_s` on and before `ahead_s`; return how many came before and after that."""
        refused = self.waiting.add(samples, since_s=since_s, ahead_s=ahead_s)
        if self.waiting.quality:
            self.newest_is_fault = self.waiting.quality[-1] != 0
        return refused

    def finish_bin(self, end_s: float) -> BinValue | None:
        """Take everything before `end_s` out of what waits; return what it says, None if nothing good is in it."""
        times_s, values_c, qualities = self.waiting.take_before(end_s)
        self.repeats = self.waiting.repeats_before(end_s)
        self.faults = []
        ordered_c = sorted(values_c)
        if not _are_plain(ordered_c, qualities):
            times_s, values_c = self._sift(times_s, values_c, qualities)
            ordered_c = sorted(values_c)
        if not times_s:
            return None
        before = None if self.last_s is None else (self.last_s, self.last_c)
        moved_s, steps = self._walk(times_s, values_c)
        bin_value = BinValue(
            time_s=sum(times_s) / len(times_s),
            value_c=middle(ordered_c),
            first_s=times_s[0],
            before=before,
            moved_s=moved_s,
            still_since_s=self.still_since_s,
            steps=tuple(steps),
            readings_s=times_s,
            readings_c=values_c,
            rate_before_c_per_h=self._rate_before(times_s[0]),
        )
        stamps = times_s[-INTERVALS - 1 :] if before is None or len(times_s) > INTERVALS else [before[0], *times_s]
        self.intervals_s = [*self.intervals_s, *map(sub, stamps[1:], stamps)][-INTERVALS:]
        is_frequent = SILENT_INTERVALS * max(self.intervals_s, default=0.0) <= SILENT_S
        self.silent_s = SILENT_S if is_frequent else max(SILENT_S, SILENT_INTERVALS * median(self.intervals_s))
        self._follow(bin_value)
        return bin_value

    def _rate_before(self, now_s: float) -> float | None:
        """Return the rate up to now; before a silence that of half an hour, for a flame flickers [°C/h]."""
        if len(self.trail) and now_s - self.trail.last[0] > SILENT_S:
            return rate_c_per_h(self.trail.points())
        return self.rate_c_per_h

    def _sift(
        self, times_s: list[float], values_c: list[float], qualities: list[int]
    ) -> tuple[list[float], list[float]]:
        """Return times and values of the readings that are measurements; keep the others as faults."""
        good_s: list[float] = []
        good_c: list[float] = []
        level_c = None if self.last_s is None else self.last_c
        for time_s, value_c, quality in zip(times_s, values_c, qualities, strict=True):
            what = QUALITIES[quality] if quality else _what_is_wrong(value_c, level_c)
            if what is None:
                good_s.append(time_s)
                good_c.append(value_c)
                level_c = value_c
            else:
                self.faults.append((time_s, what, None if quality else value_c))
        return good_s, good_c

    def _walk(self, times_s: list[float], values_c: list[float]) -> tuple[float | None, list[Step]]:
        """Go from reading to reading; return the first time at which the value changed, and the large steps."""
        if self.last_s is None:
            self.last_s, self.last_c, self.still_since_s = times_s[0], values_c[0], times_s[0]
        befores_s, befores_c = [self.last_s, *times_s], [self.last_c, *values_c]
        sizes_c = list(map(abs, map(sub, values_c, befores_c)))  # every reading comes by here: no loop of Python
        steps: list[Step] = []
        if max(sizes_c) > STEP_C:
            pairs = zip(befores_s, times_s, befores_c, values_c, strict=False)
            steps = [Step(*pair) for pair, size_c in zip(pairs, sizes_c, strict=False) if size_c > STEP_C]
        finest_c = min(filter(None, sizes_c), default=inf)
        if finest_c <= STEP_C and finest_c < (self.resolution_c or inf):
            self.resolution_c = finest_c
        stirred: Sequence[float] = sizes_c
        if times_s[-1] - self.last_s > self.silent_s:
            waited_s = map(sub, times_s, befores_s)
            stirred = [size_c or one_s > self.silent_s for size_c, one_s in zip(sizes_c, waited_s, strict=True)]
        changed_s = list(compress(times_s, stirred))
        if changed_s:
            self.still_since_s = changed_s[-1]
        self.last_s, self.last_c = times_s[-1], values_c[-1]
        return (changed_s[0] if changed_s else None), steps

    def _follow(self, value: BinValue) -> None:
        self.trail.add(value.time_s, value.value_c, keep_s=TRAIL_S)
        self.filtered.add(value.time_s, value.value_c)
        trail = self.trail
        begin = min(bisect_right(trail.time_s, value.time_s - RATE_WINDOW_S), len(trail) - MIN_POINTS)
        self.rate_c_per_h = None if begin < 0 else slope_c_per_h(trail.time_s[begin:], trail.value[begin:])

    @property
    def rate_sd_c_per_h(self) -> float | None:
        """How sure the rate is: a filter's own doubt, and how far the quicker filter is from it [°C/h]."""
        if self.rate_c_per_h is None:
            return None
        return hypot(self.filtered.sd_c_per_h, self.filtered.rate_c_per_h - self.rate_c_per_h)

    def newest_good(self) -> tuple[float | None, float | None]:
        """Return time and value of the newest good reading, judged or not: [s], [°C]."""
        newest = self.waiting.newest_good()
        return newest or ((None, None) if self.last_s is None else (self.last_s, self.last_c))

    def is_current(self, now_s: float) -> bool:
        """Say whether the last good reading is recent enough to stand for now."""
        return self.last_s is not None and now_s - self.last_s <= self.silent_s

    def moved_c(self, now_s: float, window_s: float) -> float | None:
        """Return how far the value has gone in the last `window_s` [s]; None if it is not known that far back [°C]."""
        since = self.trail.since(now_s - window_s)
        if not since or since[0][0] > now_s - window_s + self.silent_s or not self.is_current(now_s):
            return None
        return since[-1][1] - since[0][1]


def _are_plain(ordered_c: list[float], qualities: list[int]) -> bool:
    """Say whether all are values that a kiln can have, in order of size; nearly always, so it has to be quick."""
    if not ordered_c or any(qualities) or not LOWEST_C < ordered_c[0] or not ordered_c[-1] < HIGHEST_C:
        return False
    return bisect_left(ORDERED_RAILS_C, ordered_c[0]) == bisect_right(ORDERED_RAILS_C, ordered_c[-1])


def _what_is_wrong(value_c: float, level_c: float | None) -> str | None:
    """Say what a value is if it is no measurement, seen from the last that was; None if it may be one."""
    if value_c in RAILS_C:
        is_reachable = LOWEST_C < value_c < HIGHEST_C
        came_from_c = 0.0 if level_c is None else level_c
        if is_reachable and abs(value_c - came_from_c) <= RAIL_STEP_C:
            return None
        return "zero" if value_c == 0.0 else "full_scale"
    return None if LOWEST_C < value_c < HIGHEST_C else "implausible"
