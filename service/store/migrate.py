"""Bring a database to the tables of this version."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from service.errors import ConflictError
from service.store.database import Database

_PACKAGED = Path(__file__).parent / "migrations"
_MIGRATION_LOCK: Final = 0x6C6F6D  # any number that nothing else in the database locks
SCRIPTS = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "migrations"


def upgrade(database: Database) -> None:
    """Run the migrations that are missing; a database newer than this program is refused and left alone."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with database.engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":  # several processes may start at once
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in known:
            msg = f"the database is at version {current}, which this program does not know: install the newer program"
            raise ConflictError(msg)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
