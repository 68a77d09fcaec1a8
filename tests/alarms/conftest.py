from collections.abc import Iterator
from pathlib import Path

import pytest
from phone import Phone
from village import Village

from service.store.database import Database
from service.store.models import Base


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'canhlo.sqlite3'}")
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture
def village(database: Database) -> Village:
    return Village(database)


@pytest.fixture
def phone() -> Iterator[Phone]:
    phone = Phone()
    yield phone
    phone.close()
