"""Every route, asked by everybody who must not get anything: generated from the application itself."""

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from service_parts import BridgeClient, block, new_bridge, new_workshop
from sqlalchemy import delete, select, update

from service.api.deps import May, _caller
from service.app import Application
from service.archive.hand_out import FORMATS
from service.core.findings import Finding, Group, Severity
from service.store import api_tokens, audit, calibrations, findings, firings, identity, kilns, members, plans, sessions
from service.store.database import Database
from service.store.models import (
    Account,
    Alarm,
    Batch,
    Calibration,
    Firing,
    Membership,
    SignInSession,
    StoredBlock,
    StoredFinding,
)
from service.store.roles import GRANTS, Action, Role, Scope

API = "/api/v1"
SECRET = "BÍ MẬT CỦA NHÀ MINH"
LAN, MINH = 1, 2  # the two workshops
# What may be called by nobody in particular: entering, and what carries a secret of its own.
OPEN = {
    "/bridge/token",
    *("/session/passkey", "/session/passkey/challenge", "/session/provider", "/session/provider/begin"),
    *("/setup", "/session", "/session/link", "/pair", "/acknowledge", "/acknowledge/look", "/pushes/seen"),
    *("/invitations/look", "/invitations/join"),
}
# What a person does with what is that person's own, whatever the workshop.
OWN = {
    "/me",
    "/me/sessions",
    "/me/sessions/end",
    "/me/password",
    "/me/login",
    "/me/passkeys",
    "/me/passkeys/challenge",
    "/me/passkeys/remove",
    "/me/two-factors",
    "/me/provider",
    "/me/provider/begin",
    "/me/provider/untie",
    "/push-subscriptions",
    "/push-subscriptions/{subscription_id}",
    "/push-subscriptions/{subscription_id}/test",
}
NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
HOUR = {"from_at": NOW.isoformat(), "to_at": (NOW + timedelta(hours=1)).isoformat()}
QUERIES = {"/kilns/{kiln_id}/curve": HOUR, "/kilns/{kiln_id}/file": HOUR, "/comparison": {"firing": "1"}}
PLAN = [{"time_s": 0, "temp_c": 30}, {"time_s": 9, "temp_c": 40}]
BODIES: dict[str, dict[str, Any]] = {
    "PATCH /me": {"language": "en"},
    "POST /me/sessions/end": {"password": "mine now, all of it"},
    "PUT /me/password": {"current": "mine now, all of it", "new": "mine now, all of it"},
    "PUT /me/login": {"password": "mine now, all of it", "login": "0912 345 678"},
    "POST /me/passkeys/challenge": {"password": "mine now, all of it"},
    "POST /me/passkeys": {"client_data": "AAAA", "attestation": "AAAA"},
    "POST /me/passkeys/remove": {"password": "mine now, all of it", "passkey_id": 1},
    "POST /me/provider/begin": {"password": "mine now, all of it"},
    "POST /me/provider/untie": {"password": "mine now, all of it"},
    "PUT /me/two-factors": {"password": "mine now, all of it", "are_wanted": False},
    "PATCH /workshops/{workshop_id}/members/{account_id}": {"role": "operator"},
    "POST /workshops/{workshop_id}/invitations": {"role": "operator"},
    "POST /workshops/{workshop_id}/tokens": {"name": "Telegraf", "scope": "read", "days": 30},
    "POST /kilns": {"workshop_id": MINH, "name": "Lò của tôi"},
    "PATCH /kilns/{kiln_id}": {"name": "mine now"},
    "POST /plans": {"workshop_id": MINH, "name": "men", "points": PLAN},
    "POST /bridges": {"workshop_id": MINH, "name": "Pi"},
    "PATCH /firings/{firing_id}": {"note": "mine now"},
    "POST /kilns/{kiln_id}/firings": {},
    "PUT /firings/{firing_id}/times": {"started_at": NOW.isoformat(), "ended_at": None},
    "POST /firings/{firing_id}/merge": {"firing_id": 2},
    "PUT /plans/{plan_id}": {"name": "men", "points": PLAN},
    "POST /plan-files": {"workshop_id": MINH, "file_name": "men.json", "content": "{}"},
    "PATCH /channels/{channel_id}": {"label": "mine now"},
    "POST /channels/{channel_id}/calibrations": {"from_at": NOW.isoformat(), "offset_c": 2.0},
    "PUT /findings/{finding_id}/verdict": {"verdict": "false"},
    "POST /firings/{firing_id}/batches": {"ware": "bát", "pieces_loaded": 1},
    "PUT /firings/{firing_id}/witness-cones": {"cones": [{"channel": "top", "cone": "6", "seen": "down"}]},
    "PUT /batches/{batch_id}": {"ware": "bát", "pieces_loaded": 1},
    "POST /push-subscriptions": {
        "endpoint": "https://127.0.0.1/push",
        "keys": {"p256dh": "B" + "A" * 86, "auth": "A" * 22},
        "device": "điện thoại",
    },
}


