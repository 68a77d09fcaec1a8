"""What a field of a line says: a number with or without its unit, a contact, a fault, or nothing."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from firmware_bridge.message import Decoded, Measured, Message, Rejected, Value
from firmware_bridge.units import SaidUnit, read_unit
from firmware_bridge.wire import Quality, Unit

_NUMBER: Final = re.compile(r"([+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})(?:[eE][+-]?\d{1,2})?)\s*(.*)", re.ASCII)
_NOTHING: Final = frozenset({"", "nan", "na", "n/a", "null", "none", "off", "--", "---", "----", "??:??"})
_FAULTS: Final = {"open": Quality.OPEN, "fault": Quality.FAULT, "error": Quality.FAULT, "err": Quality.FAULT}
_CONTACTS: Final = {"1": 1.0, "closed": 1.0, "on": 1.0, "0": 0.0, "open": 0.0, "off": 0.0}
NOT_A_NUMBER: Final = Rejected("not_a_number", "a number such as 612.75, with a point, or nan")
NO_UNIT: Final = Rejected("no_unit", 'a unit in the text, such as 612.75C, or unit = "c" in the settings')
OTHER_UNIT: Final = Rejected("other_unit", "the same unit in the text and in the settings")


@dataclass(frozen=True)
class Wanted:
    """A channel, what the instrument calls it, and the unit that the settings say."""

    channel: str
    name: str = ""
    said: SaidUnit | None = None


def text_of(message: Message) -> str:
    return message.payload.decode("utf-8", errors="replace")


def read_number(text: str) -> float | None:
    """Return a number that has nothing around it."""
    found = _NUMBER.fullmatch(text.strip())
    return float(found[1]) if found is not None and not found[2] else None


def read_value(wanted: Wanted, text: str, said: SaidUnit | None = None) -> Value | Rejected:
    """Return what a field says of a channel. `said` is the unit that the text names elsewhere, such as in a header."""
    word = text.strip().lower()
    unit = said or wanted.said
    if unit is not None and unit.unit is Unit.CONTACT:
        return Value(wanted.channel, _CONTACTS[word], unit=unit.unit) if word in _CONTACTS else NOT_A_NUMBER
    if word in _NOTHING or word in _FAULTS:
        return Value(wanted.channel, None, _FAULTS.get(word, Quality.NO_VALUE), unit.unit if unit else Unit.CELSIUS)
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return NOT_A_NUMBER
    if found[2]:
        said = read_unit(found[2])
        if said is None:
            return NOT_A_NUMBER
    if said is not None and wanted.said is not None and said != wanted.said:
        return OTHER_UNIT
    unit = said or wanted.said
    return NO_UNIT if unit is None else Value(wanted.channel, unit.convert(float(found[1])), unit=unit.unit)


def measured(at: datetime, values: list[Value | Rejected]) -> Decoded:
    """Return the readings of a line, or what is wrong with the first that is none."""
    for value in values:
        if isinstance(value, Rejected):
            return value
    return Measured(at, tuple(value for value in values if isinstance(value, Value)))
