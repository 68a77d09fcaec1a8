"""The Canh Lò line (docs/line-format.md): `@CL1 board seq uptime_ms channel=value... *crc`."""

import binascii
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from firmware_bridge.message import Decoded, Ignored, Measured, Message, Numbered, Rejected, Uptime, Value
from firmware_bridge.spoken import NOT_A_NUMBER, Wanted, read_value
from firmware_bridge.wire import Quality, Unit

_BEGIN: Final = b"@CL1 "
_LINE: Final = re.compile(r"([a-z0-9][a-z0-9_\-]{0,15}) (\d{1,10}) (\d{1,13}) ([!-~ ]*)", re.ASCII)
_FIELD: Final = re.compile(r"([a-z0-9][a-z0-9_\-]{0,39})=(\S{1,32})", re.ASCII)
_FAULTS: Final = {
    "!open": Quality.OPEN,
    "!gnd": Quality.SHORT_TO_GROUND,
    "!vcc": Quality.SHORT_TO_SUPPLY,
    "!range": Quality.OUT_OF_RANGE,
    "!fault": Quality.FAULT,
    "!none": Quality.NO_VALUE,
}
_CONTACTS: Final = {"closed": 1.0, "open": 0.0}
_REMEMBERED_LINES: Final = 256
_BOOT: Final = timedelta(milliseconds=50)  # no board begins to speak sooner
_NEARLY_WRAPPED_MS: Final = 2**32 - 3_600_000  # a 32-bit counter of milliseconds, in its last hour
_MOST_BOARDS: Final = 32
_SHAPE: Final = "@CL1 board seq uptime_ms channel=value... *crc"


@dataclass
class _Board:
    """The newest line of a board, and those heard shortly before."""

    seq: int
    since_boot_ms: int
    arrived_at: datetime
    heard: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_LINES))

    def follow(self, seq: int, since_boot_ms: int, arrived_at: datetime) -> Numbered | None:
        """Say how a line follows those before it; None if it was heard already.

        A board that restarts again and again says the same words each time, but not sooner than it has been running.
        """
        earliest_at = self.arrived_at + _BOOT + timedelta(milliseconds=since_boot_ms)
        if (seq, since_boot_ms) in self.heard and arrived_at < earliest_at:
            return None
        has_wrapped = since_boot_ms < self.since_boot_ms > _NEARLY_WRAPPED_MS
        is_restart = seq <= self.seq or since_boot_ms < self.since_boot_ms
        goes_on = seq > self.seq and (has_wrapped or not is_restart)
        lost = seq - self.seq - 1 if goes_on else seq  # a board counts from 0
        self.seq, self.since_boot_ms, self.arrived_at = seq, since_boot_ms, arrived_at
        self.heard.append((seq, since_boot_ms))
        return Numbered(lost, is_restart)


class CanhLoLine:
    """What stands before the last `@CL1` is the wreck of another line; a line counts only if its checksum is right."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._channels = {name: channel for channel, name in names.items()}
        self._units: dict[str, Unit] = {}
        self._boards: dict[str, _Board] = {}

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        _, begin, line = message.payload.rpartition(_BEGIN)
        if not begin:
            return Ignored("other_text")
        covered, star, crc = line.rstrip().rpartition(b"*")
        if not star or crc != b"%04X" % binascii.crc_hqx(_BEGIN[1:] + covered, 0xFFFF):
            return Rejected("checksum", "a line whose last four letters are its CRC-16")
        found = _LINE.fullmatch(covered.decode("ascii", errors="replace"))
        values = self._values(found[4]) if found is not None else None
        if found is None or values is None:
            return Rejected("out_of_shape", _SHAPE)
        numbered = self._follow(found[1], int(found[2]), int(found[3]), message.arrived_at)
        if not isinstance(numbered, Numbered):
            return numbered
        return Measured(Uptime(found[1], int(found[3])), values, numbered)

    def _values(self, fields: str) -> tuple[Value, ...] | None:
        values: list[Value] = []
        for one in fields.split():
            found = _FIELD.fullmatch(one)
            if found is None:
                return None
            if (channel := self._channels.get(found[1])) is None:
                continue
            value = self._value(channel, found[2])
            if isinstance(value, Rejected):
                return None
            values.append(value)
        return tuple(values)

    def _value(self, channel: str, said: str) -> Value | Rejected:
        if said.startswith("!"):
            quality = _FAULTS.get(said, Quality.FAULT)
            return Value(channel, None, quality, self._units.get(channel, Unit.CELSIUS))
        if said in _CONTACTS:
            value: Value | Rejected = Value(channel, _CONTACTS[said], unit=Unit.CONTACT)
        else:
            value = read_value(Wanted(channel), said)
        if isinstance(value, Rejected) or value.value is None:
            return NOT_A_NUMBER  # a word that is neither a number with its unit nor a fault
        self._units[channel] = value.unit
        return value

    def _follow(self, name: str, seq: int, since_boot_ms: int, arrived_at: datetime) -> Numbered | Ignored | Rejected:
        if name not in self._boards:
            if len(self._boards) >= _MOST_BOARDS:
                return Rejected("too_many_boards", f"at most {_MOST_BOARDS} boards on one line")
            self._boards[name] = _Board(seq - 1, since_boot_ms, arrived_at)
        return self._boards[name].follow(seq, since_boot_ms, arrived_at) or Ignored("repeated")
