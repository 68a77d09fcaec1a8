"""Stand-ins for the bridge's neighbours, and a way to wait for what they do."""

import asyncio
import contextlib
import getpass
import gzip
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path

import msgspec

from firmware_bridge.message import Message, Rejected
from firmware_bridge.wire import Limits, Post, Receipt

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def until(holds: Callable[[], object], timeout_s: float = 15.0) -> None:
    """Wait until something holds; fail when it does not in time."""
    async with asyncio.timeout(timeout_s):
        while not holds():
            await asyncio.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Ear:
    """A listener that keeps everything; it acknowledges at once only if told so."""

    def __init__(self, *, acknowledges: bool = True) -> None:
        self.messages: list[Message] = []
        self.refused: list[tuple[Rejected, int]] = []
        self.connections: list[bool] = []
        self.pauses = 0
        self._acknowledges = acknowledges

    @property
    def is_connected(self) -> bool:
        return bool(self.connections) and self.connections[-1]

    @property
    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.messages]

    def take(self, message: Message) -> None:
        self.messages.append(message)
        if self._acknowledges:
            message.on_stored()

    def refuse(self, rejected: Rejected, count: int) -> None:
        self.refused.append((rejected, count))

    def pause(self, now: datetime) -> None:
        self.pauses += 1

    def set_connected(self, is_connected: bool, now: datetime) -> None:
        self.connections.append(is_connected)


class Mosquitto:
    """A real broker in a folder of its own; it can be killed and started again."""

    def __init__(self, folder: Path, door: str = "allow_anonymous true\n") -> None:
        self.port = free_port()
        self._config = folder / "broker.conf"
        # As root it would become another user, who cannot write its store here.
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\n{door}user {getpass.getuser()}\n"
            f"persistence true\npersistence_location {folder}/\n"
        )
        self._folder = folder
        self.start()

    def start(self) -> None:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen([program, "-c", str(self._config)], stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except ConnectionRefusedError:
                time.sleep(0.02)
            else:
                return
        raise TimeoutError("mosquitto did not start")

    async def save(self) -> None:
        """Have the broker write its store now."""
        store = self._folder / "mosquitto.db"
        store.unlink(missing_ok=True)
        self._process.send_signal(signal.SIGUSR1)
        await until(store.exists)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(handler: Handler, port: int = 0) -> AsyncIterator[int]:
    """Serve on a port of this machine; at the end no connection is left, finished or not."""
    at_work: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        at_work.add(task)
        try:
            await handler(reader, writer)
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async with await asyncio.start_server(handle, "127.0.0.1", port) as server:
        yield server.sockets[0].getsockname()[1]
        server.close()
        for task in at_work:  # before the server ends, which waits for them on newer Pythons
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)


class Service:
    """A real HTTP server on this machine; the first answers are as scripted, later ones store and give receipts."""

    def __init__(self) -> None:
        self.script: list[tuple[int, bytes]] = []
        self.health = 200, b'{"status":"ok"}'
        self.refuses: Callable[[Post], bool] = lambda _post: False
        self.posts: list[Post] = []
        self.headers: list[str] = []
        self.stored: list[tuple[str, int]] = []
        self.limits: list[Limits] | None = None
        self._marks: dict[str, int] = {}
        self._seen: dict[str, set[int]] = {}

    async def __aenter__(self) -> "Service":
        self._serving = serving(self._serve)
        self.url = f"http://127.0.0.1:{await self._serving.__aenter__()}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._serving.__aexit__(None, None, None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if head.startswith("GET /healthz "):
            status, answer = self.health
        else:
            length = next(
                int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length")
            )
            self.headers.append(head)
            status, answer = self._answer(await reader.readexactly(length))
        date = formatdate(usegmt=True).encode()
        writer.write(
            b"HTTP/1.1 %d X\r\nDate: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            % (status, date, len(answer))
            + answer
        )
        await writer.drain()

    def _answer(self, body: bytes) -> tuple[int, bytes]:
        post = msgspec.msgpack.decode(gzip.decompress(body), type=Post)
        self.posts.append(post)
        if self.script:
            return self.script.pop(0)
        if self.refuses(post):
            return 422, b'{"title":"not stored","detail":"a block that nobody can read"}'
        return 200, msgspec.msgpack.encode(self._store(post))

    def _store(self, post: Post) -> Receipt:
        for item in (*post.blocks, *post.skipped):
            self._seen.setdefault(item.boot, set()).add(item.seq)
            self._marks.setdefault(item.boot, 0)
            while self._marks[item.boot] + 1 in self._seen[item.boot]:
                self._marks[item.boot] += 1
        self.stored += [(block.boot, block.seq) for block in post.blocks]
        return Receipt(
            len(post.blocks),
            0,
            {item.boot: self._marks[item.boot] for item in (*post.blocks, *post.skipped)},
            self.limits,
        )

    def forget_everything(self) -> None:
        self._marks.clear()
        self._seen.clear()
