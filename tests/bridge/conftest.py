from collections.abc import Iterator
from pathlib import Path

import pytest
from bridge_fakes import Mosquitto


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real broker, stopped at the end whatever happens."""
    broker = Mosquitto(tmp_path)
    yield broker
    broker.stop()
