"""Plans and channels: written, read from other systems' files, changed; what firings had they keep."""

import json

import httpx
import pytest
from service_parts import NOW

from service.store import firings, kilns
from service.store.database import Database

POINTS = [{"time_s": 0, "temp_c": 30}, {"time_s": 3600, "temp_c": 130}]
KILN_CONTROLLER = json.dumps({"type": "profile", "name": "cone-05", "data": [[0, 212], [3600, 392], [7200, 392]]})


async def new_plan(http: httpx.AsyncClient, name: str = "men") -> dict[str, object]:
    answer = await http.post("/api/v1/plans", json={"workshop_id": 1, "name": name, "points": POINTS})
    made: dict[str, object] = answer.json()
    return made


async def test_a_schedule_file_that_names_no_unit_is_taken_once_somebody_says_it(signed_in: httpx.AsyncClient) -> None:
    asked = {"workshop_id": 1, "file_name": "cone-05.json", "content": KILN_CONTROLLER}

    unsaid = await signed_in.post("/api/v1/plan-files", json=asked)
    said = await signed_in.post("/api/v1/plan-files", json={**asked, "unit": "f"})

    assert (unsaid.status_code, unsaid.json()["code"]) == (400, "unreadable_schedule")
    assert "°C or °F" in unsaid.json()["detail"]
    assert said.status_code == 201
    [plan] = said.json()
    assert (plan["name"], [one["temp_c"] for one in plan["points"]]) == ("cone-05", [100, 200, 200])
    assert [one["id"] for one in (await signed_in.get("/api/v1/plans")).json()] == [plan["id"]]


@pytest.mark.parametrize("content", ["{}", "no schedule", "[" * 100_000, '{"data": [[0, 1e400]]}', '{"data":'])
async def test_a_file_that_is_no_schedule_is_refused_and_leaves_nothing(
    signed_in: httpx.AsyncClient, content: str
) -> None:
    asked = {"workshop_id": 1, "file_name": "x", "content": content, "unit": "c"}

    answer = await signed_in.post("/api/v1/plan-files", json=asked)

    assert (answer.status_code, answer.json()["code"]) == (400, "unreadable_schedule")
    assert (await signed_in.get("/api/v1/plans")).json() == []


@pytest.mark.parametrize("end", [{"time_s": 30, "temp_c": 1250}, {"time_s": 3e6, "temp_c": 30}])
async def test_a_plan_that_no_kiln_can_follow_is_refused(signed_in: httpx.AsyncClient, end: dict[str, float]) -> None:
    points = [{"time_s": 0, "temp_c": 30}, end]

    made = await signed_in.post("/api/v1/plans", json={"workshop_id": 1, "name": "men", "points": points})
    plan = await new_plan(signed_in)
    changed = await signed_in.put(f"/api/v1/plans/{plan['id']}", json={"name": "men", "points": points})

    for answer in (made, changed):
        assert (answer.status_code, answer.json()["code"]) == (400, "impossible_plan")


async def test_a_firing_keeps_the_plan_it_was_fired_by_and_kilns_take_the_changed_one(
    signed_in: httpx.AsyncClient, database: Database
) -> None:
    plan = await new_plan(signed_in)
    made = await signed_in.post("/api/v1/kilns", json={"workshop_id": 1, "name": "Lò 9"})
    kiln = f"/api/v1/kilns/{made.json()['id']}"
    await signed_in.patch(kiln, json={"plan_id": plan["id"]})
    with database.write() as session:
        firings.start_firing(session, kilns.get_kiln(session, [1], made.json()["id"]), started_at=NOW)

    changed = await signed_in.put(f"/api/v1/plans/{plan['id']}", json={"name": "men 2", "points": POINTS})

    assert changed.json()["id"] != plan["id"]
    assert (await signed_in.get(kiln)).json()["plan_id"] == changed.json()["id"]
    assert (await signed_in.get("/api/v1/firings/1")).json()["plan"]["name"] == "men"
    assert [one["name"] for one in (await signed_in.get("/api/v1/plans")).json()] == ["men 2"]
    assert (await signed_in.delete(f"/api/v1/plans/{changed.json()['id']}")).status_code == 204
    assert (await signed_in.get(kiln)).json()["plan_id"] is None
    assert (await signed_in.get("/api/v1/plans")).json() == []


