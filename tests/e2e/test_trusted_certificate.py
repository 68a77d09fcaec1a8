"""How the address that people open gets a certificate that their phones trust: docs/install.md's recipe for Caddy.

The authority is Pebble, Let's Encrypt's own server for tests: it asks the way they do, and is answered the same.
"""

import json
import shutil
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection

import httpx
import pytest
from caddy import caddy, recipe
from certificates import make_certificates
from programs import running

from service.demo.broker import free_port

NAME = "kilns.example.org"


@dataclass(frozen=True)
class Authority:
    """One that vouches for whoever answers at a name; every name is this machine."""

    url: str
    management: str
    vouched_by: Path  # for its own address
    http_port: int
    https_port: int

    def root(self) -> str:
        """Return the certificate that phones know."""
        trust = ssl.create_default_context(cafile=self.vouched_by)
        return httpx.get(f"{self.management}/roots/0", verify=trust).text


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    pebble, names = shutil.which("pebble"), shutil.which("pebble-challtestsrv")
    assert pebble, "Debian's pebble is needed: `bash .ci/servers` installs it"
    assert names
    port, management, http_port, https_port, dns = (free_port() for _ in range(5))
    vouched_by = make_certificates(tmp_path)
    settings = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(tmp_path / "server.pem"),
        "privateKey": str(tmp_path / "server.key"),
        "httpPort": http_port,
        "tlsPort": https_port,
    }
    (tmp_path / "pebble.json").write_text(json.dumps({"pebble": settings}))
    off = [f"-{one}=" for one in ("http01", "https01", "tlsalpn01")]
    names_words = [names, f"-dns01=127.0.0.1:{dns}", f"-management=127.0.0.1:{free_port()}", "-defaultIPv6=", *off]
    words = [pebble, f"-config={tmp_path / 'pebble.json'}", f"-dnsserver=127.0.0.1:{dns}"]
    at_once = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    ours = (f"https://localhost:{port}/dir", f"https://localhost:{management}")
    with (
        running(names_words, tmp_path / "names.log", {}),
        running(words, tmp_path / "pebble.log", at_once) as server,
    ):
        server.said("Listening on")
        yield Authority(*ours, vouched_by, http_port, https_port)


def test_the_proxy_gets_a_certificate_that_phones_trust_by_itself(authority: Authority, tmp_path: Path) -> None:
    ports = (f"http_port {authority.http_port}", f"https_port {authority.https_port}")
    whose = (f"acme_ca {authority.url}", f"acme_ca_root {authority.vouched_by}")
    with caddy(tmp_path, recipe(NAME), *ports, *whose) as proxy:
        proxy.said("certificate obtained successfully", 90)
        phone = ssl.create_default_context(cadata=authority.root())
        with (
            create_connection(("127.0.0.1", authority.https_port), timeout=10) as plain,
            phone.wrap_socket(plain, server_hostname=NAME) as wrapped,
        ):
            shown = wrapped.getpeercert()

    assert shown is not None
    assert ("DNS", NAME) in shown["subjectAltName"]
    assert "Pebble" in str(shown["issuer"])
