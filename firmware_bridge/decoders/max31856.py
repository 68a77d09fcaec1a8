"""The example sketch of Adafruit's MAX31856 library: `Thermocouple Temp: 612.75`, then a line for each fault."""

from dataclasses import dataclass, field
from datetime import datetime
from math import isnan
from typing import Final

from firmware_bridge.message import Decoded, Ignored, Measured, Message, Value
from firmware_bridge.spoken import NOT_A_NUMBER, read_number, text_of
from firmware_bridge.wire import Quality

# Worst first: an open probe usually reports a range or a voltage as well.
_FAULTS: Final = {
    "Thermocouple Open Fault": Quality.OPEN,
    "Over/Under Voltage Fault": Quality.FAULT,
    "Cold Junction Range Fault": Quality.FAULT,
    "Thermocouple Range Fault": Quality.OUT_OF_RANGE,
}
# Not faults of the probe: it passed a limit that somebody has set in the chip.
_THRESHOLDS: Final = frozenset(
    f"{part} {side} Fault" for part in ("Cold Junction", "Thermocouple") for side in ("High", "Low")
)


@dataclass
class _Record:
    at: datetime
    temp_c: dict[str, float] = field(default_factory=dict)
    faults: set[str] = field(default_factory=set)


class Max31856:
    """A record waits until its faults can have come: the next record's first line, or a pause, ends it."""

    def __init__(self, thermocouple: str, cold_junction: str | None = None) -> None:
        self._channels = {"Thermocouple Temp": thermocouple, "Cold Junction Temp": cold_junction}
        self._begun: _Record | None = None

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        key, colon, said = (part.strip() for part in text_of(message).partition(":"))
        if key in self._channels and colon:
            return self._add(message.arrived_at, key, said)
        if key in _FAULTS and self._begun is not None:
            self._begun.faults.add(key)
            return Ignored("fault_of_a_record")
        return Ignored("threshold" if key in _THRESHOLDS else "other_text")

    def end_record(self) -> Decoded:
        """Return the record so far: of several faults the worst, and no number beside it."""
        record, self._begun = self._begun, None
        values = [] if record is None else [value for key in record.temp_c if (value := self._value(record, key))]
        return Measured(record.at, tuple(values)) if record is not None and values else Ignored("no_record")

    def _add(self, at: datetime, key: str, said: str) -> Decoded:
        temp_c = float("nan") if said.lower() == "nan" else read_number(said)
        if temp_c is None:
            return NOT_A_NUMBER
        is_new = self._begun is None or key in self._begun.temp_c or key == "Cold Junction Temp"
        whole = self.end_record() if is_new else Ignored("waits_for_faults")
        self._begun = self._begun or _Record(at)
        self._begun.temp_c[key] = temp_c
        return whole

    def _value(self, record: _Record, key: str) -> Value | None:
        channel, temp_c = self._channels[key], record.temp_c[key]
        if channel is None:
            return None
        fault = next((quality for words, quality in _FAULTS.items() if words in record.faults), None)
        if fault is not None and key == "Thermocouple Temp":
            return Value(channel, None, fault)
        return Value(channel, None, Quality.NO_VALUE) if isnan(temp_c) else Value(channel, temp_c)
