"""Connections to a database: SQLite set up so that what is written is on the disk, another as it comes."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from sqlalchemy import Engine, QueuePool, create_engine, event
from sqlalchemy.engine import Connection

from service.store.turn import TURN_WITHIN_S, Turn

KEPT_PAGES_KB: Final = 65_536


def make_engine(url: str, *, before_begin: Callable[[Connection], None] | None = None, **pool: Any) -> Engine:
    """Return an engine; one of SQLite says BEGIN itself, and who has `writes=True` says so at once."""
    engine = create_engine(url, json_serializer=_to_json, json_deserializer=msgspec.json.decode, **pool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        if before_begin is not None:
            event.listen(engine, "begin", before_begin)  # called in this order; the event knows no `insert=True`
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _see_every_workshop)
    return engine


def make_writing_engine(url: str) -> Engine:
    """Return an engine for all who write to a SQLite database, one after the other.

    It gives out the connection that was given back last: that one has kept in memory what it read and wrote, and a
    connection of SQLite forgets its pages when another one has written.
    """
    turn = Turn()

    def take_turn(connection: Connection) -> None:
        turn.take()
        connection.info["has_turn"] = True

    def give_turn_on(_connection: object, record: Any) -> None:
        # Once a connection is given back: by then it has committed, or rolled back.
        if record.info.pop("has_turn", False):
            turn.give_on()

    engine = make_engine(url, before_begin=take_turn, poolclass=QueuePool, pool_use_lifo=True)
    event.listen(engine, "connect", _keep_pages)
    event.listen(engine, "checkin", give_turn_on)
    return engine


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _see_every_workshop(connection: Any, _record: object) -> None:
    """Say that a connection is the service's own; a request narrows it down for its transaction."""
    connection.execute("SET canhlo.workshops = '*'")
    connection.commit()


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, in _begin_sqlite
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={TURN_WITHIN_S * 1000:.0f}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _keep_pages(connection: Any, _record: object) -> None:
    connection.execute(f"PRAGMA cache_size=-{KEPT_PAGES_KB}")


def _begin_sqlite(connection: Connection) -> None:
    # A read that turns into a write cannot wait for its turn in SQLite, so writers say so at once.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
