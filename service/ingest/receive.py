"""The door for bridges: `POST /api/v1/blocks` (the only route where speed matters).

A post that came whole, of a bridge that is known, is taken where it came in, on its connection (`api.posts`). All else
goes the long way, as a plain ASGI application: it may have to wait for the database, or for the rest of the body.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from firmware_bridge.wire import MAX_POST_BYTES
from service.counters import POSTS
from service.errors import FullError, RefusedError, ServiceError
from service.ingest.admission import Admission
from service.ingest.limits import HandedLimits
from service.ingest.packed import MalformedError, Packed, TooLargeError
from service.ingest.writer import Result, Writer
from service.store.identity import BridgeIdentity

logger = logging.getLogger(__name__)

BODY_TIMEOUT_S: Final = 30.0

_STATUS = {RefusedError: 401, MalformedError: 422, TooLargeError: 413, FullError: 422}
_STORED: Final = POSTS.labels("stored")


class Answer(NamedTuple):
    """What a bridge is told."""

    status: int
    content_type: str
    body: bytes
    comes_again: bool = False  # it is to send the same once more


class BlockReceiver:
    """Takes a post: who sends it, what it says, is it on disk; only then the receipt."""

    def __init__(self, admission: Admission, writer: Writer, limits: HandedLimits) -> None:
        self._admission = admission
        self._writer = writer
        self._limits = limits
        self._told: set[tuple[str, str]] = set()

    def take(self, authorization: str, packed: Packed, tell: Callable[[Answer], None]) -> bool:
        """Take a post, and tell later what became of it; say no if the database has to be asked who sends it."""
        bridge = self._admission.known(authorization)
        if bridge is None or not self._limits.is_ready(bridge.workshop_id):
            return False
        try:
            self._writer.put(bridge, packed, lambda result: tell(self._answer(bridge, packed, result)))
        except ServiceError as error:
            tell(self._answer(bridge, packed, error))
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._take(Request(scope, receive))
        except ClientDisconnect:
            POSTS.labels("gone").inc()
            return
        headers = {"Retry-After": "5"} if answer.comes_again else None
        await Response(answer.body, answer.status, headers, media_type=answer.content_type)(scope, receive, send)

    async def _take(self, request: Request) -> Answer:
        try:
            bridge = await self._admission.admit(request.headers.get("authorization", ""))
        except ServiceError as error:
            return self._refusal(request.client.host if request.client else "?", error)
        sender = f"bridge {bridge.bridge_id}"
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await read_body(request)
            kind, coding = request.headers.get("content-type", ""), request.headers.get("content-encoding", "identity")
            packed = Packed(kind, coding, body)
            await self._limits.get_ready(bridge.workshop_id)
            return self._answer(bridge, packed, await self._writer.store(bridge, packed))
        except ServiceError as error:
            return self._refusal(sender, error)
        except TimeoutError:
            POSTS.labels("slow").inc()
            return problem(408, "slow", f"the body did not come within {BODY_TIMEOUT_S:.0f} s")

    def _answer(self, bridge: BridgeIdentity, packed: Packed, result: Result) -> Answer:
        """Return what became of a post, in the form that it came in."""
        if isinstance(result, ServiceError):
            return self._refusal(f"bridge {bridge.bridge_id}", result)
        _STORED.inc()
        limits = self._limits.of(bridge.workshop_id, result.kilns)
        receipt = msgspec.structs.replace(result.receipt, limits=limits) if limits else result.receipt
        if packed.content_type.startswith("application/msgpack"):
            return Answer(200, "application/msgpack", msgspec.msgpack.encode(receipt))
        return Answer(200, "application/json", msgspec.json.encode(receipt))

    def _refusal(self, sender: str, error: ServiceError) -> Answer:
        """Return a refusal; log it once for each sender and kind, the counters have the rest."""
        POSTS.labels(error.code).inc()
        key = (sender, error.code)
        if key not in self._told:
            if len(self._told) < 10_000:
                self._told.add(key)
            logger.warning("post refused", extra={"sender": sender, "code": error.code, "detail": str(error)})
        status = next((_STATUS[kind] for kind in _STATUS if isinstance(error, kind)), 503)
        return problem(status, error.code, str(error))


async def read_body(request: Request) -> bytes:
    """Return the body; one that grows over the limit is refused before it is held."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_POST_BYTES:
            msg = f"a post has at most {MAX_POST_BYTES} bytes, and this one is larger"
            raise TooLargeError(msg)
        parts.append(part)
    return b"".join(parts)


def problem(status: int, code: str, detail: str) -> Answer:
    """Return a problem document (RFC 9457)."""
    body = {"type": "about:blank", "title": "the post was not stored", "status": status, "code": code, "detail": detail}
    return Answer(status, "application/problem+json", msgspec.json.encode(body), comes_again=status == 503)
