"""`ETag` and `If-None-Match`: what a caller has already is not sent again."""

import hashlib
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.headers import API_PATH

DIGITS: Final = 16


class Conditional:
    """Gives every JSON answer to a GET a tag of what it says; streams and files go by untouched.

    A route that puts a version on its answer has it kept before the tag's dash, for `If-Match` looks at that alone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(API_PATH):
            await self._app(scope, receive, send)
            return
        wanted = Headers(scope=scope).get("if-none-match", "")
        start: Message | None = None

        async def tagged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_json(message):
                start = message
                return
            if start is not None:
                begun, start = start, None
                await send(_with_tag(begun, message, wanted))
            await send(message)

        await self._app(scope, receive, tagged)


def _is_json(start: Message) -> bool:
    return start["status"] == 200 and Headers(raw=start["headers"]).get("content-type", "") == "application/json"


def _with_tag(start: Message, message: Message, wanted: str) -> Message:
    """Return the start of the answer with its tag; if the caller has it already, `message` loses its body."""
    if message.get("more_body", False):
        return start  # a stream, which is not to be held up
    digest = hashlib.sha256(message.get("body", b"")).hexdigest()[:DIGITS]
    headers = MutableHeaders(raw=start["headers"])
    version = headers.get("etag", "").strip('"')
    tag = f'"{version}-{digest}"' if version else f'"{digest}"'
    headers["etag"] = tag
    if wanted.strip() == "*" or tag in [one.strip().removeprefix("W/") for one in wanted.split(",")]:
        message["body"] = b""
        del headers["content-length"], headers["content-type"]
        return {**start, "status": 304, "headers": headers.raw}
    return {**start, "headers": headers.raw}
