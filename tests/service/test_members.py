"""People of a workshop: they join by invitation, do what their part lets them, and their reach can end at once."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest
from fastapi import FastAPI
from service_parts import NOW, PASSWORD, new_workshop, sign_in
from sqlalchemy import update
from sqlalchemy.orm import Session

from service.api.deps import Parts
from service.api.live import Hub
from service.errors import BusyError, ConflictError, RefusedError
from service.store import alarms, api_tokens, firings, identity, kilns, members
from service.store.database import Database
from service.store.models import Invitation, Membership
from service.store.passwords import hash_password, verify_password
from service.store.roles import GRANTS, Role, Scope
from service.store.who import Who

MAI = {"name": "Mai", "login": "0987 654 321", "password": PASSWORD, "language": "vi"}


@pytest.fixture
def owner(http: httpx.AsyncClient, database: Database) -> httpx.AsyncClient:
    """Return the client, signed in as the owner of workshop 1."""
    new_workshop(database, "lan@example.org")
    return sign_in(http, database, "lan@example.org")


@pytest.fixture
def guest(app: FastAPI) -> httpx.AsyncClient:
    """Return a client of somebody whom nobody knows yet."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lo.test")


async def invited(owner: httpx.AsyncClient, role: str = "operator") -> str:
    answer = await owner.post("/api/v1/workshops/1/invitations", json={"role": role})
    assert answer.status_code == 201, answer.text
    return answer.json()["link"].partition("#")[2]


async def test_a_person_joins_by_a_link_and_sees_the_workshop(
    owner: httpx.AsyncClient, guest: httpx.AsyncClient
) -> None:
    token = await invited(owner)

    looked = await guest.post("/api/v1/invitations/look", json={"token": token})
    joined = await guest.post("/api/v1/invitations/join", json={"token": token, "person": MAI})
    again = await guest.post("/api/v1/invitations/join", json={"token": token})

    assert (looked.json()["workshop_name"], looked.json()["role"]) == ("Xưởng lan@example.org", "operator")
    assert looked.json()["invited_by"] == "Lan"
    assert joined.status_code == 200
    assert joined.json()["workshops"][0]["may"] == ["fire", "follow", "look", "record"]
    assert (again.status_code, again.json()["code"]) == (403, "refused")
    assert [one["role"] for one in (await owner.get("/api/v1/workshops/1/members")).json()] == ["owner", "operator"]
    assert (await owner.get("/api/v1/workshops/1/invitations")).json() == []


async def test_a_technician_who_has_an_account_joins_a_second_workshop(
    owner: httpx.AsyncClient, guest: httpx.AsyncClient, database: Database
) -> None:
    new_workshop(database, "minh@example.org")
    sign_in(guest, database, "minh@example.org")

    joined = await guest.post("/api/v1/invitations/join", json={"token": await invited(owner, "technician")})

    assert [(one["id"], "govern" in one["may"]) for one in joined.json()["workshops"]] == [(1, False), (2, True)]


async def test_who_is_signed_in_stays_so_by_joining_and_is_answered_alike_when_asking_again(
    owner: httpx.AsyncClient, guest: httpx.AsyncClient, database: Database
) -> None:
    new_workshop(database, "minh@example.org")
    sign_in(guest, database, "minh@example.org")
    before, key = guest.cookies["canhlo"], {"idempotency-key": "joined-on-a-bad-network"}
    asked = {"token": await invited(owner, "technician")}

    joined = await guest.post("/api/v1/invitations/join", json=asked, headers=key)
    again = await guest.post("/api/v1/invitations/join", json=asked, headers=key)

    assert [(one.status_code, len(one.json()["workshops"])) for one in (joined, again)] == [(200, 2)] * 2
    assert guest.cookies["canhlo"] == before
    assert [one["what"] for one in (await owner.get("/api/v1/workshops/1/audit")).json()] == ["joined", "invited"]


async def test_of_two_people_who_join_at_once_with_one_login_one_is_told_that_it_is_taken(
    owner: httpx.AsyncClient, guest: httpx.AsyncClient, database: Database
) -> None:
    token = await invited(owner)
    with database.write() as session:
        identity.create_account(
            session,
            name="Mai",
            login=MAI["login"],
            password_hash=hash_password(PASSWORD),
            language="vi",
            now=NOW,
        )
        joining = asyncio.create_task(guest.post("/api/v1/invitations/join", json={"token": token, "person": MAI}))
        await asyncio.wait([joining], timeout=1)  # it sees nobody of that login yet
    answer = await joining

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert (await guest.post("/api/v1/invitations/look", json={"token": token})).status_code == 200


