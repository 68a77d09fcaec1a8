"""Where sealed readings live: a file a month beside a SQLite database, a partition a month in PostgreSQL.

A month can be handed over or dropped whole; the rest of the database does not notice.
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import BigInteger, Column, Engine, Integer, LargeBinary, MetaData, NullPool, Table, text
from sqlalchemy.orm import Session

from service.store.engine import make_engine

SERIES: Final = MetaData()
# A span of one kiln: `step_ms` 0 is an hour of readings as they were taken and 1 a day of few, else what was rolled up
# over so long.
chunk: Final = Table(
    "chunk",
    SERIES,
    Column("kiln_id", Integer, primary_key=True),
    Column("step_ms", Integer, primary_key=True),
    Column("from_ms", BigInteger, primary_key=True),
    Column("workshop_id", Integer, nullable=False),
    Column("readings", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),  # came as well, of times that it has already
    Column("upto_block", BigInteger, nullable=False),  # every block of the kiln up to here is in it
    Column("crc", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
_PARTITION_LOCK: Final = 0x6C6F70  # any number that nothing else in the database locks
_FILE: Final = re.compile(r"(\d{4}-\d\d)\.sqlite3")
_PARTITION: Final = re.compile(r"chunk_(\d{4})_(\d\d)")


class Months(Protocol):
    """The months in which a database holds sealed readings, each called such as `2026-11`."""

    def names(self, session: Session) -> list[str]:
        """Return those that there are, the oldest first."""

    def reading(self, session: Session, month: str) -> AbstractContextManager[Session]:
        """Open one that there is, to read its chunks beside what `session` reads."""

    def writing(self, month: str) -> AbstractContextManager[Session]:
        """Open one to write its chunks in one transaction; it is made if there is none."""

    def drop(self, month: str) -> None:
        """Do away with one and all readings in it."""


def month_of(at_ms: int) -> str:
    """Return the month that a time is in, by UTC."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m}"


def month_bounds_ms(month: str) -> tuple[int, int]:
    """Return where a month begins, and where the next one does."""
    year, number = (int(part) for part in month.split("-"))
    first = datetime(year, number, 1, tzinfo=UTC)
    after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return int(first.timestamp()) * 1000, int(after.timestamp()) * 1000


def months_of(engine: Engine) -> Months:
    """Return where a database holds its sealed readings."""
    return MonthPartitions(engine) if engine.dialect.name == "postgresql" else MonthFiles(engine)


class MonthFiles:
    """Files beside that of a SQLite database, which has none if it is in memory only."""

    def __init__(self, engine: Engine) -> None:
        name = engine.url.database
        self.folder = self.folder_beside(Path(name)) if name else None
        self._engines: dict[str, Engine] = {}  # making one takes longer than most that is asked of a month

    @staticmethod
    def folder_beside(database: Path) -> Path:
        """Return where the months of a database's file lie."""
        return database.parent / "series"

    def names(self, session: Session) -> list[str]:
        found = [] if self.folder is None or not self.folder.is_dir() else self.folder.iterdir()
        return sorted(match[1] for path in found if (match := _FILE.fullmatch(path.name)))

    @contextmanager
    def reading(self, session: Session, month: str) -> Iterator[Session]:
        with Session(self._engine(month)) as chunks:
            yield chunks

    @contextmanager
    def writing(self, month: str) -> Iterator[Session]:
        path = self.path(month)
        if not path.exists():
            _make(path)
        engine = self._engine(month)
        with Session(engine.execution_options(writes=True)) as chunks, chunks.begin():
            yield chunks

    def drop(self, month: str) -> None:
        self.path(month).unlink()

    def path(self, month: str) -> Path:
        """Return the file of a month, whether there is one or not."""
        if self.folder is None:
            msg = "a database in memory has no files"
            raise ValueError(msg)
        return self.folder / f"{month}.sqlite3"

    def _engine(self, month: str) -> Engine:
        """Return what opens a month's file, and leaves it open for nobody."""
        if month not in self._engines:
            self._engines[month] = make_engine(f"sqlite:///{self.path(month)}", poolclass=NullPool)
        return self._engines[month]


def _make(path: Path) -> None:
    """Make a month's file under another name: with a table in it, or not at all, should the power go."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    engine = make_engine(f"sqlite:///{draft}", poolclass=NullPool)
    SERIES.create_all(engine)
    engine.dispose()
    with suppress(FileExistsError):  # another process was quicker, and what it has put in stays
        os.link(draft, path)
    draft.unlink()


class MonthPartitions:
    """Partitions of the table in PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(writes=True)

    def names(self, session: Session) -> list[str]:
        found = session.connection().scalars(
            text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'chunk'::regclass")
        )
        return sorted(f"{match[1]}-{match[2]}" for name in found if (match := _PARTITION.fullmatch(name)))

    @contextmanager
    def reading(self, session: Session, month: str) -> Iterator[Session]:
        yield session

    @contextmanager
    def writing(self, month: str) -> Iterator[Session]:
        with Session(self._engine) as chunks:
            with chunks.begin():
                if month not in self.names(chunks):
                    self._make(chunks, month)
            with chunks.begin():
                yield chunks

    def _make(self, session: Session, month: str) -> None:
        """Make a month's partition apart and attach it: that waits for nobody who reads others, nor they for it."""
        session.execute(text(f"SELECT pg_advisory_xact_lock({_PARTITION_LOCK})"))  # two would be in each other's way
        if month in self.names(session):
            return
        name, (from_ms, to_ms) = _partition(month), month_bounds_ms(month)
        session.execute(text(f"CREATE TABLE {name} (LIKE chunk INCLUDING ALL)"))
        session.execute(text(f"ALTER TABLE chunk ATTACH PARTITION {name} FOR VALUES FROM ({from_ms}) TO ({to_ms})"))

    def drop(self, month: str) -> None:
        with Session(self._engine) as chunks, chunks.begin():
            chunks.execute(text(f"DROP TABLE {_partition(month)}"))


def _partition(month: str) -> str:
    return f"chunk_{month.replace('-', '_')}"
