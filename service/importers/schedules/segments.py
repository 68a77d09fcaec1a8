"""Segments of rate, target and hold in minutes: PiKilnController's, and step tables as digitalfire.com has them."""

from collections.abc import Mapping
from typing import Any

from service.core.schedule import ROOM_C, Schedule, Step
from service.importers.schedules.document import Document, ScheduleError, fields, number, rate_of, to_c, unit_of


def is_mine(document: Document) -> bool:
    return "segments" in document.json


def read(document: Document, unit: str | None) -> list[Schedule]:
    plain = document.json
    used = unit_of(plain.get("temp_units") or plain.get("units-temp"), unit, "`segments` without `temp_units`")
    _check_others(plain, used)
    start = plain.get("start_temp")
    start_c = ROOM_C if start is None else to_c(number(start, "start_temp"), used)
    return [Schedule(tuple(_step(fields(one), used) for one in document.steps("segments")), start_c, document.name)]


def _check_others(plain: Mapping[str, Any], unit: str) -> None:
    """Refuse rates and holds that say to be in other units than these."""
    said = plain.get("rate_units") or plain.get("units-rate")
    degree, _, per = str(said or f"{unit}/h").strip().lower().lstrip("°").partition("/")
    if (degree, per) not in ((unit, "h"), (unit, "hr")):
        msg = f"rates are in {str(said)[:20]!r}; wanted °{unit.upper()}/h, as temperatures are in °{unit.upper()}"
        raise ScheduleError(msg)
    if plain.get("units-hold", "min") != "min":
        msg = f"holds are in {str(plain['units-hold'])[:20]!r}; wanted min"
        raise ScheduleError(msg)


def _step(one: Mapping[str, Any], unit: str) -> Step:
    target = one["target"] if "target" in one else one.get("temp")
    hold_min = one["hold_min"] if "hold_min" in one else one.get("hold", 0)
    rate_c_per_h = rate_of(one.get("rate"), unit, "the rate")
    return Step(to_c(number(target, "`target` or `temp`"), unit), rate_c_per_h, number(hold_min, "the hold") * 60)
