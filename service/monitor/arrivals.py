"""What came in since the watch last looked: what this process has just stored is at hand, the rest is read."""

import threading
from collections import deque
from collections.abc import Callable, Collection
from typing import Final

from service.counters import BLOCKS_BEHIND
from service.series import blocks as series
from service.series.blocks import Appended, Arrived
from service.store.database import Database

BLOCKS_PER_LOOK: Final = 3000
MOST_BEHIND: Final = 20_000  # blocks: some seconds of a village, and a second or two of work
MOST_NOTED: Final = 3 * MOST_BEHIND


class Arrivals:
    """Goes through the blocks of all kilns once, in the order of their ids; `upto` is the newest that was given out.

    It is `in_step` unless so much is stored and not looked at that storing had better wait.
    """

    def __init__(self, database: Database) -> None:
        self.upto: int | None = None
        self.in_step = threading.Event()
        self.in_step.set()
        self._database = database
        self._noted: deque[Appended] = deque()
        self._stored_upto = self._looked_upto = 0

    def note(self, appended: Appended) -> None:
        """Take note of blocks that this process has just stored; called from any thread.

        It spares reading them back. Whatever is not noted, or noted too late, is read.
        """
        if not self._stored_upto:
            self._looked_upto = appended.first_id - 1  # what was there before is not behind, it is read kiln by kiln
        self._stored_upto = appended.first_id + len(appended.blocks) - 1
        if self._stored_upto - self._looked_upto <= MOST_NOTED:
            self._noted.append(appended)
        self._see_how_far_behind()

    def newest(self) -> int:
        """Return the id of the newest block."""
        with self._database.read() as session:
            return series.newest_id(session)

    def begin_after(self, block_id: int) -> None:
        """Begin after a block; what came before it is read kiln by kiln, where its analysis stopped."""
        self.upto = block_id

    def take(self, slots: Collection[int] | None, is_ours: Callable[[int], bool]) -> tuple[dict[int, Arrived], bool]:
        """Return what is new for the kilns of some slots, and whether there may be more."""
        upto = self.upto or 0
        noted = self._next_noted(upto)
        if noted:
            self.upto = upto + sum(len(one.blocks) for one in noted)
            return series.arrived(noted, is_ours), False
        with self._database.read() as session:
            arrived, self.upto, count = series.read_after(session, upto, slots, limit=BLOCKS_PER_LOOK)
        return arrived, count >= BLOCKS_PER_LOOK

    def looked_at(self) -> None:
        """Say that what was given out is looked at."""
        self._looked_upto = self.upto or 0
        self._see_how_far_behind()

    def _next_noted(self, upto: int) -> list[Appended]:
        """Return what was noted from just after a block on, up to where others have stored something in between."""
        found: list[Appended] = []
        while self._noted and self._noted[0].first_id <= upto + 1:
            one = self._noted.popleft()
            if one.first_id == upto + 1:
                found.append(one)
                upto += len(one.blocks)
        return found

    def _see_how_far_behind(self) -> None:
        behind = max(0, self._stored_upto - self._looked_upto)
        BLOCKS_BEHIND.set(behind)
        if behind > MOST_BEHIND:
            self.in_step.clear()
        else:
            self.in_step.set()
