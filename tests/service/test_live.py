"""The live stream: what changes reaches those who may see it, and a slow viewer holds up nobody."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from service_parts import BridgeClient, block

from service.api import schemas, views
from service.api.deps import Parts
from service.api.live import MAX_WAITING, Viewer
from service.api.live_events import KilnEvents
from service.core.live import LiveFiring, Watch
from service.core.series import Chunk, Samples
from service.monitor.watched import LiveKiln
from service.store.kilns import ChannelSaid
from service.store.roles import GRANTS, Role
from service.store.who import Who

OWNER = Who(1, "Lan", "lan@example.org", "vi", {1: GRANTS[Role.OWNER]})
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STRANGER = Who(2, "Ba", "ba@example.org", "vi", {2: GRANTS[Role.OWNER]})


def events(message: str) -> list[tuple[str, dict]]:
    """Return the kinds and data of the events in one piece of the stream."""
    found = []
    for one in message.strip().split("\n\n"):
        kind, data = one.split("\n")
        found.append((kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


@pytest.fixture
def parts(app: FastAPI) -> Parts:
    return app.state.parts


async def test_a_stored_block_reaches_a_viewer_with_the_kiln_and_its_new_points(
    parts: Parts, bridge: BridgeClient
) -> None:
    viewer = parts.hub.join(OWNER, "vi")

    await bridge.send(block(1, at_s=1000, top=[650.0, 652.0], until_s=1010))
    message = await asyncio.wait_for(viewer.next(), 10)

    found = dict(events(message or ""))
    assert found["kiln"]["channels"][0]["value_c"] == 652.0
    assert found["points"]["channels"][0]["value_c"] == [650.0, 652.0]
    parts.hub.leave(viewer)


async def test_what_a_probe_is_called_reaches_who_looks_at_its_kiln_and_its_firings(
    parts: Parts, bridge: BridgeClient, signed_in: httpx.AsyncClient
) -> None:
    await bridge.send(block(1, at_s=1000, top=[650.0]))
    viewer = parts.hub.join(OWNER, "vi")

    await signed_in.patch("/api/v1/channels/1", json={"label": "can gần cửa", "is_hidden": True})
    live = dict(events(await asyncio.wait_for(viewer.next(), 10) or ""))["kiln"]["channels"][0]
    listed = (await signed_in.get("/api/v1/kilns")).json()[0]["now"]["channels"][0]
    firing = (await signed_in.post("/api/v1/kilns/1/firings", json={})).json()

    said = {"name": "top", "label": "can gần cửa", "is_hidden": True}
    assert said.items() <= live.items()
    assert said.items() <= listed.items()
    assert firing["channels"] == [said]
    parts.hub.leave(viewer)


async def test_every_event_of_a_kiln_says_when_it_was_edited_and_a_kiln_that_a_person_makes_has_one(
    parts: Parts, signed_in: httpx.AsyncClient
) -> None:
    viewer = parts.hub.join(OWNER, "vi")

    made = (await signed_in.post("/api/v1/kilns", json={"workshop_id": 1, "name": "Lò mới"})).json()
    new = dict(events(await asyncio.wait_for(viewer.next(), 10) or ""))["kiln"]
    changed = (await signed_in.patch(f"/api/v1/kilns/{made['id']}", json={"ware": ["raw"]})).json()
    told = dict(events(await asyncio.wait_for(viewer.next(), 10) or ""))["kiln"]
    listed = (await signed_in.get("/api/v1/kilns")).json()[-1]

    assert (new["kiln_id"], new["edited_at"]) == (made["id"], made["edited_at"])
    assert changed["edited_at"] != made["edited_at"]
    assert [one["edited_at"] for one in (told, listed, listed["now"])] == [changed["edited_at"]] * 3
    parts.hub.leave(viewer)


async def test_a_viewer_hears_nothing_of_another_workshop(parts: Parts, bridge: BridgeClient) -> None:
    stranger, owner = parts.hub.join(STRANGER, "vi"), parts.hub.join(OWNER, "vi")

    await bridge.send(block(1))
    await asyncio.wait_for(owner.next(), 10)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stranger.next(), 0.05)
    parts.hub.leave(stranger)
    parts.hub.leave(owner)


async def test_a_gap_in_what_comes_live_is_sent_as_a_gap(parts: Parts, bridge: BridgeClient) -> None:
    viewer = parts.hub.join(OWNER, "vi")

    await bridge.send(block(1, at_s=0, top=[20.0]), block(2, at_s=2000, top=[30.0]))
    message = await asyncio.wait_for(viewer.next(), 10)

    assert dict(events(message or ""))["points"]["channels"][0]["value_c"] == [20.0, None, 30.0]
    parts.hub.leave(viewer)


async def test_a_viewer_that_does_not_keep_up_is_cut_off_and_comes_back_for_the_rest() -> None:
    viewer = Viewer(OWNER, "vi")

    for number in range(MAX_WAITING + 1):
        viewer.put(f"event: {number}\n\n")

    assert await asyncio.wait_for(viewer.next(), 1) is None


async def test_the_stream_begins_with_the_clock_and_ends_when_the_service_stops(
    app: FastAPI, parts: Parts, signed_in: httpx.AsyncClient
) -> None:
    async with asyncio.timeout(10):
        reading = asyncio.create_task(signed_in.get("/api/v1/live"))
        while not parts.hub.viewers:
            await asyncio.sleep(0.01)
        parts.hub.close()
        answer = await reading

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert events(answer.text)[0][0] == "clock"
    assert parts.hub.viewers == 0


def test_a_kiln_is_said_live_as_it_is_said_when_asked_for() -> None:
    watched = LiveFiring(Watch())
    time_s = np.arange(0.0, 14_400.0, 10.0)
    broken = Samples(time_s, np.where(time_s > 14_000, np.nan, 30 + time_s / 14))
    status = watched.advance(Chunk(14_400.0, {"top": Samples(time_s, 25 + time_s / 12), "bottom": broken})).status
    channels = {"top": ChannelSaid(11), "bottom": ChannelSaid(12, "can gần cửa"), "flue": ChannelSaid(13, None, True)}
    live = LiveKiln(7, 1, status, NOW, 3, NOW - timedelta(hours=4), 2, channels, NOW)

    said = [events(made)[0][1] for made in map(KilnEvents().kiln, [live, live], [NOW, NOW])]

    assert said[0]["cones"]
    assert [schemas.KilnNow.model_validate(one) for one in said] == [views.kiln_now(live, NOW)] * 2
    assert json.loads(views.kiln_now(live, NOW).model_dump_json()).keys() == said[0].keys()


async def test_what_comes_together_wakes_a_viewer_once_and_brings_the_clock_when_it_is_due(
    parts: Parts, bridge: BridgeClient
) -> None:
    viewer = parts.hub.join(OWNER, "vi")
    viewer.beat_due_s = 0.0

    await bridge.send(block(1, at_s=1000, top=[650.0]), block(2, at_s=1001, top=[651.0]))
    message = await asyncio.wait_for(viewer.next(), 10)

    assert [kind for kind, _ in events(message or "")] == ["clock", "points", "kiln"]
    parts.hub.leave(viewer)


async def test_who_hears_nothing_of_kilns_hears_the_clock(parts: Parts) -> None:
    viewer = parts.hub.join(OWNER, "vi")
    viewer.beat_due_s = 0.0

    message = await asyncio.wait_for(viewer.next(), 10)

    assert [kind for kind, _ in events(message or "")] == ["clock"]
    parts.hub.leave(viewer)
