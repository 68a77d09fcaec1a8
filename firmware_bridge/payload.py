"""What a payload says, in the shapes that many instruments share: JSON, numbers, degrees."""

import json
import math
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from firmware_bridge.message import Decoded, Measured, Rejected, Value
from firmware_bridge.wire import Quality

MAX_PAYLOAD_BYTES: Final = 65_536
TOO_LONG: Final = Rejected("too_long", f"at most {MAX_PAYLOAD_BYTES} bytes")
# What instruments say instead of a number when they have none.
_NO_NUMBER: Final = frozenset({"", "nan", "na", "n/a", "null", "none", "off", "unknown", "unavailable"})


class Degrees(StrEnum):
    """The unit of a temperature, as the instrument or the settings say it; nobody guesses one."""

    CELSIUS = "c"
    FAHRENHEIT = "f"


def read_degrees(said: object) -> Degrees | None:
    """Return the unit that an instrument names, such as `C`, `°F` or `f`; None if it is no unit we know."""
    text = said.strip().removeprefix("°").lower() if isinstance(said, str) else ""
    return Degrees(text) if text in tuple(Degrees) else None


def to_celsius(number: float, degrees: Degrees) -> float:
    return number if degrees is Degrees.CELSIUS else (number - 32.0) / 1.8


def read_json(payload: bytes, wanted: str) -> Any | Rejected:
    """Return what the JSON says."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        return TOO_LONG
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return Rejected("not_json", wanted)


def read_object(payload: bytes, wanted: str) -> dict[str, Any] | Rejected:
    """Return a JSON object, and nothing else."""
    said = read_json(payload, wanted)
    return said if isinstance(said, dict | Rejected) else Rejected("out_of_shape", wanted)


def temperature(channel: str, said: object, degrees: Degrees, scale: float = 1.0) -> Value | None:
    """Return the value of one channel, without one if the instrument says it has none; None if it is no number."""
    if said is None or (isinstance(said, str) and said.strip().lower() in _NO_NUMBER):
        return Value(channel, None, Quality.NO_VALUE)
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return None
    try:
        number = float(said) * scale
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return Value(channel, None, Quality.NO_VALUE)
    return Value(channel, to_celsius(number, degrees))


def measured(arrived_at: datetime, values: list[Value | None], wanted: str) -> Decoded:
    """Return the readings of a message without a time of its own, or what was wanted if one is no number."""
    if None in values:
        return Rejected("not_a_number", wanted)
    return Measured(arrived_at, tuple(value for value in values if value is not None))
