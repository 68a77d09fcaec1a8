"""Connections: a request's head comes within a time and a size, an answer is taken within a time, and there is room.

Uvicorn bounds the wait between two requests alone. Whoever says a letter a minute, or asks and never reads, would hold
a connection for ever; ten thousand of those would keep bridges out.
"""

import resource
from asyncio import Transport
from asyncio.events import TimerHandle
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.counters import CONNECTIONS_CUT

HEAD_TIMEOUT_S: Final = 10.0
KEPT_OPEN_S: Final = 30  # between two requests: a bridge that reads nothing new says every 10 s that it lives
MAX_HEAD_BYTES: Final = 32_000
TAKE_TIMEOUT_S: Final = 60.0  # a phone in a lift comes back; what waits for it is 64 kB at most
KEPT_FILES: Final = 500  # for databases, months and logs
WANTED_FILES: Final = 65_536

_ANSWERS: Final = {408: b"408 Request Timeout", 431: b"431 Request Header Fields Too Large"}


def make_room() -> None:
    """Let the process open as many files as the machine lets it: a connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class BoundedConnection(HttpToolsProtocol):
    """One connection of a client, with an end to how long it may be of no use."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._head_timer: TimerHandle | None = None
        self._take_timer: TimerHandle | None = None
        self._head_bytes = 0
        self._is_in_head = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and len(self.connections) > soft - KEPT_FILES:
            CONNECTIONS_CUT.labels("no_room").inc()
            transport.abort()
            return
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head_timer, self._take_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._take_timer = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head_timer is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_timer is None:  # most heads come whole, and need no clock
            self._wait_for_head()
        if self._head_timer is not None and self._head_bytes > MAX_HEAD_BYTES:
            self._cut(431, "large_head")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True

    def on_headers_complete(self) -> None:
        self.end_head()
        super().on_headers_complete()

    def end_head(self) -> None:
        """Take note that the head is here."""
        self._is_in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._take_timer = self.loop.call_later(TAKE_TIMEOUT_S, self._never_taken)

    def resume_writing(self) -> None:
        if self._take_timer is not None:
            self._take_timer.cancel()
            self._take_timer = None
        super().resume_writing()

    def _wait_for_head(self) -> None:
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._cut, 408, "slow_head")

    def _cut(self, status: int, why: str) -> None:
        self._head_timer = None
        CONNECTIONS_CUT.labels(why).inc()
        if not self.transport.is_closing():
            answer = b"HTTP/1.1 " + _ANSWERS[status] + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            self.transport.write(answer)
            self.transport.close()

    def _never_taken(self) -> None:
        CONNECTIONS_CUT.labels("never_taken").inc()
        self.transport.abort()
