"""A kiln-controller over its websocket. It has no lock on its door, so nothing that could start or stop it is sent.

Asked for is `/config`, by the word GET that its own page sends, for the unit; listened to is `/status`. Where a fork
has no websocket there, `GET /api/stats` is asked instead.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException

from firmware_bridge.backoff import Backoff, wait_for_event
from firmware_bridge.message import Listener, Message

logger = logging.getLogger(__name__)

ANSWER_S: Final = 5.0
# A state comes with every control cycle, usually each 2 s; a longer silence is a dead connection.
SILENCE_S: Final = 30.0
POLL_EVERY_S: Final = 5.0
MAX_MESSAGE_BYTES: Final = 1_000_000  # a backlog of 50 states is some 30 kB


class KilnControllerSource:
    """One controller, at `ws://host:port`."""

    def __init__(
        self, url: str, listener: Listener, now: Callable[[], datetime], *, silence_s: float = SILENCE_S
    ) -> None:
        self._url = url
        self._listener = listener
        self._now = now
        self._silence_s = silence_s
        self._backoff = Backoff(first_s=0.5, longest_s=30.0)

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until told to stop; a controller that is away is tried again and again."""
        while not stop.is_set():
            tasks = {asyncio.create_task(self._converse(stop)), asyncio.create_task(stop.wait())}
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._listener.set_connected(False, self._now())
            await self._backoff.wait(stop)

    async def _converse(self, stop: asyncio.Event) -> None:
        try:
            await self._ask_configuration()
            try:
                await self._listen()
            except InvalidHandshake:  # it answers, but has no websocket there
                await self._poll(stop)
        except (OSError, TimeoutError, WebSocketException, httpx.HTTPError) as error:
            if self._backoff.failures == 0:
                fields = {"url": self._url, "reason": f"{type(error).__name__} {error}"}
                logger.warning("controller is away; trying again", extra=fields)
        except Exception:
            logger.exception("the controller said what no controller says", extra={"url": self._url})

    def _connect(self, what: str) -> connect:
        """Return a connection to be entered; a controller stands in the workshop, so no proxy is asked."""
        return connect(f"{self._url}/{what}", proxy=None, open_timeout=ANSWER_S, max_size=MAX_MESSAGE_BYTES)

    async def _ask_configuration(self) -> None:
        """Ask for the unit; a fork without this answer may do without, if the settings say the unit."""
        try:
            async with asyncio.timeout(ANSWER_S), self._connect("config") as socket:
                await socket.send("GET")
                self._hear("config", await socket.recv())
        except (InvalidHandshake, ConnectionClosed, TimeoutError):
            logger.warning("controller does not say its unit", extra={"url": self._url})

    async def _listen(self) -> None:
        async with self._connect("status") as socket:
            self._note_connected("websocket")
            while True:
                async with asyncio.timeout(self._silence_s):
                    said = await socket.recv()
                self._hear("status", said)

    async def _poll(self, stop: asyncio.Event) -> None:
        async with httpx.AsyncClient(timeout=ANSWER_S, trust_env=False) as client:
            while not stop.is_set():
                answer = (await client.get(f"http{self._url.removeprefix('ws')}/api/stats")).raise_for_status()
                self._note_connected("http")
                if answer.content.strip():  # nothing before its first firing
                    self._hear("stats", answer.content)
                await wait_for_event(stop, POLL_EVERY_S)

    def _note_connected(self, way: str) -> None:
        if self._backoff.failures:
            logger.info("controller answers", extra={"url": self._url, "way": way})
        self._backoff.reset()
        self._listener.set_connected(True, self._now())

    def _hear(self, topic: str, said: str | bytes) -> None:
        payload = said.encode() if isinstance(said, str) else said
        self._listener.take(Message(payload, self._now(), topic))
