"""The demo's phone: a real push endpoint that decrypts what reaches it, and says that it has shown it."""

import base64
import contextlib
import json
import os
from typing import Any

import httpx
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.alarms.web_push_crypto import decrypt


class Phone:
    """Takes pushes on 127.0.0.1 the way a browser's push service and browser do together."""

    def __init__(self, port: int, service_url: str) -> None:
        self._port = port
        self._service_url = service_url
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = os.urandom(16)
        self.pushes: list[dict[str, Any]] = []

    @property
    def subscription(self) -> dict[str, str]:
        """Return what a browser's PushManager would: where to push, and the keys to encrypt with."""
        public = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {
            "endpoint": f"http://127.0.0.1:{self._port}/push/demo",
            "p256dh": _base64url(public),
            "auth": _base64url(self._auth),
        }

    async def run(self) -> None:
        app = Starlette(routes=[Route("/push/demo", self._take, methods=["POST"])])
        config = uvicorn.Config(app, host="127.0.0.1", port=self._port, lifespan="off", log_config=None)
        await uvicorn.Server(config).serve()

    async def _take(self, request: Request) -> Response:
        push = json.loads(decrypt(await request.body(), self._key, self._auth))
        self.pushes.append(push)
        seen = BackgroundTask(self._say_seen, push["seen_token"]) if "seen_token" in push else None
        return Response(status_code=201, background=seen)

    async def _say_seen(self, token: str) -> None:
        async with httpx.AsyncClient(timeout=5) as client:
            with contextlib.suppress(httpx.TransportError):  # shown all the same; only the service does not know
                await client.post(f"{self._service_url}/api/v1/pushes/seen", json={"token": token})


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
