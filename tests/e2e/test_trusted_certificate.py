"""How the address that people open gets a certificate that their phones trust: docs/install.md's recipe for Caddy.

The authority is Pebble, Let's Encrypt's own server for tests: it asks the way they do, and is answered the same.
"""

import json
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection

import httpx
import pytest
from certificates import make_certificates
from programs import Program

from service.demo.broker import free_port

HOUSE = Path(__file__).parents[2]
RECIPE = re.search(r"sed '(.*kilns\.example\.org.*)' docker/Caddyfile", (HOUSE / "docs/install.md").read_text())
NAME = "kilns.example.org"


@dataclass(frozen=True)
class Authority:
    """One that vouches for whoever answers at a name; every name is this machine."""

    url: str
    management: str
    vouched_by: Path  # for its own address
    http_port: int
    https_port: int
    log: Path

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
    started = [
        Program(
            [names, f"-dns01=127.0.0.1:{dns}", f"-management=127.0.0.1:{free_port()}", "-defaultIPv6=", *off],
            tmp_path / "names.log",
        ),
        Program(
            [pebble, f"-config={tmp_path / 'pebble.json'}", f"-dnsserver=127.0.0.1:{dns}"],
            tmp_path / "pebble.log",
            {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"},
        ),
    ]
    ours = (f"https://localhost:{port}/dir", f"https://localhost:{management}")
    try:
        started[1].said("Listening on")
        yield Authority(*ours, vouched_by, http_port, https_port, tmp_path / "pebble.log")
    finally:
        for program in reversed(started):
            program.stop()


def test_the_proxy_gets_a_certificate_that_phones_trust_by_itself(authority: Authority, tmp_path: Path) -> None:
    caddy = shutil.which("caddy")
    assert caddy, "Debian's caddy is needed: `bash .ci/servers` installs it"
    assert RECIPE
    recipe = subprocess.run(
        ["sed", RECIPE[1], HOUSE / "docker/Caddyfile"], check=True, capture_output=True, text=True
    ).stdout
    of_the_test = f"""{{
        admin off
        http_port {authority.http_port}
        https_port {authority.https_port}
        storage file_system {tmp_path / "caddy"}
        acme_ca {authority.url}
        acme_ca_root {authority.vouched_by}
    }}
    """
    (tmp_path / "Caddyfile").write_text(of_the_test + recipe)
    proxy = Program(
        [caddy, "run", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile"],
        tmp_path / "caddy.log",
        {"XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
    )
    try:
        proxy.said("certificate obtained successfully", 90)
        phone = ssl.create_default_context(cadata=authority.root())
        with (
            create_connection(("127.0.0.1", authority.https_port), timeout=10) as plain,
            phone.wrap_socket(plain, server_hostname=NAME) as wrapped,
        ):
            shown = wrapped.getpeercert()
    finally:
        proxy.stop()

    assert shown is not None
    assert ("DNS", NAME) in shown["subjectAltName"]
    assert "Pebble" in str(shown["issuer"])
