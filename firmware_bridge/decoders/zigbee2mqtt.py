"""Zigbee2MQTT: `zigbee2mqtt/<friendly name>` = `{"temperature":27.34,...}`; the name may contain slashes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from firmware_bridge.message import Decoded, Ignored, Message, Rejected
from firmware_bridge.payload import Degrees, measured, read_object, temperature

_WANTED: Final = '{"temperature":27.34}'


class Zigbee2Mqtt:
    """Sensors by their friendly names. Its own words (`bridge/...`, `.../availability`) are ignored."""

    def __init__(self, sensors: Mapping[str, str], degrees: Degrees) -> None:
        self._channels = {name: channel for channel, name in sensors.items()}
        self._degrees = degrees

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        _, _, name = message.topic.partition("/")
        if name not in self._channels:
            return Ignored("other_topic")
        said = read_object(message.payload, _WANTED)
        if isinstance(said, Rejected):
            return said
        if "temperature" not in said:
            return Ignored("no_temperature")
        value = temperature(self._channels[name], said["temperature"], self._degrees)
        return measured(message.arrived_at, [value], _WANTED)
