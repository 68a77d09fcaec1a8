"""Logs that people send: brought in whole or refused in words, whatever they hold, and nothing else stands still."""

import io
import sys
import threading
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from service_parts import new_workshop, sign_in

from service.api import limits
from service.api.guard import MAX_LOG_BYTES
from service.api.once import MOST_IN_MEMORY
from service.archive import upload
from service.archive.upload import Order, bring_in_apart
from service.errors import TooLongError
from service.store.database import Database
from service.store.models import Membership
from service.store.roles import Role

RECORDINGS = Path(__file__).parents[2] / "service/demo/recordings"
TWO_PROBES = (RECORDINGS / "ocr_two_probe_20151021.csv").read_bytes()
GLASS_KILN = (RECORDINGS / "qtkiln_mqtt_first_run.log").read_bytes()
LONG_LOG_S = 400_000  # some seconds of a processor, however fast
PARIS = {"time_zone": "Europe/Paris", "target_cone": "10"}


@pytest.fixture
async def owner(http: httpx.AsyncClient, database: Database) -> httpx.AsyncClient:
    """Return the client, signed in as the owner of workshop 1, which has kiln 1."""
    new_workshop(database, "lan@example.org")
    sign_in(http, database, "lan@example.org")
    assert (await http.post("/api/v1/kilns", json={"workshop_id": 1, "name": "Lò 1"})).status_code == 201
    return http


async def sent(http: httpx.AsyncClient, content: bytes, kiln_id: int = 1, **said: str) -> tuple[int, Any]:
    answer = await http.post(
        f"/api/v1/kilns/{kiln_id}/logs",
        params={"file_name": "log.csv", **said},
        content=content,
        headers={"content-type": "application/octet-stream"},
    )
    return answer.status_code, answer.json()


async def test_a_log_that_is_sent_is_a_firing_with_its_readings(owner: httpx.AsyncClient) -> None:
    status, told = await sent(owner, TWO_PROBES, **PARIS)

    assert (status, told["readings"], len(told["firing_ids"])) == (201, 11_008, 1)
    firing = (await owner.get(f"/api/v1/firings/{told['firing_ids'][0]}")).json()
    curve = (await owner.get(f"/api/v1/firings/{firing['id']}/curve")).json()
    audit = (await owner.get("/api/v1/workshops/1/audit")).json()
    assert (firing["peak_c"], firing["cone_reached"], firing["target_cone"]) == (1283.0, "10", "10")
    assert len(curve["channels"]) == 2
    assert (audit[0]["what"], audit[0]["who"], audit[0]["details"]["file"]) == ("log brought in", "Lan", "log.csv")


async def test_a_log_that_was_brought_in_is_not_brought_in_again(owner: httpx.AsyncClient) -> None:
    await sent(owner, TWO_PROBES, **PARIS)

    status, told = await sent(owner, TWO_PROBES, **PARIS)

    assert (status, told["code"]) == (409, "conflict")
    assert "brought in before" in told["detail"]
    assert len((await owner.get("/api/v1/firings")).json()) == 1


async def test_a_log_sent_twice_under_one_key_is_answered_once(owner: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/octet-stream", "idempotency-key": "a-log-on-a-bad-network"}
    padded = TWO_PROBES + b"\n" * MOST_IN_MEMORY  # more than is held in memory
    first, second = [
        await owner.post("/api/v1/kilns/1/logs", params=PARIS, content=padded, headers=headers) for _ in range(2)
    ]

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert len((await owner.get("/api/v1/firings")).json()) == 1


async def test_a_log_without_a_calendar_asks_when_it_began(owner: httpx.AsyncClient) -> None:
    status, told = await sent(owner, GLASS_KILN)
    assert (status, told["code"]) == (400, "undated_log")

    status, told = await sent(owner, GLASS_KILN, start_at="2026-02-01T08:00:00+07:00")

    assert status == 201
    assert told["firing_ids"]


async def test_what_is_no_log_is_refused_in_words(owner: httpx.AsyncClient) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.csv", bytes(300 * 1024 * 1024))

    noise = await sent(owner, b"\x00\xffno log at all")
    inflated = await sent(owner, bomb.getvalue())
    form = await owner.post("/api/v1/kilns/1/logs", content=TWO_PROBES, headers={"content-type": "text/plain"})
    nowhere = await sent(owner, TWO_PROBES, time_zone="Bat/Trang")
    never = await sent(owner, b"time,top_c\n9999-12-31T23:59:59-12:00,20\n")

    assert [(status, told["code"]) for status, told in (noise, inflated, nowhere, never)] == [
        (400, "unreadable_log"),
        (400, "unreadable_log"),
        (400, "invalid"),
        (400, "invalid"),
    ]
    assert (form.status_code, form.json()["code"]) == (400, "invalid")
    assert "not a log that is known" in noise[1]["detail"]
    assert "larger than 256 MB" in inflated[1]["detail"]


async def test_a_log_has_its_own_bound(owner: httpx.AsyncClient) -> None:
    status, told = await sent(owner, b"x" * (MAX_LOG_BYTES + 1))

    assert (status, told["code"]) == (413, "http_413")


async def test_logs_beyond_a_few_are_turned_away_before_they_are_read(
    owner: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_logs", threading.BoundedSemaphore(1))
    with limits.receiving_log():
        plain = await sent(owner, TWO_PROBES, **PARIS)
        headers = {"content-type": "application/octet-stream", "idempotency-key": "a-key-of-mine"}
        keyed = await owner.post("/api/v1/kilns/1/logs", params=PARIS, content=TWO_PROBES, headers=headers)

    assert (plain[0], plain[1]["code"]) == (503, "busy")
    assert (keyed.status_code, keyed.json()["code"]) == (503, "busy")


async def test_one_log_at_a_time_is_read(owner: httpx.AsyncClient) -> None:
    with upload._at_work:
        status, told = await sent(owner, TWO_PROBES, **PARIS)

    assert (status, told["code"]) == (503, "busy")


async def test_a_log_that_takes_too_long_is_given_up(
    owner: httpx.AsyncClient, database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    start = datetime(2026, 3, 1, tzinfo=UTC)
    lines = (f"{(start + timedelta(seconds=s)).isoformat()},{20 + s % 1000}\n" for s in range(LONG_LOG_S))
    path.write_text("time,top_c\n" + "".join(lines), encoding="utf-8")
    order = Order(database_url, str(path), "log.csv", 1, 1, "Lan", "vi")

    for one in (replace(order, most_processor_s=1), replace(order, most_memory_bytes=300_000_000)):
        with pytest.raises(TooLongError, match="more time or memory"):
            bring_in_apart(one)
    assert (await owner.get("/api/v1/firings")).json() == []


async def test_a_system_that_lets_nobody_be_nice_takes_logs_too(
    owner: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = (
        "import os; from service.archive import upload\n"
        "def refuse(_): raise PermissionError(1, 'Operation not permitted')\n"
        "os.nice = refuse; upload.main()"
    )
    monkeypatch.setattr(upload, "_PROGRAM", (sys.executable, "-c", refusing))

    status, told = await sent(owner, TWO_PROBES, **PARIS)

    assert (status, told["readings"]) == (201, 11_008)


async def test_an_operator_does_not_bring_in_logs(owner: httpx.AsyncClient, database: Database) -> None:
    with database.write() as session:
        session.get_one(Membership, (1, 1)).role = Role.OPERATOR.value

    status, told = await sent(owner, TWO_PROBES, **PARIS)

    assert (status, told["code"]) == (403, "refused")
