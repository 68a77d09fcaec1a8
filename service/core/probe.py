"""One channel as its readings come in: what waits, what was last said, and the last half hour in bins."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from math import hypot, inf, isfinite
from operator import itemgetter, lt
from typing import Any, Final, NamedTuple, TypeGuard

import numpy as np

from service.core.curve import MIN_POINTS, median, rate_c_per_h, slope_c_per_h
from service.core.rate import RateFilter
from service.core.series import QUALITIES, Samples
from service.core.trail import Trail

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
RAIL_STEP_C: Final = 50.0
NEAR: Final = 32  # readings of a bin, but for quick instruments: a whole log need not be searched for its end
SHUFFLED_SHARE: Final = 0.05  # own choice: a clock that is set goes back once
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
    readings : tuple of (time, value)
        All that were good. [s], [°C]
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
    readings: tuple[tuple[float, float], ...]
    rate_before_c_per_h: float | None = None


@dataclass
class Probe:
    """State of one channel; all times are Unix times in s, all values °C.

    What waits is a value, the name of a fault, or None for no value without a reason; the first `judged` of them wait
    no more, and are dropped together by `forget_judged`. Of the last finished bin, `faults` are (time, what, value or
    None) and `repeats` the readings whose time had been said before. `silent_s` is how long without a good reading the
    channel is silent: 300 s, or three of its usual intervals. `set_back` is from when to when the clock went back in
    what was added last.

    Examples
    --------
    >>> import numpy as np
    >>> probe = Probe()
    >>> probe.add(Samples(np.arange(0.0, 60.0, 5.0), np.arange(20.0, 32.0)), since_s=0.0, ahead_s=3600.0)
    (0, 0)
    >>> probe.finish_bin(30.0).value_c, probe.finish_bin(60.0).value_c
    (22.5, 28.5)
    """

    pending: list[tuple[float, float | str | None]] = field(default_factory=list)
    judged: int = 0
    newest_is_fault: bool = False
    taken_s: float | None = None
    set_back: tuple[float, float] | None = None
    repeats_s: list[float] = field(default_factory=list)
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
        """Take readings from `since_s` on and before `ahead_s`; return how many came before and after that.

        Repeated times are dropped, the first is kept; order does not matter.
        """
        times_s: list[float] = samples.time_s.tolist()
        new = list(zip(times_s, _said(samples), strict=True))
        if times_s and not (since_s <= min(times_s) and max(times_s) < ahead_s):
            new = [reading for reading in new if since_s <= reading[0] < ahead_s]
        refused = len(samples.time_s) - len(new)
        late = int((samples.time_s < since_s).sum()) if refused else 0
        start = max(len(self.pending) - 1, 0)
        self.pending += new
        repeats: set[int] = set()
        stamps = [time_s for time_s, _ in self.pending[start:]]
        is_disordered = not all(map(lt, stamps, stamps[1:]))
        if is_disordered:
            self.pending.sort(key=itemgetter(0))
            repeats = {i for i, (early, after) in enumerate(pairwise(self.pending), 1) if early[0] == after[0]}
            self.repeats_s += [self.pending[i][0] for i in sorted(repeats)]
            self.pending = [reading for i, reading in enumerate(self.pending) if i not in repeats]
        self.set_back = self._went_back(samples) if (is_disordered or late) and not repeats else None
        if len(samples.time_s):
            self.taken_s = float(samples.time_s[-1])
        if self.pending:
            self.newest_is_fault = not isinstance(self.pending[-1][1], float)
        return late, refused - late

    def _went_back(self, samples: Samples) -> tuple[float, float] | None:
        """Return from when to when the clock went back most, in the order of arrival; a shuffle is a network's."""
        time_s = samples.time_s if self.taken_s is None else np.append(self.taken_s, samples.time_s)
        back_s = np.diff(time_s)
        if not 0 < (back_s < 0).sum() <= max(SHUFFLED_SHARE * len(back_s), 1):
            return None
        worst = int(back_s.argmin())
        return float(time_s[worst]), float(time_s[worst + 1])

    def finish_bin(self, end_s: float) -> BinValue | None:
        """Take everything before `end_s` out of what waits; return what it says, None if nothing good is in it."""
        near = self.judged + NEAR
        is_near = near < len(self.pending) and self.pending[near][0] >= end_s
        cut = bisect_left(self.pending, (end_s,), self.judged, near if is_near else len(self.pending))
        said = self.pending[self.judged : cut]
        self.judged = cut
        self.repeats = sum(time_s < end_s for time_s in self.repeats_s)
        self.repeats_s = [time_s for time_s in self.repeats_s if time_s >= end_s]
        self.faults = []
        good = said if _are_plain(said) else self._sift(said)
        if not good:
            return None
        before = None if self.last_s is None else (self.last_s, self.last_c)
        moved_s, steps = self._walk(good)
        times_s, values_c = zip(*good, strict=True)
        bin_value = BinValue(
            time_s=sum(times_s) / len(good),
            value_c=median(values_c),
            first_s=good[0][0],
            before=before,
            moved_s=moved_s,
            still_since_s=self.still_since_s,
            steps=tuple(steps),
            readings=tuple(good),
            rate_before_c_per_h=self._rate_before(good[0][0]),
        )
        stamps = times_s[-INTERVALS - 1 :] if before is None or len(good) > INTERVALS else (before[0], *times_s)
        self.intervals_s = [*self.intervals_s, *(late - early for early, late in pairwise(stamps))][-INTERVALS:]
        self.silent_s = max(SILENT_S, SILENT_INTERVALS * median(self.intervals_s)) if self.intervals_s else SILENT_S
        self._follow(bin_value)
        return bin_value

    def forget_judged(self) -> None:
        """Drop the readings whose bins are finished."""
        del self.pending[: self.judged]
        self.judged = 0

    def first_waiting_s(self) -> float | None:
        """Return the time of the earliest reading that is not yet judged [s]."""
        return self.pending[self.judged][0] if self.judged < len(self.pending) else None

    def _rate_before(self, now_s: float) -> float | None:
        """Return the rate up to now; before a silence that of half an hour, for a flame flickers [°C/h]."""
        if len(self.trail) and now_s - self.trail.last[0] > SILENT_S:
            return rate_c_per_h(self.trail.points())
        return self.rate_c_per_h

    def _sift(self, said: list[tuple[float, float | str | None]]) -> list[tuple[float, float]]:
        """Return the readings that are measurements; keep the others as faults."""
        good: list[tuple[float, float]] = []
        level_c = None if self.last_s is None else self.last_c
        for time_s, value in said:
            if isinstance(value, float):
                what = _what_is_wrong(value, level_c)
                if what is None:
                    good.append((time_s, value))
                    level_c = value
                else:
                    self.faults.append((time_s, what, value))
            elif value is not None:
                self.faults.append((time_s, value, None))
        return good

    def _walk(self, good: list[tuple[float, float]]) -> tuple[float | None, list[Step]]:
        """Go from reading to reading; return the first time at which the value changed, and the large steps."""
        moved_s: float | None = None
        steps: list[Step] = []
        last_s, last_c, finest_c = self.last_s, self.last_c, self.resolution_c or inf
        silent_s, still_since_s, step_c = self.silent_s, self.still_since_s, STEP_C
        if last_s is None:
            last_s, last_c = good[0]
            still_since_s = last_s
        for time_s, value in good:  # every reading comes by here: no attribute, no call that can be spared
            if value != last_c or time_s - last_s > silent_s:
                size_c = value - last_c if value > last_c else last_c - value
                if size_c > step_c:
                    steps.append(Step(last_s, time_s, last_c, value))
                elif size_c < finest_c and size_c:
                    finest_c = size_c
                if moved_s is None:
                    moved_s = time_s
                still_since_s = time_s
            last_s, last_c = time_s, value
        self.last_s, self.last_c, self.still_since_s = last_s, last_c, still_since_s
        self.resolution_c = None if finest_c == inf else finest_c
        return moved_s, steps

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
        for time_s, value in reversed(self.pending):
            if isinstance(value, float):
                return time_s, value
        return (None, None) if self.last_s is None else (self.last_s, self.last_c)

    def is_current(self, now_s: float) -> bool:
        """Say whether the last good reading is recent enough to stand for now."""
        return self.last_s is not None and now_s - self.last_s <= self.silent_s

    def moved_c(self, now_s: float, window_s: float) -> float | None:
        """Return how far the value has gone in the last `window_s` [s]; None if it is not known that far back [°C]."""
        since = self.trail.since(now_s - window_s)
        if not since or since[0][0] > now_s - window_s + self.silent_s or not self.is_current(now_s):
            return None
        return since[-1][1] - since[0][1]


