"""The whole product as its users run it: real processes, real devices, real broker, real browser."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

BIN = Path(sys.executable).parent
T = TypeVar("T")


class Program:
    """A process of the test; its output is in a file, and it is ended with the test whatever happens."""

    def __init__(self, command: list[str], log: Path, env: dict[str, str] | None = None) -> None:
        self.command = command
        self.log = log
        self._env = {**os.environ, **(env or {})}
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as out:
            return subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=self._env
            )

    def power_cut(self) -> None:
        """Kill it the hard way and start it again."""
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def said(self, pattern: str, timeout_s: float = 60) -> re.Match[str]:
        """Return the first match in what it has said, waiting for it."""

        def look() -> re.Match[str] | None:
            return re.search(pattern, self.log.read_text(errors="replace"))

        return until(look, timeout_s, lambda: f"{pattern!r} in:\n{self.log.read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def running(command: list[str], log: Path, env: dict[str, str]) -> Iterator[Program]:
    program = Program(command, log, env)
    try:
        yield program
    finally:
        program.stop()


def until(look: Callable[[], T | None], timeout_s: float, wanted: Callable[[], str]) -> T:
    """Return what `look` finds as soon as it finds something."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    pytest.fail(f"waited {timeout_s} s for {wanted()}")
