"""A condition that must last before it is said, and be gone for a while before it is over."""

from dataclasses import dataclass, field
from enum import StrEnum

Evidence = dict[str, float | str | None]


class Turn(StrEnum):
    """What one look changed."""

    NOTHING = "nothing"
    OPENED = "opened"
    CLOSED = "closed"


@dataclass(slots=True)
class Standing:
    """Hysteresis in time and in level, so that a finding at its limit does not chatter.

    Parameters
    ----------
    since_s : float or None
        When the condition began; a finding made of it starts there. [s]
    over_s : float or None
        Since when it is gone; a finding made of it ends there. [s]
    is_open : bool
        It has lasted long enough to be said.
    evidence : dict
        What was measured when it was at its worst.

    Examples
    --------
    >>> hot = Standing()
    >>> [hot.look(t, is_so=True, is_gone=False, after_s=60, until_s=60).value for t in (0, 30, 60)]
    ['nothing', 'nothing', 'opened']
    >>> [hot.look(t, is_so=False, is_gone=True, after_s=60, until_s=60).value for t in (90, 120, 150)]
    ['nothing', 'nothing', 'closed']
    >>> hot.since_s, hot.over_s
    (0, 90)
    """

    since_s: float | None = None
    over_s: float | None = None
    is_open: bool = False
    evidence: Evidence = field(default_factory=dict)

    def look(self, now_s: float, *, is_so: bool, is_gone: bool, after_s: float, until_s: float) -> Turn:
        """Look once more: it opens after `after_s` of being so, and closes after `until_s` of being gone [s].

        Between `is_so` and `is_gone` what is open stays open, and what is not forgets that it began.
        """
        if not self.is_open:
            if not is_so:
                self.clear()
                return Turn.NOTHING
            self.since_s = now_s if self.since_s is None else self.since_s
            self.is_open = now_s - self.since_s >= after_s
            return Turn.OPENED if self.is_open else Turn.NOTHING
        if not is_gone:
            self.over_s = None
            return Turn.NOTHING
        self.over_s = now_s if self.over_s is None else self.over_s
        return Turn.CLOSED if now_s - self.over_s >= until_s else Turn.NOTHING

    def clear(self) -> None:
        """Forget everything."""
        self.since_s, self.over_s, self.is_open, self.evidence = None, None, False, {}


def since(since_s: float | None, now_s: float, *, is_so: bool) -> float | None:
    """Return since when something has been so without a break, None if it is not [s].

    Examples
    --------
    >>> since(None, 30.0, is_so=True), since(30.0, 60.0, is_so=True), since(30.0, 60.0, is_so=False)
    (30.0, 30.0, None)
    """
    if not is_so:
        return None
    return now_s if since_s is None else since_s
