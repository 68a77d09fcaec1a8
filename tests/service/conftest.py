"""A migrated database, a paired bridge, and the service behind its HTTP door."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from service_parts import BridgeClient, new_bridge, new_workshop

from service.app import create_app
from service.settings import Settings
from service.store import identity
from service.store.database import Database
from service.store.migrate import upgrade


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'canhlo.sqlite3'}")
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


def sign_in(http: httpx.AsyncClient, database: Database, login: str) -> httpx.AsyncClient:
    with database.write() as session:
        account = identity.account_by_login(session, login)
        assert account is not None
        http.cookies.set("canhlo", identity.open_session(session, account, now=datetime.now(UTC)))
    return http
