"""Tables with a row for each step and several schedules in one, such as PiLN's; the header names the units."""

import csv
import re
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from service.core.schedule import ROOM_C, Schedule, Step
from service.importers.schedules.document import Document, ScheduleError, bounded, number, rate_of, unit_of

_HOURS_MINUTES: Final = re.compile(r"(\d+)[.:](\d\d)", re.ASCII)


def is_mine(document: Document) -> bool:
    return not document.json and bool(document.lines) and "," in document.lines[0]


def read(document: Document, unit: str | None) -> list[Schedule]:
    rows = list(csv.DictReader(document.lines, restval=""))
    header = list(rows[0]) if rows else []
    target, rate = (_column(header, name) for name in ("target_c set_temp_c", "rate_c_per_h"))
    which, hold = (_column(header, name) for name in ("programme run_id schedule", "hold_min soak_h_mm hold_s"))
    unit_of("c", unit, target)
    found = []
    for key, group in groupby(rows, key=lambda row: row[which]):
        steps = tuple(
            Step(number(row[target], target), rate_of(row[rate], "c", rate), _hold_s(row[hold], hold))
            for row in bounded(list(group), key)
        )
        found.append(Schedule(steps, ROOM_C, key))
    return found


def _column(header: Sequence[str], names: str) -> str:
    found = next((name for name in names.split() if name in header), None)
    if found is None:
        msg = f"no column {' or '.join(names.split())} among {', '.join(map(str, header))[:200]}"
        raise ScheduleError(msg)
    return found


def _hold_s(text: str, column: str) -> float:
    if column != "soak_h_mm":
        return number(text or "0", column) * (60 if column == "hold_min" else 1)
    match = _HOURS_MINUTES.fullmatch(text.strip())
    if match is None:
        msg = f"a soak of {text!r}; wanted hours and minutes such as 0.30"
        raise ScheduleError(msg)
    return int(match[1]) * 3600.0 + int(match[2]) * 60.0
