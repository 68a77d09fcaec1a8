"""The HTTP API: who gets in, what each may see, and what is refused in which words."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from service_parts import NOW, PASSWORD, BridgeClient, block, new_workshop

from service.app import create_app
from service.machine_clock import is_clock_set
from service.settings import Settings
from service.store import firings, identity, kilns
from service.store.database import Database


def first_link(database: Database) -> str:
    with database.write() as session:
        return identity.create_link(session, None, now=datetime.now(UTC), lasts=timedelta(hours=1))


async def test_the_first_link_makes_the_first_account_once(http: httpx.AsyncClient, database: Database) -> None:
    asked = {
        "token": first_link(database),
        "name": "Lan",
        "login": "0912 345 678",
        "password": PASSWORD,
        "workshop_name": "Xưởng Lan",
    }

    made = await http.post("/api/v1/setup", json=asked)
    again = await http.post("/api/v1/setup", json=asked)
    me = await http.get("/api/v1/me")

    assert made.status_code == 201
    assert [(one["id"], one["name"]) for one in me.json()["workshops"]] == [(1, "Xưởng Lan")]
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    cookie = made.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


async def test_over_https_the_cookie_is_bound_to_this_host(settings: Settings, database: Database) -> None:
    new_workshop(database, "lan@example.org")
    app = create_app(settings.model_copy(update={"public_url": "https://lo.example.org"}), database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://lo.example.org") as http:
        answer = await http.post("/api/v1/session", json={"login": "lan@example.org", "password": PASSWORD})

    assert answer.headers["set-cookie"].startswith("__Host-canhlo=")
    assert "Secure" in answer.headers["set-cookie"]


async def test_a_wrong_proof_and_an_unknown_account_look_the_same(http: httpx.AsyncClient, database: Database) -> None:
    new_workshop(database, "lan@example.org")

    wrong = await http.post("/api/v1/session", json={"login": "lan@example.org", "password": "another one"})
    unknown = await http.post("/api/v1/session", json={"login": "nobody@example.org", "password": "another one"})

    assert wrong.status_code == 401
    assert wrong.json() == unknown.json()


async def test_guessing_passwords_is_slowed_down(http: httpx.AsyncClient, database: Database) -> None:
    new_workshop(database, "lan@example.org")
    asked = {"login": "lan@example.org", "password": "another one"}

    codes = [(await http.post("/api/v1/session", json=asked)).status_code for _ in range(11)]

    assert codes == [401] * 10 + [429]


async def test_signing_out_ends_the_session_for_whoever_kept_the_cookie(signed_in: httpx.AsyncClient) -> None:
    kept = signed_in.cookies["canhlo"]

    await signed_in.delete("/api/v1/session")
    answer = await signed_in.get("/api/v1/me", headers={"cookie": f"canhlo={kept}"})

    assert answer.status_code == 401


async def test_another_site_cannot_make_a_browser_change_anything(signed_in: httpx.AsyncClient) -> None:
    asked = {"workshop_id": 1, "name": "Lò 9"}

    foreign = await signed_in.post("/api/v1/kilns", json=asked, headers={"origin": "https://elsewhere.example"})
    own = await signed_in.post("/api/v1/kilns", json=asked, headers={"origin": "http://lo.test"})

    assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_origin")
    assert own.status_code == 201


async def test_null_takes_the_target_cone_away_and_what_is_not_sent_stays(signed_in: httpx.AsyncClient) -> None:
    asked = {"workshop_id": 1, "name": "Lò than", "fuel": "coal", "target_cone": "8"}
    kiln_id = (await signed_in.post("/api/v1/kilns", json=asked)).json()["id"]

    changed = (await signed_in.patch(f"/api/v1/kilns/{kiln_id}", json={"target_cone": None})).json()

    assert (changed["key"], changed["fuel"], changed["target_cone"]) == ("lo-than", "coal", None)


async def test_a_mind_that_changes_in_the_middle_of_a_firing_counts_for_it(
    signed_in: httpx.AsyncClient, database: Database
) -> None:
    points = [{"time_s": 0, "temp_c": 30}, {"time_s": 3600, "temp_c": 900}]
    plan = (await signed_in.post("/api/v1/plans", json={"workshop_id": 1, "name": "men", "points": points})).json()
    kiln = (await signed_in.post("/api/v1/kilns", json={"workshop_id": 1, "name": "Lò 9", "target_cone": "6"})).json()
    with database.write() as session:
        kept = kilns.get_kiln(session, [1], kiln["id"])
        firing_id = firings.start_firing(session, kept, started_at=datetime.now(UTC)).id
    path = f"/api/v1/firings/{firing_id}"
    before = (await signed_in.get(path)).json()

    await signed_in.patch(f"/api/v1/kilns/{kiln['id']}", json={"target_cone": "10", "plan_id": plan["id"]})

    after = (await signed_in.get(path)).json()
    assert (before["target_cone"], before["plan"]) == ("6", None)
    assert (after["target_cone"], after["plan"]["name"]) == ("10", "men")


@pytest.mark.parametrize("times", [[10, 20], [0, 20, 20], [0, 30, 20]])
async def test_a_plan_begins_at_zero_and_goes_forward(signed_in: httpx.AsyncClient, times: list[int]) -> None:
    points = [{"time_s": time_s, "temp_c": 100} for time_s in times]

    answer = await signed_in.post("/api/v1/plans", json={"workshop_id": 1, "name": "men", "points": points})

    assert answer.status_code == 400
    assert "begins at 0 s and its times grow" in answer.json()["detail"]


async def test_what_is_known_of_the_ware_is_kept_and_nothing_else_is_taken(signed_in: httpx.AsyncClient) -> None:
    made = await signed_in.post("/api/v1/kilns", json={"workshop_id": 1, "name": "Lò 9"})
    kiln = f"/api/v1/kilns/{made.json()['id']}"

    said = await signed_in.patch(kiln, json={"ware": ["thick", "raw", "raw"]})
    other = await signed_in.patch(kiln, json={"target_cone": "6"})
    unknown = await signed_in.patch(kiln, json={"ware": ["porcelain"]})

    assert made.json()["ware"] == []
    assert said.json()["ware"] == ["raw", "thick"]
    assert other.json()["ware"] == ["raw", "thick"]
    assert unknown.status_code == 422


async def test_more_cannot_come_out_of_a_kiln_than_went_in(
    signed_in: httpx.AsyncClient, bridge: BridgeClient, database: Database
) -> None:
    await bridge.send(block(1))
    with database.write() as session:
        firings.start_firing(session, kilns.get_kiln(session, [1], 1), started_at=NOW)
    batch = {"ware": "bát", "pieces_loaded": 10, "outcomes": [{"grade": "first", "count": 11}]}

    refused = await signed_in.post("/api/v1/firings/1/batches", json=batch)
    taken = await signed_in.post("/api/v1/firings/1/batches", json={**batch, "pieces_loaded": 12})

    assert refused.json()["detail"] == "11 pieces came out, but only 10 were loaded"
    assert taken.status_code == 201
    assert (await signed_in.get("/api/v1/firings/1/batches")).json()[0]["pieces_loaded"] == 12


async def test_a_curve_of_readings_keeps_its_extremes_and_its_gaps(
    signed_in: httpx.AsyncClient, bridge: BridgeClient
) -> None:
    peak = [20.0] * 300 + [900.0] + [20.0] * 300
    await bridge.send(block(1, at_s=0, top=peak), block(2, at_s=20_000, top=[20.0]))

    window = {"from_at": "1970-01-01T00:00:00Z", "to_at": "1970-01-01T08:00:00Z", "width": 50}
    curve = (await signed_in.get("/api/v1/kilns/1/curve", params=window)).json()

    values = curve["channels"][0]["value_c"]
    assert max(value for value in values if value is not None) == 900.0
    assert None in values
    assert len(values) < 200


async def test_of_a_logger_that_says_a_value_an_hour_the_line_is_drawn(
    signed_in: httpx.AsyncClient, bridge: BridgeClient
) -> None:
    for seq in range(1, 13):
        await bridge.send(block(seq, at_s=3600 * (seq if seq < 9 else seq + 10), top=[600.0 + seq]))

    window = {"from_at": "1970-01-01T00:00:00Z", "to_at": "1970-01-02T00:00:00Z", "width": 1000}
    (channel,) = (await signed_in.get("/api/v1/kilns/1/curve", params=window)).json()["channels"]

    assert channel["value_c"] == [*(600.0 + seq for seq in range(1, 9)), None, *(600.0 + seq for seq in range(9, 13))]


@pytest.mark.parametrize("firing", [[], list(range(1, 10))], ids=["none", "nine"])
async def test_from_one_to_eight_firings_can_be_compared(signed_in: httpx.AsyncClient, firing: list[int]) -> None:
    answer = await signed_in.get("/api/v1/comparison", params={"firing": firing})

    assert answer.status_code == 422


async def test_a_push_can_only_go_to_a_push_service(signed_in: httpx.AsyncClient) -> None:
    keys = {"p256dh": "BJ" + "A" * 85, "auth": "A" * 22}

    inside = await signed_in.post(
        "/api/v1/push-subscriptions",
        json={"endpoint": "https://192.168.1.1/admin", "keys": keys, "device": "Điện thoại"},
    )

    assert inside.status_code == 400


async def test_an_unknown_address_is_the_page_and_an_unknown_api_address_is_a_problem(http: httpx.AsyncClient) -> None:
    api = await http.get("/api/v1/nothing")
    up = await http.get("/../pyproject.toml")

    assert (api.status_code, api.json()["code"]) == (404, "not_found")
    assert "[project]" not in up.text
    assert "default-src 'none'" in api.headers["content-security-policy"]
    assert "default-src 'self'" in up.headers["content-security-policy"]


@pytest.mark.parametrize("told", [True, False])
async def test_a_person_can_say_whether_bridges_may_go_by_its_clock(
    settings: Settings, database: Database, told: bool
) -> None:
    app = create_app(settings.model_copy(update={"clock_is_set": told}), database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lo") as asked:
        assert (await asked.get("/healthz")).json() == {"status": "ok", "is_clock_set": told}


async def test_the_service_says_that_it_is_well_and_counts(http: httpx.AsyncClient) -> None:
    health = (await http.get("/healthz")).json()
    assert health == {"status": "ok", "is_clock_set": is_clock_set()}
    assert (await http.get("/readyz")).json()["status"] == "ready"
    counts = (await http.get("/metrics")).text
    assert "canhlo_ingest_posts_total" in counts
    assert 'canhlo_work_cpu_seconds_total{work="writing"}' in counts
