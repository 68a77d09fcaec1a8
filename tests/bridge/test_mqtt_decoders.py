"""What devices say over MQTT, as their documents have it; units are said or asked for, never guessed."""

from datetime import timedelta

import pytest
from bridge_fakes import NOON

from firmware_bridge.decoders.esphome import EspHome
from firmware_bridge.decoders.home_assistant import HomeAssistant
from firmware_bridge.decoders.json_mapping import JsonMapping
from firmware_bridge.decoders.kiln_controller import KilnController
from firmware_bridge.decoders.tasmota import Tasmota
from firmware_bridge.decoders.zigbee2mqtt import Zigbee2Mqtt
from firmware_bridge.intake import Intake, Memory
from firmware_bridge.message import Decoded, Decoder, Ignored, Measured, Message, Rejected
from firmware_bridge.payload import Degrees
from firmware_bridge.value_template import read_template
from firmware_bridge.wire import Quality

C, F = Degrees.CELSIUS, Degrees.FAHRENHEIT


def hear(decoder: Decoder, topic: str, payload: str | bytes, *, is_retained: bool = False) -> Decoded:
    raw = payload.encode() if isinstance(payload, str) else payload
    return decoder.decode(Message(raw, NOON, topic, is_retained), None)


def values(decoded: Decoded) -> list[tuple[str, float | None, Quality]]:
    assert isinstance(decoded, Measured), decoded
    assert decoded.when == NOON
    return [(one.channel, one.value and round(one.value, 3), one.quality) for one in decoded.values]


def reason(decoded: Decoded) -> str:
    assert isinstance(decoded, Ignored | Rejected), decoded
    return decoded.reason


# --- Tasmota

TASMOTA = (
    '{"Time":"2023-12-11T00:54:59","MAX31855-0":{"Temperature":22.8,"ReferenceTemperature":23.6,"Error":0},'
    '"MAX31855-1":{"Temperature":%s,"ReferenceTemperature":23.6,"Error":%d},"TempUnit":"%s"}'
)


def tasmota() -> Tasmota:
    return Tasmota({"top": "MAX31855-0", "bottom": "MAX31855-1"})


def test_tasmota_says_both_probes_and_their_unit() -> None:
    said = hear(tasmota(), "tele/tasmota_30EF0B/SENSOR", TASMOTA % ("612.5", 0, "C"))

    assert values(said) == [("top", 22.8, Quality.GOOD), ("bottom", 612.5, Quality.GOOD)]


def test_tasmota_in_fahrenheit_becomes_celsius() -> None:
    assert values(hear(Tasmota({"top": "DS18B20"}), "tele/x/SENSOR", '{"DS18B20":{"Temperature":212},"TempUnit":"F"}'))[
        0
    ] == ("top", 100.0, Quality.GOOD)


@pytest.mark.parametrize(
    ("error", "quality"),
    [(1, Quality.OPEN), (2, Quality.SHORT_TO_GROUND), (4, Quality.SHORT_TO_SUPPLY), (8, Quality.FAULT)],
)
def test_a_fault_that_tasmota_reports_is_a_quality(error: int, quality: Quality) -> None:
    said = hear(tasmota(), "tele/x/SENSOR", TASMOTA % ("null", error, "C"))

    assert values(said)[1] == ("bottom", None, quality)


def test_tasmota_null_is_no_value() -> None:
    said = hear(Tasmota({"top": "MAX6675"}), "tele/x/SENSOR", '{"MAX6675":{"Temperature":null},"TempUnit":"C"}')

    assert values(said) == [("top", None, Quality.NO_VALUE)]


def test_tasmota_without_a_unit_is_refused_not_guessed() -> None:
    assert reason(hear(Tasmota({"top": "A"}), "tele/x/SENSOR", '{"A":{"Temperature":612}}')) == "no_unit"


@pytest.mark.parametrize(("topic", "payload"), [("tele/x/LWT", "Offline"), ("tele/x/STATE", "{}")])
def test_tasmota_life_signs_are_no_readings(topic: str, payload: str) -> None:
    assert reason(hear(tasmota(), topic, payload)) == "other_topic"


# --- ESPHome


@pytest.mark.parametrize(
    ("said", "value"),
    [("612.5", ("top", 612.5, Quality.GOOD)), ("nan", ("top", None, Quality.NO_VALUE))],
)
def test_esphome_says_a_bare_number_and_nan_on_a_fault(said: str, value: tuple[str, float | None, Quality]) -> None:
    decoder = EspHome({"top": "kiln_top"}, C)

    assert values(hear(decoder, "lo-1/sensor/kiln_top/state", said)) == [value]


def test_fahrenheit_without_a_label_is_what_the_settings_say() -> None:
    assert values(hear(EspHome({"top": "t"}, F), "n/sensor/t/state", "1888.4"))[0][1] == pytest.approx(1031.333)


@pytest.mark.parametrize("topic", ["lo-1/status", "lo-1/sensor/wifi/state", "t"])
def test_esphome_words_about_something_else_are_ignored(topic: str) -> None:
    assert reason(hear(EspHome({"top": "t"}, C), topic, "online")) == "other_topic"


