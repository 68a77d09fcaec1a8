"""Many who ask the database the same kind of thing at one moment, in one question.

After a start every bridge of a village comes at once, and is unknown.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class _Question(Generic[K, V]):
    def __init__(self) -> None:
        self.keys: set[K] = set()
        self.answers: Mapping[K, V] | None = None


class Together(Generic[K, V]):
    """Asks in a thread for all keys that were wanted while the last question was under way."""

    def __init__(self, ask: Callable[[Collection[K]], Mapping[K, V]]) -> None:
        self._ask = ask
        self._next: _Question[K, V] = _Question()
        self._asking = asyncio.Lock()

    async def get(self, key: K) -> V | None:
        """Return what is known of a key; raise what asking raises."""
        question = self._next
        question.keys.add(key)
        async with self._asking:
            if question is self._next:
                self._next = _Question()
            if question.answers is None:  # or whoever came before has asked for us
                question.answers = await asyncio.to_thread(self._ask, question.keys)
        return question.answers.get(key)
