"""Save a database of this version, with rows in every table, as SQL: `python tests/service/old/save.py FOLDER`.

Run once for each version that was ever in use, with that version checked out; its files are then never changed.
"""

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[2])]

from lived_in import fill  # noqa: E402
from postgres import ADMIN, postgres_server  # noqa: E402
from sqlalchemy import func, select, text  # noqa: E402

from service.app import create_app  # noqa: E402
from service.series.seal import seal  # noqa: E402
from service.settings import Settings  # noqa: E402
from service.store.database import Database  # noqa: E402
from service.store.migrate import upgrade  # noqa: E402
from service.store.models import Base, LiveState, StoredBlock  # noqa: E402


async def live_in(settings: Settings) -> str:
    """Fill a new database, let the service analyse it, seal the older half; return its version."""
    database = Database(settings.database)
    upgrade(database)
    fill(database)
    app = create_app(settings, database)
    async with app.router.lifespan_context(app):
        while True:
            with database.read() as session:
                newest = session.scalar(select(func.max(StoredBlock.id)))
                if session.scalar(select(func.max(LiveState.last_block_id))) == newest:
                    break
            await asyncio.sleep(0.2)
    with database.write() as session:
        session.execute(text("UPDATE block SET received_at = :later WHERE id > 20"), {"later": datetime.now(UTC)})
    while seal(database, 1, received_before=datetime(2026, 11, 1, tzinfo=UTC)):
        pass
    with database.read() as session:
        empty = [t.name for t in Base.metadata.sorted_tables if not session.scalar(select(func.count()).select_from(t))]
        version = session.scalar(text("SELECT version_num FROM alembic_version"))
    database.close()
    assert not empty, f"these tables have no row: {empty}"
    return str(version)


def save_sqlite(folder: Path) -> None:
    with TemporaryDirectory() as place:
        settings = Settings(data_dir=Path(place))
        version = asyncio.run(live_in(settings))
        files = [settings.data_dir / "canhlo.sqlite3", *sorted((settings.data_dir / "series").glob("*.sqlite3"))]
        for file in files:
            with closing(sqlite3.connect(file)) as saved:
                (folder / f"{version}.sqlite.{file.stem}.sql").write_text("\n".join(saved.iterdump()) + "\n")


def save_postgresql(folder: Path) -> None:
    with postgres_server() as url, TemporaryDirectory() as place:
        settings = Settings(data_dir=Path(place), database_url=url.format(name="postgres"))
        version = asyncio.run(live_in(settings))
        host = url.partition("host=")[2]
        command = ["pg_dump", "--inserts", "--no-owner", "-h", host, "-U", ADMIN, "postgres"]
        env = os.environ | {"PGOPTIONS": "-c canhlo.workshops=*"}
        dump = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
        # What only newer servers know, and psql's own words, have no place in it.
        kept = [
            line for line in dump.splitlines() if not line.startswith(("--", "\\", "SET transaction_timeout")) and line
        ]
        (folder / f"{version}.postgresql.sql").write_text("\n".join(kept) + "\n")


if __name__ == "__main__":
    save_sqlite(Path(sys.argv[1]))
    save_postgresql(Path(sys.argv[1]))
