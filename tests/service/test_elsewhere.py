"""Two services on one PostgreSQL: whichever a browser talks to, it sees what the other one watches."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from service_parts import BridgeClient, block, new_bridge, new_workshop, sign_in
from sqlalchemy import text

from service.api.deps import Parts
from service.api.live import Viewer
from service.app import create_app
from service.settings import Settings
from service.store.database import Database
from service.store.exchange import cut, joined
from service.store.leases import slot_of
from service.store.roles import GRANTS, Role
from service.store.who import Who

LOGIN = "lan@example.org"
OWNER = Who(1, "Lan", LOGIN, "vi", {1: GRANTS[Role.OWNER]})


class Pair:
    """The service that watches the kilns of workshop 1, and another."""

    def __init__(self, watching: FastAPI, other: FastAPI, bridge: str, url: str) -> None:
        self.watching: Parts = watching.state.parts
        self.other: Parts = other.state.parts
        self.database = Database(url)
        self.browser = sign_in(_client(other), self.database, LOGIN)
        self.bridge = BridgeClient(_client(other), bridge)


def _client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lo.test")


@pytest.fixture
async def pair(postgres: Callable[[], str], tmp_path: Path) -> AsyncIterator[Pair]:
    url = postgres()
    async with AsyncExitStack() as stack:
        apps = []
        for _ in range(2):
            database = Database(url)
            stack.callback(database.close)
            apps.append(create_app(Settings(data_dir=tmp_path), database))
            await stack.enter_async_context(apps[-1].router.lifespan_context(apps[-1]))
        async with asyncio.timeout(30):
            while not all(len(app.state.parts.monitor.slots or ()) == 60 for app in apps):
                await asyncio.sleep(0.05)
        workshop_id = new_workshop(apps[0].state.parts.database, LOGIN)
        apps.sort(key=lambda app: slot_of(workshop_id) not in (app.state.parts.monitor.slots or ()))
        made = Pair(*apps, new_bridge(apps[0].state.parts.database, workshop_id), url)
        stack.callback(made.database.close)
        yield made
        await made.browser.aclose()
        await made.bridge.http.aclose()


async def heard(viewer: Viewer, wanted: Callable[[dict[str, dict]], bool]) -> dict[str, dict]:
    """Return the first message in which something stands, by kind."""
    async with asyncio.timeout(10):
        while True:
            message = await asyncio.wait_for(viewer.next(), 10)
            assert message is not None
            found = {}
            for one in message.strip().split("\n\n"):
                kind, data = one.split("\n")
                found[kind.removeprefix("event: ")] = json.loads(data.removeprefix("data: "))
            if wanted(found):
                return found


async def test_a_browser_sees_live_what_another_process_watches(pair: Pair) -> None:
    viewer = pair.other.hub.join(OWNER, "vi")

    await pair.bridge.send(block(1, at_s=1000, top=[650.0, 652.0], until_s=1010))
    found = await heard(viewer, lambda kinds: "points" in kinds)
    kilns = (await pair.browser.get("/api/v1/kilns")).json()

    assert found["kiln"]["channels"][0]["value_c"] == 652.0
    assert found["points"]["channels"][0]["value_c"] == [650.0, 652.0]
    assert kilns[0]["now"]["channels"][0]["value_c"] == 652.0
    assert pair.watching.monitor.watched_here([1])
    assert not pair.other.monitor.watched_here([1])
    pair.other.hub.leave(viewer)


async def test_what_a_person_changes_through_one_process_shows_through_the_other(pair: Pair) -> None:
    viewer = pair.watching.hub.join(OWNER, "vi")
    await pair.bridge.send(block(1, at_s=1000, top=[650.0], until_s=1010))
    await heard(viewer, lambda kinds: "kiln" in kinds)

    answer = await pair.browser.patch("/api/v1/kilns/1", json={"target_cone": "6"})
    edited_at = answer.json()["edited_at"]
    found = await heard(viewer, lambda kinds: kinds.get("kiln", {}).get("edited_at") == edited_at)

    assert answer.status_code == 200
    assert found["kiln"]["kiln_id"] == 1
    pair.watching.hub.leave(viewer)


async def test_a_person_whose_rights_change_is_cut_off_by_every_process(pair: Pair) -> None:
    viewer = pair.other.hub.join(OWNER, "vi")

    pair.watching.hub.rights_changed(OWNER.account_id)

    assert await asyncio.wait_for(viewer.next(), 10) is None
    pair.other.hub.leave(viewer)


async def test_a_process_that_could_not_hear_for_a_while_lets_browsers_fetch_anew(pair: Pair) -> None:
    viewer = pair.other.hub.join(OWNER, "vi")

    with pair.database.write() as session:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        session.execute(text(query + " AND datname = current_database()"))

    assert await asyncio.wait_for(viewer.next(), 10) is None
    pair.other.hub.leave(viewer)


@given(words=st.lists(st.binary(max_size=30_000), max_size=5), number=st.integers(0, 1 << 60))
def test_words_come_through_whole_in_notices_that_postgresql_takes(words: list[bytes], number: int) -> None:
    notices = cut("0123456789abcdef", number, words)

    assert max(len(str(one)) for one in notices) < 8000
    assert joined([one.piece for one in notices]) == words
