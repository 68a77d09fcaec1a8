"""Our own form: every field of a schedule under its own name with its unit."""

import json
from typing import Final

from service.core.schedule import Schedule, Step
from service.importers.schedules.document import Document, ScheduleError, fields, number, unit_of

SCHEMA: Final = "canhlo.schedule/1"


def is_mine(document: Document) -> bool:
    return document.json.get("schema") == SCHEMA


def read(document: Document, unit: str | None) -> list[Schedule]:
    unit_of("c", unit, SCHEMA)
    steps = tuple(_step(one) for one in document.steps("steps"))
    return [Schedule(steps, number(document.json.get("start_c"), "start_c"), document.name)]


def _step(said: object) -> Step:
    one = fields(said)
    rate, may_pause = one.get("rate_c_per_h"), one.get("may_pause", False)
    if not isinstance(may_pause, bool):
        msg = f"may_pause is {str(may_pause)[:40]!r}; wanted true or false"
        raise ScheduleError(msg)
    return Step(
        number(one.get("target_c"), "target_c"),
        None if rate is None else number(rate, "rate_c_per_h"),
        number(one.get("hold_s", 0.0), "hold_s"),
        may_pause,
    )


def write(schedule: Schedule) -> str:
    """Return the schedule in this form."""
    steps = [
        {"target_c": one.target_c, "rate_c_per_h": one.rate_c_per_h, "hold_s": one.hold_s, "may_pause": one.may_pause}
        for one in schedule.steps
    ]
    plain = {"schema": SCHEMA, "name": schedule.name, "start_c": schedule.start_c, "steps": steps}
    return json.dumps(plain, ensure_ascii=False)
