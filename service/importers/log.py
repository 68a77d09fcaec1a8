"""What a log comes to, whoever wrote it: recordings of named channels, and what was noticed while reading."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from firmware_bridge.wire import Unit
from service.core.series import FloatArray, Samples
from service.errors import ServiceError

ABSOLUTE_ZERO_C: Final = -273.15


class LogError(ServiceError):
    """A log cannot be read; the message says what was seen, what was wanted and what to do."""

    code = "unreadable_log"


class MonthFirstError(LogError):
    """A date of the log has its month before its day: all of them are to be read so."""


@dataclass(frozen=True)
class Remark:
    """Something that was noticed while reading: `key` names the text, `values` are what it tells."""

    key: str
    values: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What a person says of a log that it does not say itself; None where nobody said.

    Parameters
    ----------
    unit : "c", "f" or None
        Of temperatures without a unit.
    zone : ZoneInfo or None
        Of times without an offset; UTC if nobody says.
    interval_s : float or None
        Between the samples of a log that has no times. [s]
    is_month_first : bool
        Whether its dates are month/day/year; one that can be nothing else says so (`MonthFirstError`).
    """

    unit: str | None = None
    zone: ZoneInfo | None = None
    interval_s: float | None = None
    is_month_first: bool = False


@dataclass(frozen=True)
class Channel:
    """Readings of one channel in the order of the log, and their unit; temperatures are in °C here."""

    samples: Samples
    unit: Unit = Unit.CELSIUS


@dataclass(frozen=True)
class Recording:
    """Channels that share a clock; `name` tells it from the other recordings of its log and is empty if it is alone."""

    channels: Mapping[str, Channel]
    name: str = ""

    @property
    def temperatures(self) -> dict[str, Samples]:
        """The channels that measure °C: those that the science looks at."""
        return {name: one.samples for name, one in self.channels.items() if one.unit is Unit.CELSIUS}


@dataclass(frozen=True)
class Log:
    """A log as read.

    Parameters
    ----------
    format : str
        Whose it is, in words.
    recordings : tuple of Recording
        In the order of the log.
    is_dated : bool
        Whether its times are those of a calendar; if not they count from its beginning, as Unix time 0.
    remarks : tuple of Remark
        What a reader should know: lines that were left out, units and times that were taken for granted.
    """

    format: str
    recordings: tuple[Recording, ...]
    is_dated: bool = True
    remarks: tuple[Remark, ...] = ()


def celsius(value: FloatArray, unit: str) -> FloatArray:
    """Return temperatures given in ``"c"`` or ``"f"`` in °C, NaN where they are colder than anything can be."""
    temp_c = (value - 32.0) / 1.8 if unit == "f" else value
    return np.where(np.isfinite(temp_c) & (temp_c >= ABSOLUTE_ZERO_C), temp_c, np.nan)


def asked_unit(asked: Asked, what: str) -> str:
    """Return the unit that a person said; nobody guesses it."""
    if asked.unit is None:
        msg = f"{what} does not say whether its temperatures are °C or °F; say --unit c or --unit f"
        raise LogError(msg)
    return asked.unit
