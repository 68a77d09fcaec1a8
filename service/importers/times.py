"""Times as logs write them, made Unix time."""

import re
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from service.errors import InvalidError
from service.importers.log import Asked, Remark

_DAY_FIRST: Final = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})[ T]+(\d{1,2}:\d\d(?::\d\d)?)", re.ASCII)
_TIME_OF_DAY: Final = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d+)?))?", re.ASCII)
MONTHS: Final = 12  # a day after the twelfth says which of the two is the month
_DAY_S: Final = 86_400.0


class Dates:
    """Calendar times of one log, line after line; those without an offset are of one zone."""

    def __init__(self, asked: Asked) -> None:
        self._zone: tzinfo = asked.zone or UTC
        self._is_asked = asked.zone is not None
        self._last_s: float | None = None
        self._is_local = False
        self._is_day_first: bool | None = None  # None if no date is written so

    def unix_s(self, text: str) -> float | None:
        """Return the Unix time of an ISO 8601 time, or of one like 21/10/2015 11:26:31; None if it is neither [s].

        In the hour that an autumn night has twice, a time does not go back if it need not.
        """
        if day_first := _DAY_FIRST.fullmatch(text.strip()):
            day, _, month, year, clock = day_first.groups()
            text = f"{year}-{month:>02}-{day:>02}T{clock.zfill(len(clock) + (clock[1] == ':'))}"
            self._is_day_first = bool(self._is_day_first) or int(day) > MONTHS
        try:
            moment = datetime.fromisoformat(text.strip().replace(",", "."))
            if moment.tzinfo is None:
                self._is_local = True
                moment = moment.replace(tzinfo=self._zone)
            first_s, second_s = (moment.replace(fold=fold).timestamp() for fold in (0, 1))
        except (ValueError, OverflowError):
            return None
        goes_back = self._last_s is not None and first_s < self._last_s <= second_s
        self._last_s = second_s if goes_back else first_s
        return self._last_s

    def remarks(self) -> tuple[Remark, ...]:
        """Return what was taken for granted."""
        no_zone = [Remark("no_time_zone")] if self._is_local and not self._is_asked else []
        day_first = [Remark("day_first")] if self._is_day_first is False else []
        return (*no_zone, *day_first)


class Uptime:
    """Time of a device that counts from its start: when it starts anew, it is taken to have done so at once."""

    def __init__(self) -> None:
        self.restarts = 0
        self._at_s = 0.0
        self._last_s: float | None = None

    def follow(self, uptime_s: float) -> float:
        """Return the time since the log began [s]."""
        if self._last_s is not None:
            is_restart = uptime_s < self._last_s
            self.restarts += is_restart
            self._at_s += uptime_s if is_restart else uptime_s - self._last_s
        self._last_s = uptime_s
        return self._at_s

    def remarks(self) -> tuple[Remark, ...]:
        """Return what nobody can know."""
        return (Remark("restarts", {"restarts": self.restarts}),) if self.restarts else ()


class TimeOfDay:
    """Times without a date, such as 23:59:58; what goes back is past midnight."""

    def __init__(self) -> None:
        self._last_s = 0.0
        self._days = 0

    def follow(self, text: str) -> float | None:
        """Return the seconds since the midnight before the log began, None if the text is no such time."""
        match = _TIME_OF_DAY.fullmatch(text.strip())
        if match is None:
            return None
        hour, minute, second = match.groups()
        at_s = int(hour) * 3600.0 + int(minute) * 60.0 + float(second or 0)
        if at_s < self._last_s - _DAY_S / 2:
            self._days += 1
        self._last_s = at_s
        return at_s + self._days * _DAY_S


def zone_called(name: str | None) -> ZoneInfo | None:
    """Return the time zone that a person names, None if nobody did; InvalidError if there is none of that name."""
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = f"there is no time zone {name!r}; wanted a name such as Asia/Ho_Chi_Minh or Europe/Paris"
        raise InvalidError(msg) from error
