"""The clock that loops read; everything else takes `now`."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
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

    def span(self, machine_s: float) -> timedelta:
        """Return how much of this clock's time passes while the machine works for `machine_s` seconds.

        Disks, networks and schedulers delay by real time whatever the rate, so allowances for them go through here.
        """
        return timedelta(seconds=machine_s * self.rate)
