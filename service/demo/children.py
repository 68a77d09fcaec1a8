"""The processes of the demo, kept alive the way an init system would: one that dies is started again."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

RESTART_AFTER_S: Final = 0.3
STOP_WITHIN_S: Final = 8.0


class Child:
    """One program; `<name>.pid` and `<name>.log` in the folder say which process it is and what it said."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self._command = command
        self._env = {**os.environ, **env}
        self._pid_file = folder / f"{name}.pid"
        self.log = folder / f"{name}.log"
        self.restarts = 0

    async def run(self) -> None:
        """Run the program for ever; stop it gently when cancelled."""
        while True:
            with self.log.open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=self._env
                )
            self._pid_file.write_text(str(process.pid))
            try:
                await process.wait()
            except asyncio.CancelledError:
                await _stop(process)
                raise
            self.restarts += 1
            await asyncio.sleep(RESTART_AFTER_S)


async def _stop(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
    except TimeoutError:
        process.kill()
        await process.wait()