class Route:
    """One method of one address, and what it says that it does."""

    def __init__(self, method: str, route: Any) -> None:
        self.method, self.path = method, route.path.removeprefix(API)
        self.actions = {one.action for one in _dependencies(route.dependant) if isinstance(one, May)}
        self.asks_who = any(one is _caller for one in _dependencies(route.dependant))
        self.needs_body = route.body_field is not None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    async def ask(self, http: httpx.AsyncClient, **headers: str) -> httpx.Response:
        """Ask with the ids of the neighbour's things, which are all 1, and a body that is well-formed."""
        path = self.path.replace("{workshop_id}", str(MINH))
        path = "/".join("1" if part.startswith("{") else part for part in path.split("/"))
        return await http.request(
            self.method, API + path, json=BODIES.get(self.name), params=QUERIES.get(self.path), headers=headers
        )


def _dependencies(dependant: Dependant) -> Iterator[Callable[..., Any] | None]:
    for one in dependant.dependencies:
        yield one.call
        yield from _dependencies(one)


@pytest.fixture
def routes(app: FastAPI) -> list[Route]:
    found = [
        Route(method, route)
        for route in iter_route_contexts(app.routes)
        if route.path.startswith(API) and getattr(route, "methods", None) and hasattr(route, "dependant")
        for method in sorted(route.methods - {"HEAD", "OPTIONS"})
    ]
    return [route for route in found if route.path not in OPEN]


@pytest.fixture
def village(database: Database) -> Database:
    """Two workshops; everything of the second one bears a name that nobody of the first may ever read."""
    assert new_workshop(database, "lan@example.org") == LAN
    assert new_workshop(database, "minh@example.org") == MINH
    with database.write() as session:
        session.execute(update(Account).where(Account.login == "minh@example.org").values(name=SECRET))
        kiln = kilns.create_kiln(session, MINH, name=SECRET, key="lo-1")
        plans.create_plan(session, MINH, name=SECRET, points=PLAN)
        identity.create_bridge(session, MINH, SECRET, now=NOW)
        firing = firings.start_firing(session, kiln, started_at=NOW)
        firing.note = SECRET
        session.add(
            Batch(workshop_id=MINH, firing_id=firing.id, ware=SECRET, pieces_loaded=1, note=SECRET, outcomes=[])
        )
        found = Finding("stalled", Group.KILN, Severity.WARNING, None, NOW.timestamp(), None)
        row = firings.save_findings(session, kiln, firing.id, [found])[0]
        findings.judge(row, "true", note=SECRET, who=SECRET, now=NOW)
        session.add(Alarm(workshop_id=MINH, finding_id=row.id, opened_at=NOW))
        channel = kilns.add_channel(session, kiln, "top", "c")
        channel.label = SECRET
        calibrations.add_calibration(
            session, channel, from_at=NOW, points=[], offset_c=2.0, note=SECRET, made_by=SECRET, now=NOW
        )
        members.invite(session, MINH, Role.OPERATOR, invited_by=SECRET, now=datetime.now(UTC))
        audit.note(session, MINH, who=SECRET, what="invited", now=NOW)
    return database


def sign_in(http: httpx.AsyncClient, database: Database, role: Role = Role.OWNER) -> None:
    """Be the person of the first workshop, in a role."""
    with database.write() as session:
        session.execute(update(Membership).where(Membership.workshop_id == LAN).values(role=role.value))
        account = identity.account_by_login(session, "lan@example.org")
        assert account is not None
        http.cookies.set("canhlo", sessions.open_session(session, account, now=datetime.now(UTC)))


