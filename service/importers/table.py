"""Tables under a header that names columns and units: the plain log, and what other loggers write much alike."""

import csv
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Final

from firmware_bridge.wire import Unit
from service.importers.log import Asked, Log, LogError, Recording, Remark, asked_unit
from service.importers.rows import MOST, Rows, fields, number
from service.importers.times import Dates, TimeOfDay, Uptime

NAME: Final = "table"
SEPARATORS: Final = ";\t,"
MOST_LETTERS: Final = 40  # of a channel's name, as the database has it
KPA_PER_PSI: Final = 6.894757
_TIME: Final = re.compile(
    r"(?:time|date|datetime|timestamp|t|ngày|giờ|ngày giờ|thời gian|thời điểm)"
    r"(?:[ _]?[(\[]?(ms|s|sec|seconds|min|minutes|h|hours)[)\]]?)?"
)
_TIME_OF_DAY: Final = {"date": "time", "ngày": "giờ"}  # a column of days, and that beside it which says the hour
_TIME_UNIT_S: Final = {"ms": 0.001, "s": 1.0, "sec": 1.0, "seconds": 1.0, "min": 60.0, "minutes": 60.0, "h": 3600.0}
_IN_BRACKETS: Final = re.compile(r"(.*?)[ _]*[(\[]\s*([^()\[\]]{1,12}?)\s*[)\]]\s*(.*)")
# Columns that are worked out from readings or from a plan, or are what a controller did: not readings.
_WORKED_OUT: Final = re.compile(r"\b(rate|change|average|avg|moving|mean|slope|set|sp|setpoint|target)\b")
_OF_CONTROLLER: Final = re.compile(r"\b(output|control|power|energy|duty|heat)\b")
_UNITS: Final = {"c": "c", "°c": "c", "degc": "c", "celsius": "c", "f": "f", "°f": "f", "degf": "f", "fahrenheit": "f"}
_OTHER_UNITS: Final = {unit.value: unit.value for unit in Unit if unit is not Unit.CELSIUS} | {"psi": "psi", "%": "pct"}
_PLAIN: Final = re.compile(rf"([a-z0-9][a-z0-9_\-]{{0,39}})_(?:{'|'.join((*_UNITS, *_OTHER_UNITS))})")
_LETTER: Final = re.compile(r"(|.*[ _])([a-h])", re.IGNORECASE)  # that tells a probe or a zone from its neighbours
_TEMPERATURE: Final = re.compile(r"\b(temperature|temp|t|nhiệt độ|nhiệt)\b")
# As a table is written where a comma is the decimal point; there its cells are set apart by something else.
_DECIMAL_COMMA: Final = re.compile(r"\s*-?\d+,\d+\s*", re.ASCII)
_DIGITS: Final = re.compile(r"[\d\s]*\d[\d\s]*", re.ASCII)
_PLACES: Final = {"trên": "top", "giữa": "middle", "dưới": "bottom"}
# PIDKiln's header names no units; they are known: °C, and milliseconds since its start where it has no clock.
_PIDKILN: Final = ("date", "temperature", "housing")
_PIDKILN_MEANS: Final = ("date_ms", "kiln_c", "housing_c")


@dataclass(frozen=True)
class Column:
    """A column that holds readings: its place, the channel's name and the unit as written; None if it names none."""

    index: int
    channel: str
    unit: str | None


def recognises(head: str) -> bool:
    """Say whether a text that begins so has a header with a column of times or of temperatures."""
    header = _header(head)
    return header is not None and (_time_of(header[1]) is not None or bool(_columns(header[1])))