def test_what_is_no_number_is_counted_as_damage() -> None:
    assert reason(hear(EspHome({"top": "t"}, C), "n/sensor/t/state", "6x2")) == "not_a_number"


@pytest.mark.parametrize("word", ["nan", "NA", "Off", "unknown", "unavailable", ""])
def test_words_for_no_number_are_no_value_and_never_zero(word: str) -> None:
    assert values(hear(EspHome({"top": "t"}, C), "n/sensor/t/state", word)) == [("top", None, Quality.NO_VALUE)]


# --- Zigbee2MQTT


def test_zigbee_names_may_have_slashes() -> None:
    decoder = Zigbee2Mqtt({"flue": "xưởng/ống khói"}, C)

    said = hear(decoder, "zigbee2mqtt/xưởng/ống khói", '{"temperature":27.34,"humidity":44.72,"linkquality":99}')

    assert values(said) == [("flue", 27.34, Quality.GOOD)]


@pytest.mark.parametrize(
    ("topic", "payload", "why"),
    [
        ("zigbee2mqtt/a/availability", '{"state":"offline"}', "other_topic"),
        ("zigbee2mqtt/bridge/state", "online", "other_topic"),
        ("zigbee2mqtt/a", '{"battery":90}', "no_temperature"),
        ("zigbee2mqtt/a", "[]", "out_of_shape"),
    ],
)
def test_zigbee_words_without_a_temperature(topic: str, payload: str, why: str) -> None:
    assert reason(hear(Zigbee2Mqtt({"flue": "a"}, C), topic, payload)) == why


# --- any JSON


def test_json_is_read_by_path_unit_and_scale() -> None:
    decoder = JsonMapping({"top": "sensors[0].temp", "bottom": "['key with space'].t"}, C, 0.1)

    said = hear(decoder, "t", '{"sensors":[{"temp":6125}],"key with space":{"t":"5980"}}')

    assert values(said) == [("top", 612.5, Quality.GOOD), ("bottom", 598.0, Quality.GOOD)]


def test_a_number_beyond_all_numbers_is_no_value() -> None:
    assert values(hear(JsonMapping({"top": "t"}, C, 10), "t", '{"t":1e308}')) == [("top", None, Quality.NO_VALUE)]


def test_json_without_any_of_our_paths_is_ignored() -> None:
    assert reason(hear(JsonMapping({"top": "a.b"}, C, 1), "t", '{"a":[]}')) == "no_temperature"


@pytest.mark.parametrize("payload", [b"{", b"\xff\xff", b"[" * 5000, b" " * 70_000])
def test_damaged_json_is_refused(payload: bytes) -> None:
    assert reason(hear(JsonMapping({"top": "a"}, C, 1), "t", payload)) in ("not_json", "too_long")


@pytest.mark.parametrize("raw", ["true", "{}", "[1]"])
def test_json_that_is_no_number_is_refused(raw: str) -> None:
    assert reason(hear(JsonMapping({"top": "a"}, C, 1), "t", f'{{"a":{raw}}}')) == "not_a_number"


# --- kiln-controller

STATE = (
    '{"cost":1.73,"runtime":3600.0,"temperature":942.1,"target":950.0,"state":"RUNNING","heat":1.0,"totaltime":54600,'
    '"profile":"cone-05-long-bisque","pidstats":{"time":1739055874.0,"ispoint":942.1}}'
)


def test_kiln_controller_state_is_the_control_temperature() -> None:
    assert values(hear(KilnController("kiln", {}, C), "kiln/status", STATE)) == [("kiln", 942.1, Quality.GOOD)]


def test_kiln_controller_without_a_unit_is_refused_until_its_configuration_says_one() -> None:
    decoder = KilnController("kiln", {}, None)

    before = hear(decoder, "status", STATE)
    learned = hear(decoder, "config", '{"temp_scale":"f","currency_type":"$"}')

    assert (reason(before), reason(learned)) == ("no_unit", "configuration")
    assert values(hear(decoder, "status", STATE)) == [("kiln", 505.611, Quality.GOOD)]


def test_what_the_controller_says_of_its_unit_goes_before_the_settings() -> None:
    decoder = KilnController("kiln", {}, C)
    hear(decoder, "config", '{"temp_scale":"f"}')

    assert values(hear(decoder, "status", STATE))[0][1] == 505.611


def test_zones_of_a_fork_are_channels() -> None:
    decoder = KilnController("top", {"top": "0", "bottom": "1"}, F)
    zones = '{"temperature":2050,"zones":[{"index":0,"temperature":2060},{"index":1,"temperature":2040}]}'

    assert values(hear(decoder, "kiln/status", zones)) == [
        ("top", 1126.667, Quality.GOOD),
        ("bottom", 1115.556, Quality.GOOD),
    ]


def test_the_backlog_of_old_states_gives_no_readings() -> None:
    backlog = f'{{"type":"backlog","profile":null,"log":[{STATE}]}}'

    assert reason(hear(KilnController("kiln", {}, C), "status", backlog)) == "no_temperature"


