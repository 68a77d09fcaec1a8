"""Comma-separated lines under a header that names the columns, and often their units: `Time,Temp 1 (F),O2 (mV)`."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from firmware_bridge.message import Decoded, Ignored, Message, Rejected, Value
from firmware_bridge.spoken import Wanted, measured, read_number, read_value
from firmware_bridge.units import SaidUnit, read_unit

_BETWEEN: Final = re.compile(r"\s*[,;\t]\s*")
_UNIT_IN_BRACKETS: Final = re.compile(r"[(\[]([^()\[\]]{1,12})[)\]]\s*$")


class CsvWithHeader:
    """Columns are found by name; a header that comes again, after a restart, is read again."""

    def __init__(self, wanted: Sequence[Wanted]) -> None:
        self.header = b""
        self._wanted = tuple(wanted)
        self._columns: dict[str, tuple[int, SaidUnit | None]] = {}
        self._count = 0
        names = ", ".join(one.name for one in self._wanted)
        self._no_header = Rejected("no_header", f"first a line with the columns {names}")

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        fields = _fields(message.payload)
        if self._names_all(fields):
            self._read_header(fields)
            self.header = message.payload
            return Ignored("header")
        if not self._columns:
            return self._no_header if any(read_number(field) is not None for field in fields) else Ignored("other_text")
        if len(fields) == self._count + 1 and not fields[-1]:
            fields.pop()
        if len(fields) != self._count:
            return Rejected("column_count", f"{self._count} columns, as in the header")
        return measured(message.arrived_at, [self._read(one, fields) for one in self._wanted])

    def is_header(self, line: bytes) -> bool:
        """Say whether a line is a whole header: the end of a row before it, cut by a restart, leaves a digit there."""
        fields = _fields(line)
        return self._names_all(fields) and not any(field[:1].isdigit() for field in fields)

    def _names_all(self, fields: Sequence[str]) -> bool:
        names = {field.lower() for field in fields}
        return all(one.name.lower() in names for one in self._wanted)

    def _read_header(self, fields: list[str]) -> None:
        if not fields[-1]:  # some loggers end each line with a separator
            fields.pop()
        at = {field.lower(): index for index, field in reversed(list(enumerate(fields)))}
        found = {one.channel: at[one.name.lower()] for one in self._wanted}
        self._columns = {channel: (index, _unit_in(fields[index])) for channel, index in found.items()}
        self._count = len(fields)

    def _read(self, one: Wanted, fields: list[str]) -> Value | Rejected:
        index, said = self._columns[one.channel]
        return read_value(one, fields[index], said)


def _fields(line: bytes) -> list[str]:
    return _BETWEEN.split(line.decode("utf-8", errors="replace").strip())


def _unit_in(name: str) -> SaidUnit | None:
    """Return the unit that a column's name ends with: in brackets, or as the plain log has it (`top_c`)."""
    if bracketed := _UNIT_IN_BRACKETS.search(name):
        return read_unit(bracketed[1])
    parts = name.split("_")
    return (read_unit("_".join(parts[-2:])) if len(parts) > 2 else None) or (
        read_unit(parts[-1]) if len(parts) > 1 else None
    )
