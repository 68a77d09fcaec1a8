"""Accounts: what signs in, how it is guessed at in vain, and how it ends."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from service_parts import NOW, PASSWORD, new_workshop, sign_in
from sqlalchemy import select, update
from starlette.requests import Request

from service.api.deps import Parts, host_of
from service.api.limits import MAX_KEYS, TryLimit
from service.errors import BusyError, InvalidError, TooManyError
from service.store import audit, identity, sessions
from service.store.database import Database
from service.store.logins import checked_login, masked, normal_login
from service.store.models import Account, AuditEntry, Membership, SignInSession
from service.store.password_rules import MAX_LENGTH, MIN_LENGTH, _common, _words_of_this_place, check_password
from service.store.passwords import NO_PASSWORD, hash_password, is_outdated, verify_password
from service.store.roles import Role

LOGIN = "lan@example.org"
OTHER = "quả bưởi rơi xuống ao"


@pytest.fixture
async def lan(http: httpx.AsyncClient, database: Database) -> httpx.AsyncClient:
    """Return the client, signed in as the owner of workshop 1."""
    new_workshop(database, LOGIN)
    assert await entered(http) == 200
    return http


@pytest.fixture
async def elsewhere(app: FastAPI, lan: httpx.AsyncClient) -> httpx.AsyncClient:
    """Return another browser in which the same person is signed in."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lo.test")
    assert await entered(client) == 200
    return client


async def entered(http: httpx.AsyncClient, password: str = PASSWORD, login: str = LOGIN) -> int:
    return (await http.post("/api/v1/session", json={"login": login, "password": password})).status_code


# --- passwords -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        "a" * 7,
        "password1",
        "PassWord1",
        "12345678",
        "iloveyou",
        "1q2w3e4r",
        "aaaaaaaaaaaa",
        "canhlo2026",
        "Bát Tràng 99",
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(InvalidError, match="password"):
        check_password(password)


@pytest.mark.parametrize("password", ["lan.nguyen1", "NguyễnLan88", "xuonglan2026", "0912345678"])
def test_a_password_of_what_everybody_knows_of_the_person_is_refused(password: str) -> None:
    with pytest.raises(InvalidError, match="names that others know"):
        check_password(password, about=("Nguyễn Lan", "0912345678", "Xưởng Lan"))


@pytest.mark.parametrize(
    "password",
    [
        "ngựa pin kẹp ghim",
        "4829104857",
        "zqvbnxkw",
        "窯火夜不滅陶人心事",
        "🔥🏺🌙⭐🍵🐉🎋🧧",
        " around it ",
        "x1y" * 42,
    ],
)
def test_a_password_may_be_of_any_letters_and_long(password: str) -> None:
    check_password(password, about=("Lan", LOGIN))

    assert MIN_LENGTH == 8
    assert MAX_LENGTH >= 64


def test_the_passwords_that_are_guessed_first_are_more_than_three_thousand() -> None:
    assert len([one for one in _common() if len(one) >= MIN_LENGTH]) > 3000
    assert "battrang" in _words_of_this_place()


async def test_a_password_counts_just_as_it_was_chosen(lan: httpx.AsyncClient) -> None:
    chosen = " Ngựa  pin\tkẹp ghim " + "x" * 100
    changed = await lan.put("/api/v1/me/password", json={"current": PASSWORD, "new": chosen})

    codes = [await entered(lan, one) for one in (chosen.lower(), chosen.strip(), chosen[:-1], chosen)]

    assert changed.status_code == 204, changed.text
    assert codes == [401, 401, 401, 200]


async def test_a_password_is_changed_with_the_one_before_and_ends_every_other_session(
    lan: httpx.AsyncClient, elsewhere: httpx.AsyncClient, app: FastAPI
) -> None:
    parts: Parts = app.state.parts
    viewer = parts.hub.join(sessions_who(parts, lan), "vi")
    before = lan.cookies["canhlo"]

    wrong = await lan.put("/api/v1/me/password", json={"current": "not this", "new": OTHER})
    weak = await lan.put("/api/v1/me/password", json={"current": PASSWORD, "new": "password1"})
    assert (await elsewhere.get("/api/v1/me")).status_code == 200
    changed = await lan.put("/api/v1/me/password", json={"current": PASSWORD, "new": OTHER})

    assert (wrong.status_code, weak.status_code, changed.status_code) == (403, 400, 204)
    assert (await elsewhere.get("/api/v1/me")).status_code == 401
    assert (await lan.get("/api/v1/me")).status_code == 200
    assert lan.cookies["canhlo"] != before
    assert await asyncio.wait_for(viewer.next(), 5) is None
    assert [await entered(lan, one) for one in (PASSWORD, OTHER)] == [401, 200]
    parts.hub.leave(viewer)


