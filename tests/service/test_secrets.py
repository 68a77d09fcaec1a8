"""Secrets are in no log and in clear in no database; a log's line says one thing, whatever was sent."""

import gzip
import logging
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
from service_parts import PASSWORD, BridgeClient, block, new_workshop
from sqlalchemy import select

from firmware_bridge.wire import Post
from service.logs import FieldsFormatter
from service.settings import Settings
from service.store import identity
from service.store.database import Database
from service.store.models import StoredAnswer

NEW = "một câu rất dài và khó đoán"
KEY = {"idempotency-key": "c0ffee00-4242-4242-4242-c0ffee00c0ff"}
GUESS = "a guess that was wrong"


@pytest.fixture(params=["sqlite"])
def database_url(tmp_path: Path) -> str:
    """Return the URL of a file that can be read whole."""
    return f"sqlite:///{tmp_path / 'canhlo.sqlite3'}"


async def live_through(http: httpx.AsyncClient, database: Database) -> list[str]:
    """Use every secret that there is, rightly and wrongly; return them."""
    api = "/api/v1"
    new_workshop(database, "lan@example.org")
    with database.write() as session:
        account = identity.account_by_login(session, "lan@example.org")
        link = identity.create_link(session, account, now=datetime.now(UTC), lasts=timedelta(hours=1))
    await http.post(f"{api}/session", json={"login": "lan@example.org", "password": GUESS})
    await http.post(f"{api}/session", json={"login": "lan@example.org", "password": PASSWORD})
    cookies = [http.cookies["canhlo"]]
    await http.put(f"{api}/me/password", json={"current": PASSWORD, "new": NEW})
    cookies.append(http.cookies["canhlo"])
    await http.put(f"{api}/me/password", json={"current": GUESS, "new": NEW, "more": GUESS})
    invited = (await http.post(f"{api}/workshops/1/invitations", json={"role": "operator"})).json()["link"]
    token = (await http.post(f"{api}/workshops/1/tokens", json={"name": "x", "scope": "write", "days": 9})).json()[
        "token"
    ]
    await http.get(f"{api}/kilns", headers={"authorization": f"Bearer {token}"})
    await http.get(f"{api}/kilns", headers={"authorization": f"Bearer {token}x"})
    code = (await http.post(f"{api}/bridges", json={"workshop_id": 1, "name": "Pi"})).json()["code"]
    paired = (await http.post(f"{api}/pair", json={"code": code})).json()["token"]
    renewed = (await http.post(f"{api}/bridge/token", headers={"authorization": f"Bearer {paired}"})).json()["token"]
    await BridgeClient(http, renewed).send(block(1))
    await BridgeClient(http, paired).send_raw(gzip.compress(msgspec.msgpack.encode(Post([]))))
    await http.post("/api/v2/write", headers={"authorization": f"Token {token}"}, content=b"nonsense")
    await http.post(f"{api}/session/link", json={"token": link})
    cookies.append(http.cookies["canhlo"])
    secrets = [
        KEY["idempotency-key"],
        PASSWORD,
        NEW,
        GUESS,
        link,
        token,
        code,
        code.replace("-", ""),
        paired,
        renewed,
        *cookies,
    ]
    return [*secrets, invited.partition("#")[2]]


def every_byte(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_no_secret_is_in_a_log_or_in_clear_in_the_database(
    http: httpx.AsyncClient, database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("httpx").setLevel(logging.WARNING)  # the client of this test
        secrets = await live_through(http, database)
    formatter = FieldsFormatter()
    said = "\n".join(formatter.format(record) for record in caplog.records)
    with closing(sqlite3.connect(tmp_path / "canhlo.sqlite3")) as connection:
        kept = "\n".join(connection.iterdump())
    raw = every_byte(tmp_path)

    assert "sign-in refused" in said
    assert len(set(secrets)) > 10
    assert [secret for secret in secrets if secret in said] == []
    assert [secret for secret in secrets if secret in kept or secret.encode() in raw] == []


async def test_no_hash_in_the_database_can_be_guessed_at_from_a_password_alone(
    http: httpx.AsyncClient, database: Database
) -> None:
    """What is kept to know a request again must not be a fast hash of a body that holds a password."""
    new_workshop(database, "lan@example.org")
    await http.post("/api/v1/session", json={"login": "lan@example.org", "password": PASSWORD})
    for key in ("the-first-of-two-keys", "the-second-of-two-keys"):
        await http.post("/api/v1/me/sessions/end", json={"password": PASSWORD}, headers={"idempotency-key": key})
    with database.read() as session:
        kept = list(session.scalars(select(StoredAnswer.asked_hash)))

    assert len(kept) == 2
    assert kept[0] != kept[1]  # of the same body


def test_settings_do_not_show_the_database_password_when_they_are_told() -> None:
    settings = Settings(database_url="postgresql+psycopg://canhlo:hush@localhost/canhlo")

    assert "hush" not in repr(settings)
    assert "hush" not in str(settings)


def record(message: str, **fields: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": message, "name": "service.api", "levelname": "WARNING", "levelno": 30})
    made.__dict__.update(fields)
    return made


@pytest.mark.parametrize("letter", ["\n", "\r", "\x1b[31m", "\u2028", "\x00", "\x85"])
def test_what_was_sent_begins_no_line_of_its_own_in_a_log(letter: str) -> None:
    forged = f"lo-1{letter}2026-01-01T00:00:00Z INFO service: signed in account=1"

    line = FieldsFormatter().format(record(f"refused {forged}", path=forged))

    assert line.isprintable()
    assert len(line.splitlines()) == 1


def test_an_error_stays_under_its_event() -> None:
    try:
        int("first\n2026-01-01T00:00:00Z INFO service: signed in account=1\nx")
    except ValueError:
        made = record("failed", exc_info=sys.exc_info())

    lines = FieldsFormatter().format(made).splitlines()

    assert [line for line in lines[1:] if not line.startswith("  ")] == []


def test_a_log_says_when_in_utc() -> None:
    assert FieldsFormatter().format(record("x", created=0.0)).startswith("1970-01-01T00:00:00Z WARNING service.api: x")