def read(text: str, asked: Asked) -> Log:
    """Return the log."""
    header = _header(text)
    time = None if header is None else _time_of(header[1])
    if header is None or time is None:
        names = [] if header is None else header[1]
        msg = f"no column of times among {_said(names)}; wanted a header such as time,top_c,bottom_c"
        raise LogError(msg)
    separator, names, skipped = header
    found = _columns(names, every=asked.unit is not None)
    columns = [_settled(column, asked, names) for column in found]
    if not any(column.unit in ("c", "f") for column in columns):
        msg = (
            f"no column of temperatures among {_said(names)}; wanted names that end in _c or _f, or (°C), "
            "or what unit all of them have (--unit)"
        )
        raise LogError(msg)
    rows, clock, shifted = Rows(), _Clock(asked, time[1]), 0
    for count, line in enumerate(text.splitlines()[skipped:], start=skipped + 1):
        if line.strip() and not line.startswith("#"):
            cells = fields(line, separator, len(names))
            if separator == "," and _DIGITS.fullmatch("".join(cells[len(names) :])):
                rows.lines, shifted = rows.lines + 1, shifted + 1
                rows.refuse(count, line)  # nobody can say which cell is of which column
            else:
                _take(rows, clock, columns, time[0], line, cells, count)
    if shifted * 2 > rows.lines:
        msg = (
            f"{shifted} of {rows.lines} lines have more numbers than the header has names, the first is "
            f"{rows.first_unread}; if a comma is the decimal point, save it with semicolons between the columns"
        )
        raise LogError(msg)
    read = {*range(len(names))[time[0]], *(column.index for column in columns)}
    left_out = [name for index, name in enumerate(names) if name and index not in read]
    return _log(rows, clock, columns, names, left_out)


def _log(rows: Rows, clock: "_Clock", columns: Sequence[Column], names: Sequence[str], left_out: Sequence[str]) -> Log:
    not_read = [Remark("left_out", {"columns": _said(left_out)})] if left_out else []
    remarks = [*rows.remarks(), *not_read]
    if not rows.readings:
        msg = f"a header ({_said(names)}) and no reading under it"
        raise LogError(msg)
    units = {column.channel: column.unit or "" for column in columns}
    pressures = [name for name, unit in units.items() if unit == "psi" and name in rows.value]
    for name in pressures:
        rows.value[name] = [value * KPA_PER_PSI for value in rows.value[name]]
        units[name] = Unit.KILOPASCAL.value
    is_dated = clock.is_dated
    return Log(NAME, (Recording(rows.channels(units)),), is_dated, (*remarks, *clock.remarks()))


def _header(text: str) -> tuple[str, Sequence[str], int] | None:
    """Return the separator, the names of the header, and how many lines come before the readings."""
    for count, line in enumerate(text[:100_000].splitlines()[:200], start=1):
        if not line.strip() or line.startswith("#"):
            continue
        separator = max(SEPARATORS, key=line.count)
        try:
            (cells,) = csv.reader([line], delimiter=separator)
        except (csv.Error, ValueError):
            return None
        names = [unicodedata.normalize("NFC", cell.strip()) for cell in cells]
        if tuple(name.lower() for name in names[:3]) == _PIDKILN:
            names[:3] = _PIDKILN_MEANS
        return separator, names, count
    return None


def _time_of(names: Sequence[str]) -> tuple[slice, float | None] | None:
    """Return the column of times, or those of day and time, and its unit [s]; None where the header says no unit."""
    for index, name in enumerate(names):
        match = _TIME.fullmatch(name.lower())
        if match is not None:
            beside = names[index + 1].lower() if index + 1 < len(names) else None
            upto = index + (2 if beside is not None and beside == _TIME_OF_DAY.get(name.lower()) else 1)
            return slice(index, upto), _TIME_UNIT_S.get(match[1], 3600.0) if match[1] else None
    return None


def _said(names: Sequence[str]) -> str:
    return "".join(char if char.isprintable() else "?" for char in ", ".join(names)[:200])


def _columns(names: Sequence[str], *, every: bool = False) -> list[Column]:
    """Return the columns of readings; with `every`, all that may be some, if none says that it is."""
    found: list[Column] = []
    measured = {index: name for index, name in enumerate(names) if not _TIME.fullmatch(name.lower())}
    lettered = _lettered(measured.values())
    said = [(index, *_unit_of(name, lettered)) for index, name in measured.items()]
    plain = {index: re.sub(r"[\W_]+", " ", one.lower()).strip() for index, one, _ in said}
    told = [one for one in said if one[2] is not None or _TEMPERATURE.search(plain[one[0]])]
    is_plain = all(_PLAIN.fullmatch(name) for name in measured.values() if name)
    for index, name, unit in told or (said if every else []):
        if _WORKED_OUT.search(plain[index]) or (not is_plain and _OF_CONTROLLER.search(plain[index])):
            continue
        # In the plain log a name is a channel's own; elsewhere it is made of words.
        channel = name if is_plain else _channel_of(_TEMPERATURE.sub(" ", plain[index])) or "kiln"
        taken = {column.channel for column in found}
        if (channel := channel[:MOST_LETTERS]) in taken:
            channel = f"{channel[: MOST_LETTERS - 4]}_{index}"
        found.append(Column(index, channel, unit))
    return found