def sessions_who(parts: Parts, client: httpx.AsyncClient) -> sessions.Who:
    with parts.database.read() as session:
        who = sessions.who_is(session, client.cookies["canhlo"], now=datetime.now(UTC))
    assert who is not None
    return who


async def test_a_hash_of_weaker_parameters_is_made_anew_when_its_password_is_shown(
    lan: httpx.AsyncClient, database: Database
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with database.write() as session:
        session.execute(update(Account).values(password_hash=weak))

    assert await entered(lan) == 200

    with database.read() as session:
        stored = session.scalar(select(Account.password_hash))
    assert stored is not None
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not is_outdated(stored)
    assert verify_password(stored, PASSWORD)


@pytest.mark.parametrize("stored", [None, NO_PASSWORD])
def test_who_has_no_password_takes_as_long_to_look_at(stored: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hasher:
        def verify(self, compared: str, _password: str) -> bool:
            assert compared.startswith("$argon2id$")  # and takes its time
            return True

    monkeypatch.setattr("service.store.passwords._hasher", Hasher())

    assert not verify_password(stored, PASSWORD)


# --- what signs in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "0912 345 678",
        "0912.345.678",
        "(091) 234-5678",
        "+84912345678",
        "+84 912 345 678",
        "0084912345678",
        "84912345678",
    ],
)
def test_a_phone_number_is_one_however_it_is_typed(typed: str) -> None:
    assert normal_login(typed) == "+84912345678"


@pytest.mark.parametrize(
    ("typed", "kept"), [(" Lan@Example.ORG ", "lan@example.org"), ("+1 415 555 0100", "+14155550100"), ("lan", "lan")]
)
def test_others_are_left_as_they_are_but_for_their_case(typed: str, kept: str) -> None:
    assert normal_login(typed) == kept


@pytest.mark.parametrize("typed", ["lan", "12", "lan@", "@x.org", "la n@example.org", "+84 12x45678", "٠٩١٢٣٤٥٦٧٨"])
def test_what_is_no_address_and_no_number_makes_no_account(typed: str) -> None:
    with pytest.raises(InvalidError, match="no e-mail address"):
        checked_login(typed)


@pytest.mark.parametrize(("login", "told"), [(LOGIN, "la…@example.org"), ("0912345678", "…678")])
def test_a_log_says_of_a_login_what_finds_it_and_no_more(login: str, told: str) -> None:
    assert masked(login) == told


async def test_a_login_changes_with_the_password_and_ends_every_other_session(
    lan: httpx.AsyncClient, elsewhere: httpx.AsyncClient, database: Database
) -> None:
    new_workshop(database, "minh@example.org")

    wrong = await lan.put("/api/v1/me/login", json={"password": "not this", "login": "0912 345 678"})
    taken = await lan.put("/api/v1/me/login", json={"password": PASSWORD, "login": "MINH@example.org"})
    changed = await lan.put("/api/v1/me/login", json={"password": PASSWORD, "login": "0912 345 678"})

    assert (wrong.status_code, taken.status_code, changed.status_code) == (403, 409, 204)
    assert (await elsewhere.get("/api/v1/me")).status_code == 401
    assert [await entered(lan, login=one) for one in (LOGIN, "+84912345678")] == [401, 200]


# --- sessions --------------------------------------------------------------------------------------------------------


