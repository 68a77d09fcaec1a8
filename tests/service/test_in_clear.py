"""Nothing leaves the machine in clear: refused before it starts, and encrypted where it may go."""

import re
import shutil
import socket
import ssl
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from caddy import HOUSE, caddy
from certificates import make_certificates
from postgres import postgres_server
from programs import BIN, running, until
from service_parts import new_workshop
from sink_servers import PASSWORD, USER, VictoriaMetrics, free_port
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from firmware_bridge.wire import Unit
from service.archive.backup import DUMP, back_up
from service.cli import main
from service.series.sinks.errors import SinkError
from service.series.sinks.kinds import reader
from service.series.sinks.sending import Sender
from service.settings import Settings, SinkSettings
from service.store.database import Database
from service.store.migrate import upgrade

EVERYWHERE = "0.0.0.0"  # noqa: S104 - in a container, or behind TLS
DATABASE = "postgresql+psycopg://canhlo@db.example.org/canhlo"


def sinks(url: str, read_url: str = "") -> dict[str, SinkSettings]:
    return {"kho": SinkSettings(kind="victoriametrics", url=url, read_url=read_url)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": EVERYWHERE},
        {"host": "192.0.2.7"},
        {"host": "::"},
        {"host": ""},  # every address
        {"database_url": DATABASE},
        {"database_url": f"{DATABASE}?sslmode=require"},  # encrypted, for whoever answers
        {"database_url": f"{DATABASE}?sslmode=verify-ca"},  # by whoever has a certificate of anybody
        {"database_url": "postgresql+psycopg://canhlo@localhost/canhlo?conninfo=host%3D192.0.2.7"},
        {"database_url": "postgresql+psycopg://canhlo@localhost,192.0.2.7/canhlo"},
        {"database_url": "postgresql+psycopg://canhlo@/canhlo?host=/run/postgresql,192.0.2.7"},
        {"database_url": "postgresql+psycopg://canhlo@/canhlo?host=/run/postgresql&host=192.0.2.7"},
        {"database_url": "postgresql+psycopg://canhlo@localhost/canhlo?hostaddr=192.0.2.7"},
        {"database_url": "postgresql+psycopg:///canhlo?service=far_away"},
        {"sinks": sinks("http://192.0.2.7:8428")},
        {"sinks": sinks("https://192.0.2.7:8428", read_url="http://192.0.2.8:8481")},
        {"sinks": sinks("http://localhost.example.org:8428")},
    ],
)
def test_what_would_leave_the_machine_in_clear_is_refused_in_words(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="CANHLO_INSIDE_HOSTS"):
        Settings(**wrong)


@pytest.mark.parametrize(
    "right",
    [
        {"host": "127.0.0.2"},
        {"host": "::1"},
        {"host": EVERYWHERE, "inside_hosts": f"{EVERYWHERE} postgres"},
        {"database_url": f"{DATABASE}?sslmode=verify-full"},
        {"database_url": DATABASE, "inside_hosts": ("db.example.org",)},
        {"database_url": "postgresql+psycopg:///canhlo?host=/run/postgresql"},
        {"database_url": "postgresql+psycopg://canhlo:x@localhost/canhlo"},
        {"database_url": "postgresql+psycopg://canhlo@/canhlo?host=127.0.0.1:5432"},
        {"sinks": sinks("http://NAS:8428"), "inside_hosts": "NAS"},
        {"sinks": sinks("http://[::1]:8428")},
        {"sinks": sinks("https://192.0.2.7:8428")},
    ],
)
def test_what_stays_on_the_machine_or_is_encrypted_is_taken(right: dict[str, Any]) -> None:
    Settings(**right)


def test_what_postgresql_reads_from_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "192.0.2.7")
    with pytest.raises(ValueError, match="CANHLO_INSIDE_HOSTS"):
        Settings(database_url="postgresql+psycopg:///canhlo")
    monkeypatch.setenv("PGSSLMODE", "verify-full")

    Settings(database_url="postgresql+psycopg:///canhlo")


