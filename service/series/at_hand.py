"""Blocks that this process has just stored: gathering what is at hand reads nothing back.

Python gives its interpreter away at every row that SQLite hands it, and has to wait for it again: to read a village's
blocks back costs storing and watching more than all the rest of gathering.
"""

import threading
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from service.series.blocks import Appended

NEVER: Final = 2**63
MOST_BYTES: Final = 256_000_000  # payloads; a minute of a village has 90 MB


class Came(NamedTuple):
    """A block that may be gathered, still packed."""

    id: int
    readings: int
    payload: bytes


@dataclass
class _OfKiln:
    """Blocks of one kiln in the order of their ids; the lists go together."""

    ids: "array[int]" = field(default_factory=lambda: array("q"))
    readings: "array[int]" = field(default_factory=lambda: array("q"))
    payloads: list[bytes] = field(default_factory=list)


class AtHand:
    """Keeps blocks by kiln from when they are stored until they are gathered; called from any thread.

    Others may store too: it knows from which block on it has all, and nothing of what was before. If that is too much,
    the older half is dropped, and has to be read.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kilns: dict[int, _OfKiln] = {}
        self._after_id, self._upto_id = NEVER, NEVER  # all between them was added here
        self._bytes = 0

    def add(self, appended: Appended) -> None:
        """Take note of what this process has stored, in the order in which it was."""
        with self._lock:
            if appended.first_id != self._upto_id + 1:
                self._kilns, self._after_id, self._bytes = {}, appended.first_id - 1, 0
            elif self._bytes > self._most_bytes:
                self._after_id = (self._after_id + self._upto_id) // 2
                for kiln_id in list(self._kilns):
                    self._let_go(kiln_id, self._after_id)
            for number, kept in enumerate(appended.blocks, start=appended.first_id):
                of_kiln = self._kilns.get(kept.kiln_id)
                if of_kiln is None:
                    of_kiln = self._kilns[kept.kiln_id] = _OfKiln()
                of_kiln.ids.append(number)
                of_kiln.readings.append(kept.readings)
                of_kiln.payloads.append(kept.payload)
                self._bytes += len(kept.payload)
            self._upto_id = appended.first_id + len(appended.blocks) - 1

    def between(self, kiln_id: int, after_id: int, upto_id: int) -> list[Came] | None:
        """Return a kiln's blocks of (after_id, upto_id], or the first of them; None if one has to look on its shelf."""
        with self._lock:
            if after_id < self._after_id or upto_id > self._upto_id:
                return None
            of_kiln = self._kilns.get(kiln_id)
            if of_kiln is None:
                return None
            some = slice(bisect_right(of_kiln.ids, after_id), bisect_right(of_kiln.ids, upto_id))
            return list(map(Came, of_kiln.ids[some], of_kiln.readings[some], of_kiln.payloads[some])) or None

    def forget(self, kiln_id: int, upto_id: int) -> None:
        """Let go of a kiln's blocks that are gathered."""
        with self._lock:
            self._let_go(kiln_id, upto_id)

    def _let_go(self, kiln_id: int, upto_id: int) -> None:
        of_kiln = self._kilns.get(kiln_id)
        if of_kiln is None:
            return
        gone = bisect_right(of_kiln.ids, upto_id)
        self._bytes -= sum(map(len, of_kiln.payloads[:gone]))
        if gone == len(of_kiln.ids):
            del self._kilns[kiln_id]
        else:
            del of_kiln.ids[:gone], of_kiln.readings[:gone], of_kiln.payloads[:gone]
