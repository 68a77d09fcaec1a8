"""The log of kiln-controller: `2022-05-14 22:36:09,824 INFO oven: temp=1888.40, target=1888.00, ...`."""

import re
from typing import Final

from service.importers.log import Asked, Log, LogError, Recording, asked_unit
from service.importers.rows import FAULT, Rows
from service.importers.times import Dates

NAME: Final = "kiln-controller log"
_LINE: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d{3} [A-Z]+ oven: (.*)", re.ASCII)
_TEMP: Final = re.compile(r"temp ?= ?(-?\d+(?:\.\d+)?)(?![\d.])", re.ASCII)
_FAULT: Final = re.compile(r"[Pp]roblem reading temp")
_CHANNEL: Final = "kiln"


def recognises(head: str) -> bool:
    """Say whether a text that begins so is such a log."""
    return any(_LINE.search(line) for line in head.splitlines())


def read(text: str, asked: Asked) -> Log:
    """Return the log; lines of other programs and of other parts of the controller are passed over."""
    unit = asked_unit(asked, "a kiln-controller log")
    rows, dates = Rows(), Dates(asked)
    for line in text.splitlines():
        spoken = _LINE.search(line)
        if spoken is None:
            continue
        time_s = dates.unix_s(spoken[1])
        temp, is_fault = _TEMP.match(spoken[2]), _FAULT.search(spoken[2])
        if time_s is not None and (temp or is_fault):
            rows.add(_CHANNEL, time_s, float(temp[1]) if temp else None, 0 if temp else FAULT)
    if not rows.readings:
        msg = "a kiln-controller log without a line 'oven: temp=...': nothing was measured in it"
        raise LogError(msg)
    return Log(NAME, (Recording(rows.channels({_CHANNEL: unit})),), remarks=dates.remarks())
