"""Files that are handed out: so many at once, whatever becomes of those who asked for them."""

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from running import running
from service_parts import NOW, new_workshop

from firmware_bridge.wire import Block, Column, Unit
from service.api.limits import MOST_FILES
from service.series import blocks as series
from service.series.blocks import NewBlock
from service.settings import Settings
from service.store import api_tokens, firings, kilns
from service.store.database import Database
from service.store.identity import bridge_of_logs
from service.store.roles import Scope

READINGS = 100_000
CHANNELS = [f"can_{number}" for number in range(5)]
# A slow reader: what it has not taken waits in the service, not in the sockets.
SLOW = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'canhlo.sqlite3'}"


@pytest.fixture
def slow(settings: Settings, database: Database) -> Iterator[httpx.Client]:
    """Return a client of a running service with one long firing."""
    workshop_id = new_workshop(database, "lan@example.org")
    at_ms = [int(NOW.timestamp() * 1000) + 1000 * second for second in range(READINGS)]
    values = [20.0 + second % 977 for second in range(READINGS)]
    with database.write() as session:
        kiln = kilns.create_kiln(session, workshop_id, name="Lò 1", key="lo-1")
        for name in CHANNELS:
            kilns.add_channel(session, kiln, name, "c")
        columns = [Column(name, Unit.CELSIUS, at_ms, values, {}) for name in CHANNELS]
        bridge = bridge_of_logs(session, workshop_id, now=NOW)
        block = NewBlock(bridge, kiln.id, Block("b0" * 8, 1, "lo-1", max(at_ms), columns))
        series.append(session, [block], received_at=NOW, is_history=True)
        ended_at = NOW + timedelta(seconds=READINGS)
        firings.add_firing(session, kiln, started_at=NOW, ended_at=ended_at, end_cause="operator")
        now = datetime.now(UTC)
        token = api_tokens.create(
            session, 1, 1, name="Grafana", scope=Scope.READ, expires_at=now + timedelta(days=1), now=now
        )[1]
    with running(settings, database) as address:
        transport = httpx.HTTPTransport(socket_options=SLOW)
        shown = {"authorization": f"Bearer {token}"}
        with httpx.Client(transport=transport, base_url=f"{address}/api/v1", headers=shown, timeout=30) as client:
            yield client


def test_a_third_file_at_once_waits_until_another_one_is_out(slow: httpx.Client) -> None:
    hour = {"from_at": NOW.isoformat(), "to_at": (NOW + timedelta(hours=30)).isoformat(), "format": "json"}
    assert MOST_FILES == 2
    with (
        slow.stream("GET", "/firings/1/file", params={"format": "json"}) as whole,
        slow.stream("GET", "/kilns/1/file", params=hour) as _broken_off,
    ):
        refused = [slow.get("/firings/1/file"), slow.get("/kilns/1/file", params=hour)]
        document = whole.read()

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(503, "busy")] * 2
    assert len(document) > 10_000_000
    # The one that nobody read to its end gives its place back as well.
    deadline_s = time.monotonic() + 20
    while not both_go(slow):
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def test_a_firing_without_end_is_not_handed_out_whole(slow: httpx.Client, database: Database) -> None:
    with database.write() as session:
        kiln = kilns.get_kiln(session, [1], 1)
        firings.add_firing(session, kiln, started_at=NOW - timedelta(days=15), ended_at=NOW, end_cause="operator")

    answer = slow.get("/firings/2/file")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert "longer than 14 days" in answer.json()["detail"]


def both_go(slow: httpx.Client) -> bool:
    """Say whether two files can be had at once."""
    with slow.stream("GET", "/firings/1/file") as one, slow.stream("GET", "/firings/1/file") as other:
        return [one.status_code, other.status_code] == [200, 200]
