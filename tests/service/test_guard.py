"""What every answer carries and every request is held to, whatever the route."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from service_parts import PASSWORD, new_workshop
from starlette.types import Message, Receive, Scope, Send

from service.api import guard
from service.api.limits import TryLimit
from service.app import create_app
from service.settings import Settings
from service.store.database import Database

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize(
    "path", ["/", "/assets/none.js", "/healthz", "/metrics", "/api/v1/me", "/api/v1/nothing", "/api/v1/openapi.json"]
)
async def test_every_answer_has_the_headers_that_keep_browsers_careful(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)

    assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    policy = answer.headers["content-security-policy"]
    assert [
        part for part in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'") if part not in policy
    ] == []
    assert "unsafe" not in policy
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "strict-transport-security" not in answer.headers  # it would lock http out of a place without certificates
    assert "server" not in answer.headers


async def test_over_https_browsers_are_told_to_stay_there(settings: Settings, database: Database) -> None:
    app = create_app(settings.model_copy(update={"public_url": "https://lo.example.org"}), database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://lo.example.org") as http:
        answer = await http.get("/api/v1/me")

    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


async def test_an_answer_of_the_api_is_kept_by_no_cache_and_runs_nothing_as_a_document(
    signed_in: httpx.AsyncClient,
) -> None:
    answers = [await signed_in.get(f"/api/v1/{path}") for path in ("me", "kilns", "nothing")]
    posted = await signed_in.post("/api/v1/blocks")

    assert [answer.headers["cache-control"] for answer in (*answers, posted)] == ["no-store"] * 4
    assert "sandbox" in answers[0].headers["content-security-policy"]
    assert posted.headers["x-content-type-options"] == "nosniff"
    assert (await signed_in.get("/")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "origin", ["https://elsewhere.example", "null", "http://[", "http://[::1", "lo.test", "http://lo.test:x", ""]
)
async def test_an_origin_that_is_not_ours_is_refused_whatever_it_is(signed_in: httpx.AsyncClient, origin: str) -> None:
    asked = {"workshop_id": 1, "name": "Lò 9"}

    foreign = await signed_in.post("/api/v1/kilns", json=asked, headers={"origin": origin})
    own = await signed_in.post("/api/v1/kilns", json=asked, headers={"origin": "http://lo.test"})

    assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_origin")
    assert own.status_code == 201


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_browser_that_says_another_site_sent_it_is_refused(
    signed_in: httpx.AsyncClient, site: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.api.problems._lines", TryLimit(tries=9, refill_s=60))  # others have said a lot by now
    asked = {"workshop_id": 1, "name": "Lò 9"}

    foreign = await signed_in.post("/api/v1/kilns", json=asked, headers={"sec-fetch-site": site})
    own = await signed_in.post("/api/v1/kilns", json=asked, headers={"sec-fetch-site": "same-origin"})

    assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_origin")
    assert own.status_code == 201
    refused = [one.__dict__ for one in caplog.records if one.getMessage() == "request refused"]
    assert [(one["code"], one["path"]) for one in refused] == [("foreign_origin", "/api/v1/kilns")]


async def test_who_asks_without_end_is_told_to_wait_and_holds_up_nobody_else(
    app: FastAPI, signed_in: httpx.AsyncClient, database: Database
) -> None:
    new_workshop(database, "ba@example.org")
    app.state.parts = replace(app.state.parts, requests=TryLimit(tries=3, refill_s=3600))
    other = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lo.test")
    entered = await other.post("/api/v1/session", json={"login": "ba@example.org", "password": PASSWORD})

    answers = [await signed_in.get("/api/v1/kilns") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["code"] == "too_many"
    assert 3500 < int(answers[-1].headers["retry-after"]) <= 3600
    assert entered.status_code == 200
    assert (await other.get("/api/v1/kilns")).status_code == 200
    await other.aclose()


async def test_what_a_form_of_another_site_can_send_changes_nothing(signed_in: httpx.AsyncClient) -> None:
    """A form needs no leave to send text; an API that took it as JSON could be driven by any site."""
    answer = await signed_in.post(
        "/api/v1/kilns", content='{"workshop_id": 1, "name": "Lò 9"}', headers={"content-type": "text/plain"}
    )

    assert answer.status_code == 422
    assert (await signed_in.get("/api/v1/kilns")).json() == []


async def test_no_other_site_may_read(signed_in: httpx.AsyncClient) -> None:
    answers = [
        await signed_in.get("/api/v1/me", headers={"origin": "https://elsewhere.example"}),
        await signed_in.options("/api/v1/me", headers={"origin": "https://elsewhere.example"}),
    ]

    assert [answer.headers.get("access-control-allow-origin") for answer in answers] == [None, None]


@pytest.mark.parametrize("method", ["TRACE", "DELETE", "PROPFIND"])
async def test_a_method_that_is_none_here_is_told_those_that_are(http: httpx.AsyncClient, method: str) -> None:
    at_route = await http.request(method, "/api/v1/kilns")
    at_page = await http.request(method, "/settings")

    assert (at_route.status_code, at_route.headers["allow"]) == (405, "GET, POST")
    assert (at_page.status_code, at_page.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path", ["/%00", "/../../etc/passwd", "/..%2f..%2fpyproject.toml", "/" + "a" * 5000, "/assets/"]
)
async def test_no_path_leads_out_of_the_page(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)

    assert answer.status_code in {200, 503}  # the page itself, if it is built
    assert "root:" not in answer.text
    assert "[project]" not in answer.text


# --- bodies ----------------------------------------------------------------------------------------------------------


async def test_a_body_that_is_too_large_is_refused_before_it_is_held(http: httpx.AsyncClient) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 10_000
            yield b"x" * 10_000

    answer = await http.post("/api/v1/session", content=endless(), headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (413, "http_413")
    assert taken < 2 * guard.MAX_BODY_BYTES


async def test_so_is_one_that_is_read_before_the_routes(signed_in: httpx.AsyncClient) -> None:
    large = b'{"name": "' + b"x" * guard.MAX_BODY_BYTES + b'"}'

    answer = await signed_in.post("/api/v1/kilns", content=large, headers={"idempotency-key": "0123456789"})

    assert (answer.status_code, answer.json()["code"]) == (413, "http_413")


async def test_a_body_that_never_comes_is_not_waited_for() -> None:
    seen: list[str] = []

    async def reads(_scope: Scope, receive: Receive, _send: Send) -> None:
        try:
            while True:
                await receive()
        except guard.BodyError as error:
            seen.append(f"{error.status_code} {error.detail}")

    async def dribbled() -> Message:
        await asyncio.sleep(0.03)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def unheard(_message: Message) -> None: ...

    bounded = guard.BodyBounds(reads, timeout_s=0.2)
    await bounded({"type": "http", "method": "POST", "path": "/api/v1/session"}, dribbled, unheard)

    assert seen == ["408 the body did not come within 0 s"]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"login": "lan@example.org", "password": "\\ud800"}',
        b'{"login": "l\\u0000an@example.org", "password": "x"}',
        b'{"\\ud800": 1}',
        b'{"login": 1e999, "password": NaN}',
        b"\xff\xfe\x00",
        b'{"login": true, "password": ["x"]}',
    ],
    ids=["deep", "half a pair", "NUL", "a name that is half a pair", "infinite", "not UTF-8", "other types"],
)
async def test_whatever_is_no_request_is_told_so(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post("/api/v1/session", content=body, headers={"content-type": "application/json"})

    assert answer.status_code in {400, 422}
    assert len(answer.content) < 2500


async def test_a_failure_of_ours_says_nothing_of_the_inside(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_workshop(database, "lan@example.org")

    def broken(*_given: object, **_named: object) -> None:
        msg = "SELECT password_hash FROM account"
        raise RuntimeError(msg)

    monkeypatch.setattr("service.api.identity.identity.account_by_login", broken)
    app = create_app(settings, database)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://lo.test") as http:
        answer = await http.post("/api/v1/session", json={"login": "lan@example.org", "password": "x"})

    assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
    assert "SELECT" not in answer.text
    assert answer.headers["content-security-policy"]
