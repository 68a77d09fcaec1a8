"""A page, its counts and its snapshot, for whoever stands before the machine: GET only, small, bounded."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from urllib.parse import parse_qs

import msgspec

from firmware_bridge.metrics import CONTENT_TYPE, render_metrics
from firmware_bridge.status import Snapshot
from firmware_bridge.status_page import render_page
from firmware_bridge.words import LANGUAGES, Words

logger = logging.getLogger(__name__)

MAX_HEAD_BYTES: Final = 8192
MAX_GUESTS: Final = 16
GUEST_S: Final = 5.0
_HTML: Final = "text/html; charset=utf-8"
_REASONS: Final = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Busy"}


class LocalServer:
    """Answers from one snapshot each; nothing a guest says changes anything."""

    def __init__(self, host: str, port: int, snapshot: Callable[[], Snapshot], language: str) -> None:
        self.port = port
        self._host = host
        self._snapshot = snapshot
        self._language = language
        self._guests = 0

    async def run(self) -> None:
        """Serve until cancelled. Without its port the bridge goes on: readings matter more than a page."""
        try:
            server = await asyncio.start_server(self._meet, self._host, self.port, limit=MAX_HEAD_BYTES)
        except OSError as error:
            fields = {"host": self._host, "port": self.port, "reason": str(error)}
            logger.warning("no status page: its port is taken or not allowed", extra=fields)
            return
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            logger.info("status page", extra={"url": f"http://{self._host}:{self.port}/"})
            await server.serve_forever()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._guests += 1
        try:
            async with asyncio.timeout(GUEST_S):
                writer.write(await self._answer(reader))
                await writer.drain()
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError):
            pass  # a guest who does not speak HTTP, or leaves
        except Exception:
            logger.exception("the status page failed")
        finally:
            self._guests -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        if self._guests > MAX_GUESTS:
            return _response(503, "busy")
        method, _, rest = head.partition("\r\n")[0].partition(" ")
        target, _, version = rest.partition(" ")
        if not version.startswith("HTTP/1."):
            return _response(400, "wanted HTTP/1.1")
        return await asyncio.to_thread(self._page, target) if method == "GET" else _response(405, "GET only")

    def _page(self, target: str) -> bytes:
        path, _, query = target.partition("?")
        match path:
            case "/":
                told = parse_qs(query).get("lang", [self._language])[0]
                words = Words(told if told in LANGUAGES else self._language)
                return _response(200, render_page(self._snapshot(), words), _HTML)
            case "/metrics":
                return _response(200, render_metrics(self._snapshot()), CONTENT_TYPE)
            case "/status.json":
                return _response(200, msgspec.json.encode(self._snapshot()).decode(), "application/json")
            case _:
                return _response(404, "/ /metrics /status.json")


def _response(status: int, text: str, kind: str = "text/plain; charset=utf-8") -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\r\n"
    )
    return head.encode() + body
