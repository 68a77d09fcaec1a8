"""Passkeys: a second factor that is one touch, and an account that a password alone no longer opens."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fido2.utils import websafe_decode
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from service_parts import NOW, PASSWORD, new_workshop
from software_passkey import SoftwarePasskey, with_origin
from sqlalchemy import select, update

from service.app import create_app
from service.errors import ConflictError, ServiceError
from service.settings import Settings
from service.store import alarms, audit, members, passkeys
from service.store.database import Database
from service.store.models import Account, Passkey, SignInChallenge, SignInSession
from service.store.passkeys import MAX_PASSKEYS, PasskeySite
from service.store.roles import Role

LOGIN = "lan@example.org"
SITE = "https://lo.example.org"
API = "/api/v1"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, public_url=SITE)


def browser(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SITE)


@pytest.fixture
async def lan(app: FastAPI, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Return a browser in which the owner of workshop 1 signed in with a password."""
    new_workshop(database, LOGIN)
    async with browser(app) as client:
        assert await by_password(client) == 200
        yield client


async def by_password(http: httpx.AsyncClient, login: str = LOGIN) -> int:
    return (await http.post(f"{API}/session", json={"login": login, "password": PASSWORD})).status_code


async def new_passkey(http: httpx.AsyncClient, **kind: Any) -> SoftwarePasskey:
    """Make a passkey of who is signed in."""
    passkey = SoftwarePasskey(SITE, **kind)
    made = await http.post(f"{API}/me/passkeys", json=passkey.make(await asked_for_new(http)))
    assert made.status_code == 201, made.text
    return passkey


async def asked_for_new(http: httpx.AsyncClient) -> dict[str, Any]:
    asked = await http.post(f"{API}/me/passkeys/challenge", json={"password": PASSWORD})
    assert asked.status_code == 200, asked.text
    options: dict[str, Any] = asked.json()["options"]
    return options


async def asked(http: httpx.AsyncClient) -> dict[str, Any]:
    options: dict[str, Any] = (await http.post(f"{API}/session/passkey/challenge")).json()["options"]
    return options


async def by_passkey(http: httpx.AsyncClient, passkey: SoftwarePasskey) -> httpx.Response:
    return await http.post(f"{API}/session/passkey", json=passkey.sign(await asked(http)))


# --- signing in ------------------------------------------------------------------------------------------------------


async def test_a_passkey_signs_its_person_in_without_a_name_or_a_password(
    lan: httpx.AsyncClient, app: FastAPI, database: Database
) -> None:
    passkey = await new_passkey(lan)

    async with browser(app) as phone:
        answer = await by_passkey(phone, passkey)
        me = await phone.get(f"{API}/me")

    assert (answer.status_code, me.json()["login"], me.json()["lacks_factor"]) == (200, LOGIN, False)
    with database.read() as session:
        assert session.scalars(select(SignInSession.with_two_factors)).all() == [True, True]
        assert [one.what for one in audit.newest(session, 1, before_id=None, limit=2)] == ["signed in", "passkey made"]
    told = (await lan.get(f"{API}/me/passkeys")).json()
    assert [one["used_at"] is not None for one in told["passkeys"]] == [True]


async def test_what_was_signed_signs_in_once(lan: httpx.AsyncClient, app: FastAPI) -> None:
    passkey = await new_passkey(lan)

    async with browser(app) as phone:
        body = passkey.sign(await asked(phone))
        codes = [(await phone.post(f"{API}/session/passkey", json=body)).status_code for _ in range(2)]

    assert codes == [200, 403]


