"""What stands before the service, as the world meets it: Caddy as docs/install.md sets it up, the service behind it."""

import gzip
import re
import ssl
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socket import create_connection

import httpx
import msgspec
import pytest
from caddy import caddy, recipe
from programs import BIN, running, until
from service_parts import PASSWORD, block, new_bridge, new_workshop

from firmware_bridge.wire import Post
from service.api.guard import MAX_LOG_BYTES
from service.demo.broker import free_port
from service.settings import Settings
from service.store import kilns
from service.store.database import Database
from service.store.migrate import upgrade


@dataclass(frozen=True)
class Place:
    """Where the world finds the service, and what it trusts."""

    port: int
    http_port: int
    root: Path
    bridge_token: str

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=ssl.create_default_context(cafile=self.root), timeout=30)

    def handshake(self, version: ssl.TLSVersion | None = None, ciphers: str = "DEFAULT") -> str | None:
        """Return the version of TLS that is agreed on."""
        context = ssl.create_default_context(cafile=self.root)
        context.set_ciphers(f"{ciphers}:@SECLEVEL=0")  # this side would agree to anything
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of versions that are to be refused
            if version is not None:
                context.minimum_version = context.maximum_version = version
        with (
            create_connection(("127.0.0.1", self.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as wrapped,
        ):
            return wrapped.version()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("proxied")
    service_port, port, http_port = free_port(), free_port(), free_port()
    database = Database(Settings(data_dir=folder).database)
    upgrade(database)
    token = new_bridge(database, new_workshop(database, "lan@example.org"))
    with database.write() as session:
        kilns.create_kiln(session, 1, name="Lò 1", key="lo-1")
    database.close()
    env = {
        "CANHLO_DATA_DIR": str(folder),
        "CANHLO_PUBLIC_URL": f"https://localhost:{port}",
        "CANHLO_PORT": str(service_port),
    }
    ports = (f"http_port {http_port}", f"https_port {port}")
    with (
        running([str(BIN / "canhlo"), "serve"], folder / "canhlo.log", env),
        caddy(folder, recipe("localhost", service_port), *ports) as proxy,
    ):
        found = Place(port, http_port, folder / "caddy/pki/authorities/local/root.crt", token)
        until(lambda: _answers(found), 60, proxy.log.read_text)
        yield found


def _answers(place: Place) -> bool:
    if not place.root.exists():
        return False
    try:
        with place.client() as client:
            return client.get("/").is_success
    except httpx.TransportError:
        return False


def test_tls_is_of_today_and_nothing_weaker_is_agreed_to(place: Place) -> None:
    assert place.handshake() == "TLSv1.3"
    assert place.handshake(ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert place.handshake(ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256") == "TLSv1.2"
    for weak in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.raises(OSError, match=r"(?i)protocol version|unsupported|alert|reset|EOF"):
            place.handshake(weak)
    for weak in ("ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256:AES128-SHA", "NULL:eNULL"):
        with pytest.raises(OSError, match=r"(?i)handshake failure|alert|reset|EOF"):
            place.handshake(ssl.TLSVersion.TLSv1_2, weak)


def test_over_plain_http_people_are_taken_to_https_and_programs_are_told(place: Place) -> None:
    with httpx.Client(base_url=f"http://localhost:{place.http_port}") as plain:
        page = plain.get("/lo/1")
        program = plain.post("/api/v1/blocks", headers={"authorization": f"Bearer {place.bridge_token}"})

    assert (page.status_code, page.headers["location"]) == (308, "https://localhost/lo/1")
    assert (program.status_code, "https address" in program.text) == (403, True)
    assert "location" not in program.headers


def test_who_comes_over_https_stays_there_and_sees_nothing_of_the_machine(place: Place) -> None:
    with place.client() as client:
        signed_in = client.post("/api/v1/session", json={"login": "lan@example.org", "password": PASSWORD})
        inside = [client.get(path).status_code for path in ("/metrics", "/readyz")]

    assert signed_in.headers["strict-transport-security"].startswith("max-age=31536000")
    assert re.match(r"__Host-canhlo=.+; HttpOnly; .*Secure", signed_in.headers["set-cookie"])
    assert inside == [404, 404]


def test_readings_go_in_and_come_out_to_who_looks_on_at_once(place: Place) -> None:
    now_s = datetime.now(UTC).timestamp()
    post = gzip.compress(msgspec.msgpack.encode(Post([block(1, at_s=now_s, top=[712.5])], [])))
    as_bridge = {
        "authorization": f"Bearer {place.bridge_token}",
        "content-type": "application/msgpack",
        "content-encoding": "gzip",
    }
    with place.client() as client:
        client.post("/api/v1/session", json={"login": "lan@example.org", "password": PASSWORD})
        with client.stream("GET", "/api/v1/live") as stream:
            lines = stream.iter_lines()
            begun = next(lines)
            stored = client.post("/api/v1/blocks", content=post, headers=as_bridge)
            seen = next(line for line in lines if "712.5" in line)

    assert begun
    assert stored.status_code == 200
    assert seen.startswith("data:")


def test_a_log_of_a_whole_firing_comes_through_and_what_is_larger_is_refused_in_words(place: Place) -> None:
    def sent(size: int) -> httpx.Response:
        return client.post(
            "/api/v1/kilns/1/logs",
            params={"file_name": "log.csv"},
            content=b"\n" * size,
            headers={"content-type": "application/octet-stream"},
        )

    with place.client() as client:
        client.post("/api/v1/session", json={"login": "lan@example.org", "password": PASSWORD})
        whole, larger, huge = sent(MAX_LOG_BYTES), sent(MAX_LOG_BYTES + 1), sent(2 * MAX_LOG_BYTES)

    assert (whole.status_code, whole.headers["content-type"]) == (400, "application/problem+json")
    assert (larger.status_code, larger.headers["content-type"]) == (413, "application/problem+json")
    assert (huge.status_code, huge.headers["content-type"]) == (413, "application/problem+json")
