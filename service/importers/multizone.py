"""MultiZoneKilnController: JSON objects one after another, first the schedule, then the state of all zones."""

import json
from collections.abc import Iterator
from typing import Any, Final

from service.importers.log import Asked, Log, LogError, Recording
from service.importers.rows import Rows, json_number

NAME: Final = "MultiZoneKilnController recording"
_KEY: Final = "zones_status_array"
_BLANK: Final = " \t\r\n\0"  # a file cut by a power failure ends in zeros


def recognises(head: str) -> bool:
    """Say whether a text that begins so is such a recording."""
    return head.lstrip().startswith("{") and f'"{_KEY}"' in head


def read(text: str, asked: Asked) -> Log:
    """Return the recording, one channel a zone."""
    rows = Rows()
    for position, one in _objects(text):
        zones = one.get(_KEY) if isinstance(one, dict) else None
        if not isinstance(zones, list):
            continue
        rows.lines += 1
        for index, zone in enumerate(zones, start=1):
            said = zone if isinstance(zone, dict) else {}
            time_ms, temp_c = (json_number(said.get(name)) for name in ("time_ms", "temperature"))
            if time_ms is None:
                rows.refuse(position, json.dumps(zone))
            else:
                rows.add(f"zone_{index}", time_ms / 1000, temp_c)
    if not rows.readings:
        msg = f"a {NAME} without the state of any zone: nothing was measured in it"
        raise LogError(msg)
    return Log(NAME, (Recording(rows.channels(dict.fromkeys(rows.time_s, "c"))),), remarks=rows.remarks())


def _objects(text: str) -> Iterator[tuple[int, Any]]:
    """Go through the objects and where each begins; what is torn at the end is left out."""
    decoder, position = json.JSONDecoder(), 0
    while True:
        while position < len(text) and text[position] in _BLANK:
            position += 1
        if position >= len(text):
            return
        try:
            one, after = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            after = text.find("{", position + 1)
            if after < 0:
                return
        else:
            yield position, one
        position = after