async def test_what_took_longer_than_five_minutes_signs_nobody_in(
    lan: httpx.AsyncClient, app: FastAPI, database: Database
) -> None:
    passkey = await new_passkey(lan)
    async with browser(app) as phone:
        body = passkey.sign(await asked(phone))
        with database.write() as session:
            session.execute(update(SignInChallenge).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
        late = await phone.post(f"{API}/session/passkey", json=body)

    assert (late.status_code, "five minutes" in late.text) == (403, True)


@pytest.mark.parametrize("what", ["signature", "authenticator_data", "client_data", "credential_id"])
async def test_what_was_changed_on_the_way_signs_nobody_in(lan: httpx.AsyncClient, app: FastAPI, what: str) -> None:
    passkey, other = await new_passkey(lan), SoftwarePasskey(SITE)
    async with browser(app) as phone:
        options = await asked(phone)
        body = passkey.sign(options) | {what: other.sign(await asked(phone))[what]}
        body |= {"signature": other.sign(options)["signature"]} if what == "authenticator_data" else {}
        answer = await phone.post(f"{API}/session/passkey", json=body)

    assert answer.status_code == 403, answer.text
    assert "set-cookie" not in answer.headers


async def test_another_site_gets_nothing_that_is_of_use_here(lan: httpx.AsyncClient, app: FastAPI) -> None:
    passkey = await new_passkey(lan)
    async with browser(app) as phone:
        lured = SoftwarePasskey("https://lo.example.com", credential_id=passkey.credential_id, key=passkey.key)
        answer = await by_passkey(phone, lured)
        forged = await phone.post(
            f"{API}/session/passkey", json=with_origin(passkey.sign(await asked(phone)), "https://lo.example.com")
        )

    assert (answer.status_code, forged.status_code) == (403, 403)


async def test_a_device_that_did_not_look_who_holds_it_is_one_factor_and_refused(
    lan: httpx.AsyncClient, app: FastAPI
) -> None:
    unlooked = SoftwarePasskey(SITE, is_verified=False)
    made = await lan.post(f"{API}/me/passkeys", json=unlooked.make(await asked_for_new(lan)))
    passkey = await new_passkey(lan)
    passkey.is_verified = False
    async with browser(app) as phone:
        signed = await by_passkey(phone, passkey)

    assert (made.status_code, signed.status_code) == (403, 403)


async def test_a_copy_of_a_device_that_counts_is_found(lan: httpx.AsyncClient, app: FastAPI) -> None:
    passkey = await new_passkey(lan, count=4)
    async with browser(app) as phone:
        codes = []
        for count in (5, 5, 3, 6, 2**32 - 1):
            passkey.count = count
            codes.append((await by_passkey(phone, passkey)).status_code)

    assert codes == [200, 403, 403, 200, 200]


async def test_a_challenge_to_sign_in_makes_no_passkey_and_one_of_another_person_neither(
    lan: httpx.AsyncClient, app: FastAPI, database: Database
) -> None:
    new_workshop(database, "minh@example.org")
    async with browser(app) as minh:
        assert await by_password(minh, "minh@example.org") == 200
        of_lan = await asked_for_new(lan)
        to_sign_in = of_lan | {"challenge": (await asked(minh))["challenge"]}
        codes = [
            (await minh.post(f"{API}/me/passkeys", json=SoftwarePasskey(SITE).make(one))).status_code
            for one in (of_lan, to_sign_in)
        ]

    assert codes == [403, 403]


# --- the passkeys of a person ----------------------------------------------------------------------------------------


async def test_a_passkey_is_made_with_the_password_alone(lan: httpx.AsyncClient) -> None:
    wrong = await lan.post(f"{API}/me/passkeys/challenge", json={"password": "not this"})
    options = await asked_for_new(lan)

    assert wrong.status_code == 403
    assert (options["rp"]["id"], options["user"]["name"]) == ("lo.example.org", LOGIN)
    assert options["authenticatorSelection"]["userVerification"] == "required"


async def test_a_device_has_one_passkey_and_a_person_so_many(lan: httpx.AsyncClient, database: Database) -> None:
    passkey = await new_passkey(lan)
    options = await asked_for_new(lan)
    twice = await lan.post(f"{API}/me/passkeys", json=passkey.make(options))
    with database.write() as session:
        for number in range(MAX_PASSKEYS - 1):
            row = Passkey(account_id=1, credential_id=bytes([number]), credential=b"", signed_count=0, device="")
            row.created_at = NOW
            session.add(row)
    full = await lan.post(f"{API}/me/passkeys/challenge", json={"password": PASSWORD})

    assert len(options["excludeCredentials"]) == 1
    assert (twice.status_code, full.status_code) == (409, 409)


async def test_a_passkey_that_is_removed_signs_nobody_in_and_every_other_session_ends(
    lan: httpx.AsyncClient, app: FastAPI, database: Database
) -> None:
    passkey = await new_passkey(lan)
    with database.write() as session:
        alarms.subscribe(session, 1, endpoint="https://push/1", p256dh="a", auth="b", device="x", now=NOW)
    async with browser(app) as phone:
        assert (await by_passkey(phone, passkey)).status_code == 200
        wrong = await lan.post(f"{API}/me/passkeys/remove", json={"password": "not this", "passkey_id": 1})
        gone = await lan.post(f"{API}/me/passkeys/remove", json={"password": PASSWORD, "passkey_id": 1})
        again = await lan.post(f"{API}/me/passkeys/remove", json={"password": PASSWORD, "passkey_id": 1})

        assert (wrong.status_code, gone.json()["passkeys"], again.status_code) == (403, [], 404)
        assert (await phone.get(f"{API}/me")).status_code == 401
        assert (await by_passkey(phone, passkey)).status_code == 403
    assert (await lan.get(f"{API}/push-subscriptions")).json() == []  # one may be on it too


async def test_nobody_removes_the_passkey_of_another(lan: httpx.AsyncClient, app: FastAPI, database: Database) -> None:
    await new_passkey(lan)
    new_workshop(database, "minh@example.org")
    async with browser(app) as minh:
        assert await by_password(minh, "minh@example.org") == 200
        answer = await minh.post(f"{API}/me/passkeys/remove", json={"password": PASSWORD, "passkey_id": 1})
        seen = (await minh.get(f"{API}/me/passkeys")).json()

    assert (answer.status_code, seen["passkeys"]) == (404, [])


# --- where a password is not enough ----------------------------------------------------------------------------------


async def test_who_asks_for_a_passkey_is_not_signed_in_by_the_password_any_more(
    lan: httpx.AsyncClient, app: FastAPI, people: Callable[..., str]
) -> None:
    early = await lan.put(f"{API}/me/two-factors", json={"password": PASSWORD, "are_wanted": True})
    passkey = await new_passkey(lan)
    async with browser(app) as other:
        assert await by_password(other) == 200
        wanted = await lan.put(f"{API}/me/two-factors", json={"password": PASSWORD, "are_wanted": True})

        assert (early.status_code, wanted.json()["are_wanted"]) == (400, True)
        assert (await other.get(f"{API}/me")).status_code == 401
        refused = await other.post(f"{API}/session", json={"login": LOGIN, "password": PASSWORD})
        assert (refused.status_code, refused.json()["code"]) == (403, "passkey_needed")
        link = people("link", LOGIN).rpartition("#")[2].strip()
        by_link = await other.post(f"{API}/session/link", json={"token": link})
        assert (by_link.status_code, by_link.json()["code"]) == (403, "passkey_needed")
        assert (await by_passkey(other, passkey)).status_code == 200
    assert (await lan.get(f"{API}/me")).status_code == 200


async def test_a_forgotten_password_is_set_by_a_link_that_does_not_replace_the_passkey(
    lan: httpx.AsyncClient, app: FastAPI, people: Callable[..., str]
) -> None:
    passkey = await new_passkey(lan)
    await lan.put(f"{API}/me/two-factors", json={"password": PASSWORD, "are_wanted": True})
    link = people("link", LOGIN).rpartition("#")[2].strip()
    new = "quả bưởi rơi xuống ao"

    by_link = await lan.post(f"{API}/session/link", json={"token": link, "new_password": new})

    assert (by_link.status_code, by_link.json()["code"]) == (403, "passkey_needed")
    assert "the new password is set" in by_link.json()["detail"]
    assert (await lan.get(f"{API}/me")).status_code == 401
    assert (await by_passkey(lan, passkey)).status_code == 200
    proofs = [await lan.post(f"{API}/me/sessions/end", json={"password": one}) for one in (PASSWORD, new)]
    assert [one.status_code for one in proofs] == [403, 204]


async def test_a_new_password_leaves_the_session_as_strong_as_it_was(lan: httpx.AsyncClient) -> None:
    await new_passkey(lan)
    await lan.put(f"{API}/me/two-factors", json={"password": PASSWORD, "are_wanted": True})

    changed = await lan.put(f"{API}/me/password", json={"current": PASSWORD, "new": "quả bưởi rơi xuống ao"})

    assert changed.status_code == 204
    assert (await lan.get(f"{API}/kilns")).status_code == 200


async def test_the_last_passkey_takes_the_wish_with_it(lan: httpx.AsyncClient) -> None:
    await new_passkey(lan)
    await lan.put(f"{API}/me/two-factors", json={"password": PASSWORD, "are_wanted": True})

    left = await lan.post(f"{API}/me/passkeys/remove", json={"password": PASSWORD, "passkey_id": 1})

    assert left.json()["are_wanted"] is False
    assert await by_password(lan) == 200


async def test_who_lost_the_phone_makes_a_new_passkey_after_whoever_runs_the_service_has_looked(
    lan: httpx.AsyncClient, people: Callable[..., str]
) -> None:
    passkey = await new_passkey(lan)
    await lan.put(f"{API}/me/two-factors", json={"password": PASSWORD, "are_wanted": True})

    said = people("forget-passkeys", LOGIN)

    assert "1 passkey forgotten, 1 session ended" in said
    assert (await by_passkey(lan, passkey)).status_code == 403
    assert await by_password(lan) == 200
    await new_passkey(lan)


async def test_a_disabled_account_has_no_passkey_either(lan: httpx.AsyncClient, people: Callable[..., str]) -> None:
    passkey = await new_passkey(lan)

    people("disable", LOGIN)

    assert (await by_passkey(lan, passkey)).status_code == 403


async def test_where_two_factors_are_required_a_password_opens_the_way_to_a_passkey_and_nothing_else(
    lan: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    strict = create_app(settings.model_copy(update={"two_factors": "required"}), database)
    subscription = {"endpoint": "https://fcm.googleapis.com/x", "keys": {"p256dh": "B" + "A" * 86, "auth": "A" * 22}}
    async with strict.router.lifespan_context(strict), browser(strict) as phone:
        phone.cookies.update(lan.cookies)
        me = (await phone.get(f"{API}/me")).json()
        tried = [
            await phone.get(f"{API}/kilns"),
            await phone.get(f"{API}/live"),
            await phone.post(f"{API}/push-subscriptions", json=subscription | {"device": "x"}),
            await phone.put(f"{API}/me/login", json={"password": PASSWORD, "login": "0912345678"}),
            await phone.post(f"{API}/workshops/1/tokens", json={"name": "x", "scope": "read", "days": 9}),
        ]
        with database.write() as session:
            invited = members.invite(session, 1, Role.OPERATOR, invited_by="Lan", now=datetime.now(UTC))[1]
        joined = await phone.post(f"{API}/invitations/join", json={"token": invited})
        passkey = await new_passkey(phone)
        opened = await phone.get(f"{API}/kilns")
        by_word = await by_password(phone)
        by_key = await by_passkey(phone, passkey)

    assert (me["lacks_factor"], me["workshops"]) == (True, [])
    assert (joined.status_code, joined.json()["code"]) == (403, "passkey_needed")
    assert {(one.status_code, one.json()["code"]) for one in tried} == {(403, "passkey_needed")}
    assert (opened.status_code, by_word, by_key.status_code) == (200, 403, 200)


async def test_an_account_made_where_another_showed_a_passkey_stands_on_its_password_alone(
    lan: httpx.AsyncClient, database: Database
) -> None:
    await new_passkey(lan)
    made = await lan.post(f"{API}/workshops/1/invitations", json={"role": "operator"})
    token = made.json()["link"].rpartition("#")[2]
    with database.write() as session:
        session.execute(update(SignInSession).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    person = {"name": "Mai", "login": "mai@example.org", "password": PASSWORD}
    joined = await lan.post(f"{API}/invitations/join", json={"token": token, "person": person})

    assert joined.status_code == 200, joined.text
    with database.read() as session:
        assert session.scalars(select(SignInSession.with_two_factors).where(SignInSession.account_id == 2)).all() == [
            False
        ]


async def test_sessions_of_a_password_end_where_two_factors_come_to_be_required(
    lan: httpx.AsyncClient, app: FastAPI, settings: Settings, database: Database
) -> None:
    await new_passkey(lan)
    async with browser(app) as other:
        assert await by_password(other) == 200
        strict = create_app(settings.model_copy(update={"two_factors": "required"}), database)
        async with strict.router.lifespan_context(strict), browser(strict) as same:
            same.cookies.update(other.cookies)
            assert (await same.get(f"{API}/me")).status_code == 401


# --- where passkeys can be had ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "is_fit"),
    [
        ("https://lo.example.org", True),
        ("https://lo.example.org:8443", True),
        ("https://Lo.Example.org:443", True),
        ("http://localhost:8600", True),
        ("http://127.0.0.1:8600", False),
        ("https://192.168.1.10", False),
        ("https://[::1]:8600", False),
        ("http://lo.example.org", False),
    ],
)
def test_a_passkey_needs_https_and_a_name(url: str, is_fit: bool) -> None:
    assert PasskeySite(url).is_fit == is_fit


def test_a_site_is_called_as_browsers_call_it() -> None:
    assert PasskeySite("https://Lo.Example.org:443").origin == "https://lo.example.org"
    assert PasskeySite("http://localhost:8600").origin == "http://localhost:8600"


async def test_without_a_name_it_is_told_what_is_wanted(settings: Settings, database: Database) -> None:
    plain = create_app(settings.model_copy(update={"public_url": "http://192.168.1.10:8600"}), database)
    new_workshop(database, LOGIN)
    async with (
        plain.router.lifespan_context(plain),
        httpx.AsyncClient(transport=httpx.ASGITransport(plain), base_url="http://192.168.1.10:8600") as http,
    ):
        assert await by_password(http) == 200
        told = (await http.get(f"{API}/me/passkeys")).json()
        refused = await http.post(f"{API}/session/passkey/challenge")

    assert told["are_offered"] is False
    assert (refused.status_code, "CANHLO_PUBLIC_URL" in refused.text) == (409, True)


def test_two_factors_are_not_required_where_there_can_be_no_second_one(settings: Settings, database: Database) -> None:
    with pytest.raises(ConflictError, match="https and a name"):
        create_app(settings.model_copy(update={"two_factors": "required", "public_url": ""}), database)


# --- whatever is sent ------------------------------------------------------------------------------------------------


@pytest.fixture
def account_id(database: Database) -> int:
    new_workshop(database, LOGIN)
    return 1


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@example(share=0.0, junk=b"\x81" * 14_000)  # a list in a list in a list
@given(share=st.floats(0, 1, exclude_max=True), junk=st.binary(max_size=40))
def test_what_no_device_says_is_refused_in_words(
    database: Database, account_id: int, share: float, junk: bytes
) -> None:
    site, passkey, now = PasskeySite(SITE), SoftwarePasskey(SITE), datetime.now(UTC)
    with database.write() as session:
        account = session.get_one(Account, account_id)
        made = sent(passkey.make(dict(passkeys.ask_for_new(session, site, account, now=now))))
        attestation = made["attestation"][: int(share * len(made["attestation"]))] + junk
        with pytest.raises(ServiceError):
            passkeys.add(
                session, site, account, client_data=made["client_data"], attestation=attestation, device="", now=now
            )

        made = sent(passkey.make(dict(passkeys.ask_for_new(session, site, account, now=now))))
        passkeys.add(session, site, account, **made, device="", now=now)
        said = sent(passkey.sign(dict(passkeys.ask(session, site, now=now))))
        said["authenticator_data"] = said["authenticator_data"][: int(share * len(said["authenticator_data"]))] + junk
        with pytest.raises(ServiceError):
            passkeys.who_signed(session, site, **said, now=now)
        with pytest.raises(ServiceError):
            passkeys.who_signed(session, site, **said | {"client_data": junk}, now=now)
        session.rollback()


def sent(body: dict[str, str]) -> dict[str, bytes]:
    return {name: websafe_decode(text) for name, text in body.items()}