def token(database: Database, scope: Scope, *, ends_in: timedelta = timedelta(days=1)) -> str:
    now = datetime.now(UTC)
    with database.write() as session:
        return api_tokens.create(session, LAN, 1, name="Telegraf", scope=scope, expires_at=now + ends_in, now=now)[1]


async def refused(routes: list[Route], http: httpx.AsyncClient, wanted: int, **headers: str) -> dict[str, int]:
    """Return the routes that answer anything but `wanted`, or that let slip what nobody may read."""
    wrong = {}
    for route in routes:
        answer = await route.ask(http, **headers)
        if answer.status_code != wanted or SECRET in answer.text:
            wrong[route.name] = answer.status_code
    return wrong


def test_every_route_says_what_it_does_and_has_an_example(routes: list[Route]) -> None:
    assert len(routes) > 40
    assert [route.name for route in routes if not route.asks_who] == []
    assert [route.name for route in routes if len(route.actions) != (route.path not in OWN)] == []
    assert [route.name for route in routes if route.needs_body and route.name not in BODIES] == []


async def test_nobody_gets_nothing(routes: list[Route], http: httpx.AsyncClient, village: Database) -> None:
    assert await refused(routes, http, 401) == {}


async def test_a_session_that_has_ended_gets_nothing(
    routes: list[Route], http: httpx.AsyncClient, village: Database
) -> None:
    sign_in(http, village)
    with village.write() as session:
        session.execute(update(SignInSession).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))

    assert await refused(routes, http, 401) == {}


@pytest.mark.parametrize("how", ["revoked", "ended", "of one who left", "unknown"])
async def test_a_token_that_is_no_longer_good_gets_nothing(
    routes: list[Route], http: httpx.AsyncClient, village: Database, how: str
) -> None:
    secret = token(village, Scope.WRITE, ends_in=timedelta(days=-1 if how == "ended" else 1))
    with village.write() as session:
        if how == "revoked":
            api_tokens.revoke(session, LAN, 1, now=NOW)
        elif how == "of one who left":
            session.add(Membership(account_id=2, workshop_id=LAN, role=Role.OWNER.value))
            members.remove(session, LAN, 1)
    shown = "canhlo_guessed" if how == "unknown" else secret

    assert await refused(routes, http, 401, authorization=f"Bearer {shown}") == {}


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_that_may_not_is_told_so(
    routes: list[Route], http: httpx.AsyncClient, village: Database, role: Role
) -> None:
    sign_in(http, village, role)
    beyond = [route for route in routes if not route.actions <= GRANTS[role]]

    assert (len(beyond) == 0) == (role is Role.OWNER)
    assert await refused(beyond, http, 403) == {}


async def test_a_token_to_read_changes_nothing_and_none_governs(
    routes: list[Route], http: httpx.AsyncClient, village: Database
) -> None:
    changing = [route for route in routes if route.method != "GET" and route.path not in OWN]
    governing = [route for route in routes if Action.GOVERN in route.actions]
    personal = [route for route in routes if route.path in OWN]

    assert await refused(changing, http, 403, authorization=f"Bearer {token(village, Scope.READ)}") == {}
    writes = f"Bearer {token(village, Scope.WRITE)}"
    assert await refused(governing + personal, http, 403, authorization=writes) == {}


@pytest.mark.parametrize("way", ["person", "token"])
async def test_the_neighbours_things_are_not_there(
    routes: list[Route], http: httpx.AsyncClient, village: Database, way: str
) -> None:
    headers = {}
    if way == "person":
        sign_in(http, village)
    else:
        headers["authorization"] = f"Bearer {token(village, Scope.WRITE)}"
        routes = [route for route in routes if Action.GOVERN not in route.actions and route.path not in OWN]
    named = [route for route in routes if "{" in route.path or "workshop_id" in str(BODIES.get(route.name))]
    listing = [route for route in routes if route not in named and route.method == "GET" and route.path != "/live"]

    assert await refused(named, http, 404, **headers) == {}
    for route in listing:
        answer = await route.ask(http, **headers)
        assert SECRET not in answer.text, route.name
        assert answer.status_code == (404 if route.path == "/comparison" else 200), route.name


