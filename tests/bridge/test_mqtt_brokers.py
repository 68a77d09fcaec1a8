"""Brokers as they are met: MQTT 3.1.1 and 5, with a password behind TLS, restarted; and what they keep for us."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from bridge_fakes import NOON, Ear, Mosquitto, until
from certificates import make_certificates
from paho.mqtt.enums import CallbackAPIVersion
from test_mqtt import publish

from firmware_bridge.decoders.home_assistant import HomeAssistant
from firmware_bridge.intake import Intake, Memory
from firmware_bridge.message import Listener
from firmware_bridge.sources.mqtt import Broker, MqttSource

PASSWORD = "khong-noi-voi-ai"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[Mosquitto, Path]]:
    """A broker behind TLS that asks for a password, and the file of its authority."""
    authority = make_certificates(tmp_path)
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    subprocess.run(["mosquitto_passwd", "-b", str(passwords), "lo", PASSWORD], check=True, capture_output=True)
    broker = Mosquitto(
        tmp_path,
        f"certfile {tmp_path}/server.pem\nkeyfile {tmp_path}/server.key\n"
        f"allow_anonymous false\npassword_file {passwords}\n",
    )
    yield broker, authority
    broker.stop()


@contextlib.asynccontextmanager
async def listening(broker: Broker, ear: Listener, *topics: str) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(MqttSource(broker, lambda: topics, ear, lambda: NOON).run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


def say(broker: Broker, topic: str, payload: bytes) -> None:
    device = paho.Client(CallbackAPIVersion.VERSION2, client_id="device")
    device.username_pw_set(broker.username, broker.password)
    device.tls_set(ca_certs=str(broker.ca_file))
    device.connect(broker.host, broker.port)
    device.loop_start()
    device.publish(topic, payload, qos=1).wait_for_publish(10)
    device.disconnect()
    device.loop_stop()


@pytest.mark.parametrize("is_v5", [False, True])
async def test_behind_tls_and_a_password_and_after_a_restart(guarded: tuple[Mosquitto, Path], is_v5: bool) -> None:
    mosquitto, authority = guarded
    broker = Broker("127.0.0.1", mosquitto.port, "b", "lo", PASSWORD, is_v5, True, authority)
    ear = Ear()
    async with listening(broker, ear, "lo-1/#"):
        await until(lambda: ear.is_connected)
        await asyncio.to_thread(say, broker, "lo-1/t", b"before")
        await until(lambda: ear.payloads == [b"before"])
        await asyncio.to_thread(mosquitto.stop)
        await until(lambda: not ear.is_connected)
        await asyncio.to_thread(mosquitto.start)
        await until(lambda: ear.is_connected)
        await asyncio.to_thread(say, broker, "lo-1/t", b"after")
        await until(lambda: ear.payloads == [b"before", b"after"])


@pytest.mark.parametrize("is_v5", [False, True])
async def test_a_wrong_proof_never_connects(guarded: tuple[Mosquitto, Path], is_v5: bool) -> None:
    mosquitto, authority = guarded
    ear = Ear()
    async with listening(Broker("127.0.0.1", mosquitto.port, "b", "lo", "no", is_v5, True, authority), ear, "lo-1/#"):
        await until(lambda: ear.connections)

    assert True not in ear.connections


# paho lets go of the socket of a failed handshake without closing it; Python closes it, and complains.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
async def test_a_broker_with_a_certificate_of_nobody_we_know_is_not_trusted(guarded: tuple[Mosquitto, Path]) -> None:
    mosquitto, _ = guarded
    ear = Ear()
    async with listening(Broker("127.0.0.1", mosquitto.port, "b", "lo", PASSWORD, False, True), ear, "lo-1/#"):
        await until(lambda: ear.connections)

    assert True not in ear.connections


@pytest.mark.parametrize("is_v5", [False, True])
@pytest.mark.parametrize(("keeps", "heard"), [(True, [b"while away"]), (False, [])])
async def test_only_what_bears_its_own_time_is_kept_while_away(
    mosquitto: Mosquitto, is_v5: bool, keeps: bool, heard: list[bytes]
) -> None:
    broker = Broker("127.0.0.1", mosquitto.port, "b", is_v5=is_v5, keeps=keeps)
    ear = Ear()
    async with listening(broker, ear, "qtkiln/#"):
        await until(lambda: ear.is_connected)
    await publish(mosquitto.port, b"while away")

    async with listening(broker, ear, "qtkiln/#"):
        await until(lambda: ear.is_connected)
        await publish(mosquitto.port, b"now")
        await until(lambda: b"now" in ear.payloads)

    assert ear.payloads == [*heard, b"now"]


async def test_a_retained_value_is_old_on_mqtt_5_too(mosquitto: Mosquitto) -> None:
    ear = Ear()
    await publish(mosquitto.port, b"old", retain=True)
    async with listening(Broker("127.0.0.1", mosquitto.port, "b", is_v5=True, keeps=False), ear, "qtkiln/#"):
        await until(lambda: ear.messages)

    assert [one.is_retained for one in ear.messages] == [True]


async def test_an_announced_sensor_is_found_and_heard(mosquitto: Mosquitto) -> None:
    decoder = HomeAssistant({"top": "lo2"})
    intake = Intake("lo-2/top", "lo-2", decoder, Memory(), now=NOON)
    stop = asyncio.Event()
    broker = Broker("127.0.0.1", mosquitto.port, "b", keeps=False)
    source = MqttSource(broker, lambda: {"homeassistant/sensor/#", *decoder.topics}, intake, lambda: NOON)
    running = asyncio.create_task(source.run(stop))
    config = b'{"unique_id":"lo2","state_topic":"qtkiln/A/state","unit_of_measurement":"\xc2\xb0C"}'
    await publish(mosquitto.port, config, retain=True, topic="homeassistant/sensor/lo2/config")
    await publish(mosquitto.port, b"20", retain=True)

    await until(lambda: intake.counters.retained == 1)
    await publish(mosquitto.port, b"612.5")
    await until(lambda: intake.counters.readings == 1)
    stop.set()
    await running

    assert intake.counters.ignored == 1
