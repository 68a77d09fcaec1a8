"""What an instrument has already said: QoS 1 and loggers with a memory say things twice."""

from collections import deque
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

REMEMBERED_MESSAGES: Final = 8192


def fingerprint(topic: str, at_ms: int | None, payload: bytes) -> bytes:
    """Return 8 bytes that name a message; `at_ms` tells apart equal lines of the hour that autumn has twice."""
    return blake2b(b"%s\0%d\0%s" % (topic.encode(), at_ms or 0, payload), digest_size=8).digest()


class Repeats:
    """The fingerprints of the last messages of one source."""

    def __init__(self, known: Iterable[bytes] = ()) -> None:
        self._in_order: deque[bytes] = deque()
        self._known: set[bytes] = set()
        for digest in known:
            self.is_news(digest)

    def is_news(self, digest: bytes) -> bool:
        """Say whether a message was not heard before, and remember it."""
        if digest in self._known:
            return False
        self._known.add(digest)
        self._in_order.append(digest)
        if len(self._in_order) > REMEMBERED_MESSAGES:
            self._known.discard(self._in_order.popleft())
        return True
