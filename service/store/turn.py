"""Writers of one process go one after the other, as they came.

SQLite's own way of waiting is to sleep, and to find it busy again; a plain lock goes again and again to whoever has
just had it.
"""

import threading
from collections import deque
from typing import Final

from service.errors import BusyError

TURN_WITHIN_S: Final = 15.0


class Turn:
    """A lock that goes to whoever has waited longest."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Lock] = deque()

    def take(self) -> None:
        """Wait for it.

        Raises
        ------
        BusyError
            If it does not come in time.
        """
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return
            called = threading.Lock()
            called.acquire()
            self._waiting.append(called)
        if called.acquire(timeout=TURN_WITHIN_S):
            return
        with self._guard:
            if called in self._waiting:
                self._waiting.remove(called)
                msg = f"others were writing for {TURN_WITHIN_S:.0f} s; try again in some seconds"
                raise BusyError(msg)

    def give_on(self) -> None:
        """Let the next one have it."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False
