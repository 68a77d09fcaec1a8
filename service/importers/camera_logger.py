"""Loggers that write local time and whole °C: `21/10/2015 11:26:31;650;586`, the first probe above the second."""

import re
from collections.abc import Sequence
from typing import Final

from service.importers.log import Asked, Log, Recording
from service.importers.rows import Rows, fields, number
from service.importers.times import Dates

NAME: Final = "camera logger"
_LINE: Final = re.compile(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d(;[^;]*)+", re.ASCII)
_TWO: Final = ("top", "bottom")


def recognises(head: str) -> bool:
    """Say whether a text that begins so is such a log."""
    return any(_LINE.fullmatch(line.strip()) for line in head.splitlines()[:5])


def read(text: str, asked: Asked) -> Log:
    """Return the log."""
    rows, dates = Rows(), Dates(asked)
    names: Sequence[str] = ()
    for count, line in enumerate(filter(str.strip, text.splitlines()), start=1):
        rows.lines += 1
        stamp, *cells = fields(line.strip(), ";")
        values = [number(cell) for cell in cells]
        time_s = dates.unix_s(stamp)
        if time_s is None or not values or None in values or (names and len(values) != len(names)):
            rows.refuse(count, line)
            continue
        names = names or (_TWO if len(values) == len(_TWO) else [f"probe_{index + 1}" for index in range(len(values))])
        for name, value in zip(names, values, strict=True):
            rows.add(name, time_s, value)
    channels = rows.channels(dict.fromkeys(names, asked.unit or "c"))
    return Log(NAME, (Recording(channels),), remarks=(*rows.remarks(), *dates.remarks()))
