"""Bridges' posts are taken in rounds: what comes within some milliseconds is read in a row.

A village posts a thousand times a second, each bridge by itself. A post that is read alone finds the processor's caches
full of what the watch and the writer did meanwhile, and takes nearly twice as long as one that follows another.
"""

import asyncio
from collections.abc import Callable
from typing import Final

ROUND_S: Final = 0.02


class Rounds:
    """Calls those who have joined, all in one turn of the loop, at most `ROUND_S` later."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []

    def join(self, take: Callable[[], None]) -> None:
        """Be called in this round."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(ROUND_S, self._take)
        self._waiting.append(take)

    def _take(self) -> None:
        waiting, self._waiting = self._waiting, []
        for take in waiting:
            take()
