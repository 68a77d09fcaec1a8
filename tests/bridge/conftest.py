from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from bridge_fakes import Mosquitto
from modbus_bench import Cable

from firmware_bridge.spool import Spool


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real broker, stopped at the end whatever happens."""
    broker = Mosquitto(tmp_path)
    yield broker
    broker.stop()


@pytest.fixture
async def cable() -> AsyncIterator[Cable]:
    made = Cable()
    yield made
    made.close()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool.sqlite3")
    yield made
    made.close()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "bridge.token"
    path.write_text("not-a-real-token\n")
    return path
