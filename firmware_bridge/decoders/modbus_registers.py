"""Registers of a Modbus instrument into readings, as its register map says."""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from firmware_bridge.message import Decoded, Message, Rejected, Value
from firmware_bridge.register_map import MapValue, spans
from firmware_bridge.spoken import measured
from firmware_bridge.units import UNITS, SaidUnit
from firmware_bridge.wire import Quality

_MOST_DECIMALS: Final = 6
_SIGNED: Final = frozenset({"int16", "int32"})
Words = Mapping[tuple[int, int], int]


@dataclass(frozen=True)
class Mapped:
    """A channel and the value that it is; `scale` and `unit` come from the settings where the map leaves them out."""

    channel: str
    value: MapValue
    scale: float | None = None
    unit: str | None = None


class ModbusRegisters:
    """A message holds the registers of one poll, two bytes each, in the order of `spans`."""

    def __init__(self, mapped: Sequence[Mapped]) -> None:
        self._mapped = tuple(mapped)
        self._registers = [one for span in spans(one.value for one in mapped) for one in span.registers]
        self._refusal = Rejected("register_count", f"{len(self._registers)} registers of two bytes")

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        if len(message.payload) != 2 * len(self._registers):
            return self._refusal
        words = dict(zip(self._registers, struct.unpack(f">{len(self._registers)}H", message.payload), strict=True))
        return measured(message.arrived_at, [_read(one, words) for one in self._mapped])


def _read(one: Mapped, words: Words) -> Value | Rejected:
    said = _unit(one, words)
    if isinstance(said, Rejected):
        return said
    raw = _raw(one.value, words)
    if (fault := _fault(one.value, raw, words)) is not None:
        return Value(one.channel, None, fault, said.unit)
    per = _per(one, words)
    if isinstance(per, Rejected):
        return per
    number = _number(one.value, raw) / per
    if not math.isfinite(number):
        return Value(one.channel, None, Quality.NO_VALUE, said.unit)
    return Value(one.channel, said.convert(number), unit=said.unit)


def _raw(value: MapValue, words: Words) -> bytes:
    own = [words[value.function, value.address + at] for at in range(value.words)]
    return struct.pack(f">{len(own)}H", *(own if value.word_order == "big" else reversed(own)))


def _fault(value: MapValue, raw: bytes, words: Words) -> Quality | None:
    """Return what the instrument says instead of a number: in the status beside it, or as a code in its place."""
    if value.status is not None:
        status = words[value.status.function, value.status.address]
        for flag, quality in value.status.flags.items():
            if status & flag:
                return quality
    signed = int.from_bytes(raw, "big", signed=True)
    return value.faults.get(int.from_bytes(raw, "big")) or value.faults.get(signed)


def _number(value: MapValue, raw: bytes) -> float:
    if value.type == "float32":
        number: float = struct.unpack(">f", raw)[0]
        return number
    return int.from_bytes(raw, "big", signed=value.type in _SIGNED)


def _per(one: Mapped, words: Words) -> float | Rejected:
    """Return how many counts are one unit; dividing by 10 keeps 612.7 what it is, multiplying by 0.1 does not."""
    point = one.value.decimals
    if point is None:
        return 1 / (one.value.scale or one.scale or 1.0)
    decimals = words[point.function, point.address]
    return 10.0**decimals if decimals <= _MOST_DECIMALS else Rejected("decimal_point", f"0 to {_MOST_DECIMALS}")


def _unit(one: Mapped, words: Words) -> SaidUnit | Rejected:
    told = one.value.unit or one.unit
    if (register := one.value.unit_register) is not None:
        told = register.codes.get(words[register.function, register.address])
    return UNITS[told] if told is not None else Rejected("no_unit", "a unit that the register map knows")
