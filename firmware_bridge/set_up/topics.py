"""What speaks on a broker, known by its topics and payloads, as the TOML lines that would read it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from firmware_bridge.decoders.home_assistant import read_announcement
from firmware_bridge.message import Message, Rejected
from firmware_bridge.payload import read_object


@dataclass(frozen=True)
class Heard:
    """One temperature on a broker: the format and topic that read it, and what its instrument calls it."""

    format: str
    topic: str
    name: str = ""
    is_unit_said: bool = True


_ESPHOME: Final = re.compile(r"([^/]+)/sensor/([^/]+)/state")
_NUMBER: Final = re.compile(rb"-?\d{1,5}(\.\d{1,9})?|nan", re.IGNORECASE)


def recognise(messages: Iterable[Message]) -> list[Heard]:
    """Return each temperature once, in the order in which they were heard."""
    return list(dict.fromkeys(heard for message in messages for heard in _heard(message)))


def _heard(message: Message) -> Iterable[Heard]:
    topic = message.topic
    if topic.startswith("homeassistant/") and topic.endswith("/config"):
        announced = read_announcement(message.payload)
        if not isinstance(announced, Rejected):
            yield Heard("home_assistant", "homeassistant/sensor/#", announced.unique_id)
        return
    esphome = _ESPHOME.fullmatch(topic)
    if esphome and _NUMBER.fullmatch(message.payload):
        yield Heard("esphome", f"{esphome[1]}/sensor/+/state", esphome[2], is_unit_said=False)
    said = read_object(message.payload, "")
    if not isinstance(said, Rejected):
        yield from _in_object(topic, said)


def _in_object(topic: str, said: Mapping[str, Any]) -> Iterable[Heard]:
    if topic.endswith("/SENSOR"):
        yield from (Heard("tasmota", topic, name) for name, one in said.items() if _has(one, "Temperature"))
    elif topic.startswith("qtkiln/") and _has(said.get("kiln"), "temp_C"):
        yield Heard("qtkiln", f"{topic.rpartition('/')[0]}/#")
    elif topic.endswith("/status") and {"temperature", "state"} <= said.keys():
        zones = [one for one in said.get("zones", ()) if _has(one, "index")]
        yield from [Heard("kiln_controller", topic, str(one["index"]), is_unit_said=False) for one in zones] or [
            Heard("kiln_controller", topic, is_unit_said=False)
        ]
    elif topic.startswith("zigbee2mqtt/") and "temperature" in said:
        yield Heard("zigbee2mqtt", "zigbee2mqtt/#", topic.partition("/")[2], is_unit_said=False)


def _has(one: object, key: str) -> bool:
    return isinstance(one, dict) and key in one
