"""A schedule file read: whose it is is seen from what it holds, never from its name."""

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from service.core.schedule import ROOM_C, Schedule, Step, from_corners
from service.errors import ServiceError

MOST_BYTES: Final = 1_000_000
MOST_STEPS: Final = 500
_PIDKILN: Final = re.compile(r"(\d+(?:\.\d+)?):(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)", re.ASCII)
_HOURS_MINUTES: Final = re.compile(r"(\d+)[.:](\d\d)", re.ASCII)

Json = Mapping[str, Any]


class ScheduleError(ServiceError):
    """A schedule cannot be read; the message says what was seen, what was wanted and what to do."""

    code = "unreadable_schedule"


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
    try:
        if len(content) > MOST_BYTES:
            msg = f"larger than {MOST_BYTES:,} bytes, which no schedule needs"
            raise ScheduleError(msg)  # noqa: TRY301 - the name of the file is put before it, as before all others
        return _read(content.decode("utf-8-sig", errors="replace").replace("\0", ""), unit)
    except (ScheduleError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        said = f"there is no {error}" if isinstance(error, KeyError) else str(error).replace("\n", " ")
        msg = f"{path.name}: {said}"
        raise ScheduleError(msg) from error


def read_schedule(path: Path, unit: str | None = None, *, name: str | None = None) -> Schedule:
    """Return the one schedule of a file, or the one of this name."""
    found = read_schedules(path, unit)
    if name is not None:
        found = [one for one in found if one.name == name]
    if len(found) != 1:
        names = ", ".join(one.name for one in read_schedules(path, unit)[:20])
        msg = f"{path.name} holds {len(found)} schedules that fit; say which by --schedule-name: {names}"
        raise ScheduleError(msg)
    return found[0]


def _read(text: str, unit: str | None) -> list[Schedule]:
    stripped = text.lstrip()
    if stripped.startswith("{"):
        document, _ = json.JSONDecoder().raw_decode(stripped)
        return [_from_json(document, unit)]
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    if lines and all(_PIDKILN.fullmatch(line) for line in lines):
        return [_pidkiln(lines)]
    if lines and "," in lines[0]:
        return _table(lines)
    first = lines[0][:60] if lines else ""
    msg = (
        f"not a schedule that is known; it begins {first!r}. Wanted: JSON with `data` (seconds and temperatures) or "
        "`segments` (rate, target, hold), PIDKiln's temperature:minutes:minutes, or a table of steps"
    )
    raise ScheduleError(msg)


def _from_json(document: Json, unit: str | None) -> Schedule:
    name = str(document.get("name") or document.get("title") or "").strip()
    if "data" in document:
        convert = _converter(unit, "`data` of seconds and temperatures")
        points = _bounded(document["data"])
        return from_corners([(float(at_s), convert(float(temp))) for at_s, temp in points], name=name)
    if "step" in document:
        return _qtkiln(_bounded(document["step"]), name)
    segments = _bounded(document["segments"])
    if segments and "temperature" in segments[0]:  # what MultiZoneKilnController writes before its recording, in °C
        return from_corners([(float(one["time"]), float(one["temperature"])) for one in segments], name=name)
    said = document.get("temp_units") or document.get("units-temp")
    convert = _converter(_unit_said(said) or unit, "`segments` without `temp_units`")
    per_degree = convert(1.0) - convert(0.0)
    steps = []
    for one in segments:
        rate = one.get("rate")
        target = one["target"] if "target" in one else one["temp"]
        hold_min = one["hold_min"] if "hold_min" in one else one.get("hold", 0)
        steps.append(Step(convert(float(target)), _rate(rate, per_degree), float(hold_min) * 60))
    start_c = convert(float(document["start_temp"])) if "start_temp" in document else ROOM_C
    return Schedule(tuple(steps), start_c, name)


def _qtkiln(steps: Sequence[Json], name: str) -> Schedule:
    """Return qtkiln's steps: °C, minutes to get there, minutes to stay."""
    at_c, found = ROOM_C, []
    for one in steps:
        target_c = float(one["tgtT_C"])
        lasts_min = None if one.get("AFAP") else float(one["deltaT_min"])
        found.append(_timed(at_c, target_c, lasts_min, float(one.get("dwell_min", 0))))
        at_c = target_c
    return Schedule(tuple(found), ROOM_C, name)


def _pidkiln(lines: Sequence[str]) -> Schedule:
    """Return PIDKiln's steps: °C, minutes to get there, minutes to stay."""
    at_c, found = ROOM_C, []
    for line in _bounded(lines):
        target_c, lasts_min, hold_min = (float(part) for part in line.split(":"))
        found.append(_timed(at_c, target_c, lasts_min, hold_min))
        at_c = target_c
    return Schedule(tuple(found), ROOM_C)


def _table(lines: Sequence[str]) -> list[Schedule]:
    """Return the schedules of a table with a row for each step; its header names the units."""
    rows = list(csv.DictReader(lines, restval=""))
    header = list(rows[0]) if rows else []
    target, rate = (_column(header, name) for name in ("target_c set_temp_c", "rate_c_per_h"))
    which, hold = (_column(header, name) for name in ("programme run_id schedule", "hold_min soak_h_mm hold_s"))
    found = []
    for key, group in groupby(rows, key=lambda row: row[which]):
        steps = tuple(
            Step(float(row[target]), _rate(row[rate], 1.0), _hold_s(row[hold], hold)) for row in _bounded(list(group))
        )
        found.append(Schedule(steps, ROOM_C, str(key)))
    return found


def _column(header: Sequence[str], names: str) -> str:
    found = next((name for name in names.split() if name in header), None)
    if found is None:
        msg = f"no column {' or '.join(names.split())} among {', '.join(map(str, header))[:200]}"
        raise ScheduleError(msg)
    return found


def _hold_s(text: str, column: str) -> float:
    if column != "soak_h_mm":
        return float(text or 0) * (60 if column == "hold_min" else 1)
    match = _HOURS_MINUTES.fullmatch(text.strip())
    if match is None:
        msg = f"a soak of {text!r}; wanted hours and minutes such as 0.30"
        raise ScheduleError(msg)
    return int(match[1]) * 3600.0 + int(match[2]) * 60.0


def _timed(from_c: float, target_c: float, lasts_min: float | None, hold_min: float) -> Step:
    rate = abs(target_c - from_c) / lasts_min * 60 if lasts_min else None
    return Step(target_c, rate or None, hold_min * 60)


def _rate(said: object, per_degree: float) -> float | None:
    """Return a rate in °C/h, whatever its sign; none, zero and what no kiln can do are as fast as it can."""
    if said in (None, "", 0):
        return None
    rate = abs(float(str(said))) * per_degree
    return rate if 0.1 <= rate < 5000.0 else None


def _bounded(steps: Any) -> Any:
    if not isinstance(steps, list) or not 1 <= len(steps) <= MOST_STEPS:
        msg = f"wanted 1 to {MOST_STEPS} steps"
        raise ScheduleError(msg)
    return steps


def _unit_said(said: object) -> str | None:
    return {"c": "c", "°c": "c", "f": "f", "°f": "f"}.get(str(said).strip().lower())


def _converter(unit: str | None, what: str) -> Callable[[float], float]:
    if unit == "c":
        return lambda temp: temp
    if unit == "f":
        return lambda temp: (temp - 32.0) / 1.8
    msg = f"{what} does not say whether temperatures are °C or °F; say --schedule-unit c or --schedule-unit f"
    raise ScheduleError(msg)
