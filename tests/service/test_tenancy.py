"""The second lock: what a query forgets to say about workshops changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from service_parts import NOW, new_workshop
from sqlalchemy import create_engine, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from service.store import audit, firings, identity, kilns
from service.store.among import FEW
from service.store.database import Database
from service.store.migrate import upgrade
from service.store.models import AuditEntry, Base, Firing, Kiln, OfWorkshop, Plan
from service.store.tenancy import OutOfBoundsError, confine, warn_of_power

LAN, MINH = 1, 2


@pytest.fixture
def village(database: Database) -> Database:
    fill(database)
    return database


def fill(database: Database) -> None:
    for workshop_id, login in ((LAN, "lan@example.org"), (MINH, "minh@example.org")):
        assert new_workshop(database, login) == workshop_id
        with database.write() as session:
            kiln = kilns.create_kiln(session, workshop_id, name=f"Lò {workshop_id}", key="lo-1")
            firings.start_firing(session, kiln, started_at=NOW)


def test_a_query_that_forgets_the_workshop_sees_only_its_own(village: Database) -> None:
    with village.read() as session:
        confine(session, [LAN])
        assert [kiln.workshop_id for kiln in session.scalars(select(Kiln))] == [LAN]
        assert session.scalar(select(func.count(Firing.id))) == 1
        assert session.get(Kiln, MINH) is None
        assert [firing.kiln.id for firing in session.scalars(select(Firing).join(Kiln))] == [LAN]
    with village.read() as session:
        assert session.scalar(select(func.count(Kiln.id))) == 2  # the loops of the service see all


def test_a_statement_asked_before_by_others_still_shows_each_only_their_own(village: Database) -> None:
    for mine in ([LAN], [MINH], [LAN, MINH], [], [MINH]):  # compiled for the first, it is used again for all
        with village.read() as session:
            confine(session, mine)
            assert [kiln.workshop_id for kiln in session.scalars(select(Kiln).order_by(Kiln.id))] == mine
            firing_kilns = select(Firing.workshop_id, Kiln.workshop_id).join(Kiln).order_by(Kiln.id)
            assert session.execute(firing_kilns).all() == [(one, one) for one in mine]
            assert [one.workshop_id for one in kilns.list_kilns(session, [LAN, MINH])] == mine


def test_who_sees_a_whole_village_sees_no_more_of_it_than_that(village: Database) -> None:
    others = list(range(10, 10 + FEW))  # of whose workshops there is nothing
    for mine in ([LAN], [MINH], [], [LAN, MINH], [MINH]):
        with village.read() as session:
            confine(session, [*mine, *others])
            assert [kiln.workshop_id for kiln in session.scalars(select(Kiln).order_by(Kiln.id))] == mine
            assert [one.workshop_id for one in kilns.list_kilns(session, [LAN, MINH, *others])] == mine
            assert [one.id for one in identity.workshops(session, [*mine, *others])] == mine
    with village.write() as session:
        confine(session, [MINH, *others])
        session.execute(update(Kiln).values(name="của tôi"))
    with village.read() as session:
        names = session.execute(select(Kiln.workshop_id, Kiln.name).order_by(Kiln.id)).all()
    assert names == [(LAN, f"Lò {LAN}"), (MINH, "của tôi")]


def test_every_table_of_workshops_is_marked_as_one() -> None:
    tables = [mapper.class_ for mapper in Base.registry.mappers]

    assert [one for one in tables if hasattr(one, "workshop_id") and not issubclass(one, OfWorkshop)] == []


def test_whoever_belongs_nowhere_sees_nothing(village: Database) -> None:
    with village.read() as session:
        assert list(confine(session, []).scalars(select(Kiln))) == []


def test_a_change_that_forgets_the_workshop_changes_only_its_own(village: Database) -> None:
    with village.write() as session:
        confine(session, [LAN]).execute(update(Kiln).values(name="của tôi"))

    with village.read() as session:
        names = [kiln.name for kiln in session.scalars(select(Kiln).order_by(Kiln.id))]
    assert names == ["của tôi", "Lò 2"]


def test_a_row_of_another_workshop_cannot_be_written(village: Database) -> None:
    with village.write() as session:
        confine(session, [LAN]).add(Plan(workshop_id=MINH, name="men", points=[]))
        with pytest.raises(OutOfBoundsError, match="Plan of workshop 2"):
            session.flush()
        session.rollback()


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (update(Kiln).values(workshop_id=MINH), None),
        (update(Kiln).where(Kiln.workshop_id == LAN), {"workshop_id": MINH}),
        (update(Kiln), [{"id": 1, "workshop_id": MINH}]),
    ],
)
def test_a_change_cannot_give_rows_to_another_workshop(village: Database, statement: Any, values: Any) -> None:
    with village.write() as session:
        with pytest.raises(OutOfBoundsError, match="gives rows to workshop 2"):
            confine(session, [LAN]).execute(statement, values)
        session.rollback()


def test_a_change_may_move_rows_among_its_own_workshops(village: Database) -> None:
    with village.write() as session:
        moved = update(Kiln).where(Kiln.workshop_id == LAN).values(workshop_id=MINH, key="lo-2")
        confine(session, [LAN, MINH]).execute(moved)

    with village.read() as session:
        assert session.scalars(select(Kiln.workshop_id)).all() == [MINH, MINH]


def test_a_request_cannot_add_rows_that_nobody_looks_at(village: Database) -> None:
    with village.write() as session:
        with pytest.raises(OutOfBoundsError, match="as mapped objects"):
            confine(session, [LAN]).execute(insert(Plan).values(workshop_id=LAN, name="men", points=[]))
        session.rollback()


def test_a_request_cannot_go_around_the_mapped_tables(village: Database) -> None:
    with village.read() as session, pytest.raises(OutOfBoundsError, match="only ask through the mapped tables"):
        confine(session, [LAN]).execute(text("SELECT name FROM kiln"))


@pytest.mark.parametrize("power", ["SUPERUSER", "BYPASSRLS"])
def test_an_account_that_postgresql_keeps_from_nothing_is_told_of(
    postgres: Callable[[], str], caplog: pytest.LogCaptureFixture, power: str
) -> None:
    url = postgres()
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE ROLE mighty_{power} LOGIN {power}"))
    admin.dispose()
    database = Database(url.replace("canhlo_test@", f"mighty_{power.lower()}@"))

    warn_of_power(database)

    assert [vars(record)["account"] for record in caplog.records] == [f"mighty_{power.lower()}"]
    database.close()


def test_postgresql_keeps_workshops_apart_by_itself(
    postgres: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    """As any role but a superuser, for whom PostgreSQL makes an exception."""
    url = postgres()
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE ROLE village LOGIN"))
        connection.execute(text("CREATE DATABASE village TEMPLATE template0 OWNER village"))
    admin.dispose()
    database = Database(url.replace("canhlo_test@", "village@").replace(f"/{admin.url.database}?", "/village?"))
    upgrade(database)
    fill(database)

    warn_of_power(database)
    assert caplog.records == []
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM kiln")) == 2
        connection.execute(text("SELECT set_config('canhlo.workshops', '1', true)"))
        assert connection.scalars(text("SELECT workshop_id FROM kiln")).all() == [LAN]
        assert connection.execute(text("UPDATE kiln SET name = 'x'")).rowcount == 1
        with pytest.raises(DBAPIError, match="row-level security"):
            connection.execute(text("INSERT INTO plan (workshop_id, name, points) VALUES (2, 'men', '[]')"))
        connection.rollback()
        connection.execute(text("RESET canhlo.workshops"))
        assert connection.scalar(text("SELECT count(*) FROM kiln")) == 0  # who says nothing sees nothing
    database.close()


# --- the audit -------------------------------------------------------------------------------------------------------


def test_the_audit_holds_and_each_workshop_has_its_own_chain(village: Database) -> None:
    with village.write() as session:
        for workshop_id in (LAN, MINH, LAN):
            audit.note(session, workshop_id, who="Lan", what="invited", now=NOW, role="operator")

    with village.read() as session:
        assert audit.first_broken(session, LAN) is None
        assert [entry.what for entry in audit.newest(session, LAN, before_id=None, limit=10)] == ["invited"] * 2


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'Minh'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_the_audit(village: Database, change: str) -> None:
    with village.write() as session:
        audit.note(session, LAN, who="Lan", what="invited", now=NOW)

    with pytest.raises(DBAPIError, match="only ever added to"), village.write() as session:
        session.execute(text(change))


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'Minh' WHERE id = 2", "DELETE FROM audit WHERE id = 2"])
def test_whoever_changes_it_all_the_same_is_found(village: Database, change: str) -> None:
    with village.write() as session:
        for number in range(4):
            audit.note(session, LAN, who="Lan", what="signed in", now=NOW, number=number)
    with village.write() as session:
        if village.engine.dialect.name == "sqlite":
            session.execute(text("DROP TRIGGER audit_no_update"))
            session.execute(text("DROP TRIGGER audit_no_delete"))
        else:
            session.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        session.execute(text(change))

    with village.read() as session:
        broken = audit.first_broken(session, LAN)
    assert isinstance(broken, AuditEntry)
    assert broken.id == (2 if change.startswith("UPDATE") else 3)
