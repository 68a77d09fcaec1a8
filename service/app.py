"""The service as one ASGI application: ingest, monitor, outbox, API, live stream and the page."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.alarms.channels.web_push import WebPush
from service.alarms.outbox import Outbox
from service.alarms.vapid import VapidKey
from service.api import alarms, batches, bridges, firings, identity, kilns, members, problems, stream
from service.api.deps import SAFE_METHODS, Parts
from service.api.live import Hub
from service.ingest.admission import Admission
from service.ingest.limits import HandedLimits
from service.ingest.receive import BlockReceiver
from service.ingest.writer import Writer
from service.monitor.loop import KilnChange, Monitor
from service.series.sealer import Sealer
from service.settings import Settings, parse_clock
from service.store.database import Database

API: Final = "/api/v1"
ROUTERS: Final = (identity, members, kilns, bridges, firings, batches, alarms, stream)
_PACKAGED_PAGE = Path(__file__).parent / "web"
PAGE: Final = _PACKAGED_PAGE if _PACKAGED_PAGE.is_dir() else Path(__file__).parents[1] / "dashboards/web/dist"

SECURITY_HEADERS: Final = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


def create_app(settings: Settings, database: Database) -> FastAPI:
    """Return the application on a migrated database; it starts and stops its own loops."""
    clock = parse_clock(settings.clock)
    vapid = VapidKey.load_or_create(settings.data_dir / "vapid.pem")
    push = WebPush(vapid, hosts=settings.push_hosts, contact=settings.push_contact)
    hub = Hub(database, clock)
    outbox = Outbox(database, push, clock)

    def on_change(change: KilnChange) -> None:
        if change.alarm_ids:
            outbox.wake()
        hub.kiln_changed(change)

    monitor = Monitor(database, clock, on_change)
    writer = Writer(database, clock, monitor.stored)
    sealer = Sealer(database, clock)
    receiver = BlockReceiver(Admission(database), writer, HandedLimits(database))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        hub.start()
        writer.start()
        try:
            async with push, asyncio.TaskGroup() as loops:
                tasks = [loops.create_task(one.run()) for one in (monitor, outbox, sealer)]
                yield
                for task in tasks:
                    task.cancel()
        finally:
            await asyncio.to_thread(writer.stop)

    app = FastAPI(
        title="Canh Lò",
        lifespan=lifespan,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(Door, receiver=receiver), Middleware(Guard)],
    )
    app.state.parts = Parts(settings, clock, database, hub, monitor, push, vapid)
    problems.install(app)
    for module in ROUTERS:
        app.include_router(module.router, prefix=API)
    app.router.routes += [
        Route("/healthz", _healthz),
        Route("/readyz", _readyz),
        Route("/metrics", _metrics),
        Route("/{path:path}", _page),
    ]
    return app


class Server(uvicorn.Server):
    """Uvicorn, which ends the live streams first: they would keep it from stopping."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        super().__init__(config)
        self._hub = app.state.parts.hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hub.close()
        await super().shutdown(sockets)


async def _healthz(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _readyz(request: Request) -> Response:
    """Say whether the database answers."""

    def ask() -> None:
        with request.app.state.parts.database.read() as session:
            session.execute(text("SELECT 1"))

    await asyncio.to_thread(ask)
    return JSONResponse({"status": "ready", "now_at": datetime.now(UTC).isoformat()})


async def _metrics(_request: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _page(request: Request) -> Response:
    """Serve the page's files; every other address is the page itself, which knows its own paths."""
    path = str(request.path_params["path"])
    wanted = (PAGE / path).resolve()
    if path.startswith("api/"):
        return problems.problem(404, "not_found", "not found", f"there is nothing at /{path}")
    if not wanted.is_relative_to(PAGE.resolve()) or not wanted.is_file():
        wanted = PAGE / "index.html"
    if not wanted.is_file():
        return problems.problem(503, "no_page", "the page is not built", "run `make install`")
    forever = path.startswith("assets/")  # their names carry a hash of what is in them
    cache = "public, max-age=31536000, immutable" if forever else "no-cache"
    return FileResponse(wanted, headers={"Cache-Control": cache})


class Door:
    """Lets bridges in before anything else looks at a request: theirs are a thousand times as many as people's."""

    def __init__(self, app: ASGIApp, receiver: ASGIApp) -> None:
        self._app = app
        self._receiver = receiver

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_block = scope["type"] == "http" and scope["path"] == f"{API}/blocks" and scope["method"] == "POST"
        await (self._receiver if is_block else self._app)(scope, receive, send)


class Guard:
    """Puts the security headers on every answer, and refuses requests that another site made a browser send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        request = Request(scope)
        if request.method not in SAFE_METHODS and _is_foreign(request):
            refusal = problems.problem(403, "foreign_origin", "refused", "the request comes from another site")
            await refusal(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


def _is_foreign(request: Request) -> bool:
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")