async def test_an_invitation_has_a_picture_to_be_photographed(owner: httpx.AsyncClient) -> None:
    made = (await owner.post("/api/v1/workshops/1/invitations", json={"role": "operator"})).json()

    assert made["qr_svg"].startswith("<svg")
    assert "/join#" in made["link"]


@pytest.mark.parametrize("how", ["old", "taken back", "unknown"])
async def test_an_invitation_that_is_over_lets_nobody_in(
    owner: httpx.AsyncClient, guest: httpx.AsyncClient, database: Database, how: str
) -> None:
    token = await invited(owner)
    if how == "old":
        with database.write() as session:
            session.execute(update(Invitation).values(expires_at=NOW))
    elif how == "taken back":
        assert (await owner.delete("/api/v1/workshops/1/invitations/1")).status_code == 204

    shown = "guessed" if how == "unknown" else token
    answers = [
        await guest.post("/api/v1/invitations/look", json={"token": shown}),
        await guest.post("/api/v1/invitations/join", json={"token": shown, "person": MAI}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert "ask for a new one" in answers[0].json()["detail"]


async def test_whoever_is_removed_sees_nothing_more_at_once(
    owner: httpx.AsyncClient, guest: httpx.AsyncClient, app: FastAPI
) -> None:
    parts: Parts = app.state.parts
    await guest.post("/api/v1/invitations/join", json={"token": await invited(owner), "person": MAI})
    viewer = parts.hub.join(Who(2, "Mai", "", "vi", {1: GRANTS[Role.OPERATOR]}), "vi")
    assert (await guest.get("/api/v1/kilns")).status_code == 200

    gone = await owner.delete("/api/v1/workshops/1/members/2")

    assert gone.status_code == 204
    assert await asyncio.wait_for(viewer.next(), 5) is None  # the stream ends, and the page asks anew
    assert (await guest.get("/api/v1/kilns")).status_code == 403
    assert (await guest.get("/api/v1/me")).json()["workshops"] == []
    parts.hub.leave(viewer)


@pytest.mark.parametrize("path", ["members/2", "tokens/1"])
async def test_streams_end_once_what_ends_them_is_committed(
    owner: httpx.AsyncClient,
    guest: httpx.AsyncClient,
    app: FastAPI,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    await guest.post("/api/v1/invitations/join", json={"token": await invited(owner, "technician"), "person": MAI})
    with database.write() as session:
        lasts_until = datetime.now(UTC) + timedelta(days=1)
        api_tokens.create(session, 1, 2, name="Grafana", scope=Scope.READ, expires_at=lasts_until, now=NOW)
    found: list[tuple[int, bool, bool]] = []

    def look(_hub: Hub, account_id: int) -> None:
        with database.read() as session:
            is_member = session.get(Membership, (account_id, 1)) is not None
            found.append((account_id, is_member, bool(api_tokens.tokens(session, 1))))

    monkeypatch.setattr(Hub, "rights_changed", look)
    gone = await owner.delete(f"/api/v1/workshops/1/{path}")

    assert gone.status_code == 204
    assert found == [(2, path != "members/2", path != "tokens/1")]


async def test_the_last_owner_stays_and_a_second_one_may_replace_the_first(
    owner: httpx.AsyncClient, guest: httpx.AsyncClient
) -> None:
    refused = [
        await owner.delete("/api/v1/workshops/1/members/1"),
        await owner.patch("/api/v1/workshops/1/members/1", json={"role": "operator"}),
    ]
    await guest.post("/api/v1/invitations/join", json={"token": await invited(owner, "owner"), "person": MAI})
    changed = await guest.patch("/api/v1/workshops/1/members/1", json={"role": "operator"})

    assert [answer.status_code for answer in refused] == [409, 409]
    assert "needs an owner" in refused[0].json()["detail"]
    assert [one["role"] for one in changed.json()] == ["operator", "owner"]
    assert (await owner.get("/api/v1/workshops/1/members")).status_code == 403


@pytest.mark.parametrize("goes", [members.remove, partial(members.change_role, role=Role.OPERATOR)])
def test_of_two_owners_who_go_at_once_one_stays(
    database: Database, goes: Callable[[Session, int, int], object]
) -> None:
    owned_by_two(database)

    def second_goes() -> None:
        with database.write() as session:
            goes(session, 1, 2)

    with ThreadPoolExecutor(1) as other:
        with database.write() as session:
            goes(session, 1, 1)
            second = other.submit(second_goes)
            wait([second], timeout=1)  # it sees the first one as an owner still
        with pytest.raises(ConflictError, match="needs an owner"):
            second.result()

    with database.read() as session:
        assert [one.login for one in members.members(session, 1) if one.role is Role.OWNER] == ["minh@example.org"]


def test_an_owner_who_cannot_sign_in_any_more_is_no_other_owner(database: Database, people: Callable[..., str]) -> None:
    owned_by_two(database)
    people("disable", "minh@example.org")

    with pytest.raises(ConflictError, match="needs an owner"), database.write() as session:
        members.remove(session, 1, 1)


@pytest.mark.parametrize("how", ["removed", "demoted", "disabled"])
async def test_who_owns_no_more_comes_back_by_no_invitation_made_before(
    owner: httpx.AsyncClient, guest: httpx.AsyncClient, people: Callable[..., str], how: str
) -> None:
    await guest.post("/api/v1/invitations/join", json={"token": await invited(owner, "owner"), "person": MAI})
    kept, others = await invited(guest, "owner"), await invited(owner)
    if how == "removed":
        await owner.delete("/api/v1/workshops/1/members/2")
    elif how == "demoted":
        await owner.patch("/api/v1/workshops/1/members/2", json={"role": "technician"})
    else:
        people("disable", MAI["login"])

    looked = [await guest.post("/api/v1/invitations/look", json={"token": token}) for token in (kept, others)]

    assert [answer.status_code for answer in looked] == [403, 200]
    assert len((await owner.get("/api/v1/workshops/1/invitations")).json()) == 1


@pytest.mark.parametrize("becomes", ["operator", None])
async def test_who_sets_up_no_more_pairs_no_bridge_with_a_code_made_before(
    owner: httpx.AsyncClient, guest: httpx.AsyncClient, becomes: str | None
) -> None:
    await guest.post("/api/v1/invitations/join", json={"token": await invited(owner, "technician"), "person": MAI})
    made = (await guest.post("/api/v1/bridges", json={"workshop_id": 1, "name": "Pi"})).json()
    if becomes is None:
        await owner.delete("/api/v1/workshops/1/members/2")
    else:
        await owner.patch("/api/v1/workshops/1/members/2", json={"role": becomes})

    refused = await guest.post("/api/v1/pair", json={"code": made["code"]})
    anew = (await owner.post(f"/api/v1/bridges/{made['bridge']['id']}/pairing-code")).json()

    assert (refused.status_code, refused.json()["code"]) == (403, "refused")
    assert (await guest.post("/api/v1/pair", json={"code": anew["code"]})).status_code == 200


def test_an_invitation_that_was_taken_back_is_over_whatever_the_clock_says(database: Database) -> None:
    new_workshop(database, "lan@example.org")
    with database.write() as session:
        made, token = members.invite(session, 1, Role.OPERATOR, invited_by="Lan", now=NOW)
        members.take_back(session, 1, made.id)

    with database.read() as session, pytest.raises(RefusedError, match="taken back"):
        members.invitation_of(session, token, now=NOW - timedelta(hours=1))


def owned_by_two(database: Database) -> None:
    new_workshop(database, "lan@example.org")
    new_workshop(database, "minh@example.org")
    with database.write() as session:
        session.add(Membership(account_id=2, workshop_id=1, role=Role.OWNER.value))


async def test_alarms_ring_only_those_who_are_to_hear_of_them(
    owner: httpx.AsyncClient, guest: httpx.AsyncClient, database: Database
) -> None:
    await guest.post("/api/v1/invitations/join", json={"token": await invited(owner, "testing_centre"), "person": MAI})

    give_phones(database, 1, 2)

    assert rung(database) == [1]


async def test_a_phone_that_is_lost_rings_no_more_once_an_owner_signs_it_out(
    owner: httpx.AsyncClient, guest: httpx.AsyncClient, database: Database
) -> None:
    await guest.post("/api/v1/invitations/join", json={"token": await invited(owner), "person": MAI})
    give_phones(database, 1, 2)

    assert (await owner.post("/api/v1/workshops/1/members/2/sign-out")).status_code == 204

    assert rung(database) == [1]


@pytest.mark.parametrize(
    ("words", "still_rung"),
    [
        (["sign-out", MAI["login"]], [1]),
        (["forget-passkeys", MAI["login"]], [1]),
        (["sign-out", "all"], [1, 2]),  # no phone was lost, and a village wants its alarms
    ],
)
async def test_a_phone_that_is_lost_rings_no_more_once_whoever_runs_the_service_says_so(
    owner: httpx.AsyncClient,
    guest: httpx.AsyncClient,
    database: Database,
    people: Callable[..., str],
    words: list[str],
    still_rung: list[int],
) -> None:
    await guest.post("/api/v1/invitations/join", json={"token": await invited(owner), "person": MAI})
    give_phones(database, 1, 2)

    people(*words)

    assert rung(database) == still_rung


def give_phones(database: Database, *account_ids: int) -> None:
    with database.write() as session:
        for account_id in account_ids:
            alarms.subscribe(
                session, account_id, endpoint=f"https://push/{account_id}", p256dh="a", auth="b", device="x", now=NOW
            )


def rung(database: Database) -> list[int]:
    with database.read() as session:
        return [one.account_id for one in alarms.subscriptions_of_workshop(session, 1)]


async def test_the_association_reads_no_notes(
    owner: httpx.AsyncClient, guest: httpx.AsyncClient, database: Database
) -> None:
    await guest.post("/api/v1/invitations/join", json={"token": await invited(owner, "association"), "person": MAI})
    with database.write() as session:
        kiln = kilns.create_kiln(session, 1, name="Lò 1", key="lo-1")
        firings.start_firing(session, kiln, started_at=NOW).note = "anh Ba canh lò"

    assert (await owner.get("/api/v1/firings/1")).json()["note"] == "anh Ba canh lò"
    assert (await guest.get("/api/v1/firings/1")).json()["note"] == ""


async def test_a_token_does_what_its_scope_says_and_tells_when_it_was_used(
    owner: httpx.AsyncClient, guest: httpx.AsyncClient
) -> None:
    asked = {"name": "Grafana", "scope": "read", "days": 30}
    made = (await owner.post("/api/v1/workshops/1/tokens", json=asked)).json()
    shown = {"authorization": f"Bearer {made['token']}"}

    reads = await guest.get("/api/v1/kilns", headers=shown)
    writes = await guest.post("/api/v1/kilns", headers=shown, json={"workshop_id": 1, "name": "Lò 9"})
    listed = (await owner.get("/api/v1/workshops/1/tokens")).json()
    revoked = await owner.delete("/api/v1/workshops/1/tokens/1")

    assert (reads.status_code, writes.status_code, revoked.status_code) == (200, 403, 204)
    assert "token" not in listed[0]
    assert listed[0]["used_at"] is not None
    assert datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC) > timedelta(days=29)
    assert (await guest.get("/api/v1/kilns", headers=shown)).status_code == 401


async def test_the_owner_reads_what_was_done_by_whom(owner: httpx.AsyncClient, guest: httpx.AsyncClient) -> None:
    await owner.post("/api/v1/kilns", json={"workshop_id": 1, "name": "Lò 9"})
    await guest.post("/api/v1/invitations/join", json={"token": await invited(owner), "person": MAI})
    await owner.patch("/api/v1/workshops/1/members/2", json={"role": "technician"})

    said = (await owner.get("/api/v1/workshops/1/audit")).json()
    older = (await owner.get("/api/v1/workshops/1/audit", params={"before_id": said[-1]["id"]})).json()

    assert [(one["who"], one["what"]) for one in said] == [
        ("Lan", "role changed"),
        ("Mai", "signed in"),
        ("Mai", "joined"),
        ("Lan", "invited"),
        ("Lan", "kiln made"),
    ]
    assert said[0]["details"] == {"member": 2, "before": "operator", "after": "technician"}
    assert older == []


async def test_guessing_invitations_is_slowed_down(owner: httpx.AsyncClient, guest: httpx.AsyncClient) -> None:
    answers = [await guest.post("/api/v1/invitations/look", json={"token": f"guess {n}"}) for n in range(25)]

    assert answers[-1].status_code == 429


def test_a_flood_of_passwords_is_turned_away_and_not_queued() -> None:
    def attempt(_number: int) -> str:
        try:
            return str(verify_password(None, PASSWORD))
        except BusyError as error:
            return error.code

    with ThreadPoolExecutor(40) as crowd:
        answers = list(crowd.map(attempt, range(200)))

    assert set(answers) == {"False", "busy"}
    assert verify_password(hash_password(PASSWORD), PASSWORD)
