"""Connections to a database: SQLite set up so that what is written is on the disk, another as it comes."""

from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, event
from sqlalchemy.engine import Connection


def make_engine(url: str, *, keeps_connections: bool = True) -> Engine:
    """Return an engine; one of SQLite says BEGIN itself, and who has `writes=True` says so at once."""
    engine = create_engine(url) if keeps_connections else create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _see_every_workshop)
    return engine


def _see_every_workshop(connection: Any, _record: object) -> None:
    """Say that a connection is the service's own; a request narrows it down for its transaction."""
    connection.execute("SET canhlo.workshops = '*'")
    connection.commit()


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, in _begin_sqlite
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A read that turns into a write cannot wait for its turn in SQLite, so writers say so at once.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
