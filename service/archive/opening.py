"""The settings and the database that a command line names."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import NotFoundError
from service.series.sinks.kinds import reader_of
from service.settings import Settings
from service.store.database import Database
from service.store.migrate import upgrade


def settings_of(options: argparse.Namespace) -> Settings:
    return Settings(**({} if options.data_dir is None else {"data_dir": options.data_dir}))


@contextmanager
def opened(options: argparse.Namespace) -> Iterator[Database]:
    settings = settings_of(options)
    if settings.database.startswith("sqlite") and not settings.data_dir.exists():
        msg = f"there is no data folder {settings.data_dir}; say --data-dir, or start `canhlo serve` once"
        raise NotFoundError(msg)
    database = Database(settings.database, reads_from=reader_of(settings))
    try:
        upgrade(database)
        yield database
    finally:
        database.close()
