"""ESPHome: a bare number on `<node>/sensor/<name>/state`, `nan` on a fault. The unit is on no wire: settings say it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from firmware_bridge.message import Decoded, Ignored, Message
from firmware_bridge.payload import Degrees, measured, temperature

_WANTED: Final = "a number such as 612.5, or nan"
_MAX_NUMBER_BYTES: Final = 40


class EspHome:
    """The sensors of one node, by the names in their topics."""

    def __init__(self, sensors: Mapping[str, str], degrees: Degrees) -> None:
        self._channels = {name: channel for channel, name in sensors.items()}
        self._degrees = degrees

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        kind, name, end = ("", "", *message.topic.split("/"))[-3:]
        if (kind, end) != ("sensor", "state") or name not in self._channels:
            return Ignored("other_topic")
        said = message.payload[: _MAX_NUMBER_BYTES + 1].decode("ascii", errors="replace")
        return measured(message.arrived_at, [temperature(self._channels[name], said, self._degrees)], _WANTED)
