"""Which numbers have come, as runs without holes: what newest-first back-fill leaves is a run or two."""

from bisect import bisect_right


class Runs:
    """A set of numbers from 1 on.

    Examples
    --------
    >>> runs = Runs()
    >>> runs.add(1, 3)
    >>> for number in (9, 5, 4):
    ...     runs.add(number)
    >>> 5 in runs, 6 in runs, runs.mark
    (True, False, 5)
    """

    def __init__(self) -> None:
        self._runs: list[tuple[int, int]] = []  # (first, last), in order and apart

    def __contains__(self, number: int) -> bool:
        if not self._runs or number > self._runs[-1][1]:
            return False
        at = self._before(number)
        return at >= 0 and number <= self._runs[at][1]

    def _before(self, number: int) -> int:
        """Return the place of the last run that begins at or before a number; -1 if there is none."""
        return bisect_right(self._runs, number, key=lambda run: run[0]) - 1

    def add(self, first: int, last: int | None = None) -> None:
        """Add one number, or all from `first` to `last`; runs that touch become one."""
        last = first if last is None else last
        if self._runs and self._runs[-1][1] == first - 1:  # the next one, as nearly always
            self._runs[-1] = (self._runs[-1][0], last)
            return
        begin = self._before(first)
        begin += begin < 0 or self._runs[begin][1] < first - 1
        end = self._before(last + 1) + 1
        if begin < end:
            first, last = min(first, self._runs[begin][0]), max(last, self._runs[end - 1][1])
        self._runs[begin:end] = [(first, last)]

    @property
    def has_gap(self) -> bool:
        """Say whether a number is missing below one that has come."""
        return len(self._runs) > 1 or self.mark == 0

    @property
    def islands(self) -> list[tuple[int, int]]:
        """Return first and last of the runs above the mark."""
        return self._runs[self.mark > 0 :]

    @property
    def mark(self) -> int:
        """Return the number up to and with which all have come; 0 if 1 has not."""
        return self._runs[0][1] if self._runs and self._runs[0][0] == 1 else 0
