"""Bridges' posts on their connection: taken in rounds, and the whole ones without a task and an application's messages.

A village posts a thousand times a second. What comes whole, of a bridge that is known, goes from the parser straight to
the door for bridges; whatever is unusual about a post is left to it as an application, by uvicorn's own way.
"""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.api.connections import BoundedConnection
from service.api.guard import Raw
from service.api.rounds import Rounds
from service.ingest.packed import Packed
from service.ingest.receive import Answer, BlockReceiver

PATH: Final = b"/api/v1/blocks"
BEGINNING: Final = b"POST " + PATH + b" "
_NOBODY_WAITS: Final = asyncio.Event()


@dataclass(frozen=True)
class PostWay:
    """Where posts go, what every answer to one carries, and the rounds in which they are taken."""

    door: BlockReceiver
    headers: Raw
    rounds: Rounds = field(default_factory=Rounds)


class _Post:
    """A post under way: what uvicorn wants to know of the request that it calls a cycle."""

    message_event = _NOBODY_WAITS

    def __init__(self, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False


class PostConnection(BoundedConnection):
    """One connection of a client, which may be a bridge."""

    def __init__(self, way: PostWay, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._way = way
        self._always = b"".join(name + b": " + value + b"\r\n" for name, value in way.headers)
        self._early = b""  # came, and waits for its round
        self._is_in_round = False
        self._held: list[bytes] | None = None  # the body of a post that may be here as a whole

    def connection_lost(self, exc: Exception | None) -> None:
        self._early = b""
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._early:  # it is not one of the small ones
            self._take_early()
        elif data.startswith(BEGINNING):
            self._early = data
            self._unset_keepalive_if_required()
            self._way.rounds.join(self._take_early)
            return
        super().data_received(data)

    def eof_received(self) -> None:
        self._take_early()
        super().eof_received()

    def _take_early(self) -> None:
        data, self._early = self._early, b""
        if not data:
            return
        self._is_in_round = True
        super().data_received(data)
        self._is_in_round = False
        if self._held is not None:
            self._go_the_long_way()

    def on_headers_complete(self) -> None:
        if self._is_in_round and self._can_be_answered_here():
            self.end_head()
            self._held = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
        else:
            self._held.append(body)

    def on_message_complete(self) -> None:
        if self._held is not None:
            if self._take_whole(b"".join(self._held)):
                self._held = None
                return
            self._go_the_long_way()
        super().on_message_complete()

    def _can_be_answered_here(self) -> bool:
        return (
            self.url == PATH
            and self.parser.get_method() == b"POST"
            and not self.expect_100_continue
            and not self.pipeline
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
        )

    def _go_the_long_way(self) -> None:
        held, self._held = self._held or [], None
        if not self.transport.is_closing():
            super().on_headers_complete()
            for part in held:
                super().on_body(part)

    def _take_whole(self, body: bytes) -> bool:
        said = dict(reversed(self.headers))  # of two with one name the first counts, as it does elsewhere
        kind, coding = said.get(b"content-type", b""), said.get(b"content-encoding", b"identity")
        packed = Packed(kind.decode("latin-1"), coding.decode("latin-1"), body)
        post = _Post(keep_alive=self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive())
        before, self.cycle = self.cycle, post  # type: ignore[assignment]  # all that is asked of one under way
        authorization = said.get(b"authorization", b"").decode("latin-1")
        if self._way.door.take(authorization, packed, partial(self._answer, post)):
            return True
        self.cycle = before
        return False

    def _answer(self, post: _Post, answer: Answer) -> None:
        if post.disconnected or self.transport.is_closing():
            return
        kind, length = answer.content_type.encode(), str(len(answer.body)).encode()
        said = [
            STATUS_LINE[answer.status],
            b"content-type: ",
            kind,
            b"\r\ncontent-length: ",
            length,
            b"\r\n",
            self._always,
        ]
        said += [name + b": " + value + b"\r\n" for name, value in self.server_state.default_headers]
        if answer.comes_again:
            said.append(b"retry-after: 5\r\n")
        if not post.keep_alive:
            said.append(b"connection: close\r\n")
        self.transport.write(b"".join([*said, b"\r\n", answer.body]))
        post.response_complete = True
        if not post.keep_alive:
            self.transport.close()
        self.on_response_complete()
