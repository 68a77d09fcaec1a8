"""The service as one ASGI application: ingest, monitor, outbox, API, live stream and the page."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service import garbage
from service.alarms.channels.web_push import WebPush
from service.alarms.outbox import Outbox
from service.alarms.vapid import VapidKey
from service.api import (
    account,
    alarms,
    batches,
    bridges,
    channels,
    findings,
    firing_edits,
    firings,
    identity,
    kilns,
    logs,
    members,
    openapi,
    passkeys,
    plans,
    problems,
    provider,
    stream,
    witness_cones,
)
from service.api.conditional import Conditional
from service.api.connections import KEPT_OPEN_S, make_room
from service.api.deps import Parts
from service.api.guard import BodyBounds, Guard, carrying, raw_headers
from service.api.live import Hub
from service.api.oidc import Provider
from service.api.once import Once
from service.api.page import page
from service.api.posts import PostConnection, PostWay
from service.clock import Clock
from service.errors import InvalidError
from service.ingest.admission import Admission
from service.ingest.limits import HandedLimits
from service.ingest.receive import BlockReceiver
from service.ingest.receive_lines import LineReceiver, health, ping
from service.ingest.senders import Senders
from service.ingest.writer import Writer
from service.machine_clock import is_clock_set
from service.monitor.elsewhere import Elsewhere, Handlers
from service.monitor.leases import Leases
from service.monitor.loop import KilnChange, Monitor
from service.series.blocks import Appended
from service.series.sealer import Sealer
from service.series.sinks.feed import Feed
from service.settings import Settings, parse_clock
from service.store.database import Database
from service.store.passkeys import PasskeySite

API: Final = "/api/v1"
THREADS: Final = 12  # by default there are few more than processors, and a dead sink keeps one for 20 s
CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"  # forward secrecy and AEAD alone; those of TLS 1.3 are so anyway
logger = logging.getLogger(__name__)
ROUTERS: Final = (
    *(identity, account, passkeys, provider, members, kilns, logs, channels, plans, bridges),
    *(firings, firing_edits, findings, batches, witness_cones, alarms, stream),
)


def create_app(settings: Settings, database: Database) -> "Application":
    """Return the application on a migrated database; it starts and stops its own loops."""
    clock = parse_clock(settings.clock)
    passkey_site = PasskeySite(settings.url)
    if settings.two_factors == "required":
        passkey_site.check_fit()
    provider = None if settings.provider is None else Provider(settings.provider, f"{settings.url}/provider")
    vapid = VapidKey.load_or_create(settings.data_dir / "vapid.pem")
    push = WebPush(vapid, hosts=settings.push_hosts, contact=settings.contact)
    hub = Hub(database, clock)
    outbox = Outbox(database, push, clock)

    def on_change(change: KilnChange) -> None:
        if change.alarm_ids:
            outbox.wake()
        hub.kiln_changed(change)

    leases = Leases(database, hub.followed) if database.is_shared else None
    sealer = Sealer(database, clock, leases)
    monitor = Monitor(
        database,
        clock,
        on_change,
        hub.is_followed,
        leases,
        on_readings=hub.readings_came,
        on_saved=sealer.saved,
    )
    elsewhere: Elsewhere | None = None
    if leases is not None:
        handlers = Handlers(hub.show, hub.end_streams, monitor.look_again, monitor.watched_here)
        hub.elsewhere = monitor.elsewhere = elsewhere = Elsewhere(database, leases, handlers)

    def on_stored(appended: Appended) -> None:
        sealer.at_hand.add(appended)
        monitor.stored(appended)

    writer = Writer(database, clock, on_stored, monitor.in_step)
    feeds = _feeds(settings, database, clock)
    running = [garbage.run, monitor.run, outbox.run, sealer.run, *(feed.run for feed in feeds)]

    def ended(loop: "asyncio.Task[None]") -> None:
        """Stop the service when a loop of it fails: one that only looks alive would ring nobody."""
        if not loop.cancelled() and (error := loop.exception()) is not None:
            logger.critical("a part of the service failed; it stops, to be started anew", exc_info=error)
            app.state.stop()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS + len(feeds), "service"))
        hub.start()
        writer.start()
        if leases is not None and elsewhere is not None:
            leases.start()
            elsewhere.start()
        try:
            async with push, asyncio.TaskGroup() as loops:
                tasks = [loops.create_task(one()) for one in running]
                for task in tasks:
                    task.add_done_callback(ended)
                yield
                for task in tasks:
                    task.cancel()
        finally:
            if leases is not None and elsewhere is not None:
                await asyncio.to_thread(leases.stop)
                await asyncio.to_thread(elsewhere.stop)
            await asyncio.to_thread(writer.stop)

    app = Application(
        title="Canh Lò",
        lifespan=lifespan,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=openapi.operation_id,
        middleware=[
            Middleware(Guard, is_https=settings.url.startswith("https://")),
            Middleware(BodyBounds),
            Middleware(Conditional),
            Middleware(Once),
        ],
    )
    admission = Admission(database)
    door_headers = raw_headers(f"{API}/blocks", is_https=settings.url.startswith("https://"))
    app.post_way = PostWay(BlockReceiver(admission, writer, HandedLimits(database)), door_headers)
    app.doors = {
        f"{API}/blocks": app.post_way.door,
        "/api/v2/write": LineReceiver(Senders(database, admission), writer, clock),
    }
    app.state.parts = Parts(settings, clock, database, hub, monitor, push, vapid, passkey_site, provider)
    problems.install(app)
    openapi.install(app)
    for module in ROUTERS:
        app.include_router(module.router, prefix=API, responses=problems.RESPONSES)
    app.router.routes += [
        Route("/healthz", _healthz),
        Route("/readyz", _readyz),
        Route("/metrics", _metrics),
        Route("/ping", ping),
        Route("/health", health),
    ]
    app.router.default = page
    app.state.stop = lambda: None  # `Server` knows how
    return app


def check_port(host: str, port: int) -> None:
    """Refuse a port that cannot be had, before a link to it is handed out."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            msg = f"{host} port {port}: {why}; say another --port or --host"
            raise InvalidError(msg) from error