async def test_an_owner_gets_what_is_the_owners(
    routes: list[Route], http: httpx.AsyncClient, village: Database
) -> None:
    """The matrix above would hold for a service that refuses everything."""
    with village.write() as session:
        session.add(Membership(account_id=1, workshop_id=MINH, role=Role.OWNER.value))
    sign_in(http, village)
    reading = [route for route in routes if route.method == "GET" and route.path != "/live"]

    answers = {route.name: (await route.ask(http)) for route in reading}

    assert {name: answer.status_code for name, answer in answers.items() if answer.status_code != 200} == {}
    assert sum(SECRET in answer.text for answer in answers.values()) > 10


NOTES = {
    Firing: ("note", "anh Ba canh lò"),
    StoredFinding: ("verdict_note", "chị Tư mở cửa xem"),
    Calibration: ("note", "bác Năm so can"),
    Batch: ("note", "cô Sáu xếp lò"),
}


@pytest.mark.parametrize(
    ("role", "reads"),
    [
        (Role.ASSOCIATION, {}),
        (Role.TESTING_CENTRE, {Batch: {"GET /firings/{firing_id}/batches"}}),
        (
            Role.OPERATOR,
            {
                Firing: {"GET /firings", "GET /firings/{firing_id}", "json", "parquet"},
                StoredFinding: {"GET /findings", "GET /findings/{finding_id}", "GET /firings/{firing_id}"},
                Calibration: {"GET /channels/{channel_id}/calibrations"},
                Batch: {"GET /firings/{firing_id}/batches"},
            },
        ),
    ],
)
async def test_notes_are_for_who_follows_by_every_way(
    routes: list[Route], http: httpx.AsyncClient, village: Database, role: Role, reads: dict[type, set[str]]
) -> None:
    with village.write() as session:
        for table, (column, note) in NOTES.items():
            session.execute(update(table).values({column: note}))
        session.add(Membership(account_id=1, workshop_id=MINH, role=role.value))
    sign_in(http, village, role)
    looking = [route for route in routes if route.method == "GET" and route.actions == {Action.LOOK}]

    answers = {route.name: await route.ask(http) for route in looking}
    for form in FORMATS:
        answers[form] = await http.get(f"{API}/firings/1/file", params={"format": form})

    assert {answer.status_code for answer in answers.values()} == {200}
    said = {name: answer.text for name, answer in answers.items()}
    parquet = pq.read_schema(io.BytesIO(answers["parquet"].content))
    said["parquet"] = json.dumps(json.loads(parquet.metadata[b"canhlo.firing/1"]), ensure_ascii=False)
    found = {table: {name for name, text in said.items() if note in text} for table, (_, note) in NOTES.items()}
    assert {table: names for table, names in found.items() if names} == reads


# --- the doors beside the routes -------------------------------------------------------------------------------------


def test_the_matrix_has_every_address_that_the_document_has(app: FastAPI, routes: list[Route]) -> None:
    documented = {
        f"{method.upper()} {path.removeprefix(API)}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
        if path.removeprefix(API) not in OPEN
    }

    assert {route.name for route in routes} == documented
    beside = {route.path for route in app.router.routes if not route_of_api(route)}
    assert beside == {f"{API}/openapi.json", "/healthz", "/readyz", "/metrics", "/ping", "/health"}  # of nobody


def route_of_api(route: Any) -> bool:
    return not hasattr(route, "path") or hasattr(route, "dependant")


@pytest.fixture
def bridge_token(village: Database) -> str:
    """Return the token of a bridge of the first workshop."""
    return new_bridge(village, LAN)


async def test_a_bridge_reaches_no_route_of_people(
    routes: list[Route], http: httpx.AsyncClient, village: Database, bridge_token: str
) -> None:
    assert await refused(routes, http, 401, authorization=f"Bearer {bridge_token}") == {}


async def test_the_doors_for_readings_are_those_that_are_tried_here(app: Application) -> None:
    assert set(app.doors) == {f"{API}/blocks", "/api/v2/write"}


