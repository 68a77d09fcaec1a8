"""The example sketches of Adafruit's MAX31855 and MAX6675 libraries: `C = 612.75`, or a list of faults."""

from datetime import datetime
from typing import Final

from firmware_bridge.message import Decoded, Ignored, Measured, Message, Rejected, Value
from firmware_bridge.spoken import NOT_A_NUMBER, read_number, text_of
from firmware_bridge.units import UNITS
from firmware_bridge.wire import Quality

MAX6675_HIGHEST_C: Final = 1023.75  # data sheet: 12 bits of 0.25 °C; it says no more, however hot it is
_FAULTS: Final = {
    "open": Quality.OPEN,
    "short-circuited to GND": Quality.SHORT_TO_GROUND,
    "short-circuited to VCC": Quality.SHORT_TO_SUPPLY,
}


class Max31855:
    """The thermocouple and, if a second channel is told, the chip's own temperature (its cold junction).

    A record may list several faults; the first is the reading. Its `F = ` line repeats `C = ` and is left out.
    """

    def __init__(self, thermocouple: str, cold_junction: str | None = None, *, highest_c: float | None = None) -> None:
        self._thermocouple = thermocouple
        self._cold_junction = cold_junction
        self._highest_c = highest_c
        self._internal: tuple[Value, ...] = ()
        self._has_spoken = False

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        key, equals, said = (part.strip() for part in text_of(message).partition("="))
        match key, equals:
            case ("Internal Temp", "="):
                return self._begin(said)
            case ("C" | "F", "="):
                return self._degrees(message.arrived_at, key.lower(), said)
            case ("Thermocouple fault(s) detected!", ""):
                self._has_spoken = False
            case (_, "") if key.startswith("FAULT:"):
                return self._fault(message.arrived_at, key)
        return Ignored("other_text")

    def _begin(self, said: str) -> Decoded:
        self._has_spoken = False
        self._internal = ()
        if self._cold_junction is not None:
            value = _value(self._cold_junction, said, "c")
            if isinstance(value, Rejected):
                return value
            self._internal = (value,)
        return Ignored("cold_junction")

    def _degrees(self, at: datetime, unit: str, said: str) -> Decoded:
        if unit == "f" and self._has_spoken:
            self._has_spoken = False
            return Ignored("said_in_celsius")
        value = _value(self._thermocouple, said, unit)
        if isinstance(value, Rejected):
            return value
        if self._highest_c is not None and value.value is not None and value.value >= self._highest_c:
            value = Value(self._thermocouple, None, Quality.OUT_OF_RANGE)
        return self._end(at, value, has_spoken=unit == "c")

    def _fault(self, at: datetime, text: str) -> Decoded:
        if self._has_spoken:
            return Ignored("one_more_fault")
        quality = next((quality for words, quality in _FAULTS.items() if words in text), Quality.FAULT)
        return self._end(at, Value(self._thermocouple, None, quality), has_spoken=True)

    def _end(self, at: datetime, value: Value, *, has_spoken: bool) -> Measured:
        internal, self._internal, self._has_spoken = self._internal, (), has_spoken
        return Measured(at, (*internal, value))


def _value(channel: str, said: str, unit: str) -> Value | Rejected:
    if said.lower() == "nan":
        return Value(channel, None, Quality.NO_VALUE)
    number = read_number(said)
    return Value(channel, UNITS[unit].convert(number)) if number is not None else NOT_A_NUMBER
