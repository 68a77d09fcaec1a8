"""Ten thousand connections held open while bridges go on: `python -m benchmarks.connections --connections 10000`.

Each round holds so many connections to a real service, then lets fifty bridges post once a second: nobody else, viewers
that follow the live streams of workshops, and clients that say one more letter of a head every two seconds.
"""

import argparse
import asyncio
import contextlib
import resource
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, cast
from urllib.parse import urlsplit

import msgspec
import numpy as np

from benchmarks.load import Service, blocks_of, connected, found, new_database, serving
from firmware_bridge.wire import Post
from service.api.connections import HEAD_TIMEOUT_S, make_room
from service.store import identity, sessions
from service.store.database import Database

BRIDGES: Final = 50
CHANNELS: Final = 8
AT_ONCE: Final = 200  # connections opened in one go: a kernel's queue of new ones has an end
DRIBBLE_EVERY_S: Final = 2.0


class Client(asyncio.Protocol):
    """One connection: what was heard on it, and whether it is open."""

    def __init__(self, said: bytes, held: "Held") -> None:
        self._said = said
        self._held = held
        self.is_open = False
        self.is_answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.is_open = True
        self.transport.write(self._said)

    def data_received(self, data: bytes) -> None:
        self.is_answered = self.is_answered or data.startswith(b"HTTP/1.1 200")
        self._held.changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._held.changed.set()


@dataclass
class Held:
    """The connections that are held."""

    clients: list[Client] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def open(self) -> int:
        return sum(client.is_open for client in self.clients)

    async def answered(self, within_s: float) -> None:
        """Wait until every one got a good answer."""
        await self._until(lambda: all(client.is_answered for client in self.clients), within_s)

    async def ended(self, within_s: float) -> None:
        """Wait until the service has ended every one."""
        await self._until(lambda: self.open == 0, within_s)

    async def _until(self, is_so: Callable[[], bool], within_s: float) -> None:
        async with asyncio.timeout(within_s):
            while not is_so():
                self.changed.clear()
                await self.changed.wait()


@contextlib.asynccontextmanager
async def hold(address: str, connections: int, *said: str) -> AsyncIterator[Held]:
    """Open connections that say something by turns and no more, but a letter now and then if it was no whole head."""
    host, port = urlsplit(address).hostname or "", urlsplit(address).port or 80
    held = Held()
    loop = asyncio.get_running_loop()

    async def one(number: int) -> None:
        head = said[number % len(said)].encode()
        _, client = await loop.create_connection(lambda: Client(head, held), host, port)
        held.clients.append(client)

    async def dribble() -> None:
        while True:
            await asyncio.sleep(DRIBBLE_EVERY_S)
            for client in held.clients:
                if client.is_open:
                    client.transport.write(b"x")

    for first in range(0, connections, AT_ONCE):
        await asyncio.gather(*(one(number) for number in range(first, min(first + AT_ONCE, connections))))
    task = loop.create_task(dribble()) if said and not said[0].endswith("\r\n\r\n") else None
    try:
        yield held
    finally:
        if task is not None:
            task.cancel()
        for client in held.clients:
            client.transport.abort()


def sign_in(database: Database, login: str) -> str:
    """Return the cookie of a new session."""
    with database.write() as session:
        account = identity.account_by_login(session, login)
        assert account is not None  # noqa: S101 - made for this
        return f"canhlo={sessions.open_session(session, account, now=datetime.now(UTC))}"


async def post_for(service: Service, tokens: list[str], seconds: int, first_seq: int) -> tuple[np.ndarray, int]:
    """Let every bridge post once a second; return how long each answer took [ms], and how many were refused."""
    bridges = await connected(service, tokens)
    ends_s = time.monotonic() + seconds
    seq = first_seq
    while time.monotonic() < ends_s:
        began_s = time.monotonic()
        for number, bridge in enumerate(bridges):
            body = msgspec.msgpack.encode(
                Post(blocks_of(number + 1, seq, np.array([time.time()]), CHANNELS, [False] * 2))
            )
            bridge.post(body)
        await asyncio.gather(*(bridge.answered.wait() for bridge in bridges))
        seq += 2
        await asyncio.sleep(max(0.0, 1.0 - (time.monotonic() - began_s)))
    acks_ms = np.concatenate([np.array(bridge.acks_s) for bridge in bridges]) * 1000
    return acks_ms, sum(bridge.refused for bridge in bridges)


async def measure(connections: int, seconds: int) -> None:
    """Print a line for each round."""
    make_room()
    with new_database() as (database, folder):
        tokens = found(database, BRIDGES + 1, CHANNELS, push_to="https://127.0.0.1").tokens[1:]
        cookies = [sign_in(database, f"chu{number}@example.org") for number in range(BRIDGES + 1)]
        database.close()
        with serving(folder) as service:
            follows = [f"GET /api/v1/live HTTP/1.1\r\nhost: lo\r\ncookie: {cookie}\r\n\r\n" for cookie in cookies]
            print(f"{'held':<28}{'open':>8}{'RSS MB':>9}{'ack p50 ms':>12}{'p99 ms':>9}{'refused':>9}", flush=True)
            await _round(service, tokens, seconds, 1, "nobody", 0)
            await _round(service, tokens, seconds, 100_001, "viewers of the stream", connections, *follows)
            await _round(service, tokens, seconds, 200_001, "heads that dribble", connections, "GET / HTTP/1.1\r\nh: ")
            cut = service.count("canhlo_http_connections_cut_total")
            print(f"ended by the service: {cut:,.0f}, each {HEAD_TIMEOUT_S:.0f} s after it was opened")


async def _round(
    service: Service, tokens: list[str], seconds: int, first_seq: int, name: str, connections: int, *said: str
) -> None:
    began_s = time.monotonic()
    async with hold(service.url, connections, *said) as held:
        if said and said[0].endswith("\r\n\r\n"):
            await held.answered(within_s=300)
        opened, took_s = held.open, time.monotonic() - began_s
        acks_ms, refused = await post_for(service, tokens, seconds, first_seq)
        p50, p99 = np.percentile(acks_ms, [50, 99])
        print(f"{name:<28}{opened:>8,}{service.rss_mb():>9.0f}{p50:>12.1f}{p99:>9.1f}{refused:>9}", flush=True)
        if connections:
            print(f"  opened within {took_s:.0f} s; still open at the end: {held.open:,}", flush=True)


def main() -> None:
    """Measure with so many connections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=20, help="how long bridges post in each round")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < options.connections + 1000:
        parser.error(f"this process may open {hard} files; {options.connections} connections need more (ulimit -Hn)")
    asyncio.run(measure(options.connections, options.seconds))


if __name__ == "__main__":
    main()