async def test_a_person_sees_where_the_account_is_signed_in_and_ends_one_with_the_password(
    lan: httpx.AsyncClient, elsewhere: httpx.AsyncClient
) -> None:
    found = (await lan.get("/api/v1/me/sessions")).json()
    other = next(one for one in found if not one["is_this"])

    wrong = await lan.post("/api/v1/me/sessions/end", json={"password": "not this", "session_id": other["id"]})
    ended = await lan.post("/api/v1/me/sessions/end", json={"password": PASSWORD, "session_id": other["id"]})
    again = await lan.post("/api/v1/me/sessions/end", json={"password": PASSWORD, "session_id": other["id"]})

    assert [one["is_this"] for one in found].count(True) == 1
    assert other["device"].startswith("python-httpx")
    assert (wrong.status_code, ended.status_code, again.status_code) == (403, 204, 404)
    assert ((await lan.get("/api/v1/me")).status_code, (await elsewhere.get("/api/v1/me")).status_code) == (200, 401)


async def test_all_other_sessions_end_at_once(lan: httpx.AsyncClient, elsewhere: httpx.AsyncClient) -> None:
    ended = await lan.post("/api/v1/me/sessions/end", json={"password": PASSWORD})

    assert ended.status_code == 204
    assert ((await lan.get("/api/v1/me")).status_code, (await elsewhere.get("/api/v1/me")).status_code) == (200, 401)


async def test_nobody_ends_or_sees_the_sessions_of_another(
    lan: httpx.AsyncClient, app: FastAPI, database: Database
) -> None:
    new_workshop(database, "minh@example.org")
    minh = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lo.test")
    sign_in(minh, database, "minh@example.org")
    own = (await lan.get("/api/v1/me/sessions")).json()[0]["id"]

    tried = await minh.post("/api/v1/me/sessions/end", json={"password": PASSWORD, "session_id": own})

    assert tried.status_code == 404
    assert len((await minh.get("/api/v1/me/sessions")).json()) == 1
    assert (await lan.get("/api/v1/me")).status_code == 200


async def test_signing_in_gives_a_new_secret_and_ends_the_one_this_browser_had(
    lan: httpx.AsyncClient, database: Database
) -> None:
    before = lan.cookies["canhlo"]

    assert await entered(lan) == 200

    assert len(lan.cookies["canhlo"]) >= 43  # 256 bits
    assert lan.cookies["canhlo"] != before
    with database.read() as session:
        assert sessions.who_is(session, before, now=datetime.now(UTC)) is None


@pytest.mark.parametrize(
    ("later", "is_in"),
    [
        (timedelta(days=13), True),
        (sessions.IDLE_LASTS + timedelta(seconds=1), False),
    ],
)
def test_a_session_ends_when_nobody_comes_for_a_fortnight(database: Database, later: timedelta, is_in: bool) -> None:
    token = opened(database)

    with database.read() as session:
        assert (sessions.who_is(session, token, now=NOW + later) is not None) == is_in


def test_a_session_ends_after_a_month_however_much_it_is_used(database: Database) -> None:
    token = opened(database)
    with database.write() as session:
        for day in range(1, 31):
            sessions.seen(session, token, now=NOW + timedelta(days=day))

    with database.read() as session:
        assert sessions.who_is(session, token, now=NOW + timedelta(days=29, hours=23)) is not None
        assert sessions.who_is(session, token, now=NOW + timedelta(days=30, seconds=1)) is None


def opened(database: Database, login: str = LOGIN) -> str:
    new_workshop(database, login)
    with database.write() as session:
        account = identity.account_by_login(session, login)
        assert account is not None
        return sessions.open_session(session, account, now=NOW)


async def test_a_browser_that_comes_is_noted_once_an_hour(lan: httpx.AsyncClient, database: Database) -> None:
    now = datetime.now(UTC)
    with database.write() as session:
        session.execute(update(SignInSession).values(seen_at=now - timedelta(hours=2)))

    await lan.get("/api/v1/me")
    with database.read() as session:
        first = session.scalar(select(SignInSession.seen_at))
    await lan.get("/api/v1/me")
    with database.read() as session:
        second = session.scalar(select(SignInSession.seen_at))

    assert first is not None
    assert first > now - timedelta(minutes=1)
    assert second == first


def test_an_account_has_twenty_sessions_and_one_more_ends_the_one_away_the_longest(database: Database) -> None:
    tokens = [opened(database)]
    with database.write() as session:
        account = session.get_one(Account, 1)
        for minute in range(1, sessions.MAX_SESSIONS + 1):
            tokens.append(sessions.open_session(session, account, now=NOW + timedelta(minutes=minute)))

    with database.read() as session:
        good = [sessions.who_is(session, token, now=NOW + timedelta(hours=1)) is not None for token in tokens]
    assert good == [False] + [True] * sessions.MAX_SESSIONS