def check_tls(settings: Settings) -> None:
    """Refuse a certificate that cannot be shown, before anything is changed."""
    if settings.certificate is None:
        return
    for file in settings.certificate:
        file.open("rb").close()  # ssl would not say which it is that cannot be read
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*settings.certificate)
    except ssl.SSLError as error:
        msg = f"{settings.tls_certificate} and {settings.tls_key} are no certificate and its key: {error.reason}"
        raise InvalidError(msg) from error


class Server(uvicorn.Server):
    """Uvicorn, which ends the live streams first: they would keep it from stopping."""

    def __init__(self, app: "Application", settings: Settings) -> None:
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
            ssl_ciphers=CIPHERS,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
            http=partial(PostConnection, app.post_way),  # type: ignore[arg-type]  # it makes one, as a class does
            timeout_keep_alive=KEPT_OPEN_S,
            backlog=4096,
            ws="none",
        )
        make_room()
        super().__init__(config)
        self._hub = app.state.parts.hub
        self._certificate = settings.certificate
        self._changed_at = [file.stat().st_ctime_ns for file in self._certificate or ()]
        app.state.stop = self._stop

    def _stop(self) -> None:
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Take up a renewed certificate: the old one would run out while kilns burn."""
        if self._certificate is not None and counter % 10 == 0:  # once a second
            self._renew(self._certificate)
        return await super().on_tick(counter)

    def _renew(self, files: tuple[Path, Path]) -> None:
        try:
            changed_at = [file.stat().st_ctime_ns for file in files]
        except OSError:
            return  # it is not there yet
        if changed_at == self._changed_at or self.config.ssl is None:
            return
        self._changed_at = changed_at
        try:
            # Tried first: one of them may be half written. Both are whole at a later look.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*files)
            self.config.ssl.load_cert_chain(*files)
        except OSError as error:
            logger.warning("the renewed certificate cannot be used yet", extra={"reason": str(error)})

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hub.close()
        await super().shutdown(sockets)


async def _healthz(request: Request) -> Response:
    """Say that it runs, and whether bridges without a clock may go by the date of this answer."""
    told = request.app.state.parts.settings.clock_is_set
    return JSONResponse({"status": "ok", "is_clock_set": is_clock_set() if told is None else told})


async def _readyz(request: Request) -> Response:
    """Say whether the database answers."""

    def ask() -> None:
        with request.app.state.parts.database.read() as session:
            session.execute(text("SELECT 1"))

    await asyncio.to_thread(ask)
    return JSONResponse({"status": "ready", "now_at": datetime.now(UTC).isoformat()})


async def _metrics(_request: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _feeds(settings: Settings, database: Database, clock: Clock) -> list[Feed]:
    """Return what brings readings to each sink."""
    if not settings.sinks:
        return []
    from service.series.sinks.sending import Sender  # here: a tenth of the service's start, and most have no sink

    return [Feed(database, clock, Sender(name, one)) for name, one in settings.sinks.items()]


class Application(FastAPI):
    """FastAPI, with doors beside it for readings: theirs are a thousand times as many requests as people's."""

    doors: Mapping[str, ASGIApp]
    post_way: PostWay

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = self.doors.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if door is None:
            await super().__call__(scope, receive, send)
        else:
            await door(scope, receive, carrying(self.post_way.headers, send))