def _lettered(names: Iterable[str]) -> frozenset[str]:
    """Return what columns have in common that letters tell apart: of probes A, B and C the last is no degree."""
    letters = (match for name in names if (match := _LETTER.fullmatch(name.strip())) and match[2].lower() not in "cf")
    return frozenset(match[1].lower() for match in letters)


def _channel_of(said: str) -> str:
    """Return a channel's name of what a column says beside its unit, in plain letters."""
    words = [_PLACES.get(word, word) for word in said.split()]
    plain = unicodedata.normalize("NFD", " ".join(words).replace("đ", "d"))
    return re.sub(r"\W+", "_", "".join(char for char in plain if not unicodedata.combining(char))).strip("_")


def _unit_of(name: str, lettered: Collection[str]) -> tuple[str, str | None]:
    """Return what a header's cell says before its unit, and the unit; one of several `lettered` ones has none."""
    if bracketed := _IN_BRACKETS.fullmatch(name):
        before, inside, after = bracketed.groups()
        return f"{before} {after}".strip(), (_UNITS | _OTHER_UNITS).get(inside.lower())
    lowered = name.lower()
    for unit in sorted(_OTHER_UNITS, key=len, reverse=True):
        if lowered.endswith(f"_{unit}"):
            return name[: -len(unit) - 1], _OTHER_UNITS[unit]
    if (match := _LETTER.fullmatch(name)) and match[1].lower() in lettered:
        return name, None
    before, _, last = name.replace("_", " ").rpartition(" ")
    return (name[: len(before)], _UNITS[last.lower()]) if last.lower() in _UNITS else (name, None)


def _settled(column: Column, asked: Asked, names: Sequence[str]) -> Column:
    """Return the column with its unit, which a person has to say where the header does not."""
    if column.unit is not None:
        return column
    return Column(column.index, column.channel, asked_unit(asked, f"the column {names[column.index]!r}"))


class _Clock:
    """Times of a table: numbers in the header's unit, dates, or times of day; the first row decides."""

    def __init__(self, asked: Asked, unit_s: float | None) -> None:
        self._dates, self._uptime, self._of_day = Dates(asked), Uptime(), TimeOfDay()
        self._unit_s = unit_s
        self._read: Callable[[str], float | None] | None = None
        self.is_dated = False

    def read(self, text: str) -> float | None:
        """Return the time of a cell [s], None if it holds none."""
        if self._read is None:
            for way in (self._number, self._dates.unix_s, self._of_day.follow):
                if (found := way(text)) is not None:
                    self._read = way
                    self.is_dated = self.is_dated or way == self._dates.unix_s
                    return found
            return None
        return self._read(text)

    def _number(self, text: str) -> float | None:
        value = _value(text)
        if value is None or isnan(value) or not abs(value) < MOST:
            return None
        unit_s = self._unit_s
        if unit_s is None:  # nobody fires for 1,000 hours: a larger number counts milliseconds, or is a date
            unit_s = 0.001 if abs(value) > 1e11 else 1.0
            self._unit_s = unit_s
        if value * unit_s > 1e8:
            self.is_dated = True
            return value * unit_s
        return self._uptime.follow(value * unit_s)

    def remarks(self) -> tuple[Remark, ...]:
        return (*self._dates.remarks(), *self._uptime.remarks())


def _take(
    rows: Rows, clock: _Clock, columns: Sequence[Column], time: slice, line: str, cells: Sequence[str], count: int
) -> None:
    rows.lines += 1
    values = [_value(cells[column.index]) if column.index < len(cells) else None for column in columns]
    time_s = None if None in values else clock.read(" ".join(cells[time]))
    if time_s is None:
        rows.refuse(count, line)
        return
    for column, value in zip(columns, values, strict=True):
        if cells[column.index].strip():  # nothing was read then: another column has this time
            rows.add(column.channel, time_s, value)


def _value(cell: str) -> float | None:
    return number(cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell)
