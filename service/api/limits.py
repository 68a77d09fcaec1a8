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
    _full_at_s: dict[str, float] = field(default_factory=dict)  # when each has all its tries again
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, key: str) -> None:
        """Take one try of this key; raise TooManyError when none is left."""
        now_s = time.monotonic()
        with self._lock:
            full_at_s = max(now_s, self._full_at_s.get(key, now_s))
            left = self.tries - (full_at_s - now_s) / self.refill_s
            if left < 1:
                wait_s = ceil(self.refill_s * (1 - left))
                msg = f"too many at once; wait {wait_s} s and try again"
                raise TooManyError(msg, wait_s)
            if len(self._full_at_s) >= MAX_KEYS:
                self._forget_fullest()
            self._full_at_s[key] = full_at_s + self.refill_s

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
            if key in self._full_at_s:
                self._full_at_s[key] -= self.refill_s

    def _forget_fullest(self) -> None:
        """Make room for a while, with those keys that have most of their tries: who may not try is forgotten last."""
        for key in sorted(self._full_at_s, key=self._full_at_s.__getitem__)[: MAX_KEYS // 10]:
            del self._full_at_s[key]
