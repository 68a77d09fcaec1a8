"""A real Mosquitto, killed and started again; what is not acknowledged comes again, and nothing else does."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

import paho.mqtt.client as paho
import pytest
from bridge_fakes import NOON, Ear, Mosquitto, free_port, serving, until
from paho.mqtt.enums import CallbackAPIVersion

from firmware_bridge.sources.mqtt import Broker, MqttSource


@contextlib.asynccontextmanager
async def listening(port: int, ear: Ear) -> AsyncIterator[None]:
    stop = asyncio.Event()
    broker = Broker("127.0.0.1", port, "bridge-test")
    running = asyncio.create_task(MqttSource(broker, lambda: {"qtkiln/#"}, ear, lambda: NOON).run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


async def publish(port: int, *payloads: bytes, retain: bool = False, topic: str = "qtkiln/A/state") -> None:
    await asyncio.to_thread(_publish, port, topic, payloads, retain)


def _publish(port: int, topic: str, payloads: tuple[bytes, ...], retain: bool) -> None:
    device = paho.Client(CallbackAPIVersion.VERSION2, client_id="device")
    device.connect("127.0.0.1", port)
    device.loop_start()
    for sent in [device.publish(topic, payload, qos=1, retain=retain) for payload in payloads]:
        sent.wait_for_publish(10)
    device.disconnect()
    device.loop_stop()


async def test_messages_arrive_with_their_topic(mosquitto: Mosquitto) -> None:
    ear = Ear()
    async with listening(mosquitto.port, ear):
        await until(lambda: ear.is_connected)
        await publish(mosquitto.port, b"one", b"two")
        await until(lambda: len(ear.messages) == 2)

    assert [(one.topic, one.payload, one.is_retained) for one in ear.messages] == [
        ("qtkiln/A/state", b"one", False),
        ("qtkiln/A/state", b"two", False),
    ]


async def test_what_was_not_stored_before_a_crash_is_delivered_again(mosquitto: Mosquitto) -> None:
    crashed, ear = Ear(acknowledges=False), Ear()
    async with listening(mosquitto.port, crashed):
        await until(lambda: crashed.is_connected)
        await publish(mosquitto.port, b"stored", b"not stored")
        await until(lambda: len(crashed.messages) == 2)
        crashed.messages[0].on_stored()
        await asyncio.sleep(0.3)  # the acknowledgement is on its way; nothing here can see it arrive

    async with listening(mosquitto.port, ear):
        await until(lambda: ear.messages)

    assert ear.payloads == [b"not stored"]


async def test_what_was_said_while_the_bridge_was_away_comes_later(mosquitto: Mosquitto) -> None:
    ear = Ear()
    async with listening(mosquitto.port, ear):
        await until(lambda: ear.is_connected)
    await publish(mosquitto.port, b"while away")

    async with listening(mosquitto.port, ear):
        await until(lambda: ear.messages)

    assert ear.payloads == [b"while away"]


async def test_a_broker_that_is_killed_is_found_again_with_its_messages(mosquitto: Mosquitto) -> None:
    ear = Ear(acknowledges=False)
    async with listening(mosquitto.port, ear):
        await until(lambda: ear.is_connected)
        await publish(mosquitto.port, b"before")
        await until(lambda: ear.messages)
        await mosquitto.save()
        mosquitto.kill()
        await until(lambda: not ear.is_connected)
        ear.messages[0].on_stored()  # too late: this belongs to the connection that is gone
        await asyncio.to_thread(mosquitto.start)
        await until(lambda: ear.is_connected)
        await publish(mosquitto.port, b"after")
        await until(lambda: b"after" in ear.payloads)

    assert ear.payloads == [b"before", b"before", b"after"]


async def test_what_a_broker_said_before_it_was_killed_is_heard(mosquitto: Mosquitto) -> None:
    """Its sender was told that the broker has it, and the broker had not saved it yet: it is nowhere but here."""
    ear = Ear(acknowledges=False)
    may_work = threading.Event()
    may_work.set()

    def topics() -> set[str]:
        may_work.wait()
        return {"qtkiln/#"}

    stop = asyncio.Event()
    source = MqttSource(Broker("127.0.0.1", mosquitto.port, "bridge-test"), topics, ear, lambda: NOON)
    running = asyncio.create_task(source.run(stop))
    first, last = [b"1", b"2", b"3"], [b"4", b"5", b"6", b"7"]
    await until(lambda: ear.is_connected)
    await publish(mosquitto.port, *first)
    await until(lambda: ear.payloads == first)
    may_work.clear()  # as on a machine that has better to do
    for message in ear.messages:
        message.on_stored()
    await publish(mosquitto.port, *last)
    mosquitto.kill()
    may_work.set()

    await until(lambda: not ear.is_connected)

    assert ear.payloads == first + last
    stop.set()
    await running


async def test_a_retained_message_is_marked_as_old(mosquitto: Mosquitto) -> None:
    ear = Ear()
    await publish(mosquitto.port, b"old", retain=True)
    async with listening(mosquitto.port, ear):
        await until(lambda: ear.messages)

    assert [(one.payload, one.is_retained) for one in ear.messages] == [(b"old", True)]


async def test_a_broker_that_is_away_or_speaks_something_else_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    ear = Ear()
    port = free_port()
    async with listening(port, ear):
        await until(lambda: ear.connections)
        tried: list[bytes] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tried.append(await reader.read(100))
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        async with serving(answer, port):
            await until(lambda: len(tried) >= 2)

    assert not ear.messages
    assert True not in ear.connections
