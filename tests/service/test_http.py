"""What every answer keeps to: tags, pages, problems that name the field, keys that do nothing twice, the document."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from fastapi import FastAPI
from service_parts import NOW, new_workshop, sign_in
from sqlalchemy import create_engine, select, text, update

from service.alarms.outbox import Outbox
from service.api.deps import Parts
from service.api.limits import TryLimit
from service.app import Server, create_app
from service.settings import Settings
from service.store import firings, kilns
from service.store.database import Database
from service.store.models import Kiln, Membership, SignInSession, StoredAnswer
from service.store.roles import Role

KILN = {"workshop_id": 1, "name": "Lò 9"}
KEY = {"idempotency-key": "5f0c1a9e-6d2b-4c8e-9f52-0d4d7a1f9b11"}


def names(database: Database) -> list[str]:
    with database.read() as session:
        return [kiln.name for kiln in session.scalars(select(Kiln).order_by(Kiln.id))]


async def test_asking_twice_with_one_key_does_it_once_and_is_answered_alike(
    signed_in: httpx.AsyncClient, database: Database
) -> None:
    first = await signed_in.post("/api/v1/kilns", json=KILN, headers=KEY)
    second = await signed_in.post("/api/v1/kilns", json=KILN, headers=KEY)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert (first.headers.get("idempotency-replayed"), second.headers["idempotency-replayed"]) == (None, "true")
    assert names(database) == ["Lò 9"]


async def test_one_key_sent_ten_times_at_once_does_it_once(signed_in: httpx.AsyncClient, database: Database) -> None:
    asked = [signed_in.post("/api/v1/kilns", json=KILN, headers=KEY) for _ in range(10)]

    codes = [answer.status_code for answer in await asyncio.gather(*asked)]

    assert set(codes) <= {201, 409}
    assert 201 in codes
    assert names(database) == ["Lò 9"]


async def test_a_key_is_for_one_request_of_one_person(signed_in: httpx.AsyncClient, database: Database) -> None:
    await signed_in.post("/api/v1/kilns", json=KILN, headers=KEY)

    other = await signed_in.post("/api/v1/kilns", json={**KILN, "name": "Lò 10"}, headers=KEY)
    sign_in(signed_in, database, "lan@example.org")
    new_workshop(database, "minh@example.org")
    sign_in(signed_in, database, "minh@example.org")
    theirs = await signed_in.post("/api/v1/kilns", json={"workshop_id": 2, "name": "Lò 9"}, headers=KEY)
    nobody = await signed_in.post("/api/v1/kilns", json=KILN, headers={**KEY, "cookie": ""})

    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert theirs.status_code == 201
    assert nobody.status_code in {401, 422}


async def test_an_answer_is_kept_for_who_may_do_no_less_than_when_it_was_given(
    signed_in: httpx.AsyncClient, database: Database
) -> None:
    asked = {"name": "Grafana", "scope": "read", "days": 3}
    first = await signed_in.post("/api/v1/workshops/1/tokens", json=asked, headers=KEY)
    with database.write() as session:
        session.execute(update(Membership).values(role=Role.TECHNICIAN.value))

    less = await signed_in.post("/api/v1/workshops/1/tokens", json=asked, headers=KEY)

    assert (first.status_code, less.status_code, less.json()["code"]) == (201, 403, "refused")


async def test_what_is_answered_again_and_what_leads_nowhere_count_as_requests(
    app: FastAPI, signed_in: httpx.AsyncClient
) -> None:
    parts: Parts = app.state.parts
    await signed_in.post("/api/v1/kilns", json=KILN, headers=KEY)
    app.state.parts = replace(parts, requests=TryLimit(tries=2, refill_s=3600))

    again = [await signed_in.post("/api/v1/kilns", json=KILN, headers=KEY) for _ in range(3)]
    nowhere = await signed_in.post("/api/v1/nowhere", headers=KEY)

    assert [answer.status_code for answer in (*again, nowhere)] == [201, 201, 429, 429]
    assert (again[-1].json()["code"], again[-1].headers["retry-after"]) == ("too_many", "3600")


async def test_what_was_refused_may_be_put_right_under_the_same_key(
    signed_in: httpx.AsyncClient, database: Database
) -> None:
    refused = await signed_in.post("/api/v1/kilns", json={**KILN, "name": ""}, headers=KEY)
    taken = await signed_in.post("/api/v1/kilns", json=KILN, headers=KEY)

    assert (refused.status_code, taken.status_code) == (422, 201)


async def test_a_kept_answer_is_sealed_and_gone_after_a_day(signed_in: httpx.AsyncClient, database: Database) -> None:
    asked = {"name": "Grafana", "scope": "read", "days": 3}
    secret = (await signed_in.post("/api/v1/workshops/1/tokens", json=asked, headers=KEY)).json()["token"]
    with database.read() as session:
        [kept] = session.scalars(select(StoredAnswer))
    assert kept.answer is not None
    assert secret.encode() not in kept.answer

    with database.write() as session:
        session.execute(update(StoredAnswer).values(at=datetime.now(UTC) - timedelta(hours=25)))
    later = await signed_in.post("/api/v1/workshops/1/tokens", json=asked, headers=KEY)

    assert later.json()["token"] != secret


async def test_a_request_that_was_never_answered_is_not_simply_done_again(
    signed_in: httpx.AsyncClient, database: Database
) -> None:
    await signed_in.post("/api/v1/kilns", json=KILN, headers=KEY)
    with database.write() as session:
        session.execute(update(StoredAnswer).values(status=None, answer=None))

    soon = await signed_in.post("/api/v1/kilns", json=KILN, headers=KEY)
    with database.write() as session:
        session.execute(update(StoredAnswer).values(at=datetime.now(UTC) - timedelta(hours=1)))
    later = await signed_in.post("/api/v1/kilns", json=KILN, headers=KEY)

    assert (soon.status_code, soon.json()["code"], soon.headers["retry-after"]) == (409, "in_work", "1")
    assert (later.status_code, later.json()["code"]) == (409, "conflict")
    assert "nobody knows how it ended" in later.json()["detail"]
    assert names(database) == ["Lò 9"]


def fails(*_asked: object, **_said: object) -> None:
    msg = "the disk is full"
    raise RuntimeError(msg)


async def test_a_request_that_failed_inside_gives_its_key_up(
    signed_in: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("service.store.kilns.create_kiln", fails)
        with pytest.raises(RuntimeError):
            await signed_in.post("/api/v1/kilns", json=KILN, headers=KEY)

    again = await signed_in.post("/api/v1/kilns", json=KILN, headers=KEY)

    assert again.status_code == 201
    assert names(database) == ["Lò 9"]


async def test_what_failed_only_after_it_was_done_is_not_done_again(
    signed_in: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        kilns.add_channel(session, kilns.create_kiln(session, 1, name="Lò 1", key="lo-1"), "top", "c")
    path, asked = "/api/v1/channels/1/calibrations", {"from_at": NOW.isoformat(), "offset_c": 2.0}
    with monkeypatch.context() as broken:
        broken.setattr("service.monitor.loop.Monitor.tell", fails)
        with pytest.raises(RuntimeError):
            await signed_in.post(path, json=asked, headers=KEY)

    again = await signed_in.post(path, json=asked, headers=KEY)

    assert (again.status_code, again.json()["code"]) == (409, "in_work")
    assert len((await signed_in.get(path)).json()) == 1


@pytest.mark.parametrize("key", ["short", "with a space in it", "x" * 201])
async def test_a_key_that_is_none_is_refused(signed_in: httpx.AsyncClient, key: str) -> None:
    answer = await signed_in.post("/api/v1/kilns", json=KILN, headers={"idempotency-key": key})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


async def test_what_a_caller_has_is_not_sent_again(signed_in: httpx.AsyncClient) -> None:
    await signed_in.post("/api/v1/plans", json={"workshop_id": 1, "name": "men", "points": points(30, 40)})
    first = await signed_in.get("/api/v1/plans")

    again = await signed_in.get("/api/v1/plans", headers={"if-none-match": first.headers["etag"]})
    await signed_in.post("/api/v1/plans", json={"workshop_id": 1, "name": "men 2", "points": points(30, 50)})
    changed = await signed_in.get("/api/v1/plans", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert (changed.status_code, len(changed.json())) == (200, 2)


def points(*temps_c: float) -> list[dict[str, float]]:
    return [{"time_s": 60.0 * index, "temp_c": temp_c} for index, temp_c in enumerate(temps_c)]


async def test_a_list_goes_on_where_its_link_says(signed_in: httpx.AsyncClient, database: Database) -> None:
    with database.write() as session:
        kiln = kilns.create_kiln(session, 1, name="Lò 1", key="lo-1")
        for number in range(5):
            began_at = NOW + timedelta(days=number)
            firings.add_firing(session, kiln, started_at=began_at, ended_at=began_at + timedelta(hours=9))

    url: str | None = "/api/v1/firings?limit=2&kiln_id=1"
    pages = []
    while url is not None:
        answer = await signed_in.get(url)
        pages.append([one["number"] for one in answer.json()])
        url = answer.links.get("next", {}).get("url")

    assert pages == [[5, 4], [3, 2], [1]]


async def test_a_mistake_is_named_by_its_field(signed_in: httpx.AsyncClient) -> None:
    asked = {"workshop_id": 1, "name": "men", "points": [{"time_s": 0, "temp_c": 20}, {"time_s": 9, "temp_c": "hot"}]}

    body = await signed_in.post("/api/v1/plans", json=asked)
    query = await signed_in.get("/api/v1/firings", params={"limit": 0})

    assert body.headers["content-type"] == "application/problem+json"
    assert [one["field"] for one in body.json()["errors"]] == ["points[1].temp_c"]
    assert [one["field"] for one in query.json()["errors"]] == ["limit in the query"]


def operations(app: FastAPI) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", operation)
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    ]


async def test_every_operation_is_described_and_named_and_says_how_it_fails(app: FastAPI) -> None:
    found = operations(app)

    assert len(found) > 60
    said = ("summary", "description", "operationId")
    assert [name for name, one in found if not all(one.get(part) for part in said)] == []
    assert len({one["operationId"] for _, one in found}) == len(found)
    assert [name for name, one in found if "4XX" not in one["responses"]] == []


async def test_every_body_has_an_example_that_is_of_its_form(app: FastAPI) -> None:
    document = app.openapi()
    bodies = [
        (name, content["application/json"])
        for name, one in operations(app)
        for content in (
            *(body["content"] for body in [one.get("requestBody")] if body),
            *(answer["content"] for answer in one["responses"].values() if "content" in answer),
        )
        if "application/json" in content and content["application/json"].get("schema")
    ]

    assert len(bodies) > 60
    assert [name for name, body in bodies if "example" not in body] == []
    wrong: dict[str, list[str]] = {}
    for name, body in bodies:
        form = {**body["schema"], "components": document["components"]}
        errors = [str(error) for error in jsonschema_rs.iter_errors(form, body["example"])]
        wrong.update({name: errors} if errors else {})
    assert wrong == {}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_cannot_write_in_time_is_told_that_others_do(
    signed_in: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.store.turn.TURN_WITHIN_S", 0.05)
    with database.write() as session:  # that a browser was here is to be noted too
        session.execute(update(SignInSession).values(seen_at=datetime.now(UTC) - timedelta(hours=2)))
    with database.write() as session:
        session.connection()
        answers = [await signed_in.post("/api/v1/kilns", json=KILN, headers=headers) for headers in ({}, KEY)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(503, "busy")] * 2
    assert "others were writing" in answers[0].json()["detail"]
    assert (await signed_in.post("/api/v1/kilns", json=KILN, headers=KEY)).status_code == 201


# --- a part of the service that fails --------------------------------------------------------------------------------


def test_a_service_of_which_a_part_fails_for_good_stops_and_does_not_only_look_alive(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(_outbox: Outbox) -> None:
        raise RuntimeError

    monkeypatch.setattr(Outbox, "run", fails)
    settings = Settings(data_dir=tmp_path, port=0)
    server = Server(create_app(settings, database), settings)

    thread = threading.Thread(target=server.run)
    thread.start()
    thread.join(30)

    assert not thread.is_alive()
    assert "a part of the service failed" in caplog.text


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_database_that_is_away_is_told_of_and_found_again(
    signed_in: httpx.AsyncClient, database: Database
) -> None:
    url = database.engine.url
    server = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    allowed = text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true")
    with server.connect() as admin:
        admin.execute(text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false"))
        admin.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": url.database},
        )
        away, keyed = [await signed_in.post("/api/v1/kilns", json=KILN, headers=key) for key in ({}, KEY)]
        admin.execute(allowed)
    server.dispose()
    back = await signed_in.post("/api/v1/kilns", json=KILN, headers=KEY)

    assert (keyed.status_code, keyed.json()) == (away.status_code, away.json())
    assert (away.status_code, away.json()["code"], away.headers["retry-after"]) == (503, "busy", "5")
    assert "cannot reach its database" in away.json()["detail"]
    assert back.status_code == 201, back.text
    assert names(database) == ["Lò 9"]
