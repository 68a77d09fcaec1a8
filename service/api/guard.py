"""What every request and answer has in common: security headers, bounds on bodies, and no other site's doing."""

import asyncio
import re
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api import problems
from service.api.deps import SAFE_METHODS
from service.api.headers import API_PATH, security_headers

MAX_BODY_BYTES: Final = 256_000  # the largest form that a page sends is a plan or a batch, some 20 kB
BODY_TIMEOUT_S: Final = 20.0
# A logger's file of a week at one reading a second, over a phone; read piece by piece, and only of who may send it.
MAX_LOG_BYTES: Final = 32_000_000
LOG_TIMEOUT_S: Final = 300.0
LOGS: Final = re.compile(rf"{API_PATH}v1/kilns/\d+/logs")

Raw = list[tuple[bytes, bytes]]


class Guard:
    """Stands before the application; the door for bridges, which bounds its bodies itself, is behind it too."""

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self._app = app
        self._page = raw_headers("/", is_https=is_https)
        self._api = raw_headers(API_PATH, is_https=is_https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = self._api if scope["path"].startswith(API_PATH) else self._page

        send_with_headers = carrying(extra, send)
        if scope["method"] not in SAFE_METHODS and _is_foreign(Headers(scope=scope)):
            await problems.foreign(Request(scope))(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


class BodyError(HTTPException):
    """A body is too large, or does not come."""


class BodyBounds:
    """Lets a body be so large and take so long, and no more; whoever reads it is told by an exception."""

    def __init__(self, app: ASGIApp, *, most_bytes: int = MAX_BODY_BYTES, timeout_s: float = BODY_TIMEOUT_S) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        is_log = LOGS.fullmatch(scope["path"]) is not None
        most_bytes, timeout_s = (MAX_LOG_BYTES, LOG_TIMEOUT_S) if is_log else (self._most_bytes, self._timeout_s)
        seen, has_ended = 0, False
        ends_s = asyncio.get_running_loop().time() + timeout_s

        async def receive_bounded() -> Message:
            nonlocal seen, has_ended
            if has_ended:
                return await receive()  # what comes now is that the client went, whenever that is
            try:
                async with asyncio.timeout_at(ends_s):
                    message = await receive()
            except TimeoutError as error:
                raise BodyError(408, f"the body did not come within {timeout_s:.0f} s") from error
            seen += len(message.get("body", b""))
            if seen > most_bytes:
                raise BodyError(413, f"a body has at most {most_bytes} bytes here, and this one is larger")
            has_ended = not message.get("more_body", False)
            return message

        try:
            await self._app(scope, receive_bounded, send)
        except BodyError as error:  # read before the routes, which would have answered it
            answer = problems.problem(error.status_code, f"http_{error.status_code}", error.detail, error.detail)
            await answer(scope, receive, send)


def raw_headers(path: str, *, is_https: bool) -> Raw:
    """Return the headers that every answer at a path carries, as they are sent."""
    return [(name.encode(), value.encode()) for name, value in security_headers(path, is_https=is_https).items()]


def carrying(extra: Raw, send: Send) -> Send:
    """Return `send` with more headers on what is answered, but for those that the answer gives itself."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = {name for name, _ in message["headers"]}
            more = [one for one in extra if one[0] not in said]
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return send_with_headers


def _is_foreign(headers: Headers) -> bool:
    """Say whether another site made a browser send it; a program says nothing of sites."""
    if headers.get("sec-fetch-site", "same-origin") in {"cross-site", "same-site"}:
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")
