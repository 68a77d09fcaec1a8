"""What `mosquitto_sub -v` wrote of a qtkiln: topic and JSON, with the device's uptime for a clock."""

import json
import re
from typing import Any, Final

from service.importers.log import Asked, Log, Recording
from service.importers.rows import Rows, json_number
from service.importers.times import Uptime

NAME: Final = "qtkiln messages"
_LINE: Final = re.compile(r"qtkiln/\S+/(\w+) (.*)", re.ASCII)
_PARTS: Final = ("kiln", "housing")


def recognises(head: str) -> bool:
    """Say whether a text that begins so is such a log."""
    return any(_LINE.match(line) for line in head.splitlines())


def read(text: str, asked: Asked) -> Log:
    """Return the states that carry a temperature; other messages are passed over."""
    rows, clock = Rows(), Uptime()
    for count, line in enumerate(text.splitlines(), start=1):
        match = _LINE.match(line)
        if match is None or match[1] != "state":
            continue
        rows.lines += 1
        try:
            state = json.loads(match[2])
        except (ValueError, RecursionError):
            rows.refuse(count, line)
            continue
        if not isinstance(state, dict) or _PARTS[0] not in state:
            continue  # what the device says of its memory
        uptime_ms, temps = json_number(state.get("time_ms")), {part: _temp_c(state.get(part)) for part in _PARTS}
        if uptime_ms is None or uptime_ms < 0:
            rows.refuse(count, line)
            continue
        at_s = clock.follow(uptime_ms / 1000)
        for part, temp_c in temps.items():
            if temp_c is not None:
                rows.add(part, at_s, temp_c)
    channels = rows.channels(dict.fromkeys(_PARTS, "c"))
    return Log(NAME, (Recording(channels),), is_dated=False, remarks=(*rows.remarks(), *clock.remarks()))


def _temp_c(part: Any) -> float | None:
    return json_number(part.get("temp_C")) if isinstance(part, dict) else None
