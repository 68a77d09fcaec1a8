"""The door for bridges: `POST /api/v1/blocks`, a plain ASGI application (the only route where speed matters)."""

import asyncio
import logging
import zlib
from typing import Final

import msgspec
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from firmware_bridge.wire import MAX_POST_BYTES, Post, Receipt
from service.counters import POSTS
from service.errors import RefusedError, ServiceError, TooManyError
from service.ingest.admission import Admission
from service.ingest.limits import HandedLimits
from service.ingest.writer import Writer

logger = logging.getLogger(__name__)

MAX_UNPACKED_BYTES: Final = 16_000_000
BODY_TIMEOUT_S: Final = 30.0

_decoders = {
    "application/msgpack": msgspec.msgpack.Decoder(Post).decode,
    "application/json": msgspec.json.Decoder(Post).decode,
}


class MalformedError(ServiceError):
    """The body is not a post; sending the same again cannot help."""

    code = "malformed"


class TooLargeError(ServiceError):
    """The body is larger than a post may be."""

    code = "too_large"


_STATUS = {RefusedError: 401, MalformedError: 422, TooLargeError: 413, TooManyError: 422}


class BlockReceiver:
    """Takes a post: who sends it, what it says, is it on disk; only then the receipt."""

    def __init__(self, admission: Admission, writer: Writer, limits: HandedLimits) -> None:
        self._admission = admission
        self._writer = writer
        self._limits = limits
        self._told: set[tuple[str, str]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            POSTS.labels("gone").inc()
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        sender = request.client.host if request.client else "?"
        try:
            bridge = await self._admission.admit(request.headers.get("authorization", ""))
            sender = f"bridge {bridge.bridge_id}"
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await read_body(request)
            post = parse(request.headers, body)
            receipt = await self._writer.store(bridge, post)
            limits = await self._limits.of(bridge.workshop_id, {block.kiln for block in post.blocks})
        except ServiceError as error:
            POSTS.labels(error.code).inc()
            self._tell_once(sender, error)
            status = next((_STATUS[kind] for kind in _STATUS if isinstance(error, kind)), 503)
            return problem(status, error.code, str(error))
        except TimeoutError:
            POSTS.labels("slow").inc()
            return problem(408, "slow", f"the body did not come within {BODY_TIMEOUT_S:.0f} s")
        POSTS.labels("stored").inc()
        return answer(msgspec.structs.replace(receipt, limits=limits), request.headers["content-type"])

    def _tell_once(self, sender: str, error: ServiceError) -> None:
        """Log a refusal once for each sender and kind; the counters have the rest."""
        key = (sender, error.code)
        if key in self._told:
            return
        if len(self._told) < 10_000:
            self._told.add(key)
        logger.warning("post refused", extra={"sender": sender, "code": error.code, "detail": str(error)})


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


def parse(headers: Headers, body: bytes) -> Post:
    """Return the post; raise MalformedError with what was seen and what was wanted."""
    kind = headers.get("content-type", "").partition(";")[0].strip()
    decode = _decoders.get(kind)
    if decode is None:
        msg = f"content type {kind[:60]!r}; wanted {' or '.join(_decoders)}"
        raise MalformedError(msg)
    try:
        return decode(unpack(headers, body))
    except (msgspec.DecodeError, ValueError) as error:  # ValueError: not UTF-8
        msg = f"not a post of blocks: {str(error)[:300]}"
        raise MalformedError(msg) from error


def unpack(headers: Headers, body: bytes) -> bytes:
    """Return the body as it was before it was packed; one that grows over the limit is refused before it is held."""
    coding = headers.get("content-encoding", "identity")
    if coding == "identity":
        return body
    if coding != "gzip":
        msg = f"content encoding {coding[:60]!r}; wanted gzip or none"
        raise MalformedError(msg)
    stream = zlib.decompressobj(wbits=31)
    try:
        unpacked = stream.decompress(body, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        msg = f"not gzip: {error}"
        raise MalformedError(msg) from error
    if stream.unconsumed_tail:
        msg = f"a post has at most {MAX_UNPACKED_BYTES} bytes unpacked, and this one is larger"
        raise TooLargeError(msg)
    if not stream.eof:
        msg = "gzip that ends too early"
        raise MalformedError(msg)
    return unpacked


def answer(receipt: Receipt, content_type: str) -> Response:
    """Return the receipt in the form that the post came in."""
    if content_type.startswith("application/msgpack"):
        return Response(msgspec.msgpack.encode(receipt), media_type="application/msgpack")
    return Response(msgspec.json.encode(receipt), media_type="application/json")


def problem(status: int, code: str, detail: str) -> Response:
    """Return a problem document (RFC 9457)."""
    body = {"type": "about:blank", "title": "the post was not stored", "status": status, "code": code, "detail": detail}
    headers = {"Retry-After": "5"} if status == 503 else None
    return Response(msgspec.json.encode(body), status, headers, media_type="application/problem+json")
