"""Tasmota: `tele/<device>/SENSOR` = `{"Time":...,"MAX31855-0":{"Temperature":22.8,...},"TempUnit":"C"}`.

`Time` has no zone, and is 1970 on a device that found no time server, so the reading is dated by its arrival.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from firmware_bridge.message import Decoded, Ignored, Message, Rejected, Value
from firmware_bridge.payload import Degrees, measured, read_degrees, read_object, temperature
from firmware_bridge.wire import Quality

_WANTED: Final = '{"MAX31855":{"Temperature":612.5},"TempUnit":"C"}'
_NO_UNIT: Final = Rejected("no_unit", '"TempUnit":"C" or "F" in the message')
# MAX31855 fault bits, as the data sheet has them (D0 to D2) and Tasmota's `Error` hands them on.
_FAULTS: Final = ((1, Quality.OPEN), (2, Quality.SHORT_TO_GROUND), (4, Quality.SHORT_TO_SUPPLY))


class Tasmota:
    """The sensors of one device, by the names it gives them (`MAX31855-0`, `DS18B20-1`)."""

    def __init__(self, sensors: Mapping[str, str]) -> None:
        self._sensors = dict(sensors)

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        if not message.topic.endswith("/SENSOR"):
            return Ignored("other_topic")
        said = read_object(message.payload, _WANTED)
        if isinstance(said, Rejected):
            return said
        ours = {channel: said[name] for channel, name in self._sensors.items() if name in said}
        if not ours:
            return Ignored("no_temperature")
        degrees = read_degrees(said.get("TempUnit"))
        if degrees is None:
            return _NO_UNIT
        return measured(message.arrived_at, [_value(*one, degrees) for one in ours.items()], _WANTED)


def _value(channel: str, sensor: Any, degrees: Degrees) -> Value | None:
    if not isinstance(sensor, dict):
        return None
    error = sensor.get("Error", 0)
    if type(error) is int and error:
        return Value(channel, None, next((quality for bit, quality in _FAULTS if error & bit), Quality.FAULT))
    return temperature(channel, sensor.get("Temperature"), degrees)
