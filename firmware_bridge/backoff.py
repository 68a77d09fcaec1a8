"""How long to wait before trying again."""

import asyncio
import random


class Backoff:
    """Waits that double up to a longest one, each shortened at random so that many bridges do not knock at once."""

    def __init__(self, *, first_s: float, longest_s: float) -> None:
        self.failures = 0
        self._first_s = first_s
        self._longest_s = longest_s

    def reset(self) -> None:
        self.failures = 0

    def next_s(self) -> float:
        """Return the next wait: between half of it and all of it."""
        whole_s = min(self._longest_s, self._first_s * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return whole_s * random.uniform(0.5, 1.0)  # noqa: S311 - nobody gains by guessing it

    async def wait(self, stop: asyncio.Event) -> None:
        """Wait; being told to stop ends it at once."""
        await wait_for_event(stop, self.next_s())


async def wait_for_event(event: asyncio.Event, timeout_s: float) -> bool:
    """Say whether the event came within the time.

    Not `asyncio.wait_for`: before Python 3.12 it loses a cancellation that comes together with the event.
    """
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
