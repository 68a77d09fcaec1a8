"""Run a command: a siren, a lamp on a GPIO line, whatever the machine can do.

With `hold` it runs as long as the breach stands and is then ended: `gpioset` holds a line only while it lives.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from firmware_bridge.notice import ActionError, Notice

logger = logging.getLogger(__name__)

RUN_S: Final = 30.0
END_S: Final = 3.0


class Command:
    """The words of the notice are its last argument; nothing goes through a shell."""

    name = "command"

    def __init__(self, words: Sequence[str], *, hold: bool = False) -> None:
        self._words = tuple(words)
        self._hold = hold
        self._held: dict[str, asyncio.subprocess.Process] = {}

    async def tell(self, notice: Notice) -> None:
        """Start or end it; raise ActionError if it cannot be started or says that it failed."""
        if not self._hold:
            if notice.is_raised:
                await self._run(notice)
        elif notice.is_raised:
            self._held[notice.key] = await self._start(self._words)
        elif notice.key in self._held:
            await _end(self._held.pop(notice.key))

    async def close(self) -> None:
        """End what is held."""
        for process in self._held.values():
            await _end(process)
        self._held.clear()

    async def _run(self, notice: Notice) -> None:
        process = await self._start((*self._words, notice.text))
        try:
            async with asyncio.timeout(RUN_S):
                code = await process.wait()
        except TimeoutError as error:
            await _end(process)
            msg = f"{self._words[0]} was not done after {RUN_S:g} s"
            raise ActionError(msg) from error
        if code != 0:
            msg = f"{self._words[0]} ended with {code}"
            raise ActionError(msg)

    async def _start(self, words: Sequence[str]) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL)
        except OSError as error:
            msg = f"{words[0]} cannot be started: {error.strerror}"
            raise ActionError(msg) from error


async def _end(process: asyncio.subprocess.Process) -> None:
    for stop in (process.terminate, process.kill):
        with suppress(ProcessLookupError):
            stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await process.wait()
                return