async def test_an_owner_ends_the_sessions_of_a_member_and_of_nobody_else(
    lan: httpx.AsyncClient, app: FastAPI, database: Database
) -> None:
    new_workshop(database, "minh@example.org")
    minh = sign_in(
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lo.test"), database, "minh@example.org"
    )
    invited = (await lan.post("/api/v1/workshops/1/invitations", json={"role": "technician"})).json()
    joined = await minh.post("/api/v1/invitations/join", json={"token": invited["link"].partition("#")[2]})

    stranger = await minh.post("/api/v1/workshops/2/members/1/sign-out")
    ended = await lan.post("/api/v1/workshops/1/members/2/sign-out")

    assert joined.status_code == 200
    assert (stranger.status_code, ended.status_code) == (404, 204)
    assert ((await minh.get("/api/v1/me")).status_code, (await lan.get("/api/v1/me")).status_code) == (401, 200)


async def test_signing_out_clears_what_the_browser_kept_and_ends_the_live_streams(
    lan: httpx.AsyncClient, app: FastAPI
) -> None:
    parts: Parts = app.state.parts
    viewer = parts.hub.join(sessions_who(parts, lan), "vi")

    answer = await lan.delete("/api/v1/session")

    assert answer.headers["clear-site-data"] == '"cache"'
    assert await asyncio.wait_for(viewer.next(), 5) is None
    parts.hub.leave(viewer)


async def test_what_a_person_does_with_the_account_is_noted_where_that_person_does_more_than_look(
    lan: httpx.AsyncClient, database: Database, people: Callable[..., str]
) -> None:
    new_workshop(database, "minh@example.org")
    with database.write() as session:
        session.add(Membership(account_id=1, workshop_id=2, role=Role.ASSOCIATION.value))

    assert await entered(lan) == 200
    assert (await lan.post("/api/v1/me/sessions/end", json={"password": PASSWORD})).status_code == 204
    people("sign-out", LOGIN)

    with database.read() as session:
        noted = [[one.what for one in audit.newest(session, mine, before_id=None, limit=3)] for mine in (1, 2)]
    assert noted == [["signed out", "sessions ended", "signed in"], []]


def test_whoever_notes_in_several_workshops_goes_by_their_order(database: Database, people: Callable[..., str]) -> None:
    for login in (LOGIN, "minh@example.org"):
        new_workshop(database, login)
    with database.write() as session:
        session.add(Membership(account_id=1, workshop_id=2, role=Role.TECHNICIAN.value))
        session.add(Membership(account_id=2, workshop_id=1, role=Role.TECHNICIAN.value))

    people("sign-out", "all")

    with database.read() as session:
        noted = session.execute(select(AuditEntry.workshop_id, AuditEntry.details).order_by(AuditEntry.id)).all()
    assert [(workshop_id, told["account"]) for workshop_id, told in noted] == [(1, 1), (1, 2), (2, 1), (2, 2)]


# --- guessing --------------------------------------------------------------------------------------------------------


async def test_who_guesses_at_an_account_does_not_lock_its_owner_out(app: FastAPI, database: Database) -> None:
    new_workshop(database, LOGIN)
    far = httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("203.0.113.9", 1)), base_url="http://lo.test")
    near = httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("192.168.1.5", 1)), base_url="http://lo.test")

    parts: Parts = app.state.parts
    assert parts.sign_in_tries.tries == 10
    app.state.parts = replace(parts, sign_in_tries=TryLimit(tries=3, refill_s=3600))

    guesses = [await entered(far, "a guess of mine") for _ in range(4)]

    assert guesses == [401] * 3 + [429]
    assert await entered(near) == 200


