"""Limits on guessing and asking: so many tries for a key, refilled with time."""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from service.busy import place
from service.errors import BusyError, TooManyError

MAX_KEYS: Final = 10_000
# Of one person or token, and one more every so often: a page asks for a dozen when it opens, and a program that asks
# for all the charts it can get must not keep others from theirs.
MOST_REQUESTS: Final = 1200
REQUEST_EVERY_S: Final = 0.05
MOST_LOGS: Final = 4  # that are received at once: each is tens of megabytes on the disk
MOST_FILES: Final = 2  # that are handed out at once: the readings of each are in memory until the last is sent
_logs = threading.BoundedSemaphore(MOST_LOGS)
_files = threading.BoundedSemaphore(MOST_FILES)


def receiving_log() -> AbstractContextManager[None]:
    """Hold a place for a log that is sent, before any of it is read; one under a key of its own takes two."""
    return place(_logs, "other logs are being sent at this moment; try again in a minute")


def handing_out() -> AbstractContextManager[None]:
    """Hold a place for a file that is handed out, before any of it is read."""
    return place(_files, "other files are being handed out at this moment; try again in a minute")


@dataclass
class TryLimit:
    """A token bucket for each key: `tries` at once, one more every `refill_s`."""

    tries: int
    refill_s: float
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, key: str) -> None:
        """Take one try of this key; raise TooManyError when none is left."""
        now_s = time.monotonic()
        with self._lock:
            left, at_s = self._left.get(key, (float(self.tries), now_s))
            left = min(float(self.tries), left + (now_s - at_s) / self.refill_s)
            if left < 1:
                wait_s = ceil(self.refill_s * (1 - left))
                msg = f"too many at once; wait {wait_s} s and try again"
                raise TooManyError(msg, wait_s)
            self._left.pop(key, None)
            if len(self._left) >= MAX_KEYS:
                del self._left[next(iter(self._left))]  # the one that tried longest ago
            self._left[key] = (left - 1, now_s)

    @contextmanager
    def trying(self, key: str) -> Iterator[None]:
        """Take one try for what is done here; if there was no room to do it, that was none."""
        self.spend(key)
        try:
            yield
        except BusyError:
            self.give_back(key)
            raise

    def give_back(self, key: str) -> None:
        """Count the last try of this key as none: it was not a guess."""
        with self._lock:
            left, at_s = self._left.get(key, (float(self.tries), 0.0))
            self._left[key] = (min(float(self.tries), left + 1), at_s)
