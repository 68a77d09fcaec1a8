"""Every decoder of the registry, given anything: it counts damage, and never raises or makes a number up."""

import json
import math
from zoneinfo import ZoneInfo

import pytest
from bridge_fakes import NOON
from hypothesis import example, given
from hypothesis import strategies as st

from firmware_bridge.formats import MQTT, SERIAL, Format, Told
from firmware_bridge.message import Ignored, Measured, Message, Rejected
from firmware_bridge.payload import Degrees

TOPICS = (
    "qtkiln/A/state",
    "kiln/status",
    "kiln/config",
    "kiln/stats",
    "tele/t/SENSOR",
    "n/sensor/a/state",
    "zigbee2mqtt/a",
    "homeassistant/sensor/a/config",
    "s",
    "",
)
KEYS = (
    "time_ms",
    "kiln",
    "temp_C",
    "temperature",
    "zones",
    "index",
    "a",
    "TempUnit",
    "Temperature",
    "Error",
    "ispoint",
)
CONFIG_KEYS = ("unique_id", "state_topic", "unit_of_measurement", "value_template", "temp_scale", "time", "~", "type")
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["a", "C", "°F", "s", "{{ value }}"])
)
JSONS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS + CONFIG_KEYS), inner, max_size=6),
    max_leaves=20,
)
PAYLOADS = st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | JSONS.map(json.dumps).map(str.encode)
ALL = {**{f"mqtt {name}": one for name, one in MQTT.items()}, **{f"serial {name}": one for name, one in SERIAL.items()}}


@pytest.mark.parametrize("spoken", ALL.values(), ids=ALL.keys())
@given(said=st.lists(st.tuples(st.sampled_from(TOPICS), PAYLOADS), max_size=8))
@example(said=[("kiln/config", b'{"unique_id":[]}')])
@example(said=[("kiln/status", b'{"temperature": null, "zones": null}')])
def test_a_decoder_never_raises_and_never_makes_a_number_up(spoken: Format, said: list[tuple[str, bytes]]) -> None:
    decoder = spoken.make(Told(("top",), ("a",), Degrees.CELSIUS, zone=ZoneInfo("UTC")))

    for topic, payload in said:
        decoded = decoder.decode(Message(payload, NOON, topic), None)

        assert isinstance(decoded, Measured | Ignored | Rejected)
        for value in decoded.values if isinstance(decoded, Measured) else ():
            assert value.channel == "top"
            assert (value.value is not None and math.isfinite(value.value)) == (value.quality == "good")
