"""A real websocket server that speaks as the controller's documents say; nothing but reading is ever sent to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus

from bridge_fakes import NOON, Ear, free_port, until
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError
from websockets.http11 import Request, Response

from firmware_bridge.decoders.kiln_controller import KilnController
from firmware_bridge.message import Measured
from firmware_bridge.sources.kiln_controller import KilnControllerSource

CONFIG = '{"temp_scale":"f","time_scale_slope":"h","time_scale_profile":"m","kwh_rate":0.42818,"currency_type":"$"}'
BACKLOG = '{"type":"backlog","profile":null,"log":[]}'
STATE = '{"runtime":3600.0,"temperature":942.1,"target":950.0,"state":"RUNNING","heat":1.0,"pidstats":{}}'
STATS = '{"time":%d,"setpoint":950.0,"ispoint":942.1}'


class Controller:
    """A controller that remembers every word and request it was sent."""

    def __init__(self, *, has_websocket: bool = True, says_config: bool = True) -> None:
        self.words: list[tuple[str, str | bytes]] = []
        self.requests: list[str] = []
        self.guests: set[ServerConnection] = set()
        self._has_websocket = has_websocket
        self._says_config = says_config

    @contextlib.asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[Server]:
        async with serve(self._speak, "127.0.0.1", port, process_request=self._answer) as server:
            yield server

    def _answer(self, _connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request.path)
        if request.path == "/api/stats":
            stats = (STATS % len(self.requests)).encode()
            return Response(HTTPStatus.OK, "OK", Headers({"Content-Length": str(len(stats))}), stats)
        is_known = (request.path == "/status" and self._has_websocket) or (
            request.path == "/config" and self._says_config
        )
        return None if is_known else Response(HTTPStatus.NOT_FOUND, "no", Headers({"Content-Length": "0"}), b"")

    async def _speak(self, guest: ServerConnection) -> None:
        assert guest.request is not None
        path = guest.request.path
        self.guests.add(guest)
        try:
            if path == "/status":
                await guest.send(BACKLOG)
                await guest.send(STATE)
            async for word in guest:
                self.words.append((path, word))
                await guest.send(CONFIG)
        except ConnectionClosedError:  # as newer versions of websockets call it when a client is told to stop
            pass
        finally:
            self.guests.discard(guest)

    async def say(self, word: str) -> None:
        for guest in list(self.guests):
            await guest.send(word)


@contextlib.asynccontextmanager
async def listening(port: int, ear: Ear, silence_s: float = 30.0) -> AsyncIterator[None]:
    stop = asyncio.Event()
    source = KilnControllerSource(f"ws://127.0.0.1:{port}", ear, lambda: NOON, silence_s=silence_s)
    running = asyncio.create_task(source.run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


def readings(ear: Ear) -> list[float | None]:
    decoder = KilnController("kiln", {}, None)
    decoded = [decoder.decode(message, None) for message in ear.messages]
    return [one.values[0].value for one in decoded if isinstance(one, Measured)]


async def test_the_unit_is_asked_and_the_states_are_heard() -> None:
    controller, ear, port = Controller(), Ear(), free_port()
    async with controller.serving(port), listening(port, ear):
        await until(lambda: len(ear.messages) == 3)

    assert [one.topic for one in ear.messages] == ["config", "status", "status"]
    assert readings(ear) == [(942.1 - 32) / 1.8]
    assert ear.connections == [True, False]


async def test_nothing_but_reading_is_ever_sent() -> None:
    controller, ear, port = Controller(), Ear(), free_port()
    for _ in range(2):
        async with controller.serving(port), listening(port, ear):
            await until(lambda: len(ear.messages) >= 3)
            await controller.say("run")
        ear.messages.clear()

    assert set(controller.words) == {("/config", "GET")}
    assert set(controller.requests) == {"/config", "/status"}


async def test_without_a_websocket_its_stats_are_read_over_http() -> None:
    controller, ear, port = Controller(has_websocket=False), Ear(), free_port()
    async with controller.serving(port), listening(port, ear):
        await until(lambda: len(ear.messages) == 2)

    assert [one.topic for one in ear.messages] == ["config", "stats"]
    assert set(controller.requests) == {"/config", "/status", "/api/stats"}


async def test_a_fork_that_does_not_say_its_unit_is_heard_and_its_readings_wait_for_the_settings() -> None:
    controller, ear, port = Controller(says_config=False), Ear(), free_port()
    async with controller.serving(port), listening(port, ear):
        await until(lambda: len(ear.messages) == 2)

    assert readings(ear) == []


async def test_a_controller_that_goes_away_or_falls_silent_is_found_again() -> None:
    controller, ear, port = Controller(), Ear(), free_port()
    async with listening(port, ear, silence_s=0.3):
        async with controller.serving(port):
            await until(lambda: ear.connections.count(True) == 1)
            await until(lambda: ear.connections.count(True) >= 2)  # after its silence
        await until(lambda: not ear.is_connected)
        async with controller.serving(port):
            await until(lambda: ear.is_connected)

    assert ear.connections[-1] is False
