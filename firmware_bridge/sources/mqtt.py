"""Messages from a broker, acknowledged to it only once they are on disk."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from firmware_bridge.backoff import Backoff
from firmware_bridge.message import Listener, Message, Rejected

logger = logging.getLogger(__name__)

KEEPALIVE_S: Final = 10
CONNECT_TIMEOUT_S: Final = 3.0
LOOK_EVERY_S: Final = 0.1
BAD_TOPIC: Final = Rejected("bad_topic", "a topic in UTF-8")


@dataclass(frozen=True)
class Broker:
    """Where to listen, and as whom. The client's name must never change: the broker keeps messages under it."""

    host: str
    port: int
    topic: str
    client_id: str
    username: str | None = None
    password: str | None = None


class MqttSource:
    """One topic filter on one broker, at QoS 1, in a session that the broker keeps while we are away."""

    def __init__(self, broker: Broker, listener: Listener, now: Callable[[], datetime]) -> None:
        self._broker = broker
        self._listener = listener
        self._now = now
        self._backoff = Backoff(first_s=0.5, longest_s=10.0)

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until told to stop; a broker that is away is tried again and again."""
        while not stop.is_set():
            try:
                await asyncio.to_thread(self._converse, stop, asyncio.get_running_loop())
            except OSError as error:
                self._note_away(str(error))
            except Exception:
                logger.exception("the broker said what no broker says", extra={"host": self._broker.host})
            finally:
                self._listener.set_connected(False, self._now())
            await self._backoff.wait(stop)

    def _converse(self, stop: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
        """Connect and work until the connection ends; this thread alone speaks to paho."""
        with _Connection(self._broker, self._now, self._listener, loop) as connection:
            while not stop.is_set() and connection.work():
                if connection.is_subscribed:
                    self._backoff.reset()

    def _note_away(self, reason: str) -> None:
        if self._backoff.failures == 0:
            fields = {"host": self._broker.host, "port": self._broker.port, "reason": reason}
            logger.warning("broker is away; trying again", extra=fields)


class _Connection:
    """One connection to the broker; on the next one the numbers to acknowledge mean other messages."""

    def __init__(
        self, broker: Broker, now: Callable[[], datetime], listener: Listener, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.is_subscribed = False
        self._broker = broker
        self._now = now
        self._listener = listener
        self._loop = loop
        self._stored: deque[int] = deque()
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=broker.client_id, clean_session=False, manual_ack=True
        )
        client.username_pw_set(broker.username, broker.password)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        self._client = client

    def __enter__(self) -> "_Connection":
        self._client.connect(self._broker.host, self._broker.port, keepalive=KEEPALIVE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()

    def work(self) -> bool:
        """Read, acknowledge what is stored, and say whether the connection still stands."""
        while self._stored:
            self._client.ack(self._stored.popleft(), qos=1)
        return self._client.loop(LOOK_EVERY_S) == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _on_connect(
        self, client: paho.Client, _userdata: Any, _flags: paho.ConnectFlags, code: ReasonCode, _properties: Any
    ) -> None:
        if code.is_failure:
            raise ConnectionRefusedError(str(code))
        client.subscribe(self._broker.topic, qos=1)

    def _on_subscribe(
        self, _client: paho.Client, _userdata: Any, _mid: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        if any(code.is_failure for code in codes):
            msg = f"the broker does not let us subscribe to {self._broker.topic}"
            raise ConnectionRefusedError(msg)
        self.is_subscribed = True
        fields = {"host": self._broker.host, "port": self._broker.port, "topic": self._broker.topic}
        logger.info("subscribed", extra=fields)
        self._loop.call_soon_threadsafe(self._listener.set_connected, True, self._now())

    def _on_message(self, _client: paho.Client, _userdata: Any, heard: paho.MQTTMessage) -> None:
        settle = self._acknowledge(heard)
        try:
            topic = heard.topic
        except UnicodeDecodeError:
            self._loop.call_soon_threadsafe(self._listener.refuse, BAD_TOPIC, 1)
            settle()
            return
        message = Message(bytes(heard.payload), self._now(), topic, heard.retain, settle)
        self._loop.call_soon_threadsafe(self._listener.take, message)

    def _acknowledge(self, heard: paho.MQTTMessage) -> Callable[[], None]:
        """Return what is to be called, from any thread, once this message is on disk."""
        if heard.qos == 0:
            return lambda: None
        return lambda: self._stored.append(heard.mid)
