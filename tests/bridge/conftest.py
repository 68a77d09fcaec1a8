from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from bridge_fakes import Mosquitto
from modbus_bench import Cable


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
