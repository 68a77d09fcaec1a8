"""Whatever announces itself the way Home Assistant expects: `homeassistant/sensor/.../config` says topic and unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from firmware_bridge.json_path import NotThereError, follow
from firmware_bridge.message import Decoded, Ignored, Message, Rejected, Value
from firmware_bridge.payload import Degrees, measured, read_degrees, read_json, read_object, temperature
from firmware_bridge.value_template import Template, read_template

_WANTED_CONFIG: Final = '{"unique_id":"...","state_topic":"...","unit_of_measurement":"°C"}'
_LONG_NAMES: Final = {
    "state_topic": "stat_t",
    "unique_id": "uniq_id",
    "unit_of_measurement": "unit_of_meas",
    "value_template": "val_tpl",
}


@dataclass(frozen=True)
class Announced:
    """One sensor as its announcement describes it."""

    unique_id: str
    state_topic: str
    degrees: Degrees
    template: Template


class HomeAssistant:
    """The announced sensors that the settings name by `unique_id`; it finds their topics by itself."""

    def __init__(self, sensors: Mapping[str, str]) -> None:
        self.topics: frozenset[str] = frozenset()
        self._channels = {unique_id: channel for channel, unique_id in sensors.items()}
        self._announced: dict[str, Announced] = {}

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        if message.topic.endswith("/config"):
            return self._learn(message)
        ours = [one for one in self._announced.values() if one.state_topic == message.topic]
        if not ours:
            return Ignored("other_topic")
        said = [self._value(one, message.payload) for one in ours]
        wrong = next((one for one in said if isinstance(one, Rejected)), None)
        if wrong is not None:
            return wrong
        return measured(message.arrived_at, [one for one in said if not isinstance(one, Rejected)], "a number")

    def _learn(self, message: Message) -> Decoded:
        if not message.payload:
            return Ignored("announcement_withdrawn")
        said = read_announcement(message.payload)
        if isinstance(said, Rejected) or said.unique_id not in self._channels:
            return said if isinstance(said, Rejected) and self._names_ours(message.payload) else Ignored("not_ours")
        self._announced[said.unique_id] = said
        self.topics = frozenset(one.state_topic for one in self._announced.values())
        return Ignored("announcement")

    def _names_ours(self, payload: bytes) -> bool:
        said = read_object(payload, _WANTED_CONFIG)
        return not isinstance(said, Rejected) and str(_say(said, "unique_id")) in self._channels

    def _value(self, one: Announced, payload: bytes) -> Value | Rejected | None:
        channel, scale = self._channels[one.unique_id], one.template.scale
        if one.template.path is None:
            return temperature(channel, payload[:41].decode("ascii", errors="replace"), one.degrees, scale)
        said = read_json(payload, "JSON as the announcement promised")
        if isinstance(said, Rejected):
            return said
        try:
            return temperature(channel, follow(said, one.template.path), one.degrees, scale)
        except NotThereError:
            return Rejected("out_of_shape", "the value where value_template says it is")


def read_announcement(payload: bytes) -> Announced | Rejected:
    """Return what an announcement says of a temperature, or why it cannot be used."""
    said = read_object(payload, _WANTED_CONFIG)
    if isinstance(said, Rejected):
        return said
    unique_id, topic, unit = (_say(said, key) for key in ("unique_id", "state_topic", "unit_of_measurement"))
    degrees = read_degrees(unit)
    if degrees is None:
        return Rejected("no_unit", 'unit_of_measurement "°C" or "°F"')
    if not isinstance(unique_id, str) or not isinstance(topic, str):
        return Rejected("out_of_shape", _WANTED_CONFIG)
    try:
        template = read_template(_say(said, "value_template") or "{{ value }}")
    except (ValueError, TypeError) as error:
        return Rejected("template", str(error))
    base = said.get("~")
    state_topic = topic.replace("~", base) if isinstance(base, str) else topic
    if not state_topic or set("+#\0") & set(state_topic):
        return Rejected("out_of_shape", "a state_topic without wildcards")
    return Announced(unique_id, state_topic, degrees, template)


def _say(said: Mapping[str, Any], key: str) -> Any:
    return said.get(key, said.get(_LONG_NAMES[key]))
