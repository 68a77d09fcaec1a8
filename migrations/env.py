"""Run the migrations on the database whose URL the caller gives (`canhlo` does so at its start)."""

from typing import Literal

from alembic import context
from sqlalchemy import Connection, text

from service.settings import Settings
from service.store.database import Database, UtcDateTime
from service.store.migrate import migrating
from service.store.models import Base


def _render(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Write our own time type as the plain one: a migration must not change when our code does."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET lock_timeout = '5s'"))
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=_render,
    )
    with context.begin_transaction():
        context.run_migrations()
    if connection.dialect.name == "postgresql":
        connection.execute(text("RESET lock_timeout"))  # the connection goes on to others


given = context.config.attributes.get("connection")
if given is not None:
    _migrate(given)
else:
    database = Database(Settings().database)
    with migrating(database) as connection:
        _migrate(connection)
    database.close()
