"""Loggers that print local time and whole degrees: `21/10/2015 11:26:31;650;586`."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from firmware_bridge.message import Decoded, Measured, Message, Rejected, Value
from firmware_bridge.wire import Quality

# Fixed widths: a line whose beginning was lost cannot pass for one of another day.
_TIME: Final = re.compile(r"(\d\d)/(\d\d)/(\d{4}) (\d\d):(\d\d):(\d\d)", re.ASCII)
_DEGREES: Final = re.compile(r"[+-]?\d{1,7}(\.\d{1,9})?", re.ASCII)
# How far a logger's clock may run ahead of the bridge's; half the hour that an autumn night has twice.
_CLOCK_DIFFERENCE: Final = timedelta(minutes=30)
_FIRST_YEAR: Final = 1971
_LAST_YEAR: Final = 2098


class CameraLogger:
    """One line is a local time and one temperature for each channel; `nan` or nothing is "no value"."""

    def __init__(self, channels: Sequence[str], zone: ZoneInfo) -> None:
        self._channels = tuple(channels)
        self._zone = zone

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        text = message.payload.decode("ascii", errors="replace").strip()
        stamp, *fields = text.split(";")
        local = _local_time(stamp)
        if local is None:
            return Rejected("no_time", "a line that begins dd/mm/yyyy HH:MM:SS;")
        if len(fields) != len(self._channels):
            return Rejected("channel_count", f"{len(self._channels)} temperatures after the time, separated by ;")
        values = [_value(channel, field.strip()) for channel, field in zip(self._channels, fields, strict=True)]
        if None in values:
            return Rejected("not_a_number", "temperatures in °C such as 650 or 650.5, or nan")
        at = _to_utc(local.replace(tzinfo=self._zone), message.arrived_at, newest_at)
        return Measured(at, tuple(value for value in values if value is not None))


def _local_time(stamp: str) -> datetime | None:
    match = _TIME.fullmatch(stamp)
    if match is None:
        return None
    day, month, year, hour, minute, second = (int(group) for group in match.groups())
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the zone is put on by the caller
    except ValueError:
        return None


def _value(channel: str, field: str) -> Value | None:
    if field.lower() in ("", "nan"):
        return Value(channel, None, Quality.NO_VALUE)
    if _DEGREES.fullmatch(field) is None:
        return None
    return Value(channel, float(field))


def _to_utc(local: datetime, arrived_at: datetime, newest_at: datetime | None) -> datetime:
    """Return the time in UTC. In the hour that comes twice in autumn: not in the future, and not back if possible."""
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if second <= first:  # an ordinary time, or one that the clocks jump over in spring
        return first
    would_go_back = newest_at is not None and first < newest_at
    return second if would_go_back and second <= arrived_at + _CLOCK_DIFFERENCE else first
