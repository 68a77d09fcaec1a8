"""PIDKiln's lines of temperature:minutes to get there:minutes to stay; only a comment can say the unit."""

import re
from typing import Final

from service.core.schedule import ROOM_C, Schedule
from service.importers.schedules.document import LONGEST_NAME, Document, bounded, timed, to_c, unit_of

_LINE: Final = re.compile(r"(\d+(?:\.\d+)?):(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)", re.ASCII)
_UNIT: Final = re.compile(r"(cel[sc]ius|°\s*c\b)|fahrenheit|°\s*f\b", re.IGNORECASE)  # its own example writes "Celcius"


def is_mine(document: Document) -> bool:
    return bool(document.lines) and all(_LINE.fullmatch(line) for line in document.lines)


def read(document: Document, unit: str | None) -> list[Schedule]:
    comments = [after.strip() for _, mark, after in (one.partition("#") for one in document.text.splitlines()) if mark]
    said = {"c" if match[1] else "f" for match in _UNIT.finditer("\n".join(comments))}
    used = unit_of(said.pop() if len(said) == 1 else None, unit, "the programme")
    at_c, found = ROOM_C, []
    for line in bounded(list(document.lines), "the programme"):
        target, lasts_min, hold_min = (float(part) for part in line.split(":"))
        found.append(timed(at_c, to_c(target, used), lasts_min, hold_min))
        at_c = to_c(target, used)
    return [Schedule(tuple(found), ROOM_C, comments[0][:LONGEST_NAME] if comments else "")]