@pytest.mark.parametrize("path", ["/blocks", "/bridge/token"])
@pytest.mark.parametrize(
    "who", ["nobody", "unknown", "a person", "a token to write", "a revoked bridge", "a token that was replaced"]
)
async def test_only_a_bridge_that_is_one_comes_in_by_the_door_of_bridges(
    http: httpx.AsyncClient, village: Database, bridge_token: str, path: str, who: str
) -> None:
    shown = {"unknown": "guessed", "a token to write": token(village, Scope.WRITE)}.get(who, bridge_token)
    with village.write() as session:
        bridge = identity.get_bridge(session, [LAN], 2)
        if who == "a revoked bridge":
            identity.revoke_bridge(session, bridge, now=datetime.now(UTC))
        elif who == "a token that was replaced":
            identity.let_in(session, bridge, now=datetime.now(UTC))
    headers = {} if who in {"nobody", "a person"} else {"authorization": f"Bearer {shown}"}
    if who == "a person":
        sign_in(http, village)

    answer = await http.post(API + path, headers=headers, content=b"{}")

    assert answer.status_code == 401
    assert SECRET not in answer.text


@pytest.mark.parametrize("scheme", ["Bearer", "Token"])
@pytest.mark.parametrize(
    "who", ["nobody", "unknown", "a person", "a token to read", "a token that has ended", "a revoked bridge"]
)
async def test_only_a_bridge_or_a_token_to_write_sends_lines(
    http: httpx.AsyncClient, village: Database, bridge_token: str, who: str, scheme: str
) -> None:
    of_tokens = {
        "unknown": "canhlo_guessed",
        "a token to read": token(village, Scope.READ),
        "a token that has ended": token(village, Scope.WRITE, ends_in=timedelta(days=-1)),
    }
    if who == "a revoked bridge":
        with village.write() as session:
            identity.revoke_bridge(session, identity.get_bridge(session, [LAN], 2), now=datetime.now(UTC))
    if who == "a person":
        sign_in(http, village)
    shown = f"{scheme} {of_tokens.get(who, bridge_token)}"
    headers = {} if who in {"nobody", "a person"} else {"authorization": shown}

    answer = await http.post("/api/v2/write", headers=headers, content=b"kiln,kiln=lo-1 top=20")

    assert answer.status_code in {401, 403}
    assert SECRET not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    with village.read() as session:
        assert session.scalar(select(StoredBlock.id)) is None


async def test_a_bridge_writes_into_its_own_workshop_whatever_its_kilns_are_called(
    http: httpx.AsyncClient, village: Database, bridge_token: str
) -> None:
    """The neighbour has a kiln of this very key."""
    await BridgeClient(http, bridge_token).send(block(1, kiln="lo-1"))

    with village.read() as session:
        found = [(one.workshop_id, one.kiln_id) for one in session.scalars(select(StoredBlock))]
        assert [kiln.name for kiln in kilns.list_kilns(session, [MINH])] == [SECRET]
    assert found == [(LAN, 2)]


async def test_a_bridge_renews_its_token_and_both_are_good_until_the_next_is_shown(
    http: httpx.AsyncClient, village: Database, bridge_token: str
) -> None:
    async def known(shown: str) -> bool:
        with village.read() as session:
            return identity.bridge_of_token(session, shown) is not None

    lost = await http.post(f"{API}/bridge/token", headers={"authorization": f"Bearer {bridge_token}"})
    renewed = await http.post(f"{API}/bridge/token", headers={"authorization": f"Bearer {bridge_token}"})
    fresh = renewed.json()["token"]
    before = [await known(one) for one in (bridge_token, lost.json()["token"], fresh)]
    await BridgeClient(http, fresh).send(block(1))
    after = [await known(one) for one in (bridge_token, fresh)]
    with village.write() as session:
        identity.revoke_bridge(session, identity.get_bridge(session, [LAN], 2), now=datetime.now(UTC))

    assert before == [True, False, True]
    assert after == [False, True]
    assert not await known(fresh)


async def test_a_stream_ends_when_whoever_follows_may_no_longer(
    http: httpx.AsyncClient, app: FastAPI, village: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ended it, and in whichever process: nobody told this one."""
    monkeypatch.setattr("service.api.live.LOOK_AGAIN_S", 0.05)
    monkeypatch.setattr("service.api.live.ROUND_S", 0.05)
    sign_in(http, village)
    heard = asyncio.create_task(http.get(f"{API}/live"))
    while app.state.parts.hub.viewers == 0:
        await asyncio.sleep(0.01)

    with village.write() as session:
        session.execute(delete(SignInSession))
    answer = await asyncio.wait_for(heard, 10)

    assert answer.text.startswith("event: clock")
    assert SECRET not in answer.text
    assert app.state.parts.hub.viewers == 0
