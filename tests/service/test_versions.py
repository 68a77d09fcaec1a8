"""What people change has versions: nobody overwrites what they have not seen, and what was done to it is on record."""

import asyncio
from typing import Any

import httpx
import pytest
from service_parts import NOW, new_workshop, sign_in

from service.store import audit, firings, kilns, plans
from service.store.database import Database
from service.store.models import Base, Batch, Channel, Firing, Kiln, Plan

BATCH = {"ware": "bát", "pieces_loaded": 12, "outcomes": [{"grade": "first", "count": 9}]}
POINTS = [{"time_s": 0, "temp_c": 30}, {"time_s": 9, "temp_c": 40}]


@pytest.fixture
def owner(database: Database, http: httpx.AsyncClient) -> httpx.AsyncClient:
    """Of a workshop that has one of everything."""
    new_workshop(database, "lan@example.org")
    with database.write() as session:
        kiln = kilns.create_kiln(session, 1, name="Lò 1", key="lo-1")
        kilns.add_channel(session, kiln, "top", "c")
        plans.create_plan(session, 1, name="men", points=POINTS)
        firings.add_firing(session, kiln, started_at=NOW, ended_at=NOW, end_cause="operator", plan_id=1)
        session.add(Batch(workshop_id=1, firing_id=1, ware="bát", pieces_loaded=12, note="", outcomes=[]))
    return sign_in(http, database, "lan@example.org")


async def test_outcomes_are_not_overwritten_by_who_has_not_seen_them(owner: httpx.AsyncClient) -> None:
    [batch] = (await owner.get("/api/v1/firings/1/batches")).json()
    seen = {"if-match": f'"{batch["version"]}"'}

    mine = await owner.put("/api/v1/batches/1", json=BATCH, headers=seen)
    theirs = await owner.put("/api/v1/batches/1", json={**BATCH, "outcomes": []}, headers=seen)
    gone = await owner.delete("/api/v1/batches/1", headers=seen)

    assert (mine.status_code, theirs.status_code, gone.status_code) == (200, 412, 412)
    assert theirs.json()["code"] == "changed_meanwhile"
    assert (await owner.get("/api/v1/firings/1/batches")).json() == [mine.json()]
    newer = {"if-match": f'"{mine.json()["version"]}"'}
    assert (await owner.delete("/api/v1/batches/1", headers=newer)).status_code == 204


async def test_what_is_done_to_batches_is_on_record(owner: httpx.AsyncClient, database: Database) -> None:
    made = (await owner.post("/api/v1/firings/1/batches", json=BATCH)).json()
    await owner.put(f"/api/v1/batches/{made['id']}", json={**BATCH, "outcomes": [{"grade": "reject", "count": 12}]})
    await owner.delete(f"/api/v1/batches/{made['id']}")

    with database.read() as session:
        said = [(one.what, one.details["pieces"]) for one in audit.newest(session, 1, before_id=None, limit=9)]
        assert audit.first_broken(session, 1) is None
    assert said == [
        ("batch removed", "loaded 12, reject 12"),
        ("batch changed", "loaded 12, reject 12"),
        ("batch made", "loaded 12, first 9"),
    ]


@pytest.mark.parametrize(
    ("table", "column", "path", "method", "body"),
    [
        (Kiln, "name", "/kilns/1", "PATCH", {"name": "Lò 2"}),
        (Channel, "label", "/channels/1", "PATCH", {"label": "dưới"}),
        (Plan, "name", "/plans/1", "PUT", {"name": "men 2", "points": POINTS}),
        (Firing, "note", "/firings/1", "PATCH", {"note": "gió to"}),
        (Batch, "note", "/batches/1", "PUT", BATCH),
    ],
)
async def test_of_two_changes_at_once_the_second_is_told_of_the_first(
    owner: httpx.AsyncClient, database: Database, table: type[Base], column: str, path: str, method: str, body: Any
) -> None:
    every = [*(await owner.get("/api/v1/firings/1/batches")).json(), *(await owner.get("/api/v1/plans")).json()]
    versions = {"/batches/1": every[0]["version"], "/plans/1": every[1]["version"]}
    version = versions.get(path) or (await owner.get(f"/api/v1{path}")).json()["version"]
    asked = owner.request(method, f"/api/v1{path}", json=body, headers={"if-match": f'"{version}"'})

    with database.write() as session:
        setattr(session.get(table, 1), column, "của họ")
        session.flush()
        theirs = asyncio.create_task(asked)
        await asyncio.sleep(0.5)
    answer = await theirs

    assert (answer.status_code, answer.json()["code"]) == (412, "changed_meanwhile")
    with database.read() as session:
        assert getattr(session.get(table, 1), column) == "của họ"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_what_another_has_just_removed_is_not_there(
    owner: httpx.AsyncClient, database: Database, method: str
) -> None:
    asked = owner.request(method, "/api/v1/batches/1", json=BATCH if method == "PUT" else None)

    with database.write() as session:
        session.delete(session.get_one(Batch, 1))
        session.flush()
        mine = asyncio.create_task(asked)
        await asyncio.sleep(0.5)
    answer = await mine

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