def test_stats_that_an_idle_controller_repeats_are_old() -> None:
    decoder = KilnController("kiln", {}, C)
    first = hear(decoder, "stats", '{"time":1.0,"ispoint":900.0}')
    again = hear(decoder, "stats", '{"time":1.0,"ispoint":900.0}')

    assert (reason(first), reason(again)) == ("old_value", "old_value")
    assert values(hear(decoder, "stats", '{"time":3.0,"ispoint":901.0}')) == [("kiln", 901.0, Quality.GOOD)]


# --- Home Assistant discovery

ANNOUNCEMENT = (
    '{"name":"Lò 2 đỉnh","state_topic":"lo2/state","device_class":"temperature","unit_of_measurement":"°C",'
    '"value_template":"{{ value_json.t }}","expire_after":60,"unique_id":"lo2_top","device":{}}'
)
CONFIG_TOPIC = "homeassistant/sensor/lo2_top/config"


def test_an_announced_sensor_says_topic_unit_and_place_by_itself() -> None:
    decoder = HomeAssistant({"top": "lo2_top"})

    learned = hear(decoder, CONFIG_TOPIC, ANNOUNCEMENT, is_retained=True)

    assert reason(learned) == "announcement"
    assert decoder.topics == {"lo2/state"}
    assert values(hear(decoder, "lo2/state", '{"t":612.5}')) == [("top", 612.5, Quality.GOOD)]


def test_short_keys_and_a_base_topic_are_legal() -> None:
    decoder = HomeAssistant({"top": "a"})

    hear(decoder, CONFIG_TOPIC, '{"~":"lo2","stat_t":"~/t","uniq_id":"a","unit_of_meas":"°F"}')

    assert decoder.topics == {"lo2/t"}
    assert values(hear(decoder, "lo2/t", "212")) == [("top", 100.0, Quality.GOOD)]


def test_sensors_that_the_settings_do_not_name_are_not_ours() -> None:
    decoder = HomeAssistant({"top": "another"})

    assert reason(hear(decoder, CONFIG_TOPIC, ANNOUNCEMENT)) == "not_ours"
    assert reason(hear(decoder, "lo2/state", '{"t":612.5}')) == "other_topic"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("{{ value_json.t }}", "{% if value_json.ok %}{{ value_json.t }}{% endif %}", "template"),
        ("{{ value_json.t }}", "{{ states('sensor.x') }}", "template"),
        ("°C", "K", "no_unit"),
        ('"state_topic":"lo2/state",', "", "out_of_shape"),
        ("lo2/state", "lo2/#", "out_of_shape"),
    ],
)
def test_an_announcement_that_cannot_be_followed_is_refused_clearly(old: str, new: str, why: str) -> None:
    assert reason(hear(HomeAssistant({"top": "lo2_top"}), CONFIG_TOPIC, ANNOUNCEMENT.replace(old, new))) == why


@pytest.mark.parametrize(
    ("text", "path", "scale"),
    [
        ("{{ value }}", None, 1.0),
        ("{{value_json.t}}", ("t",), 1.0),
        ("{{ value_json['MAX31855-0'].Temperature | float | round(1) }}", ("MAX31855-0", "Temperature"), 1.0),
        ('{{ value_json["a b"][0] | float(0) }}', ("a b", 0), 1.0),
        ("{{ value_json.t | float / 10 }}", ("t",), 0.1),
        ("{{ (value_json.t | float) * 0.5 | round(2) }}", ("t",), 0.5),
    ],
)
def test_simple_templates_are_read(text: str, path: tuple[str | int, ...] | None, scale: float) -> None:
    found = read_template(text)

    assert (found.path, found.scale) == (path, pytest.approx(scale))


@pytest.mark.parametrize("text", ["{{ value_json.t + 32 }}", "{{ value * 0 }}", "value", "{{ value_json }} x", "{{}}"])
def test_other_templates_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="value_template"):
        read_template(text)


# --- what is old is not new


def test_a_retained_value_teaches_nothing_and_a_retained_announcement_does() -> None:
    intake = Intake("lo-2/top", "lo-2", HomeAssistant({"top": "lo2_top"}), Memory(), now=NOON)

    for topic, said in ((CONFIG_TOPIC, ANNOUNCEMENT), ("lo2/state", '{"t":20}')):
        intake.take(Message(said.encode(), NOON, topic, is_retained=True))
    intake.take(Message(b'{"t":612.5}', NOON, "lo2/state"))

    harvest = intake.gather(now=NOON, jitter=timedelta())
    assert [one.value for one in harvest.readings] == [612.5]
    assert (intake.counters.retained, intake.counters.ignored) == (1, 1)


def test_the_same_value_said_twice_is_two_readings() -> None:
    intake = Intake("lo-1/top", "lo-1", EspHome({"top": "t"}, C), Memory(), now=NOON)

    for seconds in (0, 5):
        intake.take(Message(b"612.5", NOON + timedelta(seconds=seconds), "n/sensor/t/state"))

    assert len(intake.gather(now=NOON, jitter=timedelta()).readings) == 2
