"""The clock that loops read; everything else takes `now`. The service has one of the same kind."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

# The kernel and the service may be this far apart without either being wrong: an HTTP date has whole seconds.
AGREES_WITHIN: Final = timedelta(seconds=2)


@dataclass
class Clock:
    """UTC that can be moved and can run `rate` times faster, for replays and tests.

    With the defaults it is the machine's clock. A replay says: when the machine showed `machine_start_s` (Unix time)
    this clock showed `start_at`. Every process of one replay is given the same three values, so all agree.
    """

    rate: float = 1.0
    start_at: datetime | None = None
    machine_start_s: float = field(default=0.0)

    def now(self) -> datetime:
        """Return the time of this clock, aware, in UTC."""
        machine_s = time.time()
        if self.start_at is None:
            return datetime.fromtimestamp(machine_s, UTC)
        return self.start_at + timedelta(seconds=(machine_s - self.machine_start_s) * self.rate)

    @property
    def is_sure(self) -> bool:
        """Say whether the time is known; a clock that is not sure is put right later, and all it said with it."""
        return True

    def learn(self, true_now: datetime) -> timedelta:
        """Take over a time that is known to be right; return by how much this clock was moved."""
        return timedelta()

    def guess(self, likely_now: datetime) -> timedelta:
        """Go by somebody else's guess while nobody knows; return by how much this clock was moved."""
        return timedelta()

    def span(self, machine_s: float) -> timedelta:
        """Return how much of this clock's time passes while the machine works for `machine_s` seconds.

        Disks, networks and schedulers delay by real time whatever the rate, so allowances for them go through here.
        """
        return timedelta(seconds=machine_s * self.rate)


class SteadyClock(Clock):
    """The machine's time on a steady base: nothing that sets the machine's clock moves what is being recorded.

    It counts on from one moment by the time since the machine started, which no daylight saving, hand or time server
    can turn. A board without a battery wakes up in the past: until somebody knows better, its time is only a guess that
    never goes back behind `not_before`, the newest time that was ever recorded.
    """

    def __init__(
        self, not_before: datetime, wall: Callable[[], float] = time.time, steady: Callable[[], float] | None = None
    ) -> None:
        super().__init__()
        self._steady = steady or since_start_s
        self._base = max(datetime.fromtimestamp(wall(), UTC), not_before)
        self._base_s = self._steady()
        self._is_sure = False

    def now(self) -> datetime:
        """Return the time of this clock, aware, in UTC."""
        return self._base + timedelta(seconds=self._steady() - self._base_s)

    @property
    def is_sure(self) -> bool:
        """Say whether somebody who knows has told the time since the machine started."""
        return self._is_sure

    def learn(self, true_now: datetime) -> timedelta:
        """Take over a time that is known to be right; return by how much this clock was moved."""
        off = true_now - self.now()
        was_sure, self._is_sure = self._is_sure, True
        if was_sure and abs(off) <= AGREES_WITHIN:
            return timedelta()
        self._base += off
        return off

    def guess(self, likely_now: datetime) -> timedelta:
        """Go by somebody else's guess while nobody knows, but never back; return by how much this clock was moved."""
        off = likely_now - self.now()
        if self._is_sure or off <= AGREES_WITHIN:
            return timedelta()
        self._base += off
        return off


def since_start_s() -> float:
    """Return the seconds since the machine started, those asleep too, where the system counts them."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)
