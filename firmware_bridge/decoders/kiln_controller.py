"""kiln-controller and its forks: the state as JSON, the same on its websocket and on `<prefix>/status` by MQTT.

The state names no unit. The configuration does (`temp_scale`), where it can be asked; elsewhere the settings must. What
the controller itself says goes before what somebody typed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from firmware_bridge.message import Decoded, Ignored, Message, Rejected, Value
from firmware_bridge.payload import Degrees, measured, read_degrees, read_object, temperature

_WANTED: Final = '{"temperature":942.1,"state":"RUNNING"}'
_NO_UNIT: Final = Rejected("no_unit", 'temp_scale from its /config, or unit = "c" or "f" in the settings')


class KilnController:
    """The control temperature, or the zones of a fork that has them: `zones` maps a channel to a zone's index."""

    def __init__(self, channel: str, zones: Mapping[str, str], degrees: Degrees | None) -> None:
        self._channel = channel
        self._zones = dict(zones)
        self._degrees = degrees
        self._stats_time: object = None

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        end = message.topic.rpartition("/")[2]
        if end not in ("config", "status", "stats"):
            return Ignored("other_topic")
        said = read_object(message.payload, _WANTED)
        if isinstance(said, Rejected):
            return said
        if end == "config":
            return self._learn(said)
        if end == "stats" and not self._are_fresh(said):
            return Ignored("old_value")
        state = {"temperature": said["ispoint"]} if "ispoint" in said else said
        if state.get("type") == "backlog" or "temperature" not in state:
            return Ignored("no_temperature")
        return self._read(message.arrived_at, state)

    def _are_fresh(self, stats: dict[str, Any]) -> bool:
        """Say whether these are news: an idle controller repeats its last ones, from nobody knows when."""
        before, self._stats_time = self._stats_time, stats.get("time")
        return before is not None and self._stats_time != before

    def _learn(self, config: dict[str, Any]) -> Decoded:
        degrees = read_degrees(config.get("temp_scale"))
        if degrees is None:
            return Rejected("no_unit", '"temp_scale":"c" or "f"')
        self._degrees = degrees
        return Ignored("configuration")

    def _read(self, arrived_at: datetime, state: dict[str, Any]) -> Decoded:
        degrees = self._degrees
        if degrees is None:
            return _NO_UNIT
        if not self._zones:
            return measured(arrived_at, [temperature(self._channel, state["temperature"], degrees)], _WANTED)
        zones = state.get("zones")
        listed = zones if isinstance(zones, list) else ()
        said = {str(zone.get("index")): zone for zone in listed if isinstance(zone, dict)}
        values: list[Value | None] = [
            temperature(channel, said[index].get("temperature"), degrees)
            for channel, index in self._zones.items()
            if index in said
        ]
        return measured(arrived_at, values, _WANTED) if values else Ignored("no_temperature")