@pytest.mark.parametrize("wrong", ["absent", "other"])
def test_a_certificate_that_cannot_be_shown_is_told_before_anything_is_changed(
    wrong: str, certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = certificates / {"absent": "absent.key", "other": "client.key"}[wrong]
    monkeypatch.setenv("CANHLO_TLS_CERTIFICATE", str(certificates / "server.pem"))
    monkeypatch.setenv("CANHLO_TLS_KEY", str(key))
    monkeypatch.setattr("sys.argv", ["canhlo", "serve", "--data-dir", str(tmp_path / "data")])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert str(key) in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_secret_that_is_kept_for_the_service_comes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "canhlo_sinks").write_text(
        '{"kho": {"kind": "influxdb", "url": "https://a.test", "password": "kín"}}\n'
    )
    (tmp_path / "somebody_elses").write_text("hush")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("CANHLO_SINKS", "")
    monkeypatch.setenv("CANHLO_PORT", "8611")

    settings = Settings()

    assert settings.sinks["kho"].password.get_secret_value() == "kín"
    assert settings.port == 8611
    assert "kín" not in repr(settings)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


def test_for_a_proxy_on_another_machine_the_service_speaks_tls_itself(certificates: Path, tmp_path: Path) -> None:
    port, outside = free_port(), free_port()
    recipe = re.search(r"```caddyfile\n(.*?)```", (HOUSE / "docs/install.md").read_text(), re.DOTALL)
    assert recipe
    told = recipe[1].replace("/etc/caddy/ca.pem", str(certificates / "authority.pem"))
    told = told.replace("10.0.0.2:8600", f"127.0.0.1:{port}")
    env = {
        "CANHLO_DATA_DIR": str(tmp_path),
        "CANHLO_HOST": EVERYWHERE,
        "CANHLO_PORT": str(port),
        "CANHLO_TLS_CERTIFICATE": str(shutil.copy(certificates / "server.pem", tmp_path / "its.pem")),
        "CANHLO_TLS_KEY": str(shutil.copy(certificates / "server.key", tmp_path / "its.key")),
    }
    site = f"http://127.0.0.1:{outside} {{\n{told}\n}}"
    trust = ssl.create_default_context(cafile=certificates / "authority.pem")
    renewed = tmp_path / "renewed"
    renewed.mkdir()
    make_certificates(renewed)

    def status() -> int | None:
        try:
            return httpx.get(f"https://127.0.0.1:{port}/healthz", verify=trust).status_code
        except httpx.TransportError:
            return None

    def shown() -> str:
        return ssl.get_server_certificate(("127.0.0.1", port)).strip()

    def agrees_to(ciphers: str) -> bool:
        context = ssl.create_default_context(cafile=certificates / "authority.pem")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
        try:
            with socket.create_connection(("127.0.0.1", port)) as plain:
                context.wrap_socket(plain, server_hostname="127.0.0.1").close()
        except OSError:
            return False
        return True

    serve = [str(BIN / "canhlo"), "serve"]
    with running(serve, tmp_path / "log", env) as service, caddy(tmp_path, site, "auto_https off"):
        assert until(status, 60, service.log.read_text) == 200
        posted = httpx.post(f"https://127.0.0.1:{port}/api/v1/blocks", verify=trust, content=b"x")
        through = httpx.get(f"http://127.0.0.1:{outside}/healthz").json()
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/healthz")
        ciphers = [agrees_to(one) for one in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-SHA384")]
        for end in ("pem", "key"):  # one after the other: meanwhile they do not fit
            shutil.copy(renewed / f"server.{end}", tmp_path / f"its.{end}")
            until(lambda: "cannot be used yet" in service.log.read_text(), 30, service.log.read_text)
        until(lambda: shown() == (renewed / "server.pem").read_text().strip(), 30, service.log.read_text)

    assert ciphers == [True, False]
    assert posted.status_code == 401
    assert through["status"] == "ok"
    assert "https://" in service.log.read_text()


@pytest.fixture
def far_away(certificates: Path, tmp_path: Path) -> Iterator[str]:
    """Give the address of a VictoriaMetrics that is reached only with TLS, by whoever has a certificate."""
    server = VictoriaMetrics(tmp_path / "server")
    port = free_port()
    site = f"""https://localhost:{port} {{
        tls {certificates / "server.pem"} {certificates / "server.key"} {{
            client_auth {{
                mode require_and_verify
                trusted_ca_cert_file {certificates / "authority.pem"}
            }}
        }}
        reverse_proxy 127.0.0.1:{server.port}
    }}"""
    try:
        with caddy(tmp_path, site, "auto_https off"):
            yield f"https://localhost:{port}"
    finally:
        server.close()


def test_a_sink_far_away_knows_the_service_by_its_certificate(certificates: Path, far_away: str) -> None:
    told = {"kind": "victoriametrics", "url": far_away, "username": USER, "password": PASSWORD}
    ours = {"ca": certificates / "authority.pem", "certificate": certificates / "client.pem"}
    known = SinkSettings.model_validate({**told, **ours, "key": certificates / "client.key"})
    line = "reading,workshop_id=1,kiln_id=1,kiln=lo-1,channel=top,unit=c value=900.5 1767225600000"

    sender = Sender("kho", known)
    sender.send([line])
    began = sender.began()
    sender.close()
    reading = reader("kho", known)
    back = until(lambda: reading.as_taken(1, 1, 1767225000000, 1767226000000, {Unit.CELSIUS}), 30, lambda: "the line")
    reading.close()

    assert began is not None
    assert [list(one.value) for one in back.values()] == [[900.5]]
    for stranger in (told, {**told, "ca": certificates / "authority.pem"}):
        sender = Sender("kho", SinkSettings.model_validate(stranger))
        with pytest.raises(SinkError):
            sender.send([line])
        sender.close()


def test_a_postgresql_far_away_knows_the_service_by_its_certificate(certificates: Path, tmp_path: Path) -> None:
    files = tmp_path / "files"
    shutil.copytree(certificates, files)
    (files / "hba").write_text("local all all trust\nhostssl all all 127.0.0.1/32 cert\n")
    port = free_port()
    tls = "ssl=on ssl_cert_file=../files/server.pem ssl_key_file=../files/server.key ssl_ca_file=../files/authority.pem"
    rest = f"hba_file=files/hba listen_addresses=127.0.0.1 port={port}"
    options = " ".join(f"-c {one}" for one in f"{tls} {rest}".split())
    url = f"postgresql+psycopg://canhlo@127.0.0.1:{port}/canhlo?sslmode=verify-full"
    trust = f"&sslrootcert={certificates}/authority.pem"
    known = f"{url}{trust}&sslcert={certificates}/client.pem&sslkey={certificates}/client.key"
    with postgres_server(options, files) as cluster:
        admin = Database(cluster.format(name="postgres") + f"&port={port}")
        with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("CREATE ROLE canhlo LOGIN"))
            connection.execute(text("CREATE DATABASE canhlo OWNER canhlo"))
        admin.close()

        settings = Settings(data_dir=tmp_path, database_url=f"{known}&options=-capplication_name%3Dlo")
        database = Database(settings.database)
        upgrade(database)
        new_workshop(database, "lan@example.org")
        list(back_up(settings, database, tmp_path / "backup.tar", now=datetime.now(UTC)))
        with database.read() as session:
            encrypted = session.scalar(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
        database.close()
        stranger = Database(url + trust)
        with pytest.raises(OperationalError, match="certificate"), stranger.read() as session:
            session.scalar(text("SELECT 1"))
        stranger.close()

    with tarfile.open(tmp_path / "backup.tar") as backup:
        backup.extractall(tmp_path / "copies", filter="data")
    words = ["pg_restore", "--data-only", "--table=workshop", "--file=-", str(tmp_path / "copies" / DUMP)]
    kept = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert encrypted
    assert re.search(r"^COPY public\.workshop .*\n1\t", kept, re.MULTILINE), kept


def test_a_certificate_that_cannot_be_read_stops_its_sink_alone(tmp_path: Path) -> None:
    absent = tmp_path / "absent.pem"
    told = SinkSettings(kind="victoriametrics", url="https://127.0.0.1:9", ca=absent)
    sender, reading = Sender("kho", told), reader("kho", told)

    assert sender.began() is None
    with pytest.raises(SinkError, match=str(absent)):
        sender.send(["reading value=1 1"])
    with pytest.raises(SinkError, match=str(absent)):
        reading.as_taken(1, 1, 0, 1, {Unit.CELSIUS})
    sender.close()
    reading.close()
