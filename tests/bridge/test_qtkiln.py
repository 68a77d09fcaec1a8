import json

import pytest
from bridge_fakes import NOON
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.decoders.qtkiln import QtKiln
from firmware_bridge.message import Decoded, Ignored, Measured, Message, Rejected, Uptime, Value
from firmware_bridge.wire import Quality

STATE = "qtkiln/8813BF703D68/state"


def decode(payload: bytes, topic: str = STATE) -> Decoded:
    return QtKiln("kiln").decode(Message(payload, NOON, topic), None)


def test_the_kilns_temperature_is_taken_and_the_housings_is_not() -> None:
    decoded = decode(b'{"time_ms":7546427,"kiln":{"temp_C":336.9699},"housing":{"temp_C":10.5},"pwm":{"enabled":true}}')

    assert decoded == Measured(Uptime(STATE, 7546427), (Value("kiln", 336.9699),))


@pytest.mark.parametrize("said", [b"null", b"NaN", b"Infinity"])
def test_nan_is_no_value(said: bytes) -> None:
    decoded = decode(b'{"time_ms":5,"kiln":{"temp_C":%s}}' % said)

    assert decoded == Measured(Uptime(STATE, 5), (Value("kiln", None, Quality.NO_VALUE),))


def test_memory_statistics_are_ignored() -> None:
    assert decode(b'{"time":"x","mem":{"free":1},"kilnThermo":{}}') == Ignored("no_temperature")


@pytest.mark.parametrize("topic", ["qtkiln/8813BF703D68/log", "qtkiln", "", "other/8813BF703D68/state"])
def test_other_topics_are_ignored(topic: str) -> None:
    assert decode(b"not JSON", topic) == Ignored("other_topic")


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"offline", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[" * 60_000, "not_json"),
        (b" " * 70_000, "too_long"),
        (b"[1]", "out_of_shape"),
        (b'{"time_ms":1,"kiln":3}', "out_of_shape"),
        (b'{"time_ms":1,"kiln":{}}', "out_of_shape"),
        (b'{"kiln":{"temp_C":1}}', "no_time"),
        (b'{"time_ms":-1,"kiln":{"temp_C":1}}', "no_time"),
        (b'{"time_ms":true,"kiln":{"temp_C":1}}', "no_time"),
        (b'{"time_ms":1e99,"kiln":{"temp_C":1}}', "no_time"),
        (b'{"time_ms":1,"kiln":{"temp_C":"hot"}}', "not_a_number"),
        (b'{"time_ms":1,"kiln":{"temp_C":1%s}}' % (b"0" * 400), "not_a_number"),
    ],
)
def test_damage_is_named(payload: bytes, kind: str) -> None:
    decoded = decode(payload)

    assert isinstance(decoded, Rejected)
    assert decoded.reason == kind


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["time_ms", "kiln", "temp_C"]), inner, max_size=3)
    ),
)


@given(st.binary(max_size=60), st.text(max_size=30))
def test_no_bytes_raise(payload: bytes, topic: str) -> None:
    decode(payload)
    decode(payload, topic)


@given(JSON)
def test_no_json_raises(state: object) -> None:
    decode(json.dumps(state).encode())
