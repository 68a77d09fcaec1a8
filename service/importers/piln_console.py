"""What PiLN prints: three lines a sample with `ReadTmp:52.23`, and no times at all."""

import re
from typing import Final

from service.importers.log import Asked, Log, LogError, Recording, asked_unit
from service.importers.rows import Rows

NAME: Final = "PiLN console"
_RUN: Final = re.compile(r"RunID (\d+)\b", re.ASCII)
_TEMP: Final = re.compile(r"ReadTmp: ?(-?\d+(?:\.\d+)?|nan)\b", re.ASCII)
_CHANNEL: Final = "kiln"


def recognises(head: str) -> bool:
    """Say whether a text that begins so is PiLN's."""
    return _TEMP.search(head) is not None


def read(text: str, asked: Asked) -> Log:
    """Return the log, one recording a run."""
    unit = asked_unit(asked, "what PiLN prints")
    if asked.interval_s is None:
        msg = "what PiLN prints has no times; say --interval with the seconds between its samples (PiLN's own is 30)"
        raise LogError(msg)
    runs: dict[str, Rows] = {}
    run, count = "", 0
    for line in text.splitlines():
        if begun := _RUN.search(line):
            run = begun[1]
        if temp := _TEMP.search(line):
            runs.setdefault(run, Rows()).add(_CHANNEL, count * asked.interval_s, float(temp[1]))
            count += 1
    recordings = tuple(
        Recording(rows.channels({_CHANNEL: unit}), f"run {run}" if run and len(runs) > 1 else "")
        for run, rows in runs.items()
    )
    return Log(NAME, recordings, is_dated=False)
