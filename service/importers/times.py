"""Times as logs write them, made Unix time."""

import re
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from service.errors import InvalidError
from service.importers.log import Asked, MonthFirstError, Remark

_CLOCK: Final = r"(\d{1,2})(:\d\d(?::\d\d(?:[.,]\d+)?)?)(?: ?([ap])\.?m\.?)?"
_DAY_OR_MONTH_FIRST: Final = re.compile(
    rf"(\d{{1,2}})([/.-])(\d{{1,2}})\2(\d{{4}})[ T]+{_CLOCK}", re.ASCII | re.IGNORECASE
)
_YEAR_FIRST: Final = re.compile(rf"(\d{{4}})([/.])(\d{{1,2}})\2(\d{{1,2}})[ T]+{_CLOCK}", re.ASCII | re.IGNORECASE)
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
        self._is_month_first = asked.is_month_first
        self._is_sure: bool | None = None  # which number is the month; None if no date is written so

    def unix_s(self, text: str) -> float | None:
        """Return the Unix time of an ISO 8601 time, or of one like 21/10/2015 11:26:31; None if it is neither [s].

        In the hour that an autumn night has twice, a time does not go back if it need not.

        Raises
        ------
        MonthFirstError
            If its second number can be no month, nor any before it said that the first is none.
        """
        text = text.strip()
        if written := _DAY_OR_MONTH_FIRST.fullmatch(text):
            day, _, month, year, *clock = written.groups()
            if self._is_month_first:
                day, month = month, day
            elif not self._is_sure and int(day) <= MONTHS < int(month):
                msg = f"its dates are day/month/year and month/day/year, such as {text[:40]}"
                raise MonthFirstError(msg)
            self._is_sure = bool(self._is_sure) or int(day) > MONTHS
            text = _iso(year, month, day, *clock)
        elif written := _YEAR_FIRST.fullmatch(text):
            year, _, month, day, *clock = written.groups()
            text = _iso(year, month, day, *clock)
        try:
            moment = datetime.fromisoformat(text.replace(",", "."))
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
        taken = [Remark("month_first")] if self._is_month_first else [Remark("day_first")]
        return (*no_zone, *(taken if self._is_month_first or self._is_sure is False else ()))


def _iso(year: str, month: str, day: str, hour: str, rest: str, half: str | None) -> str:
    """Return a time as ISO 8601 writes it; `half` is the half of the day, a or p."""
    of_day = int(hour) if half is None else int(hour) % 12 + (12 if half.lower() == "p" else 0)
    return f"{year}-{month:>02}-{day:>02}T{of_day:02}{rest}"


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
