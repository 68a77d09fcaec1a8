from pathlib import Path

import pytest

from firmware_bridge.bridge import broker_of
from firmware_bridge.settings import MqttSettings, SerialSettings, SettingsError, load_pairing_settings, load_settings

SERIAL = """
[[sources]]
type = "serial"
port = "/dev/ttyUSB0"
format = "camera_logger"
time_zone = "Europe/Paris"
kiln = "lo-1"
channels = ["top", "bottom"]
"""
MQTT = """
[[sources]]
type = "mqtt"
host = "127.0.0.1"
format = "qtkiln"
kiln = "lo-2"
"""
SERVER = 'server = "http://127.0.0.1:8600/"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bridge.toml"


def test_files_are_beside_the_settings_and_the_rest_has_defaults(path: Path) -> None:
    path.write_text(SERVER + 'data_dir = "spool"\n' + SERIAL + MQTT)

    settings = load_settings(path)

    assert settings.server == "http://127.0.0.1:8600"
    assert settings.token_file == path.parent / "bridge.token"
    assert settings.data_dir == path.parent / "spool"
    serial, mqtt = settings.sources
    assert isinstance(serial, SerialSettings)
    assert isinstance(mqtt, MqttSettings)
    assert (serial.baud, serial.key) == (9600, "lo-1/top")
    assert (broker_of(mqtt).port, mqtt.spoken.topic, mqtt.channels) == (1883, "qtkiln/#", ("kiln",))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("server = ", "dòng/line 1: không phải TOML / not TOML"),
        (SERVER, "sources: thiếu dòng này / this line is missing"),
        (
            'server = "127.0.0.1"\n' + SERIAL,
            "dòng/line 1: server: cần địa chỉ như / wanted an address such as https://",
        ),
        (SERVER + SERIAL.replace('"serial"', '"usb"'), "dòng/line 3: sources[1]: cần một trong"),
        (SERVER + SERIAL.replace("camera_logger", "printer"), "dòng/line 6: sources[1].format: cần một trong / wanted"),
        (
            SERVER + SERIAL.replace('time_zone = "Europe/Paris"', ""),
            "dòng/line 3: sources[1]: thiếu / missing: time_zone",
        ),
        (
            SERVER + SERIAL.replace("Europe/Paris", "France"),
            "line 7: sources[1].time_zone: cần múi giờ như / wanted a time",
        ),
        (SERVER + SERIAL.replace("Europe/Paris", "../../etc/passwd"), "(đang là / seen: '../../etc/passwd')"),
        (SERVER + SERIAL.replace("lo-1", "Lò 1"), "dòng/line 8: sources[1].kiln: cần chữ thường không dấu"),
        (
            SERVER + SERIAL + "baudrate = 9600",
            "dòng/line 10: sources[1].baudrate: không có tên này / there is no such key",
        ),
        (
            SERVER + MQTT + SERIAL + 'baud = "fast"',
            "dòng/line 16: sources[2].baud: cần số nguyên / wanted a whole number",
        ),
        (SERVER + SERIAL + SERIAL, "có hai lần / comes twice: kiln lo-1, channel top"),
        (SERVER + MQTT + 'channels = ["a", "b"]', "dòng/line 3: sources[1]: channels: nhiều nhất 1 / wanted at most 1"),
        (
            SERVER + MQTT.replace("qtkiln", "esphome") + 'names = ["t"]',
            'thiếu / missing: unit = "c" (°C) / unit = "f" (°F)',
        ),
        (SERVER + MQTT + 'unit = "c"', "unit: máy loại này không dùng / this kind of instrument does not use it"),
        (SERVER + MQTT.replace("qtkiln", "tasmota") + 'names = ["a", "b"]', "names: cần 1 tên, như channels"),
        (SERVER + MQTT.replace("qtkiln", "json") + 'topic = "t"\nunit = "c"\nnames = ["a..b"]', "'a..b' is no path"),
    ],
)
def test_an_error_names_the_file_the_key_and_what_was_wanted(path: Path, text: str, words: str) -> None:
    path.write_text(text)

    with pytest.raises(SettingsError) as caught:
        load_settings(path)

    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_file_that_is_not_there_or_not_text_is_an_error(path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="không phải chữ UTF-8 / not UTF-8"):
        load_settings(path)


def test_pairing_needs_no_sources(path: Path) -> None:
    path.write_text(SERVER + 'token_file = "other.token"')

    assert load_pairing_settings(path).token_file == path.parent / "other.token"
