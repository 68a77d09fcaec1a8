"""A schedule file before its format is known, and what all formats share: errors, numbers, units, steps."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from service.core.schedule import Step
from service.errors import ServiceError

MOST_BYTES: Final = 1_000_000
MOST_STEPS: Final = 500
LONGEST_NAME: Final = 80
FASTEST_PER_H: Final = 5000.0  # controllers write 9999 for as fast as it can
_UNITS: Final = {"c": "c", "celsius": "c", "f": "f", "fahrenheit": "f"}


class ScheduleError(ServiceError):
    """A schedule cannot be read; the message says what was seen, what was wanted and what to do."""

    code = "unreadable_schedule"


@dataclass(frozen=True)
class Document:
    """What a file holds: the object of its JSON, empty if it is none, and its lines without comments."""

    text: str
    json: Mapping[str, Any]
    lines: tuple[str, ...]

    @property
    def name(self) -> str:
        """What it calls itself."""
        said = self.json.get("name") or self.json.get("title") or ""
        return " ".join(str(said).split())[:LONGEST_NAME]

    def steps(self, key: str) -> list[Any]:
        """Return the list of this name, which has 1 to 500 entries."""
        return bounded(self.json.get(key), f"`{key}`")


def open_document(content: bytes) -> Document:
    if len(content) > MOST_BYTES:
        msg = f"larger than {MOST_BYTES:,} bytes, which no schedule needs"
        raise ScheduleError(msg)
    text = content.decode("utf-8-sig", errors="replace").replace("\0", "").strip()
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    # MultiZone goes on with its recording after the schedule, so only the first object counts.
    plain = json.JSONDecoder().raw_decode(text)[0] if text.startswith("{") else {}
    return Document(text, plain, tuple(filter(None, lines)))


def bounded(steps: object, what: str) -> list[Any]:
    if not isinstance(steps, list) or not 1 <= len(steps) <= MOST_STEPS:
        msg = f"{what} is not what was wanted, a list of 1 to {MOST_STEPS} steps"
        raise ScheduleError(msg)
    return steps


def fields(step: object) -> Mapping[str, Any]:
    """Return a step as the object that it should be."""
    if not isinstance(step, Mapping):
        msg = f"a step is {str(step)[:40]!r}; wanted an object with its target, rate and hold"
        raise ScheduleError(msg)
    return step


def number(value: object, what: str) -> float:
    """Return a number as JSON or a table says it."""
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        found = None
    if found is None or not isfinite(found):
        msg = f"{what} is {str(value)[:40]!r}; wanted a number"
        raise ScheduleError(msg)
    return found


def unit_of(said: object, asked: str | None, what: str) -> str:
    """Return ``"c"`` or ``"f"``, by what the file says, else by what a person says; never two different ones."""
    unit = asked if said is None else _UNITS.get(str(said).strip().lstrip("°").lower())
    if unit is None and said is None:
        msg = f"{what} does not say whether temperatures are °C or °F; say --schedule-unit c or --schedule-unit f"
        raise ScheduleError(msg)
    if unit not in ("c", "f"):
        msg = f"the unit of temperatures is {str(said if said is not None else asked)[:20]!r}; wanted °C or °F"
        raise ScheduleError(msg)
    if asked not in (None, unit):
        msg = f"the file says °{unit.upper()}, and --schedule-unit {asked}; leave that out, or see which is true"
        raise ScheduleError(msg)
    return unit


def to_c(value: float, unit: str) -> float:
    """Return a temperature in °C."""
    return value if unit == "c" else (value - 32.0) / 1.8


def rate_of(said: object, unit: str, what: str) -> float | None:
    """Return a rate in °C/h, whatever its sign; none, zero and what no kiln can do are as fast as it can."""
    if said in (None, ""):
        return None
    rate = abs(number(said, what)) / (1.0 if unit == "c" else 1.8)
    return rate if 0.1 <= rate < FASTEST_PER_H else None


def timed(from_c: float, target_c: float, lasts_min: float | None, hold_min: float) -> Step:
    """Return a step that is given by how long its ramp and its hold take [min]; no time is as fast as it can."""
    rate = abs(target_c - from_c) / lasts_min * 60 if lasts_min else None
    return Step(target_c, rate or None, hold_min * 60)
