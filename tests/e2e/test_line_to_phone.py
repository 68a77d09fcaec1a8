"""Bytes on a serial device at one end, a decrypted push and an acknowledged alarm at the other, power cuts between."""

import base64
import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import http_ece
import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import Browser, expect
from programs import Program, until

from service.demo.broker import free_port


class PushService:
    """A push endpoint on this machine, and the browser behind it that can decrypt."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = os.urandom(16)
        self.pushes: list[dict[str, Any]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.pushes.append(
                    json.loads(http_ece.decrypt(body, private_key=service._key, auth_secret=service._auth))
                )
                self.send_response(201)
                self.end_headers()

            def log_message(self, *_args: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    @property
    def subscription(self) -> dict[str, Any]:
        public = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        keys = {"p256dh": _base64url(public), "auth": _base64url(self._auth)}
        return {"endpoint": f"http://127.0.0.1:{self.server.server_port}/push", "keys": keys, "device": "test phone"}

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture
def phone() -> Iterator[PushService]:
    service = PushService()
    yield service
    service.close()


@pytest.mark.timeout(150)
def test_bytes_on_the_serial_device_become_a_push_that_acknowledges_the_alarm(
    tmp_path: Path, programs: Callable[..., Program], phone: PushService, browser: Browser
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    env = {"CANHLO_DATA_DIR": str(tmp_path / "service"), "CANHLO_PORT": str(port), "CANHLO_PUSH_HOSTS": '["127.0.0.1"]'}
    service = programs("canhlo", "serve", env=env)
    token = service.said(r"/setup#(\S+)").group(1)
    master, slave = os.openpty()
    with httpx.Client(base_url=url, timeout=20) as owner:
        until(lambda: _answers(owner), 30, lambda: f"{url} to answer")
        me = owner.post("/api/v1/setup", json=_first_account(token)).raise_for_status().json()
        workshop_id = me["workshops"][0]["id"]
        owner.post("/api/v1/kilns", json={"workshop_id": workshop_id, "name": "Lò 1"}).raise_for_status()
        pairing = owner.post("/api/v1/bridges", json={"workshop_id": workshop_id, "name": "Pi"}).json()
        owner.post("/api/v1/push-subscriptions", json=phone.subscription).raise_for_status()
        bridge = _bridge(tmp_path, programs, url, pairing["code"], os.ttyname(slave))
        until(lambda: _connected(tmp_path), 30, lambda: "the bridge to open its port")

        lines = _uneven_firing()
        _write(master, lines[: len(lines) // 2])
        until(lambda: _values(owner), 30, lambda: "the first readings on the page")
        service.power_cut()
        _write(master, lines[len(lines) // 2 :])
        push = until(lambda: next((one for one in phone.pushes if "ack_token" in one), None), 60, lambda: "a push")
        until(lambda: _answers(owner), 30, lambda: f"{url} to answer")
        acknowledged = _tapped(browser, f"{url}{push['url']}", "Lò 1")
        alarms = owner.get("/api/v1/alarms", params={"state": "all"}).raise_for_status().json()

    bridge.stop()
    os.close(master)
    os.close(slave)
    assert "Lò 1" in push["title"]
    assert acknowledged["kind"] == "uneven_heating"
    assert acknowledged["acknowledged_by"] == "Lan"
    assert [alarm["state"] for alarm in alarms if alarm["id"] == acknowledged["id"]] == ["acknowledged"]
    assert {"opened", "delivered", "acknowledged"} <= {event["what"] for event in acknowledged["events"]}


def _tapped(browser: Browser, address: str, kiln: str) -> Any:
    """Open a push on a phone that is not signed in, read what it is of, and take it on with one tap."""
    with browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True) as context:
        view = context.new_page()
        view.goto(address)
        expect(view.get_by_test_id("one-alarm")).to_contain_text(kiln, timeout=20_000)
        with view.expect_response(lambda answer: answer.url.endswith("/acknowledge")) as answered:
            view.get_by_test_id("acknowledge-token").tap()
        taken = answered.value.json()
        expect(view.get_by_test_id("acknowledged")).to_contain_text("Lan", timeout=20_000)
        view.reload()
        expect(view.get_by_test_id("acknowledged")).to_contain_text("Lan", timeout=20_000)
        return taken


def _first_account(token: str) -> dict[str, str]:
    return {
        "token": token,
        "name": "Lan",
        "login": "lan@example.org",
        "password": "a long enough one",
        "workshop_name": "Xưởng Lan",
        "language": "vi",
    }


def _bridge(tmp_path: Path, programs: Callable[..., Program], url: str, code: str, port: str) -> Program:
    config = tmp_path / "bridge.toml"
    config.write_text(
        f'server = "{url}"\ntoken_file = "bridge.token"\ndata_dir = "bridge"\n\n[[sources]]\ntype = "serial"\n'
        f'port = "{port}"\nbaud = 9600\nformat = "camera_logger"\ntime_zone = "Asia/Ho_Chi_Minh"\n'
        'kiln = "lo-1"\nchannels = ["top", "bottom"]\n'
    )
    pairing = programs("canhlo-bridge", "pair", code, "--server", url, "--config", str(config))
    assert pairing.process.wait(30) == 0, pairing.log.read_text()
    return programs("canhlo-bridge", "--config", str(config))


def _uneven_firing() -> list[bytes]:
    """Return two hours of a kiln whose bottom falls 80 °C behind, up to this minute, as its logger prints them."""
    zone = timezone(timedelta(hours=7))
    start = datetime.now(zone) - timedelta(hours=2)
    return [
        f"{start + timedelta(seconds=10 * i):%d/%m/%Y %H:%M:%S};{400 + i};{400 + i - min(80, i)}\r\n".encode()
        for i in range(720)
    ]


def _write(master: int, lines: list[bytes]) -> None:
    for line in lines:
        os.write(master, line)  # blocks while the device's buffer is full


def _answers(browser: httpx.Client) -> bool:
    try:
        return browser.get("/readyz").is_success
    except httpx.TransportError:
        return False


def _connected(tmp_path: Path) -> bool:
    status = tmp_path / "bridge/status.json"
    return status.exists() and any(source["connected"] for source in json.loads(status.read_text())["sources"])


def _values(browser: httpx.Client) -> bool:
    kilns = browser.get("/api/v1/kilns").json()
    return any(channel["value_c"] for channel in kilns[0]["now"]["channels"])
