"""Builders: blocks, workshops, bridges, and a client that posts blocks the way a bridge does."""

import gzip
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import msgspec

from firmware_bridge.wire import Block, Column, Post, Quality, Receipt, Skipped, Unit
from service.store import identity, sessions
from service.store.database import Database
from service.store.passwords import hash_password

NOW = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
BOOT = "b007" * 4
PASSWORD = "a long enough one"


def new_workshop(database: Database, login: str) -> int:
    """Make an account and its workshop; return the workshop's id."""
    with database.write() as session:
        account = identity.create_account(
            session, name="Lan", login=login, password_hash=hash_password(PASSWORD), language="vi", now=NOW
        )
        return identity.create_workshop(session, name=f"Xưởng {login}", owner=account, now=NOW).id


def new_bridge(database: Database, workshop_id: int) -> str:
    """Let a new bridge in; return its token."""
    now = datetime.now(UTC)
    with database.write() as session:
        made = identity.create_bridge(session, workshop_id, "Pi", now=now)
        return identity.let_in(session, made, now=now)


def block(
    seq: int,
    *,
    kiln: str = "lo-1",
    at_s: float | None = None,
    boot: str = BOOT,
    until_s: float | None = None,
    **channels: list[float | None],
) -> Block:
    """Return a block of readings 10 s apart from `at_s` on; by default one reading of `top`, 10 s times its seq."""
    start_ms = int((10.0 * seq if at_s is None else at_s) * 1000)
    values = channels or {"top": [20.0 + seq]}
    columns = [
        Column(
            name,
            Unit.CELSIUS,
            [start_ms + 10_000 * i for i in range(len(column))],
            column,
            {i: Quality.OPEN for i, value in enumerate(column) if value is None},
        )
        for name, column in values.items()
    ]
    last_ms = max(max(column.at_ms) for column in columns)
    return Block(boot, seq, kiln, last_ms if until_s is None else int(until_s * 1000), columns)


@dataclass
class BridgeClient:
    http: httpx.AsyncClient
    token: str

    async def send(self, *blocks: Block, skipped: list[Skipped] | None = None) -> Receipt:
        """Post blocks and return the receipt; anything but 200 fails."""
        answer = await self.send_raw(gzip.compress(msgspec.msgpack.encode(Post(list(blocks), skipped or []))))
        assert answer.status_code == 200, answer.text
        return msgspec.msgpack.decode(answer.content, type=Receipt)

    async def send_raw(self, body: bytes, **headers: str) -> httpx.Response:
        """Post any bytes, as gzipped msgpack unless told otherwise."""
        usual = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/msgpack",
            "content-encoding": "gzip",
        }
        sent = {name: value for name, value in {**usual, **_dashed(headers)}.items() if value}
        return await self.http.post("/api/v1/blocks", content=body, headers=sent)


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def sign_in(http: httpx.AsyncClient, database: Database, login: str) -> httpx.AsyncClient:
    with database.write() as session:
        account = identity.account_by_login(session, login)
        assert account is not None
        http.cookies.set("canhlo", sessions.open_session(session, account, now=datetime.now(UTC)))
    return http
