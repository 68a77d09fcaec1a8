"""Traps that were met in real logs, as far as messages and settings can fall into them: each by its own name."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bridge_fakes import NOON

from firmware_bridge.decoders.esphome import EspHome
from firmware_bridge.decoders.json_mapping import JsonMapping
from firmware_bridge.decoders.kiln_controller import KilnController
from firmware_bridge.decoders.qtkiln import QtKiln
from firmware_bridge.decoders.tasmota import Tasmota
from firmware_bridge.formats import MQTT
from firmware_bridge.intake import Intake, Memory
from firmware_bridge.message import Decoder, Message
from firmware_bridge.payload import Degrees
from firmware_bridge.settings import SettingsError, load_settings
from firmware_bridge.wire import Reading

C = Degrees.CELSIUS
REPOSITORY = Path(__file__).parents[2]


def heard(decoder: Decoder, *said: tuple[str, bytes], every_s: float = 5, is_retained: bool = False) -> list[Reading]:
    """Return the readings of messages that come one after the other."""
    intake = Intake("lo-1/kiln", "lo-1", decoder, Memory(), now=NOON)
    for n, (topic, payload) in enumerate(said):
        intake.take(Message(payload, NOON + timedelta(seconds=n * every_s), topic, is_retained))
    return list(intake.gather(now=NOON + timedelta(hours=1), jitter=timedelta(seconds=0.25)).readings)


def values(readings: list[Reading]) -> list[float | None]:
    return [reading.value for reading in readings]


def test_zero_as_no_sensor_is_handed_on_for_the_service_to_judge() -> None:
    assert values(heard(EspHome({"kiln": "t"}, C), *[("n/sensor/t/state", b"0.0")] * 3)) == [0.0, 0.0, 0.0]


def test_a_frozen_value_stays_a_reading_for_each_message() -> None:
    assert len(heard(EspHome({"kiln": "t"}, C), *[("n/sensor/t/state", b"612.5")] * 20)) == 20


def test_fahrenheit_without_a_label_is_refused_by_the_settings_until_somebody_says_it(tmp_path: Path) -> None:
    source = 'type = "mqtt"\nhost = "lo"\nformat = "esphome"\nnames = ["t"]\nkiln = "lo-1"\n'
    (tmp_path / "b.toml").write_text(f'server = "http://lo"\n[[sources]]\n{source}')

    with pytest.raises(SettingsError, match=r'thiếu / missing: unit = "c" \(°C\) / unit = "f" \(°F\)'):
        load_settings(tmp_path / "b.toml")


def test_a_decimal_point_elsewhere_is_what_scale_says() -> None:
    assert values(heard(JsonMapping({"kiln": "t"}, C, 0.1), ("x", b'{"t":6125}'))) == [pytest.approx(612.5)]


def test_a_decimal_comma_is_refused_and_not_read_as_another_number() -> None:
    assert heard(EspHome({"kiln": "t"}, C), ("n/sensor/t/state", b"612,5")) == []


def test_an_uptime_that_begins_anew_goes_on_in_time() -> None:
    said = [b'{"time_ms":%d,"kiln":{"temp_C":600}}' % uptime_ms for uptime_ms in (900_000, 905_000, 1_000, 6_000)]

    times = [reading.at_ms for reading in heard(QtKiln("kiln"), *[("qtkiln/A/state", one) for one in said])]

    assert times == sorted(times)
    assert times[-1] - times[0] == pytest.approx(15_000, abs=1_000)


def test_a_device_clock_of_1970_or_41_hours_off_does_not_date_a_reading() -> None:
    said = b'{"Time":"%s","MAX31855":{"Temperature":600},"TempUnit":"C"}'
    readings = heard(
        Tasmota({"kiln": "MAX31855"}),
        ("tele/t/SENSOR", said % b"1970-01-01T00:00:09"),
        ("tele/t/SENSOR", said % b"2026-03-03T05:48:00"),
    )

    dates = [datetime.fromtimestamp(reading.at_ms / 1000, UTC) for reading in readings]
    assert dates == [NOON, NOON + timedelta(seconds=5)]


@pytest.mark.parametrize("gap", [timedelta(minutes=99), timedelta(hours=18), timedelta(hours=39)])
def test_a_gap_inside_a_firing_is_as_long_at_the_service_as_it_was_at_the_kiln(gap: timedelta) -> None:
    intake = Intake("lo-1/kiln", "lo-1", EspHome({"kiln": "t"}, C), Memory(), now=NOON)
    said_at = [NOON, NOON + timedelta(seconds=5), NOON + gap, NOON + gap + timedelta(seconds=5)]
    for at, said in zip(said_at, (b"850", b"851", b"790", b"789"), strict=True):
        intake.take(Message(said, at, "n/sensor/t/state"))

    readings = intake.gather(now=said_at[-1], jitter=timedelta(seconds=0.25)).readings

    assert [(reading.at_ms, reading.value) for reading in readings] == [
        (int(at.timestamp() * 1000), value) for at, value in zip(said_at, (850.0, 851.0, 790.0, 789.0), strict=True)
    ], "nothing is put between, and nothing moved"


def test_a_gap_stays_a_gap_because_the_broker_keeps_nothing_undated() -> None:
    assert [name for name, spoken in MQTT.items() if spoken.is_dated] == ["qtkiln"]


def test_the_same_dated_message_24_times_is_one_reading() -> None:
    assert len(heard(QtKiln("kiln"), *[("qtkiln/A/state", b'{"time_ms":1,"kiln":{"temp_C":600}}')] * 24)) == 1


@pytest.mark.parametrize("damaged", [b'{"t":612', b'{"t":6\0\0\0', b"\0" * 40, b'{"t":612}{"t":613}'])
def test_truncated_words_and_nul_bytes_give_no_reading(damaged: bytes) -> None:
    assert heard(JsonMapping({"kiln": "t"}, C, 1), ("x", damaged)) == []


@pytest.mark.parametrize("word", [b"nan", b"NA", b"Off", b"NaN", b"null"])
def test_words_for_nothing_are_no_value(word: bytes) -> None:
    (reading,) = heard(EspHome({"kiln": "t"}, C), ("n/sensor/t/state", word))

    assert (reading.value, reading.quality) == (None, "no_value")


def test_an_unknown_time_left_in_the_payload_is_no_reading() -> None:
    assert heard(EspHome({"kiln": "t"}, C), ("n/sensor/t/state", b"??:??")) == []


@pytest.mark.parametrize(
    ("decoder", "topic", "payload"),
    [
        (EspHome({"kiln": "t"}, C), "n/sensor/t/state", b"20"),
        (QtKiln("kiln"), "qtkiln/A/state", b'{"time_ms":7515,"kiln":{"temp_C":20}}'),
        (KilnController("kiln", {}, C), "kiln/status", b'{"temperature":20,"state":"IDLE"}'),
    ],
)
def test_a_retained_value_is_no_reading(decoder: Decoder, topic: str, payload: bytes) -> None:
    assert heard(decoder, (topic, payload), is_retained=True) == []


def test_states_of_a_firing_before_this_one_are_no_readings() -> None:
    backlog = b'{"type":"backlog","profile":null,"log":[{"temperature":1200,"state":"RUNNING"}]}'

    assert heard(KilnController("kiln", {}, C), ("status", backlog)) == []


def test_a_runaway_and_a_saw_tooth_are_handed_on_as_they_were_said() -> None:
    said = [b"900", b"1224", b"1124", b"1224", b"-5"]

    assert values(heard(EspHome({"kiln": "t"}, C), *[("n/sensor/t/state", one) for one in said])) == [
        900.0,
        1224.0,
        1124.0,
        1224.0,
        -5.0,
    ]


def test_every_test_that_the_page_of_traps_names_exists() -> None:
    page = (REPOSITORY / "docs" / "traps.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/\S+\.py)::(test_\w+)`", page)

    missing = [(path, name) for path, name in named if f"def {name}(" not in (REPOSITORY / path).read_text("utf-8")]

    assert len(named) > 20
    assert missing == []
