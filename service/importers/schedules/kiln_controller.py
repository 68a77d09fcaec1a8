"""Profiles of kiln-controller, its forks and MultiZone: corners of [seconds, temperature].

The unit is in that program's config.py and not in the profile; only newer versions write `temp_units`.
"""

import json

from service.core.schedule import Schedule, from_corners
from service.importers.schedules.document import Document, ScheduleError, number, to_c, unit_of


def is_mine(document: Document) -> bool:
    return "data" in document.json


def read(document: Document, unit: str | None) -> list[Schedule]:
    used = unit_of(document.json.get("temp_units"), unit, "`data` of seconds and temperatures")
    return [from_corners([_corner(one, used) for one in document.steps("data")], name=document.name)]


def _corner(said: object, unit: str) -> tuple[float, float]:
    if not isinstance(said, list) or len(said) != 2:
        msg = f"a corner is {str(said)[:40]!r}; wanted [seconds, temperature]"
        raise ScheduleError(msg)
    return number(said[0], "the time of a corner"), to_c(number(said[1], "the temperature of a corner"), unit)


def write(schedule: Schedule, unit: str) -> str:
    """Return a profile in ``"c"`` or ``"f"``, which it says.

    As fast as the kiln can is no time, so such a step is refused; where one may pause cannot be said and is left out.
    """
    if any(
        step.rate_c_per_h is None and step.target_c != schedule.from_c(index)
        for index, step in enumerate(schedule.steps)
    ):
        msg = "a step as fast as the kiln can has no time, and a kiln-controller profile needs one; give it a rate"
        raise ScheduleError(msg)
    time_s, temp_c = schedule.corners()
    temps = temp_c if unit == "c" else temp_c * 1.8 + 32.0
    data = [[round(at_s, 3), round(temp, 6)] for at_s, temp in zip(time_s.tolist(), temps.tolist(), strict=True)]
    return json.dumps({"type": "profile", "name": schedule.name, "temp_units": unit, "data": data}, ensure_ascii=False)
