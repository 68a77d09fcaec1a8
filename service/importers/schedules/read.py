"""A schedule file read: whose it is is seen from what it holds, never from its name."""

import csv
from pathlib import Path
from typing import Final

from service.core.schedule import Schedule
from service.importers.schedules import kiln_controller, multizone, own, pidkiln, qtkiln, segments, table
from service.importers.schedules.document import MOST_BYTES, ScheduleError, open_document

# The more a form says of itself, the earlier it is asked.
FORMATS: Final = (own, multizone, kiln_controller, qtkiln, segments, pidkiln, table)


def read_schedules(path: Path, unit: str | None = None) -> list[Schedule]:
    """Return the schedules of a file; `unit` is ``"c"`` or ``"f"``, where the file does not say.

    Raises
    ------
    ScheduleError
        If it is none that is known, or names no unit and nobody said one.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        msg = f"{path.name} cannot be opened: {(error.strerror or str(error)).lower()}"
        raise ScheduleError(msg) from error
    return schedules_of(content, unit, file_name=path.name)


def schedules_of(content: bytes, unit: str | None = None, *, file_name: str) -> list[Schedule]:
    """Return the schedules that a file of this name holds; see `read_schedules`."""
    try:
        return _read(content, unit)
    except (ScheduleError, ValueError, OverflowError, RecursionError, csv.Error) as error:
        msg = f"{file_name}: {' '.join(str(error).split())}"
        raise ScheduleError(msg) from error


def read_schedule(path: Path, unit: str | None = None, *, name: str | None = None) -> Schedule:
    """Return the one schedule of a file, or the one of this name."""
    every = read_schedules(path, unit)
    found = every if name is None else [one for one in every if one.name == name]
    if len(found) != 1:
        names = ", ".join(one.name for one in every[:20])
        msg = f"{path.name} holds {len(found)} schedules that fit; say which by --schedule-name: {names}"
        raise ScheduleError(msg)
    return found[0]


def _read(content: bytes, unit: str | None) -> list[Schedule]:
    document = open_document(content)
    mine = next((one for one in FORMATS if one.is_mine(document)), None)
    if mine is None:
        msg = (
            f"not a schedule that is known; it begins {document.text[:60]!r}. Wanted: JSON with `data` (seconds and "
            "temperatures) or `segments` (rate, target, hold), PIDKiln's temperature:minutes:minutes, a table of steps"
        )
        raise ScheduleError(msg)
    schedules: list[Schedule] = mine.read(document, unit)
    return schedules