async def test_one_address_cannot_try_one_password_on_everybody(app: FastAPI) -> None:
    parts: Parts = app.state.parts
    assert parts.host_tries.tries == 60
    app.state.parts = replace(parts, host_tries=TryLimit(tries=3, refill_s=3600))  # no machine is too slow for that
    far = httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("203.0.113.9", 1)), base_url="http://lo.test")

    codes = [await entered(far, "mat khau 123", login=f"a{number}@example.org") for number in range(5)]

    assert codes == [401, 401, 401, 429, 429]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),  # IPv4, as a socket for both writes it
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_of_an_address_what_a_household_shares_counts(address: str, counted: str) -> None:
    assert host_of(Request({"type": "http", "client": (address, 1)})) == counted


def test_a_limit_forgets_last_who_may_not_try() -> None:
    limit = TryLimit(tries=2, refill_s=3600)
    for _ in range(2):
        limit.spend("victim")
    for number in range(2 * MAX_KEYS):
        limit.spend(f"noise {number}")

    with pytest.raises(TooManyError):
        limit.spend("victim")


def test_a_limit_counts_tries_gives_them_back_and_refills() -> None:
    limit = TryLimit(tries=2, refill_s=0.05)
    for _ in range(2):
        limit.spend("lan")
    with pytest.raises(TooManyError, match="wait 1 s"):
        limit.spend("lan")

    limit.give_back("lan")
    limit.spend("lan")
    limit.give_back("nobody")
    time.sleep(0.2)

    for _ in range(2):
        limit.spend("lan")


# --- a forgotten password, and whoever runs the machine --------------------------------------------------------------


async def test_a_link_sets_a_new_password_once_and_ends_every_session(
    lan: httpx.AsyncClient, people: Callable[..., str], app: FastAPI
) -> None:
    token = people("link", LOGIN).rpartition("#")[2].strip()
    guest = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lo.test")

    weak = await guest.post("/api/v1/session/link", json={"token": token, "new_password": "password1"})
    done = await guest.post("/api/v1/session/link", json={"token": token, "new_password": OTHER})
    again = await guest.post("/api/v1/session/link", json={"token": token, "new_password": OTHER})

    assert (weak.status_code, done.status_code, again.status_code) == (400, 200, 403)
    assert (await lan.get("/api/v1/me")).status_code == 401
    assert [await entered(lan, one) for one in (PASSWORD, OTHER)] == [401, 200]


async def test_with_a_new_password_every_link_to_another_one_ends(
    lan: httpx.AsyncClient, people: Callable[..., str], app: FastAPI
) -> None:
    links = [people("link", LOGIN).rpartition("#")[2].strip() for _ in range(4)]
    guest = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lo.test")

    async def by_link(token: str) -> int:
        return (await guest.post("/api/v1/session/link", json={"token": token, "new_password": OTHER})).status_code

    codes = [await by_link(links[0]), await by_link(links[1])]
    links.append(people("link", LOGIN).rpartition("#")[2].strip())
    changed = await guest.put("/api/v1/me/password", json={"current": OTHER, "new": PASSWORD})

    assert (codes, changed.status_code) == ([200, 403], 204)
    assert [await by_link(token) for token in links[2:]] == [403] * 3


async def test_a_disabled_account_reaches_nothing_any_more(
    lan: httpx.AsyncClient, people: Callable[..., str], database: Database
) -> None:
    token = (await lan.post("/api/v1/workshops/1/tokens", json={"name": "x", "scope": "read", "days": 9})).json()
    link = people("link", LOGIN).rpartition("#")[2].strip()

    said = people("disable", LOGIN)

    assert "1 session ended" in said
    assert "DISABLED" in people("list")
    assert (await lan.get("/api/v1/me")).status_code == 401
    assert await entered(lan) == 401
    shown = await lan.get("/api/v1/kilns", headers={"authorization": f"Bearer {token['token']}"})
    assert shown.status_code == 401
    assert (await lan.post("/api/v1/session/link", json={"token": link})).status_code == 403
    with database.read() as session:
        assert audit.newest(session, 1, before_id=None, limit=1)[0].what == "account disabled"


async def test_everybody_is_signed_out_at_once(
    lan: httpx.AsyncClient, elsewhere: httpx.AsyncClient, people: Callable[..., str]
) -> None:
    assert "2 sessions ended" in people("sign-out", "all")
    assert ((await lan.get("/api/v1/me")).status_code, (await elsewhere.get("/api/v1/me")).status_code) == (401, 401)


def test_there_is_no_account_that_nobody_made(people: Callable[..., str]) -> None:
    assert people("list") == "nobody yet\n"


