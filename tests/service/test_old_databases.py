"""Databases of every version that was ever in use: this program brings them along, and nothing of them is lost."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from service_parts import PASSWORD
from sqlalchemy import create_engine, func, inspect, select, text

from service.app import create_app
from service.ingest.known import Known
from service.series.blocks import numbered
from service.series.verify import verify
from service.settings import Settings
from service.store import audit, identity
from service.store.database import Database
from service.store.identity import BridgeIdentity
from service.store.migrate import upgrade
from service.store.models import Base, Kiln, StoredBlock
from service.store.months import SERIES

OLD = Path(__file__).parent / "old"
VERSIONS = sorted({path.name.partition(".")[0] for path in OLD.glob("*.sql")})


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, version: str, tmp_path: Path) -> Iterator[Database]:
    """Give the database of a version as it was saved."""
    if request.param == "sqlite":
        url = _sqlite(version, tmp_path)
    else:
        url = _postgresql(version, request.getfixturevalue("postgres")())
    database = Database(url)
    yield database
    database.close()


def _sqlite(version: str, folder: Path) -> str:
    for saved in OLD.glob(f"{version}.sqlite.*.sql"):
        name = saved.name.split(".")[2]
        file = folder / "canhlo.sqlite3" if name == "canhlo" else folder / "series" / f"{name}.sqlite3"
        file.parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(saved.read_text())
    return f"sqlite:///{folder / 'canhlo.sqlite3'}"


def _postgresql(version: str, url: str) -> str:
    """Fill an empty database; the one of `url` is migrated already, and stays aside."""
    beside = create_engine(url, isolation_level="AUTOCOMMIT")
    name = f"{beside.url.database}_old"
    with beside.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    empty = beside.url.set(database=name)
    beside.dispose()
    words = {"host": str(empty.query["host"]), "user": empty.username, "dbname": name}
    with psycopg.connect(**words, autocommit=True) as connection:  # type: ignore[arg-type]
        connection.execute((OLD / f"{version}.postgresql.sql").read_text().encode())
    return empty.render_as_string()


def _rows(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        tables = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
        return {name: connection.scalar(text(f'SELECT count(*) FROM "{name}"')) for name in tables}  # noqa: S608


def test_every_row_is_there_and_the_tables_are_those_of_the_code(old: Database) -> None:
    before = _rows(old)

    upgrade(old)

    after = _rows(old)
    assert min(before.values()) > 0
    assert {name: after.get(name) for name in before} == before
    with old.engine.connect() as connection:
        every = [Base.metadata, SERIES] if connection.dialect.name == "postgresql" else [Base.metadata]
        no_months = {"include_name": lambda name, kind, _of: kind != "table" or not str(name).startswith("chunk_")}
        context = MigrationContext.configure(connection, opts=no_months)
        assert compare_metadata(context, every) == []  # type: ignore[arg-type]
    with old.read() as session:
        assert audit.first_broken(session, 1) is None
        assert identity.account_by_login(session, "0987 654 321") is not None  # in whichever form it was kept


async def test_the_service_starts_on_it_and_people_find_their_things(old: Database, tmp_path: Path) -> None:
    upgrade(old)
    app = create_app(Settings(data_dir=tmp_path), old)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lo.test/api/v1/") as http,
    ):
        signed_in = await http.post("session", json={"login": "lan@example.org", "password": PASSWORD})
        kilns = (await http.get("kilns")).json()
        firings = (await http.get("firings")).json()
        curve = (await http.get(f"firings/{firings[0]['id']}/curve")).json()
        detail = (await http.get(f"firings/{firings[0]['id']}")).json()
        batches = (await http.get(f"firings/{firings[-1]['id']}/batches")).json()
        alarms = (await http.get("alarms", params={"state": "all"})).json()

    assert signed_in.status_code == 200
    assert [kiln["name"] for kiln in kilns] == ["Lò gas số 1"]
    assert [firing["note"] for firing in firings][-1] == "men chảy"
    assert detail["peak_c"] > 1200
    assert max(value for value in curve["channels"][0]["value_c"] if value is not None) > 1200
    assert [batch["ware"] for batch in batches] == ["bát"]
    assert "stalled" in {alarm["kind"] for alarm in alarms}


def test_its_readings_are_all_as_they_were_written(old: Database) -> None:
    upgrade(old)

    parts = list(verify(old))

    assert [part.damaged for part in parts] == [[] for _ in parts]
    assert sum(part.readings for part in parts) == 33 * 60 * 2


def test_what_a_bridge_had_sent_above_a_gap_is_not_forgotten(old: Database) -> None:
    with old.engine.begin() as connection:
        names = ", ".join(one["name"] for one in inspect(connection).get_columns("block"))
        later = names.replace("seq", "seq + 5", 1).replace("id", "id + 5", 1)
        newest = f"SELECT {later} FROM block ORDER BY id DESC LIMIT 1"  # noqa: S608
        connection.execute(text(f"INSERT INTO block ({names}) {newest}"))
        bridge_id, boot, seq = connection.execute(
            text("SELECT bridge_id, boot, seq FROM block ORDER BY id DESC LIMIT 1")
        ).one()

    upgrade(old)

    with old.read() as session:
        runs = Known().stored(session, BridgeIdentity(bridge_id, 1, "cầu"), boot)
        assert seq in runs
        assert seq - 1 not in runs
        assert runs.mark == seq - 5
        kiln_id = session.scalars(select(Kiln.id)).first()
        assert kiln_id is not None
        assert len(numbered(session, kiln_id)) == session.scalar(select(func.count(StoredBlock.id)))
