"""The settings and the database that a command line names."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from service.errors import NotFoundError
from service.series.sinks.kinds import reader_of
from service.settings import Settings
from service.store.database import Database
from service.store.migrate import upgrade


def settings_of(options: argparse.Namespace) -> Settings:
    return Settings(**({} if options.data_dir is None else {"data_dir": options.data_dir}))


@contextmanager
def opened(options: argparse.Namespace) -> Iterator[Database]:
    """Open the database that a command line names; there must be one, for what is not there is not looked after."""
    settings = settings_of(options)
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        msg = f"there is no database {url.database}; say --data-dir, or start `canhlo serve` once"
        raise NotFoundError(msg)
    database = Database(settings.database, reads_from=reader_of(settings))
    try:
        upgrade(database)
        yield database
    finally:
        database.close()
