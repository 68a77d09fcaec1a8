"""The sampler of a Pixsys ATR620: `12 1 24.2 0.0 1.7 0.0 24.6`, one line a second while a programme runs."""

import re
from typing import Final

import numpy as np

from service.core.series import Samples
from service.importers.log import Asked, Channel, Log, LogError, Recording, Remark, celsius

NAME: Final = "ATR620 sampler"
INTERVAL_S: Final = 1.0
# A programme that begins anew finds the kiln cooled: the sampler did not run in between.
FALL_C: Final = 200.0
AWAY_S: Final = 600.0  # own choice: after so long without the controller nobody knows how the kiln went
SHORTEST: Final = 60  # own choice, samples: what is shorter was a programme that was started and stopped at once
_LINE: Final = re.compile(r"\d+ [01]( -?\d+(\.\d+)?){5} ?", re.ASCII)
_COLUMNS: Final = 7
_FAR: Final = 1e9  # as a sample it is thirty years on: some damage


def recognises(head: str) -> bool:
    """Say whether a text that begins so is the sampler's."""
    lines = head.splitlines()[:5]
    return bool(lines) and all(_LINE.fullmatch(line) for line in lines[:-1] or lines)


def read(text: str, asked: Asked) -> Log:
    """Return the firings, one recording each; rows that say that the controller was away are left out."""
    lines = text.splitlines()
    kept = [line for line in lines if line.count(" ") >= _COLUMNS - 1 and "overrun" not in line]
    try:
        rows = np.loadtxt(kept, usecols=range(_COLUMNS), ndmin=2)
    except ValueError:
        kept = [line for line in kept if _LINE.fullmatch(line)]
        rows = np.loadtxt(kept, usecols=range(_COLUMNS), ndmin=2) if kept else np.empty((0, _COLUMNS))
    rows = rows[(np.abs(rows) < _FAR).all(axis=1)]
    cut = len(lines) - len(rows)
    is_read = rows[:, 1] == 1.0
    if is_read.sum() < SHORTEST:
        msg = "a sampler's log in which the controller hardly answered: wanted at least a minute of readings"
        raise LogError(msg)
    rows = rows[is_read]
    temp_c = celsius(rows[:, 2], asked.unit or "c")
    time_s = rows[:, 0] * (asked.interval_s or INTERVAL_S)
    breaks = (np.diff(temp_c) < -FALL_C) | (np.diff(time_s) > AWAY_S)
    parts = [part for part in np.split(np.arange(len(rows)), np.flatnonzero(breaks) + 1) if len(part) >= SHORTEST]
    if not parts:
        msg = "a sampler's log of stretches shorter than a minute: no firing can be in it"
        raise LogError(msg)
    shown = sum(map(len, parts))
    recordings = tuple(
        Recording({"kiln": Channel(Samples(time_s[part], temp_c[part]))}, f"firing {number}")
        for number, part in enumerate(parts, start=1)
    )
    return Log(NAME, recordings, False, _remarks(cut, int((~is_read).sum()), len(rows) - shown))


def _remarks(cut: int, away: int, short: int) -> tuple[Remark, ...]:
    seen = {"cut": cut, "away": away, "short": short}
    return (*(Remark(key, {key: count}) for key, count in seen.items() if count), Remark("sample_is_a_second"))
