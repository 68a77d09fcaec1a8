from pathlib import Path

import pytest

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
    assert (mqtt.port, mqtt.topic, mqtt.channels) == (1883, "qtkiln/#", ("kiln",))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("server = ", "not TOML"),
        (SERVER, "sources: Field required"),
        ('server = "127.0.0.1"\n' + SERIAL, "server: String should match pattern"),
        (SERVER + SERIAL.replace('"serial"', '"usb"'), "sources.0"),
        (SERVER + SERIAL.replace("Europe/Paris", "France"), "time_zone: wanted an IANA time zone"),
        (SERVER + SERIAL.replace("Europe/Paris", "../../etc/passwd"), "time_zone: wanted an IANA time zone"),
        (SERVER + SERIAL.replace("lo-1", "Lò 1"), "sources.0.kiln: String should match pattern"),
        (SERVER + SERIAL + "baudrate = 9600", "sources.0.baudrate: Extra inputs are not permitted"),
        (SERVER + SERIAL + 'baud = "fast"', "sources.0.baud: Input should be a valid integer"),
        (SERVER + SERIAL + SERIAL, "channel top of kiln lo-1 comes twice"),
        (SERVER + MQTT + 'channels = ["a", "b"]', "sources.0.channels: Tuple should have at most 1 item"),
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
    with pytest.raises(SettingsError, match="not TOML"):
        load_settings(path)


def test_pairing_needs_no_sources(path: Path) -> None:
    path.write_text(SERVER + 'token_file = "other.token"')

    assert load_pairing_settings(path).token_file == path.parent / "other.token"
