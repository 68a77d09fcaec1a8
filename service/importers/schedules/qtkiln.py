"""qtkiln's steps: °C, minutes to get there or as fast as it can, minutes to stay; the names say the units."""

from service.core.schedule import ROOM_C, Schedule
from service.importers.schedules.document import Document, fields, number, timed, unit_of


def is_mine(document: Document) -> bool:
    return "step" in document.json


def read(document: Document, unit: str | None) -> list[Schedule]:
    unit_of("c", unit, "tgtT_C")
    at_c, found = ROOM_C, []
    for step in document.steps("step"):
        one = fields(step)
        target_c = number(one.get("tgtT_C"), "tgtT_C")
        lasts_min = None if one.get("AFAP") else number(one.get("deltaT_min"), "deltaT_min")
        found.append(timed(at_c, target_c, lasts_min, number(one.get("dwell_min", 0), "dwell_min")))
        at_c = target_c
    return [Schedule(tuple(found), ROOM_C, document.name)]