def _said(samples: Samples) -> list[float | str | None]:
    """Return each reading as its value, the name of its fault, or None."""
    values = samples.value.tolist()
    if samples.quality is None:
        return values if isfinite(sum(values)) else [value if isfinite(value) else None for value in values]
    return [
        QUALITIES[quality] if quality else value if isfinite(value) else None
        for value, quality in zip(values, samples.quality.tolist(), strict=True)
    ]


def _are_plain(said: list[tuple[float, float | str | None]]) -> TypeGuard[list[tuple[float, float]]]:
    """Say whether all are values that a kiln can have; nearly always, so it has to be quick."""
    values: list[Any] = [value for _, value in said]
    try:
        return bool(values) and LOWEST_C < min(values) and max(values) < HIGHEST_C and RAILS_C.isdisjoint(values)
    except TypeError:  # the name of a fault, or no value
        return False


def _what_is_wrong(value_c: float, level_c: float | None) -> str | None:
    """Say what a value is if it is no measurement, seen from the last that was; None if it may be one."""
    if value_c in RAILS_C:
        is_reachable = LOWEST_C < value_c < HIGHEST_C
        came_from_c = 0.0 if level_c is None else level_c
        if is_reachable and abs(value_c - came_from_c) <= RAIL_STEP_C:
            return None
        return "zero" if value_c == 0.0 else "full_scale"
    return None if LOWEST_C < value_c < HIGHEST_C else "implausible"
