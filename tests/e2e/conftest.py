"""Programs of the project, started by a test and stopped with it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from programs import BIN, Program


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Start programs of the project by name; all are stopped at the end."""
    started: list[Program] = []

    def start(name: str, *words: str, env: dict[str, str] | None = None) -> Program:
        program = Program([str(BIN / name), *words], tmp_path / f"{name}-{len(started)}.log", env)
        started.append(program)
        return program

    yield start
    for program in reversed(started):
        program.stop()
