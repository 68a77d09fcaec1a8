"""Messages from a broker, acknowledged to it only once they are on disk."""

import asyncio
import logging
import select
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from firmware_bridge.backoff import Backoff
from firmware_bridge.message import Listener, Message, Rejected

logger = logging.getLogger(__name__)

KEEPALIVE_S: Final = 10
CONNECT_TIMEOUT_S: Final = 3.0
LOOK_EVERY_S: Final = 0.1
READ_AT_ONCE: Final = 1000  # then what is stored is acknowledged, however much more there is to read
BAD_TOPIC: Final = Rejected("bad_topic", "a topic in UTF-8")


_WELL: Final = MQTTErrorCode.MQTT_ERR_SUCCESS
NEVER_EXPIRES: Final = 0xFFFFFFFF  # MQTT 5, 3.1.2.11.2; what 3.1.1 does without being asked


@dataclass(frozen=True)
class Broker:
    """Where to listen, and as whom. The client's name must never change: the broker keeps messages under it.

    `keeps` asks the broker for a session that holds messages while we are away.
    """

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = None
    is_v5: bool = False
    is_encrypted: bool = False
    ca_file: Path | None = None
    keeps: bool = True


class MqttSource:
    """Some topics of one broker, at QoS 1; `topics` may grow while it runs."""

    def __init__(
        self, broker: Broker, topics: Callable[[], Iterable[str]], listener: Listener, now: Callable[[], datetime]
    ) -> None:
        self._broker = broker
        self._topics = topics
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
            while not stop.is_set() and connection.work(self._topics()):
                if connection.is_subscribed:
                    self._backoff.reset()

    def _note_away(self, reason: str) -> None:
        if self._backoff.failures == 0:
            fields = {"host": self._broker.host, "port": self._broker.port, "reason": reason}
            logger.warning("broker is away; trying again", extra=fields)


def knock(broker: Broker, timeout_s: float) -> str:
    """Return why the broker does not let us in; nothing if it does."""
    answers: list[ReasonCode] = []
    client = _make_client(broker, f"{broker.client_id}-check", keeps=False)
    client.on_connect = lambda _client, _userdata, _flags, code, _properties: answers.append(code)
    try:
        client.connect(broker.host, broker.port, KEEPALIVE_S)
        deadline = time.monotonic() + timeout_s
        while not answers and time.monotonic() < deadline and client.loop(LOOK_EVERY_S) == _WELL:
            pass
    except OSError as error:
        return str(error)
    client.disconnect()
    if not answers:
        return f"no answer in {timeout_s:g} s"
    return str(answers[0]) if answers[0].is_failure else ""


def _make_client(broker: Broker, client_id: str, *, keeps: bool) -> paho.Client:
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if broker.is_v5 else not keeps,
        protocol=MQTTProtocolVersion.MQTTv5 if broker.is_v5 else MQTTProtocolVersion.MQTTv311,
        manual_ack=True,
    )
    client.username_pw_set(broker.username, broker.password)
    if broker.is_encrypted:
        client.tls_set(ca_certs=str(broker.ca_file) if broker.ca_file else None)
    client.connect_timeout = CONNECT_TIMEOUT_S
    return client


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
        self._is_welcome = False
        self._asked: set[str] = set()
        self._client = _make_client(broker, broker.client_id, keeps=broker.keeps)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def __enter__(self) -> "_Connection":
        broker = self._broker
        if broker.is_v5:
            wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            wishes.SessionExpiryInterval = NEVER_EXPIRES if broker.keeps else 0
            self._client.connect(broker.host, broker.port, KEEPALIVE_S, clean_start=not broker.keeps, properties=wishes)
        else:
            self._client.connect(broker.host, broker.port, KEEPALIVE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()

    def work(self, topics: Iterable[str]) -> bool:
        """Read, acknowledge what is stored, ask for new topics, and say whether the connection still stands."""
        while self._read_all() and self._stored:
            self._client.ack(self._stored.popleft(), qos=1)
        fresh = set(topics) - self._asked
        if self._is_welcome and fresh:
            self._client.subscribe([(topic, 1) for topic in sorted(fresh)])
            self._asked |= fresh
        return self._client.loop(LOOK_EVERY_S) == _WELL

    def _read_all(self) -> bool:
        """Read what has come before anything is written: writing to a broker that was killed would throw it away.

        The broker may have told its sender that all is well, and have had no time to save it.
        """
        for _ in range(READ_AT_ONCE):
            held = self._client.socket()
            # What TLS has opened already is in no socket's buffer.
            if not (held and (getattr(held, "pending", int)() or select.select([held], [], [], 0)[0])):
                break
            if self._client.loop_read() != _WELL:
                return False
        return True

    def _on_connect(
        self, _client: paho.Client, _userdata: Any, _flags: paho.ConnectFlags, code: ReasonCode, _properties: Any
    ) -> None:
        if code.is_failure:
            raise ConnectionRefusedError(str(code))
        self._is_welcome = True

    def _on_subscribe(
        self, _client: paho.Client, _userdata: Any, _mid: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        if any(code.is_failure for code in codes):
            msg = f"the broker does not let us subscribe to all of {', '.join(sorted(self._asked))}"
            raise ConnectionRefusedError(msg)
        self.is_subscribed = True
        fields = {"host": self._broker.host, "port": self._broker.port, "topics": sorted(self._asked)}
        logger.info("subscribed", extra=fields)
        self._loop.call_soon_threadsafe(lambda: self._listener.set_connected(True, self._now()))

    def _on_message(self, _client: paho.Client, _userdata: Any, heard: paho.MQTTMessage) -> None:
        settle = self._acknowledge(heard)
        try:
            topic = heard.topic
        except UnicodeDecodeError:
            self._loop.call_soon_threadsafe(self._listener.refuse, BAD_TOPIC, 1)
            settle()
            return
        said, is_retained = bytes(heard.payload), heard.retain

        def take() -> None:  # dated where the clock is put right, which must not happen between the two
            self._listener.take(Message(said, self._now(), topic, is_retained, settle))

        self._loop.call_soon_threadsafe(take)

    def _acknowledge(self, heard: paho.MQTTMessage) -> Callable[[], None]:
        """Return what is to be called, from any thread, once this message is on disk."""
        if heard.qos == 0:
            return lambda: None
        return lambda: self._stored.append(heard.mid)
