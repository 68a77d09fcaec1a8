"""PiLN's SQLite database: one recording a run, °C, with the times of the machine it ran on."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from service.importers.log import Asked, Log, LogError, Recording, Remark
from service.importers.rows import Rows
from service.importers.times import Dates

NAME: Final = "PiLN database"
MAGIC: Final = b"SQLite format 3\0"
_QUERY: Final = "SELECT run_id, dt, temp, int_temp FROM firing ORDER BY run_id, rowid"


def read(path: Path, asked: Asked) -> Log:
    """Return the runs of a database file, which is only read."""
    dates = Dates(asked)
    recordings = []
    unread = 0
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)) as database:
            for run_id, lines in groupby(_lines(database), key=lambda line: line[0]):
                rows = Rows()
                for _, stamp, temp_c, board_c in lines:
                    time_s = dates.unix_s(str(stamp))
                    if time_s is None:
                        unread += 1
                        continue
                    rows.add("kiln", time_s, _number(temp_c))
                    rows.add("board", time_s, _number(board_c))
                if rows.readings:
                    recordings.append(Recording(rows.channels({"kiln": "c", "board": "c"}), f"run {run_id}"))
    except sqlite3.Error as error:
        msg = f"an SQLite file, but not PiLN's with a table of firings (run_id, dt, temp, int_temp): {error}"
        raise LogError(msg) from error
    if not recordings:
        msg = "a PiLN database without a reading in it"
        raise LogError(msg)
    remarks = (Remark("no_time", {"rows": unread}),) if unread else ()
    return Log(NAME, tuple(recordings), remarks=(*remarks, *dates.remarks()))


def _lines(database: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    return iter(database.execute(_QUERY))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
