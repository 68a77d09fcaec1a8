"""The life of an alarm: which findings ask for a person, and what new findings change. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from service.core.findings import Severity

# Findings that are kept and shown, but that nobody can do anything about at the kiln: the instrument sorts them out
# itself, or they say how the ware will be when the firing is over. Every other kind asks for a person, a new one too.
FOR_THE_RECORD: Final = frozenset({
    "clock_jump",
    "duplicate_readings",
    "thermocouple_noisy",
    "hold_long",
    "pinholing",
    "crazing",
    "copper_red_lost",
    "micro_crystals",
})  # fmt: skip

# What falls silent in one workshop within a minute has one cause: a line, an adapter, a bridge, the power. It asks for
# one look, and rings once for all of it; the moment that the others need to come to light is waited for.
OF_ONE_CAUSE: Final = frozenset({"sensor_silent", "bridge_silent"})
SAME_CAUSE_WITHIN: Final = timedelta(seconds=60)
GATHER_FOR: Final = timedelta(seconds=5)
# When some of them are back and others are not, this much later those ring anew.
REST_RINGS_AFTER: Final = timedelta(seconds=60)
# What falls silent much later is another matter, though it began then: a kiln that nobody fired until now.
JOINS_WITHIN: Final = timedelta(minutes=10)

# A loose wire or a weak link comes and goes all night. It rings so far apart, and once somebody knows, an hour later;
# what then holds for as long as the first of these rings all the same.
RINGS_APART: Final = timedelta(minutes=15)
TAKEN_ON_FOR: Final = timedelta(hours=1)

# What was over longer ago than this is history: it is shown, and rings no phone.
LATE_AFTER: Final = timedelta(minutes=15)

# A bridge that was cut off sends hours of readings in a minute. While they are worked through, what still holds in
# them may be long over; waiting this fraction of the delay lets the end come to light before a phone rings.
CATCH_UP_SPEED: Final = 300
LONGEST_HOLD: Final = timedelta(minutes=5)  # a bridge whose clock is wrong never catches up, and must ring all the same


@dataclass(frozen=True)
class Seen:
    """A finding as it is now; `key` is what makes it the same one the next time."""

    key: int
    kind: str
    severity: Severity
    ended_at: datetime | None


@dataclass(frozen=True)
class Known:
    """The alarm of one finding as it is written down; acknowledging changes nothing here."""

    key: int
    is_cleared: bool


@dataclass(frozen=True)
class Changes:
    """Keys of findings, by what happens to the alarm of each.

    A finding that is over when it is first seen is in `to_open` and in `to_clear`. `late` are those among the changed
    that were over so long ago that they are history: shown, and no phone rings for them.
    """

    to_open: tuple[int, ...] = ()
    to_reopen: tuple[int, ...] = ()
    to_clear: tuple[int, ...] = ()
    late: frozenset[int] = frozenset()

    @property
    def all(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys((*self.to_open, *self.to_reopen, *self.to_clear)))

    @property
    def to_ring(self) -> frozenset[int]:
        return frozenset((*self.to_open, *self.to_reopen)) - self.late


def asks_for_a_person(kind: str, severity: Severity) -> bool:
    return severity is not Severity.INFO and kind not in FOR_THE_RECORD


def reconcile(findings: Iterable[Seen], alarms: Iterable[Known], *, now: datetime, lateness: timedelta) -> Changes:
    """Return what these findings change; saying the same findings again changes nothing."""
    latest = {finding.key: finding for finding in findings}
    cleared = {alarm.key: alarm.is_cleared for alarm in alarms}
    to_open = [key for key, one in latest.items() if key not in cleared and asks_for_a_person(one.kind, one.severity)]
    to_reopen = [key for key, one in latest.items() if cleared.get(key) is True and one.ended_at is None]
    to_clear = [
        key for key, one in latest.items() if one.ended_at is not None and (key in to_open or cleared.get(key) is False)
    ]
    late = {key for key in to_clear if is_late(latest[key].ended_at, now=now, lateness=lateness)}
    return Changes(tuple(to_open), tuple(to_reopen), tuple(to_clear), frozenset(late))


def is_late(ended_at: datetime | None, *, now: datetime, lateness: timedelta) -> bool:
    return ended_at is not None and now - ended_at > lateness


def hold_before_ringing(*, now: datetime, reached_at: datetime, lateness: timedelta) -> timedelta:
    """Return how long a new alarm waits before it rings, when the readings it stands on end at `reached_at`."""
    behind = now - reached_at
    return min(behind / CATCH_UP_SPEED, LONGEST_HOLD) if behind > lateness else timedelta(0)


def rest_before_ringing(*, since_rung: timedelta | None, since_acknowledged: timedelta | None) -> timedelta:
    """Return how long what comes and goes waits before it rings, when that was last done so long ago.

    By then it may be over again, and does not ring.
    """
    rests = [RINGS_APART - since_rung] if since_rung is not None else []
    rests += [TAKEN_ON_FOR - since_acknowledged] if since_acknowledged is not None else []
    return min(max([timedelta(0), *rests]), RINGS_APART)
