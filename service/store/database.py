"""The database: SQLite by default, another by URL; every time is aware UTC, every write one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, Protocol

from sqlalchemy import DateTime
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from service.store.engine import make_engine, make_writing_engine
from service.store.months import months_of

_THERE_ALREADY: Final = {"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}  # as each of them says it
_KEPT_BY_ANOTHER: Final = {"SQLITE_BUSY", "SQLITE_LOCKED"}
_AWAY: Final = ("08", "53300", "57P")  # connections, too many of them, and a server that starts or stops


class UtcDateTime(TypeDecorator[datetime]):
    """A time that is aware and UTC on both sides; SQLite alone would hand back naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            msg = f"a time must carry its zone, but {value.isoformat()} has none"
            raise ValueError(msg)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def is_there_already(error: IntegrityError) -> bool:
    """Say whether a row was refused for one that is there with the same key, and for nothing else that is wrong."""
    said = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
    return said in _THERE_ALREADY


def is_away(error: SQLAlchemyError) -> bool:
    """Say whether the database could not be had, which may be better in a moment: nothing is wrong with what was asked.

    All connections are in use, it starts or stops or is not reached, or another process keeps a SQLite file.
    """
    if isinstance(error, NoConnectionError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    sqlite_says = getattr(error.orig, "sqlite_errorname", None)
    if sqlite_says is not None:
        return sqlite_says in _KEPT_BY_ANOTHER
    state = getattr(error.orig, "sqlstate", None)  # none where it was not reached at all
    return isinstance(error, OperationalError) and (state is None or state.startswith(_AWAY))


class Closes(Protocol):
    """What a database closes with itself."""

    def close(self) -> None:
        """Give back what it holds."""


class Database:
    """Hands out sessions: `read()` sees one state, `write()` is one transaction that commits at its end.

    `reads_from` is the sink that stands in place of our own sealed readings where they are shown; None for none.
    """

    def __init__(self, url: str, *, reads_from: Closes | None = None) -> None:
        self.engine = make_engine(url)
        self.months = months_of(self.engine)
        self._reads_from = reads_from
        info = {"months": self.months, "reads_from": reads_from}
        self._writing_engine = self.engine if self.is_shared else make_writing_engine(url)
        writes = self._writing_engine.execution_options(writes=True)
        self._read = sessionmaker(self.engine, expire_on_commit=False, info=info)
        self._write = sessionmaker(writes, expire_on_commit=False, info=info)

    @property
    def is_shared(self) -> bool:
        """Say whether several processes may work on it at once; a SQLite file is one process's."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self._read() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        with self._write.begin() as session:
            yield session

    def close(self) -> None:
        self.engine.dispose()
        self._writing_engine.dispose()
        if self._reads_from is not None:
            self._reads_from.close()
