"""A backup: one file with everything that cannot be made again, copied while the service runs, and the way back.

Of SQLite the database is copied first and the months after it: what is sealed in between is then there twice, which
its numbers tell, and never missing. Of PostgreSQL `pg_dump` takes one moment of all.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from sqlalchemy import func, select, text, update
from sqlalchemy.engine import make_url

from service.errors import ConflictError, InvalidError
from service.series.blocks import newest_id
from service.series.codec import DamagedError
from service.series.gather import gather
from service.series.seal import NEVER, anybody
from service.settings import Settings
from service.store.alarms import withdraw_every_delivery
from service.store.database import Database
from service.store.migrate import check_known, upgrade
from service.store.models import Base, Kiln
from service.store.months import MonthFiles, chunk

SCHEMA: Final = "canhlo.backup/1"
MANIFEST: Final = "manifest.json"
DATABASE: Final = "canhlo.sqlite3"
DUMP: Final = "canhlo.dump"
VAPID: Final = "vapid.pem"  # who loses it rings no phone until each has been set up anew
FREE_SHARE: Final = 0.1  # of a disk, which backups leave to the kilns: our own choice
_PIECE: Final = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """What a backup holds; `files` has the SHA-256 of each, `rows` how many each table had."""

    made_at: str
    version: str
    revision: str
    engine: str
    rows: Mapping[str, int]
    files: Mapping[str, str]
    schema: str = SCHEMA


def back_up(settings: Settings, database: Database, file: Path, *, now: datetime) -> Iterator[str]:
    """Write a backup, going through the names of what is in it; a file that is there already stays.

    Raises
    ------
    ConflictError
        If the file is there already, the disk would be too full, or `pg_dump` is needed and not to be had.
    InvalidError, DamagedError
        If its folder is not there; if the database is damaged.
    """
    if file.exists():
        msg = f"{file} is there already; a backup replaces nothing"
        raise ConflictError(msg)
    if not file.parent.is_dir():
        msg = f"there is no folder {file.parent} to write a backup into"
        raise InvalidError(msg)
    _check_room(file.parent, _sizes(database))
    unfinished = file.with_name(file.name + ".unfinished")
    unfinished.unlink(missing_ok=True)  # as a power cut left it
    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".canhlo-") as folder:
            copies = Path(folder)
            is_sqlite = database.engine.dialect.name == "sqlite"
            for name in _copy_sqlite(database, copies) if is_sqlite else _dump_postgresql(settings, copies):
                yield name
            if (settings.data_dir / VAPID).exists():
                shutil.copy2(settings.data_dir / VAPID, copies / VAPID)
                yield VAPID
            names = sorted(path.relative_to(copies).as_posix() for path in copies.rglob("*") if path.is_file())
            files = {name: _sha256(copies / name) for name in names}
            manifest = _manifest(database, files, now)
            (copies / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1))
            private = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(private, "wb") as raw, tarfile.open(fileobj=raw, mode="w") as archive:
                for name in (MANIFEST, *names):
                    archive.add(copies / name, name)
                    (copies / name).unlink()  # it needs no room twice
                raw.flush()
                os.fsync(raw.fileno())
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)


def restore(settings: Settings, file: Path) -> Manifest:
    """Bring back a backup into an empty data folder, or an empty PostgreSQL database.

    Everything is checked before anything is written.

    Raises
    ------
    InvalidError
        If the file is no backup, or not as it was written.
    ConflictError
        If there is something already where it is to go, or it was made of another kind of database, or by a newer
        program.
    """
    is_sqlite = settings.database.startswith("sqlite")
    if is_sqlite:
        _check_no_files(Path(make_url(settings.database).database or ""))
    else:
        _check_no_tables(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".restore-") as folder:
        copies = Path(folder)
        manifest = _unpack(file, copies)
        check_known(manifest.revision, f"the database in {file}")
        if (manifest.engine == "sqlite") != is_sqlite:
            msg = f"the backup is of {manifest.engine}, and CANHLO_DATABASE_URL names another kind of database"
            raise ConflictError(msg)
        if is_sqlite:
            _bring_along(f"sqlite:///{copies / DATABASE}")
            _put_back(copies, Path(make_url(settings.database).database or ""))
        else:
            _run_postgresql("pg_restore", settings.database, "--no-owner", "--single-transaction", str(copies / DUMP))
            _bring_along(settings.database)
        if (copies / VAPID).exists():
            (copies / VAPID).replace(settings.data_dir / VAPID)
    return manifest


def _sizes(database: Database) -> list[int]:
    """Return how many bytes each file of a backup has, at most."""
    if database.is_shared:
        with database.read() as session:
            return [session.scalar(text("SELECT pg_database_size(current_database())")) or 0]
    source = Path(database.engine.url.database or "")
    return [path.stat().st_size for path in (source, *MonthFiles.folder_beside(source).glob("*.sqlite3"))]


def _check_room(folder: Path, sizes: Sequence[int]) -> None:
    disk = shutil.disk_usage(folder)
    wanted = sum(sizes) + max(sizes)  # one after the other lies there as a copy and in the archive
    left = disk.total * FREE_SHARE
    if disk.free - wanted < left:
        takes, free, stays = (f"{size / 1e6:,.0f} MB" for size in (wanted, disk.free, left))
        msg = (
            f"there is no room for a backup in {folder}: it takes up to {takes} of the {free} that are free, and "
            f"{stays} must be left; move older backups to another machine, and set CANHLO_KEEP_BACKUPS to fewer"
        )
        raise ConflictError(msg)


def _copy_sqlite(database: Database, folder: Path) -> Iterator[str]:
    source = Path(database.engine.url.database or "")
    _copy(source, folder / DATABASE)
    yield DATABASE
    months = database.months
    assert isinstance(months, MonthFiles)  # noqa: S101 - of SQLite they are
    (folder / "series").mkdir()
    with database.read() as session:
        names = months.names(session)
    for month in names:
        _copy(months.path(month), folder / "series" / months.path(month).name)
        yield f"series/{month}"


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        try:
            old.backup(new)
            wrong = [line for (line,) in new.execute("PRAGMA quick_check(1)") if line != "ok"]
        except sqlite3.DatabaseError as error:
            wrong = [str(error)]
        if wrong:  # good backups would give way to it one by one
            msg = f"{source.name} is damaged, and was not backed up ({wrong[0]}); keep the last good backup"
            raise DamagedError(msg)
        new.execute("PRAGMA journal_mode=DELETE")


def _dump_postgresql(settings: Settings, folder: Path) -> Iterator[str]:
    _run_postgresql("pg_dump", settings.database, "--format=custom", "--enable-row-security", f"--file={folder / DUMP}")
    yield DUMP


def _run_postgresql(program: str, url: str, *words: str) -> None:
    found = shutil.which(program)
    if found is None:
        msg = f"{program} is not on this machine; it comes with PostgreSQL's client programs"
        raise ConflictError(msg)
    from service.libpq import environment_of  # here: most have no PostgreSQL

    env = os.environ | environment_of(url)
    env["PGOPTIONS"] = f"{env.get('PGOPTIONS', '')} -c canhlo.workshops=*"
    target = (f"--dbname={make_url(url).database}",) if program == "pg_restore" else ()
    words = (found, *target, *words)
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - words of ours
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it gave no reason"]
        reason = next((line for line in said if "error:" in line), said[-1])  # what it was about follows it
        msg = f"{program} could not do it: {reason}"
        raise ConflictError(msg)


def _manifest(database: Database, files: Mapping[str, str], now: datetime) -> Manifest:
    with database.read() as session:
        rows = {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }
        revision = session.scalar(text("SELECT version_num FROM alembic_version")) or ""
    return Manifest(now.isoformat(), version("canhlo"), revision, database.engine.dialect.name, rows, files)


def _unpack(file: Path, folder: Path) -> Manifest:
    try:
        with tarfile.open(file) as archive:
            archive.extractall(folder, filter="data")
        manifest = Manifest(**json.loads((folder / MANIFEST).read_text()))
    except (tarfile.TarError, OSError, ValueError, TypeError) as error:
        msg = f"{file} is no backup of Canh Lò that can be read: {error}"
        raise InvalidError(msg) from error
    for name, wanted in manifest.files.items():
        if not (folder / name).is_file() or _sha256(folder / name) != wanted:
            msg = f"{name} in {file} is not what was written: wrong checksum; nothing was restored"
            raise InvalidError(msg)
    return manifest


def _check_no_files(database: Path) -> None:
    """Refuse a folder with any part of a database: SQLite would play a log that is left into the one that comes."""
    parts = [database.with_name(f"{database.name}{end}") for end in ("", "-wal", "-shm", "-journal")]
    parts += sorted(MonthFiles.folder_beside(database).glob("*.sqlite3*"))
    left = next((part for part in parts if part.exists()), None)
    if left is not None:
        msg = f"{left} is there already; move the whole folder {database.parent} away, a restore overwrites nothing"
        raise ConflictError(msg)


def _check_no_tables(settings: Settings) -> None:
    target = Database(settings.database)
    with target.read() as session:
        tables = session.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"))
    target.close()
    if tables:
        msg = "the PostgreSQL database is not empty; a restore overwrites nothing"
        raise ConflictError(msg)


def _put_back(copies: Path, database: Path) -> None:
    series = MonthFiles.folder_beside(database)
    series.mkdir(mode=0o700, exist_ok=True)
    for path in sorted((copies / "series").glob("*.sqlite3")):
        path.replace(series / path.name)
    (copies / DATABASE).replace(database)  # last: while it is missing, nothing was restored


def _bring_along(url: str) -> None:
    """Make of a copy of then a database of now: with today's tables, and without what was to ring then."""
    database = Database(url)
    try:
        upgrade(database)
        with database.write() as session:
            withdraw_every_delivery(session)
        if not database.is_shared:
            _forget_later_blocks(database)
    finally:
        database.close()


def _forget_later_blocks(database: Database) -> None:
    """Let no hour claim blocks that the database has yet to number: its numbers go on where the copy stood.

    What came before the copy is gathered by itself: in one row with what comes later, it would be sealed once more
    where the copies of the months have it already.
    """
    with database.read() as session:
        newest, names = newest_id(session), database.months.names(session)
        kiln_ids = list(session.scalars(select(Kiln.id)))
    for kiln_id in kiln_ids:
        while gather(database, [kiln_id], unwatched_before=NEVER, check=anybody):
            pass
    for month in names:
        with database.months.writing(month) as chunks:
            chunks.execute(update(chunk).where(chunk.c.upto_block > newest).values(upto_block=newest))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
