"""A migrated database, a paired bridge, and the service behind its HTTP door."""

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from postgres import IN_A_HURRY, postgres_server
from service_parts import BridgeClient, new_bridge, new_workshop, sign_in
from sqlalchemy import create_engine, text

from service.app import create_app
from service.cli import main
from service.settings import Settings
from service.store.database import Database
from service.store.migrate import upgrade


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """Give the URL of a new, migrated database on a real server, at every call."""
    with postgres_server(IN_A_HURRY) as url:
        template = Database(url.format(name="template1"))
        upgrade(template)
        template.close()
        server = create_engine(url.format(name="postgres"), isolation_level="AUTOCOMMIT")
        numbers = count(1)

        def new_database() -> str:
            name = f"test{next(numbers)}"
            with server.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
            return url.format(name=name)

        yield new_database
        server.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a new database, once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'canhlo.sqlite3'}"
    new_database: Callable[[], str] = request.getfixturevalue("postgres")
    return new_database()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    upgrade(made)
    yield made
    made.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, push_hosts=("127.0.0.1",))


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    made = create_app(settings, database)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lo.test") as client:
        yield client


@pytest.fixture
async def bridge(database: Database, http: httpx.AsyncClient) -> BridgeClient:
    """Return a paired bridge of the first workshop."""
    return BridgeClient(http, new_bridge(database, new_workshop(database, "lan@example.org")))


@pytest.fixture
async def signed_in(bridge: BridgeClient, database: Database, http: httpx.AsyncClient) -> httpx.AsyncClient:
    """Return the client, signed in as the owner of the workshop of `bridge`."""
    return sign_in(http, database, "lan@example.org")


@pytest.fixture
def people(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run `canhlo people` on the test's database; give what it printed."""
    monkeypatch.setenv("CANHLO_DATABASE_URL", str(database.engine.url.render_as_string(hide_password=False)))

    def run(*words: str) -> str:
        monkeypatch.setattr("sys.argv", ["canhlo", "people", "--data-dir", str(settings.data_dir), *words])
        capsys.readouterr()
        main()
        return capsys.readouterr().out

    return run
