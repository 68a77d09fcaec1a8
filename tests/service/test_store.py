"""The database: migrations, times, and the rules it keeps itself."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from service_parts import NOW, new_bridge, new_workshop
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError, StatementError

from service.errors import ConflictError, RefusedError
from service.store import firings, identity, kilns, pairing, sessions
from service.store.database import Database, is_away, is_there_already
from service.store.migrate import upgrade
from service.store.models import Base, Firing, Workshop
from service.store.months import SERIES
from service.store.passwords import verify_password


def test_a_migrated_database_has_just_the_tables_of_the_code(database: Database) -> None:
    with database.engine.connect() as connection:
        every = [Base.metadata, SERIES] if connection.dialect.name == "postgresql" else [Base.metadata]
        differences = compare_metadata(MigrationContext.configure(connection), every)  # type: ignore[arg-type]

    assert differences == []


def test_migrating_twice_keeps_what_is_there(database: Database) -> None:
    new_workshop(database, "lan@example.org")

    upgrade(database)

    with database.read() as session:
        assert len(identity.workshops(session, [1])) == 1


def test_a_database_of_a_newer_program_is_refused_and_left_alone(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(ConflictError, match="version 9999, which this program does not know"):
        upgrade(database)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_writers_wait_for_their_turn_and_not_for_sqlite(database: Database) -> None:
    went: list[int] = []

    def write(number: int) -> None:
        with database.write() as session:
            session.execute(text("SELECT 1"))
            went.append(number)

    with ThreadPoolExecutor(12) as crowd:
        with database.write() as session:
            session.execute(text("SELECT 1"))
            for number in range(12):
                crowd.submit(write, number)
                time.sleep(0.02)

    assert went == list(range(12))


def test_what_is_there_already_is_told_from_what_is_wrong(database: Database) -> None:
    new_workshop(database, "lan@example.org")
    found = []
    for table, values in (("workshop", "1, 'x', '2026-01-01'"), ("workshop", "2, NULL, '2026-01-01'")):
        with pytest.raises(IntegrityError) as refused, database.write() as session:
            session.execute(text(f"INSERT INTO {table} (id, name, created_at) VALUES ({values})"))  # noqa: S608
        found.append(is_there_already(refused.value))

    assert found == [True, False]


def test_a_time_without_zone_is_refused_and_one_with_a_zone_comes_back_in_utc(database: Database) -> None:
    hanoi = timezone(timedelta(hours=7))
    with database.write() as session:
        session.add(Workshop(name="Xưởng", created_at=datetime(2026, 3, 1, 7, tzinfo=hanoi)))

    with database.read() as session:
        assert session.get_one(Workshop, 1).created_at == datetime(2026, 3, 1, tzinfo=UTC)
        assert session.get_one(Workshop, 1).created_at.utcoffset() == timedelta(0)
    with database.write() as session:
        session.add(Workshop(name="Xưởng", created_at=datetime(2026, 3, 1)))  # noqa: DTZ001 - what is refused
        with pytest.raises(StatementError, match="must carry its zone"):
            session.flush()
        session.rollback()


def test_a_kiln_has_one_running_firing_at_most(database: Database) -> None:
    workshop_id = new_workshop(database, "lan@example.org")
    with database.write() as session:
        kiln = kilns.create_kiln(session, workshop_id, name="Lò 1", key="lo-1")
        firings.start_firing(session, kiln, started_at=NOW)

    with database.write() as session:
        kiln = kilns.get_kiln(session, [workshop_id], 1)
        session.add(Firing(workshop_id=workshop_id, kiln=kiln, number=2, started_at=NOW))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


def test_a_pairing_code_works_once_and_for_half_an_hour(database: Database) -> None:
    workshop_id = new_workshop(database, "lan@example.org")
    with database.write() as session:
        bridge = identity.create_bridge(session, workshop_id, "Pi", now=NOW)
        code = pairing.new_code()
        pairing.offer(session, bridge, code, now=NOW)
        with pytest.raises(RefusedError):
            pairing.find(session, code.text, now=NOW + timedelta(minutes=31))
        with pytest.raises(RefusedError):
            pairing.find(session, code.text[:-1] + ("2" if code.text[-1] != "2" else "3"), now=NOW)
        for no_code in ("", code.text[:1], code.text[:4], code.text + "2", "\ud800" * 8):
            with pytest.raises(RefusedError):
                pairing.find(session, no_code, now=NOW)
        shown = pairing.find(session, code.text.lower().replace("-", " "), now=NOW)
        paired, token = pairing.pair(session, shown, now=NOW)
        with pytest.raises(RefusedError, match="used"):
            pairing.pair(session, shown, now=NOW)  # as another bridge that showed it at the same time
        with pytest.raises(RefusedError, match="used"):
            pairing.find(session, code.text, now=NOW)

    with database.read() as session:
        assert identity.bridge_of_token(session, token) is not None
        assert paired.id == 1


def test_a_pairing_code_is_kept_as_a_password_is() -> None:
    code = pairing.new_code()

    found_by, hashed = code.kept[:3].decode(), code.kept[3:].decode()
    assert code.text.startswith(found_by)
    assert hashed.startswith("$argon2id$")
    assert verify_password(hashed, code.text.replace("-", "")[3:])


def test_no_secret_stands_in_clear_in_the_database(database: Database, tmp_path: Path) -> None:
    token = new_bridge(database, new_workshop(database, "lan@example.org"))
    with database.write() as session:
        account = identity.account_by_login(session, "lan@example.org")
        assert account is not None
        cookie = sessions.open_session(session, account, now=NOW)
        link = identity.create_link(session, account, now=NOW, lasts=timedelta(hours=1))
    database.close()

    stored = b"".join(path.read_bytes() for path in tmp_path.glob("canhlo.sqlite3*"))

    assert [secret for secret in (token, cookie, link) if secret.encode() in stored] == []


@pytest.mark.parametrize(
    ("name", "key"), [("Lò gas số 2", "lo-gas-so-2"), ("Đốt than", "dot-than"), ("窯", "lo"), ("  A--b ", "a-b")]
)
def test_a_kiln_gets_a_key_that_can_be_typed(name: str, key: str) -> None:
    assert kilns.key_from_name(name) == key


def test_a_file_that_another_process_keeps_is_away_and_a_wrong_question_is_not(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.sqlite3'}", connect_args={"timeout": 0})

    def refusal(statement: str) -> SQLAlchemyError:
        with pytest.raises(SQLAlchemyError) as refused, engine.connect() as connection:
            connection.execute(text(statement))
        return refused.value

    with closing(sqlite3.connect(tmp_path / "a.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        kept = refusal("CREATE TABLE kiln (id INTEGER)")
    engine.dispose()

    assert [is_away(kept), is_away(refusal("SELECT id FROM nothing"))] == [True, False]
    engine.dispose()


def test_all_connections_in_use_is_away(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.sqlite3'}", pool_size=1, max_overflow=0, pool_timeout=0.01)

    with engine.connect(), pytest.raises(SQLAlchemyError) as refused:
        engine.connect()

    engine.dispose()
    assert is_away(refused.value)