# --- logs ------------------------------------------------------------------------------------------------------------


async def test_who_signs_in_or_fails_to_is_logged_without_what_was_typed(
    lan: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await entered(lan, "a guess of mine")
        await entered(lan)
        await lan.get("/api/v1/workshops/99/members")
        await lan.delete("/api/v1/session")

    told = [(one.getMessage(), getattr(one, "login", getattr(one, "account", None))) for one in caplog.records]
    assert ("sign-in refused", "la…@example.org") in told
    assert ("signed in", 1) in told
    assert ("signed out", 1) in told
    assert "a guess of mine" not in caplog.text


async def test_who_signs_in_often_is_not_taken_for_somebody_who_guesses(app: FastAPI, lan: httpx.AsyncClient) -> None:
    app.state.parts = replace(app.state.parts, sign_in_tries=TryLimit(tries=2, refill_s=3600))

    assert [await entered(lan, PASSWORD) for _ in range(4)] == [200] * 4
    assert [await entered(lan, "a guess of mine") for _ in range(3)] == [401, 401, 429]


async def test_who_finds_no_room_to_be_looked_at_has_not_tried(
    lan: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full(_stored: str | None, _password: str) -> bool:
        msg = "many people are signing in at this moment"
        raise BusyError(msg)

    few = {name: TryLimit(tries=2, refill_s=3600) for name in ("host_tries", "sign_in_tries", "login_tries")}
    app.state.parts = replace(app.state.parts, **few)

    with monkeypatch.context() as crowded:
        crowded.setattr("service.api.identity.verify_password", is_full)
        entering = [await entered(lan) for _ in range(4)]
        proving = [
            (await lan.post("/api/v1/me/sessions/end", json={"password": PASSWORD})).status_code for _ in range(4)
        ]

    assert (entering, proving) == ([503] * 4, [503] * 4)
    assert (await lan.post("/api/v1/me/sessions/end", json={"password": PASSWORD})).status_code == 204
    assert await entered(lan) == 200


async def test_others_write_while_a_password_is_looked_at(
    lan: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []

    def meanwhile(stored: str | None, password: str) -> bool:
        with database.write() as session:
            audit.note(session, 1, who="the bridge", what="wrote", now=NOW)
        written.append(password)
        return verify_password(stored, password)

    monkeypatch.setattr("service.api.identity.verify_password", meanwhile)

    assert await entered(lan) == 200
    assert (await lan.post("/api/v1/me/sessions/end", json={"password": PASSWORD})).status_code == 204
    assert written == [PASSWORD] * 2


async def test_a_password_that_is_changed_while_it_is_looked_at_is_the_old_one(
    lan: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(stored: str | None, password: str) -> bool:
        with database.write() as session:
            session.execute(update(Account).values(password_hash=hash_password(OTHER)))
        return verify_password(stored, password)

    monkeypatch.setattr("service.api.identity.verify_password", meanwhile)

    assert await entered(lan) == 401


async def test_what_is_refused_is_logged_with_who_asked(
    lan: httpx.AsyncClient,
    app: FastAPI,
    database: Database,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.api.problems._lines", TryLimit(tries=9, refill_s=60))  # others have said a lot by now
    nobody = httpx.AsyncClient(
        transport=httpx.ASGITransport(app, client=("203.0.113.77", 1)), base_url="http://lo.test"
    )
    with database.write() as session:
        session.execute(update(Membership).values(role=Role.ASSOCIATION.value))

    await nobody.get("/api/v1/kilns")
    await lan.post("/api/v1/kilns", json={"workshop_id": 1, "name": "Lò 9"})
    app.state.parts = replace(app.state.parts, sign_in_tries=TryLimit(tries=1, refill_s=3600))
    codes = [await entered(nobody, "a guess of mine") for _ in range(2)]

    refused = [one.__dict__ for one in caplog.records if one.getMessage() == "request refused"]
    told = [(one["code"], one["method"], one["path"], one["account"]) for one in refused]
    assert ("signed_out", "GET", "/api/v1/kilns", None) in told
    assert ("refused", "POST", "/api/v1/kilns", 1) in told
    assert codes[-1] == 429
    assert ("too_many", "POST", "/api/v1/session", None) in told
