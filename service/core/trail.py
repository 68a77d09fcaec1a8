"""Where a quantity has been lately: points of time and value, in a tenth of the memory of a list of pairs."""

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

Point = tuple[float, float]
if TYPE_CHECKING:
    Doubles = array[float]
else:  # Python 3.11 has no array[float]
    Doubles = array


@dataclass(slots=True)
class Trail:
    """Points in order of time; the oldest are forgotten.

    Examples
    --------
    >>> trail = Trail()
    >>> for minute in range(100):
    ...     trail.add(60.0 * minute, float(minute), keep_s=300.0)
    >>> len(trail), trail.last, trail.since(5900.0)
    (6, (5940.0, 99.0), [(5940.0, 99.0)])
    """

    time_s: Doubles = field(default_factory=lambda: array("d"))
    value: Doubles = field(default_factory=lambda: array("d"))

    def __len__(self) -> int:
        return len(self.time_s)

    def add(self, time_s: float, value: float, *, keep_s: float) -> None:
        """Take in the next point, and forget what is more than `keep_s` before it [s]."""
        self.time_s.append(time_s)
        self.value.append(value)
        gone = 0
        while self.time_s[gone] < time_s - keep_s:
            gone += 1
        if gone:
            del self.time_s[:gone], self.value[:gone]

    @property
    def last(self) -> Point:
        """The newest point; there must be one."""
        return self.time_s[-1], self.value[-1]

    def points(self) -> list[Point]:
        """Return all of it."""
        return list(zip(self.time_s, self.value, strict=True))

    def since(self, from_s: float, *, to_s: float = float("inf")) -> list[Point]:
        """Return the points from one time to another, both included [s]."""
        begin, end = bisect_left(self.time_s, from_s), bisect_right(self.time_s, to_s)
        return list(zip(self.time_s[begin:end], self.value[begin:end], strict=True))

    def after(self, from_s: float) -> list[Point]:
        """Return the points later than a time [s]."""
        begin = bisect_right(self.time_s, from_s)
        return list(zip(self.time_s[begin:], self.value[begin:], strict=True))
