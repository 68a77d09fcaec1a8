"""Bring a database to the tables of this version."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from service.errors import ConflictError
from service.store.database import Database

_PACKAGED = Path(__file__).parent / "migrations"
_MIGRATION_LOCK: Final = 0x6C6F6D  # any number that nothing else in the database locks
SCRIPTS = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "migrations"


@contextmanager
def migrating(database: Database) -> Iterator[Connection]:
    """Give a connection for one transaction that changes tables.

    SQLite changes a table by writing it anew and dropping the old one, which others may point to: it looks at what
    points where at the end instead, and only between transactions can it be told so.
    """
    with database.engine.execution_options(writes=True).connect() as connection:
        if connection.dialect.name != "sqlite":
            with connection.begin():
                yield connection
            return
        driver = connection.connection.driver_connection
        assert driver is not None  # noqa: S101 - it is connected
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                if lost:
                    msg = f"after the change, rows of {lost[0][0]} point to rows of {lost[0][2]} that are not there"
                    raise ConflictError(msg)
        finally:
            driver.execute("PRAGMA foreign_keys=ON")


def check_known(revision: str, what: str) -> None:
    """Refuse what a newer program has left behind.

    Raises
    ------
    ConflictError
        If no migration of this program leads there.
    """
    if revision not in {script.revision for script in ScriptDirectory(str(SCRIPTS)).walk_revisions()}:
        msg = f"{what} is at version {revision}, which this program does not know: install the newer program"
        raise ConflictError(msg)


def upgrade(database: Database) -> None:
    """Run the migrations that are missing; a database newer than this program is refused and left alone."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with migrating(database) as connection:
        if connection.dialect.name == "postgresql":  # several processes may start at once
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None:
            check_known(current, "the database")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