async def test_a_plan_that_nobody_fired_by_is_changed_in_place_and_only_as_it_was_seen(
    signed_in: httpx.AsyncClient,
) -> None:
    plan = await new_plan(signed_in)
    asked = {"name": "men 2", "points": POINTS}

    changed = await signed_in.put(
        f"/api/v1/plans/{plan['id']}", json=asked, headers={"if-match": f'"{plan["version"]}"'}
    )
    stale = await signed_in.delete(f"/api/v1/plans/{plan['id']}", headers={"if-match": f'"{plan["version"]}"'})

    assert (changed.json()["id"], changed.json()["name"]) == (plan["id"], "men 2")
    assert stale.status_code == 412


async def test_the_list_of_kilns_shows_every_change_at_once(signed_in: httpx.AsyncClient, database: Database) -> None:
    with database.write() as session:
        kilns.create_kiln(session, 1, name="Lò 1", key="lo-1")
        kilns.create_kiln(session, 1, name="Lò 2", key="lo-2")
    plan = await new_plan(signed_in)

    async def listed() -> list[tuple[str, int | None]]:
        found = (await signed_in.get("/api/v1/kilns")).json()
        assert [(await signed_in.get(f"/api/v1/kilns/{one['id']}")).json()["version"] for one in found] == [
            one["version"] for one in found
        ]
        return [(one["name"], one["plan_id"]) for one in found]

    assert await listed() == [("Lò 1", None), ("Lò 2", None)]
    await signed_in.patch("/api/v1/kilns/1", json={"name": "Lò cũ", "plan_id": plan["id"]})
    assert await listed() == [("Lò cũ", plan["id"]), ("Lò 2", None)]
    await signed_in.delete(f"/api/v1/plans/{plan['id']}")  # which takes it from all kilns that follow it
    assert await listed() == [("Lò cũ", None), ("Lò 2", None)]


async def test_a_channel_has_a_label_and_a_place_and_keeps_its_name(
    signed_in: httpx.AsyncClient, database: Database
) -> None:
    with database.write() as session:
        kiln = kilns.create_kiln(session, 1, name="Lò 1", key="lo-1")
        kilns.add_channel(session, kiln, "t0", "c")

    said = await signed_in.patch("/api/v1/channels/1", json={"label": "Can trên", "place": "top"})
    hidden = await signed_in.patch("/api/v1/channels/1", json={"is_hidden": True})
    bare = await signed_in.patch("/api/v1/channels/1", json={"label": None})
    wrong = await signed_in.patch("/api/v1/channels/1", json={"place": "moon"})

    assert (said.json()["name"], said.json()["label"], said.json()["place"]) == ("t0", "Can trên", "top")
    assert (hidden.json()["label"], hidden.json()["is_hidden"]) == ("Can trên", True)
    assert (bare.json()["label"], bare.json()["place"]) == (None, "top")
    assert wrong.status_code == 422


async def test_a_kiln_out_of_use_is_not_among_the_others_and_comes_back(
    signed_in: httpx.AsyncClient, database: Database
) -> None:
    made = (await signed_in.post("/api/v1/kilns", json={"workshop_id": 1, "name": "Lò cũ"})).json()
    kiln = f"/api/v1/kilns/{made['id']}"

    retired = await signed_in.patch(kiln, json={"is_retired": True})

    assert retired.json()["retired_at"] is not None
    assert (await signed_in.get("/api/v1/kilns")).json() == []
    assert len((await signed_in.get("/api/v1/kilns", params={"retired": True})).json()) == 1
    assert (await signed_in.patch(kiln, json={"is_retired": False})).json()["retired_at"] is None
    with database.write() as session:
        firings.start_firing(session, kilns.get_kiln(session, [1], made["id"]), started_at=NOW)
    assert (await signed_in.patch(kiln, json={"is_retired": True})).status_code == 409
