"""Connections to a database: SQLite set up so that what is written is on the disk, another as it comes."""

import threading
from collections import deque
from typing import Any, Final

import msgspec
from sqlalchemy import Engine, NullPool, create_engine, event
from sqlalchemy.engine import Connection

TURN_WITHIN_S: Final = 15.0


def make_engine(url: str, *, keeps_connections: bool = True) -> Engine:
    """Return an engine; one of SQLite says BEGIN itself, and who has `writes=True` says so at once."""
    pool = {} if keeps_connections else {"poolclass": NullPool}
    engine = create_engine(url, json_serializer=_to_json, json_deserializer=msgspec.json.decode, **pool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        turn = _Turn()
        event.listen(engine, "begin", turn.begin)
        event.listen(engine, "checkin", turn.end)
    else:
        event.listen(engine, "connect", _see_every_workshop)
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


class _Turn:
    """Lets this process's writers go one after the other, as they came.

    SQLite's own way of waiting is to sleep, and to find it busy again; a plain lock goes again and again to whoever
    has just had it.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Lock] = deque()

    def begin(self, connection: Connection) -> None:
        # A read that turns into a write cannot wait for its turn in SQLite, so writers say so at once.
        writes = connection.get_execution_options().get("writes", False)
        if writes:
            self._wait()
            connection.info["has_turn"] = True
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    def end(self, _connection: object, record: Any) -> None:
        """Give the turn on once a connection is given back: by then it has committed, or rolled back."""
        if record.info.pop("has_turn", False):
            with self._guard:
                if self._waiting:
                    self._waiting.popleft().release()
                else:
                    self._is_taken = False

    def _wait(self) -> None:
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return
            called = threading.Lock()
            called.acquire()
            self._waiting.append(called)
        if called.acquire(timeout=TURN_WITHIN_S):
            return
        with self._guard:
            if called in self._waiting:
                self._waiting.remove(called)
                msg = f"the database was not free for writing within {TURN_WITHIN_S:.0f} s"
                raise TimeoutError(msg)
