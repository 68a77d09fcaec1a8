"""Programs of the project, started by a test and stopped with it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from programs import BIN, Program

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "Debian's chromium is needed: `bash .ci/servers` installs it"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, "--disable-sync"])
        yield started
        started.close()
