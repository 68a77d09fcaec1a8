"""A firing schedule: to which temperatures, how fast, and how long to stay there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from service.core.series import FloatArray

ROOM_C: Final = 25.0
FULL_C_PER_H: Final = 300.0  # own choice: what "as fast as it can" is taken for where a time has to be told
HIGHEST_C: Final = 1500.0
LONGEST_S: Final = 30 * 86_400.0


@dataclass(frozen=True)
class Step:
    """One step: on to `target_c` [°C] at this rate [°C/h], None as fast as the kiln can; there for `hold_s` [s].

    Where one `may_pause`, standing still is part of the plan, for as long as one likes.

    Raises
    ------
    ValueError
        If the target is no kiln's, the rate is not above 0 or the hold is negative or longer than a month.
    """

    target_c: float
    rate_c_per_h: float | None
    hold_s: float = 0.0
    may_pause: bool = False

    def __post_init__(self) -> None:
        if not -50.0 <= self.target_c <= HIGHEST_C:
            msg = f"a target must be from -50 to {HIGHEST_C:.0f} °C, not {self.target_c}"
            raise ValueError(msg)
        if self.rate_c_per_h is not None and not 0.1 <= self.rate_c_per_h <= 1e5:
            msg = f"a rate must be from 0.1 to 100,000 °C/h, not {self.rate_c_per_h}"
            raise ValueError(msg)
        if not 0.0 <= self.hold_s <= LONGEST_S:
            msg = f"a hold must be from 0 to {LONGEST_S:.0f} s, not {self.hold_s}"
            raise ValueError(msg)


@dataclass(frozen=True)
class Schedule:
    """Steps in order, from `start_c` [°C] on.

    Raises
    ------
    ValueError
        If there is no step.

    Examples
    --------
    >>> bisque = Schedule((Step(120.0, 60.0, 1800.0), Step(1000.0, 150.0, 600.0)), start_c=20.0)
    >>> time_s, temp_c = bisque.corners()
    >>> (time_s / 3600).round(2).tolist(), temp_c.tolist()
    ([0.0, 1.67, 2.17, 8.03, 8.2], [20.0, 120.0, 120.0, 1000.0, 1000.0])
    """

    steps: tuple[Step, ...]
    start_c: float = ROOM_C
    name: str = ""
    begins_s: tuple[float, ...] = field(init=False)

    def __post_init__(self) -> None:
        if not self.steps:
            msg = "a schedule needs at least one step"
            raise ValueError(msg)
        begins, at_s, at_c = [], 0.0, self.start_c
        for step in self.steps:
            begins.append(at_s)
            at_s += abs(step.target_c - at_c) / (step.rate_c_per_h or FULL_C_PER_H) * 3600 + step.hold_s
            at_c = step.target_c
        object.__setattr__(self, "begins_s", (*begins, at_s))

    @property
    def total_s(self) -> float:
        """How long it takes from `start_c` to the end of its last step [s]."""
        return self.begins_s[-1]

    @property
    def top(self) -> int:
        """The last of the steps that go to the highest target."""
        highest_c = max(step.target_c for step in self.steps)
        return max(index for index, step in enumerate(self.steps) if step.target_c == highest_c)

    def from_c(self, index: int) -> float:
        """Return where a step begins [°C]."""
        return self.start_c if index == 0 else self.steps[index - 1].target_c

    def goes_up(self, index: int) -> bool:
        """Say whether a step goes up, or stays."""
        return self.steps[index].target_c >= self.from_c(index)

    def reached_after_s(self, index: int, temp_c: float) -> float:
        """Return after how long the schedule is at a temperature on its way through a step [s], [°C]."""
        step, from_c = self.steps[index], self.from_c(index)
        gone_c = min(abs(temp_c - from_c), abs(step.target_c - from_c))
        is_before = (temp_c < from_c) == self.goes_up(index) and temp_c != from_c
        return self.begins_s[index] + (0.0 if is_before else gone_c / (step.rate_c_per_h or FULL_C_PER_H) * 3600)

    def corners(self) -> tuple[FloatArray, FloatArray]:
        """Return the curve as corners of straight lines: [s] from its beginning, [°C]."""
        time_s, temp_c = [0.0], [self.start_c]
        for index, step in enumerate(self.steps):
            for at_s in (self.begins_s[index + 1] - step.hold_s, self.begins_s[index + 1]):
                if at_s > time_s[-1]:
                    time_s.append(at_s)
                    temp_c.append(step.target_c)
        return np.array(time_s), np.array(temp_c)


def from_corners(points: Sequence[tuple[float, float]], *, name: str = "") -> Schedule:
    """Return the schedule of a curve given by corners (time [s], temperature [°C]), in order of time.

    Raises
    ------
    ValueError
        If there are fewer than two corners, or time does not increase.

    Examples
    --------
    >>> from_corners([(0, 20), (3600, 120), (7200, 120)]).steps
    (Step(target_c=120.0, rate_c_per_h=100.0, hold_s=3600.0, may_pause=False),)
    """
    if len(points) < 2:
        msg = f"a curve needs at least two corners, not {len(points)}"
        raise ValueError(msg)
    steps: list[Step] = []
    for (begin_s, from_c), (end_s, to_c) in pairwise(points):
        if end_s < begin_s or (end_s == begin_s and to_c == from_c):
            msg = f"time must increase from corner to corner, but {end_s} s comes after {begin_s} s"
            raise ValueError(msg)
        lasts_s = end_s - begin_s
        if to_c != from_c:
            steps.append(Step(float(to_c), abs(to_c - from_c) / lasts_s * 3600 if lasts_s else None))
        elif steps:
            last = steps[-1]
            steps[-1] = Step(last.target_c, last.rate_c_per_h, last.hold_s + lasts_s)
        else:
            steps.append(Step(float(to_c), None, lasts_s))
    return Schedule(tuple(steps), float(points[0][1]), name)
