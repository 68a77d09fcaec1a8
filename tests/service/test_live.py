"""The live stream: what changes reaches those who may see it, and a slow viewer holds up nobody."""

import asyncio
import json

import httpx
import pytest
from fastapi import FastAPI
from service_parts import BridgeClient, block

from service.api.deps import Parts
from service.api.live import MAX_WAITING, Viewer
from service.store.roles import GRANTS, Role
from service.store.who import Who

OWNER = Who(1, "Lan", "lan@example.org", "vi", {1: GRANTS[Role.OWNER]})
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
    message = await viewer.next(timeout_s=10)

    found = dict(events(message or ""))
    assert found["kiln"]["channels"][0]["value_c"] == 652.0
    assert found["points"]["channels"][0]["value_c"] == [650.0, 652.0]
    parts.hub.leave(viewer)


async def test_a_viewer_hears_nothing_of_another_workshop(parts: Parts, bridge: BridgeClient) -> None:
    stranger, owner = parts.hub.join(STRANGER, "vi"), parts.hub.join(OWNER, "vi")

    await bridge.send(block(1))
    await owner.next(timeout_s=10)

    with pytest.raises(TimeoutError):
        await stranger.next(timeout_s=0.05)
    parts.hub.leave(stranger)
    parts.hub.leave(owner)


async def test_a_gap_in_what_comes_live_is_sent_as_a_gap(parts: Parts, bridge: BridgeClient) -> None:
    viewer = parts.hub.join(OWNER, "vi")

    await bridge.send(block(1, at_s=0, top=[20.0]), block(2, at_s=2000, top=[30.0]))
    message = await viewer.next(timeout_s=10)

    assert dict(events(message or ""))["points"]["channels"][0]["value_c"] == [20.0, None, 30.0]
    parts.hub.leave(viewer)


async def test_a_viewer_that_does_not_keep_up_is_cut_off_and_comes_back_for_the_rest() -> None:
    viewer = Viewer(OWNER, "vi")

    for number in range(MAX_WAITING + 1):
        viewer.put(f"event: {number}\n\n")

    assert await viewer.next(timeout_s=1) is None


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
