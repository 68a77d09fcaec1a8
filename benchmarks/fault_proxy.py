"""The network between bridge and service, made bad on purpose: cut, slow, deaf, and with an echo."""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

REMEMBERED_REQUESTS: Final = 50


class Link(StrEnum):
    """What the network does to a request."""

    GOOD = "good"
    CUT = "cut"  # connections end at once
    SLOW = "slow"  # half a second each way
    DEAF = "deaf"  # the request arrives, its answer does not


class FaultProxy:
    """Passes HTTP requests on to a port, one connection each; remembers some, to send them again later."""

    def __init__(self, service_port: int, seed: int) -> None:
        self.link = Link.GOOD
        self._service_port = service_port
        self._requests: deque[bytes] = deque(maxlen=REMEMBERED_REQUESTS)
        self._serving: set[asyncio.Task[None]] = set()
        self._random = random.Random(seed)  # noqa: S311 - a repeatable one is wanted

    async def start(self) -> int:
        """Return the port it listens on."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def send_again(self, times: int) -> None:
        """Send requests of the past once more, in any order."""
        for request in self._random.choices(list(self._requests), k=times) if self._requests else ():
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                await self._pass_on(request)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError), _closing(writer):
            while self.link is not Link.CUT:
                request = await _read_message(reader)
                self._requests.append(request)
                if self.link is Link.SLOW:
                    await asyncio.sleep(0.5)
                answer = await self._pass_on(request)
                if self.link in (Link.DEAF, Link.CUT):
                    break
                writer.write(answer)
                await writer.drain()

    async def _pass_on(self, request: bytes) -> bytes:
        async with asyncio.timeout(15):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._service_port)
            with _closing(writer):
                writer.write(request)
                return await _read_message(reader)


@contextlib.contextmanager
def _closing(writer: asyncio.StreamWriter) -> Iterator[None]:
    try:
        yield
    finally:
        writer.transport.abort()


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(int(lengths[0].partition(b":")[2]) if lengths else 0)
