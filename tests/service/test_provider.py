"""Signing in through an identity provider: a real one, and tokens that no honest one would give."""

import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError
from service_parts import PASSWORD, new_workshop
from sink_servers import free_port
from software_passkey import SoftwarePasskey
from sqlalchemy import update

from service.api.oidc import MOST_AT_ONCE, Provider
from service.app import create_app
from service.errors import BusyError, ProviderError, RefusedError
from service.settings import ProviderSettings, Settings
from service.store.database import Database
from service.store.models import SignInSession

LOGIN = "lan@example.org"
SITE = "https://lo.example.org"
API = "/api/v1"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """Run an OpenID Connect provider; return its address."""
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
    people = ('{"sub": "lan-at-village", "email": "lan@gmail.example"}', '{"sub": "strong", "amr": ["pwd", "mfa"]}')
    claims = [word for one in people for word in ("--user-claims", one)]
    process = subprocess.Popen([*command, *claims], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    until = time.monotonic() + 30
    while not _answers(address):
        assert time.monotonic() < until
        time.sleep(0.05)
    yield address
    process.terminate()
    process.wait(20)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/.well-known/openid-configuration").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def settings(tmp_path: Path, issuer: str) -> Settings:
    provider = ProviderSettings(name="Làng", issuer=issuer, client_id="canhlo", client_secret=SecretStr("bí mật"))
    return Settings(data_dir=tmp_path, public_url=SITE, provider=provider)


def browser(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SITE)


@pytest.fixture
async def lan(app: FastAPI, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Return a browser in which the owner of workshop 1 signed in with a password."""
    new_workshop(database, LOGIN)
    async with browser(app) as client:
        answer = await client.post(f"{API}/session", json={"login": LOGIN, "password": PASSWORD})
        assert answer.status_code == 200
        yield client


def at_provider(url: str, person: str = "lan-at-village") -> dict[str, str]:
    """Say to the provider who one is; return what the browser brings back from it."""
    answer = httpx.post(url, data={"sub": person})
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == f"{SITE}/provider"
    said = parse_qs(back.query)
    return {"code": said["code"][0], "state": said["state"][0]}


async def way(http: httpx.AsyncClient) -> str:
    answer = await http.post(f"{API}/session/provider/begin")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


async def way_to_tie(http: httpx.AsyncClient) -> str:
    answer = await http.post(f"{API}/me/provider/begin", json={"password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


async def come_back(http: httpx.AsyncClient, brought: dict[str, str]) -> httpx.Response:
    return await http.post(f"{API}/session/provider", json=brought)


# --- with a provider -------------------------------------------------------------------------------------------------


async def test_an_identity_signs_in_the_account_that_its_person_has_tied_to_it(
    lan: httpx.AsyncClient, app: FastAPI
) -> None:
    async with browser(app) as phone:
        unknown = await come_back(phone, at_provider(await way(phone)))
        tied = await come_back(lan, at_provider(await way_to_tie(lan)))
        known = await come_back(phone, at_provider(await way(phone)))
        me = await phone.get(f"{API}/me")

    assert (unknown.status_code, "in the settings" in unknown.text) == (403, True), unknown.text
    assert (tied.status_code, known.status_code, me.json()["login"]) == (200, 200, LOGIN)
    assert (await lan.get(f"{API}/me/provider")).json() == {"name": "Làng", "known_as": "lan@gmail.example"}
    assert (await lan.get(f"{API}/session/provider")).json() == {"name": "Làng"}


async def test_an_identity_that_is_untied_signs_nobody_in(lan: httpx.AsyncClient, app: FastAPI) -> None:
    await come_back(lan, at_provider(await way_to_tie(lan)))
    wrong = await lan.post(f"{API}/me/provider/untie", json={"password": "not this"})
    done = await lan.post(f"{API}/me/provider/untie", json={"password": PASSWORD})
    async with browser(app) as phone:
        after = await come_back(phone, at_provider(await way(phone)))

    assert (wrong.status_code, done.status_code, after.status_code) == (403, 204, 403)


async def test_an_identity_is_tied_with_the_password_and_to_one_account(
    lan: httpx.AsyncClient, app: FastAPI, database: Database
) -> None:
    wrong = await lan.post(f"{API}/me/provider/begin", json={"password": "not this"})
    await come_back(lan, at_provider(await way_to_tie(lan)))
    new_workshop(database, "minh@example.org")
    async with browser(app) as minh:
        await minh.post(f"{API}/session", json={"login": "minh@example.org", "password": PASSWORD})
        taken = await come_back(minh, at_provider(await way_to_tie(minh)))
        still = await minh.get(f"{API}/me")

    assert (wrong.status_code, taken.status_code, still.json()["login"]) == (403, 409, "minh@example.org")


async def test_what_a_browser_brings_back_counts_once_and_for_that_browser(
    lan: httpx.AsyncClient, app: FastAPI
) -> None:
    await come_back(lan, at_provider(await way_to_tie(lan)))
    async with browser(app) as phone, browser(app) as other:
        brought = at_provider(await way(phone))
        await way(other)
        lured = await come_back(other, brought)
        first = await come_back(phone, brought)
        again = await come_back(phone, brought)
        made_up = await come_back(phone, {"code": brought["code"], "state": "x"})

    assert [one.status_code for one in (lured, first, again, made_up)] == [403, 200, 403, 403]


async def test_a_code_of_nobody_is_refused(lan: httpx.AsyncClient, app: FastAPI) -> None:
    async with browser(app) as phone:
        brought = at_provider(await way(phone)) | {"code": "made-up"}
        answer = await come_back(phone, brought)

    assert (answer.status_code, answer.json()["code"]) == (403, "refused")


async def test_two_factors_are_what_the_provider_says_it_has_seen(lan: httpx.AsyncClient, app: FastAPI) -> None:
    await come_back(lan, at_provider(await way_to_tie(lan)))
    options = (await lan.post(f"{API}/me/passkeys/challenge", json={"password": PASSWORD})).json()["options"]
    made = await lan.post(f"{API}/me/passkeys", json=SoftwarePasskey(SITE).make(options))
    await lan.put(f"{API}/me/two-factors", json={"password": PASSWORD, "are_wanted": True})
    async with browser(app) as phone:
        weak = await come_back(phone, at_provider(await way(phone)))
    await come_back(lan, at_provider(await way_to_tie(lan), "strong"))
    async with browser(app) as phone:
        strong = await come_back(phone, at_provider(await way(phone), "strong"))

    assert made.status_code == 201
    assert (weak.status_code, weak.json()["code"]) == (403, "passkey_needed")
    assert (strong.status_code, strong.json()["lacks_factor"]) == (200, False)


async def test_a_session_that_has_ended_lends_no_second_factor(lan: httpx.AsyncClient, database: Database) -> None:
    options = (await lan.post(f"{API}/me/passkeys/challenge", json={"password": PASSWORD})).json()["options"]
    await lan.post(f"{API}/me/passkeys", json=SoftwarePasskey(SITE).make(options))
    await lan.put(f"{API}/me/two-factors", json={"password": PASSWORD, "are_wanted": True})
    still_in = await come_back(lan, at_provider(await way_to_tie(lan)))
    with database.write() as session:
        session.execute(update(SignInSession).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    ended = await come_back(lan, at_provider(await way(lan)))

    assert (still_in.status_code, ended.status_code, ended.json()["code"]) == (200, 403, "passkey_needed")


async def test_a_disabled_account_is_tied_to_nothing(
    lan: httpx.AsyncClient, app: FastAPI, people: Callable[..., str]
) -> None:
    await come_back(lan, at_provider(await way_to_tie(lan)))
    people("disable", LOGIN)
    async with browser(app) as phone:
        after = await come_back(phone, at_provider(await way(phone)))

    assert after.status_code == 403


async def test_what_was_begun_in_a_session_ends_with_it(
    lan: httpx.AsyncClient, app: FastAPI, people: Callable[..., str]
) -> None:
    brought = at_provider(await way_to_tie(lan))
    people("disable", LOGIN)
    disabled = await come_back(lan, brought)

    assert (disabled.status_code, (await lan.get(f"{API}/me")).status_code) == (403, 401)


async def test_an_identity_is_tied_by_who_is_still_signed_in(lan: httpx.AsyncClient, app: FastAPI) -> None:
    brought = at_provider(await way_to_tie(lan))
    await lan.delete(f"{API}/session")
    gone = await come_back(lan, brought)
    async with browser(app) as phone:
        after = await come_back(phone, at_provider(await way(phone)))

    assert (gone.status_code, "no longer signed in" in gone.text, after.status_code) == (403, True, 403)


async def test_what_is_no_state_is_refused_in_words(lan: httpx.AsyncClient) -> None:
    assert (await come_back(lan, {"code": "x", "state": "é"})).status_code == 422


async def test_without_a_provider_there_is_none(settings: Settings, database: Database) -> None:
    plain = create_app(settings.model_copy(update={"provider": None}), database)
    async with plain.router.lifespan_context(plain), browser(plain) as http:
        told = await http.get(f"{API}/session/provider")
        begun = await http.post(f"{API}/session/provider/begin")

    assert (told.json(), begun.status_code) == ({"name": None}, 404)


# --- what no honest provider says ------------------------------------------------------------------------------------

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ISSUER = "https://id.example.org"


class Told(Provider):
    """A provider that answers from a table, not from the network."""

    def __init__(self, answers: dict[str, object]) -> None:
        settings = ProviderSettings(name="Làng", issuer=ISSUER, client_id="canhlo", client_secret=SecretStr("x"))
        super().__init__(settings, f"{SITE}/provider")
        self.answers = answers

    def _ask(self, _method: str, address: str, **_how: object) -> dict[str, object]:
        return dict(self.answers[address.removeprefix(ISSUER)])  # type: ignore[call-overload,no-any-return]


def provider(**said: object) -> Told:
    jwk = {
        **jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True),
        "kid": "1",
        "use": "sig",
        "alg": "RS256",
    }
    about = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys", "authorization_endpoint": f"{ISSUER}/in"}
    return Told({"/.well-known/openid-configuration": about | said, "/keys": {"keys": [jwk]}})


def token(key: object = KEY, *, kid: str = "1", algorithm: str = "RS256", **changed: object) -> str:
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": ISSUER, "aud": "canhlo", "sub": "lan", "iat": now, "exp": now + 300, "nonce": "n"} | changed
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={"kid": kid})  # type: ignore[arg-type]


def test_a_good_token_says_who_it_is() -> None:
    who = provider().checked(token(email="lan@gmail.example", amr=["pwd", "otp", "mfa"]), "n")

    assert (who.issuer, who.subject, who.known_as, who.has_two_factors) == (ISSUER, "lan", "lan@gmail.example", True)


@pytest.mark.parametrize(
    "bad",
    [
        token(STRANGER),
        token(kid="2"),
        token("", algorithm="none"),
        token("a secret of 32 bytes or more, shared", algorithm="HS256"),
        token(iss="https://id.example.com"),
        token(aud="another"),
        token(aud=["canhlo", "another"], azp="another"),
        token(exp=int(datetime.now(UTC).timestamp()) - 120),
        token(nbf=int(datetime.now(UTC).timestamp()) + 600),
        token(nonce="of another sign-in"),
        token(nonce=None),
        token(nonce="của ai"),
        token(sub="x" * 256),
        token(sub=None),
        token(exp=None),
        token()[:-6] + "AAAAAA",
        "",
        "a.b.c",
    ],
)
def test_a_token_that_does_not_hold_signs_nobody_in(bad: str) -> None:
    with pytest.raises(RefusedError):
        provider().checked(bad, "n")


def test_a_provider_that_says_it_is_another_is_not_believed() -> None:
    with pytest.raises(ProviderError, match="CANHLO_PROVIDER"):
        provider(issuer="https://id.example.com").address(b"secret")


@pytest.mark.parametrize("address", ["http://id.example.org/in", "javascript://localhost/%0aalert(1)", "https://[", ""])
def test_an_address_that_others_can_read_is_not_used(address: str) -> None:
    with pytest.raises(ProviderError, match="https"):
        provider(authorization_endpoint=address).address(b"secret")


def test_the_way_says_a_proof_a_state_and_a_nonce_that_belong_together() -> None:
    said = {name: parse_qs(urlsplit(provider().address(secret)).query) for name, secret in (("a", b"1"), ("b", b"2"))}

    assert said["a"]["code_challenge_method"] == ["S256"]
    assert [said["a"][one] != said["b"][one] for one in ("state", "nonce", "code_challenge")] == [True] * 3


@pytest.mark.parametrize("issuer", ["http://id.example.org", "https://a@b", "ftp://x", ""])
def test_an_issuer_that_is_none_is_refused_at_the_start(issuer: str) -> None:
    with pytest.raises(ValidationError):
        ProviderSettings(name="x", issuer=issuer, client_id="x", client_secret=SecretStr("x"))


def test_a_provider_that_stands_still_holds_a_few_threads_and_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(MOST_AT_ONCE) as people:
        issuer = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings = ProviderSettings(name="x", issuer=issuer, client_id="x", client_secret=SecretStr("x"))
        still = Provider(settings, SITE)
        waiting = [people.submit(still.address, b"secret") for _ in range(MOST_AT_ONCE)]
        connections = [silent.accept()[0] for _ in waiting]
        with pytest.raises(BusyError):
            still.address(b"secret")
        for connection in connections:
            connection.close()
        assert [isinstance(one.exception(20), ProviderError) for one in waiting] == [True] * MOST_AT_ONCE


def test_what_is_no_provider_is_told_in_words(tmp_path: Path) -> None:
    gone = ProviderSettings(name="x", issuer="http://127.0.0.1:9", client_id="x", client_secret=SecretStr("x"))
    with pytest.raises(ProviderError, match="does not answer as an identity provider"):
        Provider(gone, SITE).address(b"secret")
    with pytest.raises(ValidationError, match="provider is JSON"):
        Settings(data_dir=tmp_path, provider="làng")
