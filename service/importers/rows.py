"""Rows of readings gathered line by line, and the lines that could not be read."""

import csv
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Final

import numpy as np

from firmware_bridge.wire import Unit
from service.core.series import QUALITIES, Samples
from service.importers.log import Channel, LogError, Remark, celsius

MOST_CHANNELS: Final = 64
MOST_READINGS: Final = 20_000_000
MOST: Final = 1e15  # as a number: ms, °C or anything else
SHOWN: Final = 60
FAULT: Final = QUALITIES.index("fault")


@dataclass
class Rows:
    """Readings by channel in the order of the log: times [s], values as written, qualities."""

    time_s: dict[str, list[float]] = field(default_factory=dict)
    value: dict[str, list[float]] = field(default_factory=dict)
    quality: dict[str, list[int]] = field(default_factory=dict)
    lines: int = 0
    unread: int = 0
    first_unread: str = ""
    readings: int = 0

    def add(self, channel: str, time_s: float, value: float | None, quality: int = 0) -> None:
        """Take in a reading; None is "no reading"."""
        if channel not in self.time_s:
            if len(self.time_s) == MOST_CHANNELS:
                msg = f"more than {MOST_CHANNELS} channels were seen; a kiln has fewer: is this a log of temperatures?"
                raise LogError(msg)
            self.time_s[channel], self.value[channel], self.quality[channel] = [], [], []
        self.readings += 1
        if self.readings > MOST_READINGS:
            msg = f"the log has more than {MOST_READINGS:,} readings; give it in parts"
            raise LogError(msg)
        self.time_s[channel].append(time_s)
        self.value[channel].append(nan if value is None else value)
        self.quality[channel].append(quality)

    def refuse(self, number: int, text: str) -> None:
        """Count a line that could not be read, and keep the first."""
        if not self.unread:
            self.first_unread = f"line {number}: {text[:SHOWN]!r}"
        self.unread += 1

    def channels(self, units: Mapping[str, str]) -> dict[str, Channel]:
        """Return the channels; `units` has "c", "f" or another unit's name for each."""
        return {name: self._channel(name, units[name]) for name in self.time_s}

    def _channel(self, name: str, unit: str) -> Channel:
        value = np.array(self.value[name])
        if unit in ("c", "f"):
            value = celsius(value, unit)
        quality = np.array(self.quality[name], dtype=np.uint8)
        samples = Samples(np.array(self.time_s[name]), value, quality if quality.any() else None)
        return Channel(samples, Unit.CELSIUS if unit in ("c", "f") else Unit(unit))

    def remarks(self) -> tuple[Remark, ...]:
        """Return what was left out, or refuse a log of which most lines mean nothing."""
        if self.unread * 2 > self.lines:
            msg = f"lines that could not be read: {self.unread} of {self.lines}; the first is {self.first_unread}"
            raise LogError(msg)
        if not self.unread:
            return ()
        return (Remark("unread", {"unread": self.unread, "lines": self.lines, "first": self.first_unread}),)


def number(text: str) -> float | None:
    """Return the number that a cell holds, NaN for "no reading", None if it is neither."""
    text = text.strip()
    if text.lower() in ("", "nan", "na", "n/a", "null", "none", "-"):
        return nan
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else nan


def json_number(value: object) -> float | None:
    """Return a number of a JSON document, None if it is none, or none that any instrument says."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MOST:
        return None
    return float(value)


def fields(line: str, separator: str, most: int = 1) -> Sequence[str]:
    """Return the cells of a line; one that ends with its separator has no cell after it, if it has more than `most`."""
    cells = line.split(separator)
    if '"' in line:
        with suppress(csv.Error):  # a cell of a hundred thousand letters: no quoted number
            (cells,) = csv.reader([line], delimiter=separator)
    return cells[:-1] if len(cells) > most and not cells[-1].strip() else cells
