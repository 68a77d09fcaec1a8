"""A push service on this machine, and behind it a browser that reads with another implementation."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec

from service.alarms.web_push_crypto import base64url, raw_public_key


class Phone:
    def __init__(self) -> None:
        key, auth = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
        self.p256dh, self.auth = base64url(raw_public_key(key)), base64url(auth)
        self.answer, self.answer_headers = 201, dict[str, str]()
        self.pushes: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        phone = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                phone.headers.append(dict(self.headers))
                if phone.answer == 201:
                    phone.pushes.append(json.loads(http_ece.decrypt(body, private_key=key, auth_secret=auth)))
                self.send_response(phone.answer)
                for name, value in phone.answer_headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}/push/1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def keys(self) -> dict[str, str]:
        return {"p256dh": self.p256dh, "auth": self.auth}

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
