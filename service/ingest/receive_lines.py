"""The door for Telegraf and InfluxDB clients: `POST /api/v2/write`, answered as InfluxDB 2 does, after the commit."""

import asyncio
import logging
from typing import Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.clock import Clock
from service.counters import LINE_POSTS, LINES_REFUSED
from service.errors import BusyError, FullError, InvalidError, RefusedError, ServiceError
from service.ingest.line_post import TooSpreadError
from service.ingest.line_protocol import parse
from service.ingest.line_readings import PRECISIONS, Gathered, gather
from service.ingest.packed import MalformedError, TooLargeError, unpack
from service.ingest.receive import BODY_TIMEOUT_S, read_body
from service.ingest.senders import ForbiddenError, Senders
from service.ingest.writer import Writer

logger = logging.getLogger(__name__)

MAX_LINES: Final = 20_000
_ALSO_CALLED: Final = {"": "ns", "n": "ns", "u": "us", "µ": "us"}  # as InfluxDB 1 has them
# Status and code by InfluxDB's list. Telegraf cuts what is answered 413 in two, sends again what is 401, 403 and 5xx,
# and drops what is any other 4xx: where trying again can help, the answer is 503.
_ANSWERS: Final[dict[type[ServiceError], tuple[int, str]]] = {
    RefusedError: (401, "unauthorized"),
    ForbiddenError: (403, "forbidden"),
    MalformedError: (400, "invalid"),
    InvalidError: (400, "invalid"),
    TooLargeError: (413, "request too large"),
    TooSpreadError: (413, "request too large"),
    FullError: (422, "unprocessable entity"),
    BusyError: (503, "unavailable"),
}


class LineReceiver:
    """Takes lines: who sends them, what they say, are they on disk; only then the answer."""

    def __init__(self, senders: Senders, writer: Writer, clock: Clock) -> None:
        self._senders = senders
        self._writer = writer
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answer(Request(scope, receive))
        except ClientDisconnect:
            LINE_POSTS.labels("gone").inc()
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            sender = await self._senders.admit(request.headers.get("authorization", ""))
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await read_body(request)
            gathered = await asyncio.to_thread(self._gather, request, body)
            if gathered.readings:
                await self._writer.store(sender, gathered)
        except ServiceError as error:
            LINE_POSTS.labels(error.code).inc()
            return _problem(*_ANSWERS.get(type(error), (503, "unavailable")), str(error))
        except TimeoutError:
            LINE_POSTS.labels("slow").inc()
            return _problem(503, "unavailable", f"the body did not come within {BODY_TIMEOUT_S:.0f} s")
        LINES_REFUSED.inc(gathered.refused)
        if gathered.refused or not gathered.lines:
            LINE_POSTS.labels("partial" if gathered.readings else "malformed").inc()
            return _problem(400, "invalid", _told(gathered))
        LINE_POSTS.labels("stored").inc()
        return Response(status_code=204)

    def _gather(self, request: Request, body: bytes) -> Gathered:
        asked = request.query_params.get("precision", "")
        precision = _ALSO_CALLED.get(asked, asked)
        if precision not in PRECISIONS:
            msg = f"precision {asked[:20]!r}; wanted one of {', '.join(PRECISIONS)}"
            raise InvalidError(msg)
        try:
            text = unpack(request.headers.get("content-encoding", "identity"), body).decode()
        except UnicodeDecodeError as error:
            msg = f"not UTF-8 at byte {error.start}"
            raise MalformedError(msg) from error
        if text.count("\n") > MAX_LINES:
            msg = f"a body has at most {MAX_LINES} lines, and this one has more: send smaller batches"
            raise TooLargeError(msg)
        return gather(parse(text), precision=precision, now=self._clock.now())


def _told(gathered: Gathered) -> str:
    if not gathered.lines:
        return "there is no line in the body"
    kept = "partial write: " if gathered.readings else ""
    reasons = "; ".join(gathered.reasons)
    return f"{kept}{gathered.refused} of {gathered.lines} lines were dropped, all others are stored: {reasons}"


def _problem(status: int, code: str, message: str) -> Response:
    headers = {"Retry-After": "5"} if status == 503 else {}
    body = msgspec.json.encode({"code": code, "message": message})
    return Response(body, status, headers, media_type="application/json")


async def ping(_request: Request) -> Response:
    """Say that somebody is there who takes lines: what clients ask before they send."""
    return Response(status_code=204, headers={"X-Influxdb-Build": "canhlo", "X-Influxdb-Version": "2"})


async def health(_request: Request) -> Response:
    """Say so in the form of InfluxDB 2."""
    told = {"name": "influxdb", "message": "ready for writes", "status": "pass", "checks": [], "version": "canhlo"}
    return Response(msgspec.json.encode(told), media_type="application/json")
