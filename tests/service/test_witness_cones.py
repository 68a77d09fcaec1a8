"""Witness cones written down after a firing, and what the kiln's next firings are judged by."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest
from service_parts import new_workshop, sign_in

from service.analysis.again import watch_of
from service.core import cones
from service.core.bending import tip_deg
from service.core.findings import Finding, Group, Severity
from service.core.heat_work import heat_work
from service.core.witness import PRIOR
from service.store import audit, firings, kilns
from service.store.database import Database

BEGAN = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FELT_C = -15.0  # cones beside the probe feel so much more than it shows
TIME_S = np.arange(0.0, 9 * 3600, 30.0)
SHOWN_C = np.interp(TIME_S / 3600, [0, 8, 8.5, 9], [25, 1225, 1225, 1100])


def progress(more_c: float = 0.0) -> dict[str, float]:
    """Return the heat work of each cone, where it was so much hotter than shown."""
    return dict(zip(cones.names(), heat_work(TIME_S, SHOWN_C + more_c).tolist(), strict=True))


def said_of(channel: str, *names: str, more_c: float = FELT_C) -> list[dict[str, Any]]:
    """Return how cones beside a probe stand, by how much more they felt, to be sent."""
    felt = progress(more_c)
    return [{"channel": channel, "cone": name, "seen": tip_deg(felt[name])} for name in names]


def fired(database: Database, number: int, *, ended: bool = True, offsets: dict[str, Any] | None = None) -> int:
    """Write one more firing of the kiln as its probes saw it; return its id."""
    with database.write() as session:
        firing = firings.start_firing(session, kilns.get_kiln(session, [1], 1), started_at=BEGAN + number * DAY)
        assumed = {name: one["mean_c"] for name, one in firing.cone_offsets.items()}
        firing.cones = [
            {"channel": channel, "cone": cone, "progress": done, "down_at": None}
            for channel in ("top", "bottom")
            for cone, done in progress(assumed.get(channel, 0.0)).items()
            if done > 0.01
        ]
        firing.peak_c, firing.peak_at = 1225.0, firing.started_at + timedelta(hours=8.5)
        if ended:
            firing.ended_at, firing.end_cause = BEGAN + number * DAY + timedelta(hours=9), "cooled"
        return firing.id


@pytest.fixture
async def owner(database: Database, http: httpx.AsyncClient) -> httpx.AsyncClient:
    workshop_id = new_workshop(database, "lan@example.org")
    with database.write() as session:
        kiln = kilns.create_kiln(session, workshop_id, name="Lò 1", key="lo-1")
        for name, unit in (("top", "c"), ("bottom", "c"), ("draught", "pa")):
            kilns.add_channel(session, kiln, name, unit)
    http.headers["accept-language"] = "en"
    return sign_in(http, database, "lan@example.org")


async def write(owner: httpx.AsyncClient, firing_id: int, cones_seen: Sequence[Any], status: int = 200) -> Any:
    answer = await owner.put(f"/api/v1/firings/{firing_id}/witness-cones", json={"cones": cones_seen})
    assert answer.status_code == status, answer.text
    return answer.json()


async def learnt(owner: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    return {one.pop("channel"): one for one in (await owner.get("/api/v1/kilns/1/cone-offsets")).json()}


async def test_what_cones_teach_is_what_the_next_firing_is_judged_by(
    owner: httpx.AsyncClient, database: Database
) -> None:
    for number in range(3):
        first_id = fired(database, number)
        written = await write(owner, first_id, said_of("top", "5", "6", "7"))
    found = await learnt(owner)

    next_id = fired(database, 3, ended=False)

    assert [one["cone"] for one in written["cones"]] == ["5", "6", "7"]
    assert list(found) == ["top"]
    assert (found["top"]["mean_c"], found["top"]["firings"]) == (pytest.approx(FELT_C, abs=3), 3)
    assert found["top"]["sd_c"] < 5 < PRIOR.sd_c
    with database.read() as session:
        firing = firings.get_firing(session, [1], next_id)
        watch = watch_of(firing.kiln, firing)
    assert watch.offset_of("top").mean_c == found["top"]["mean_c"]
    assert found["top"]["sd_c"] < watch.offset_of("top").sd_c < found["top"]["sd_c"] + 1  # one firing has passed
    assert watch.offset_of("bottom") == PRIOR


async def test_a_firing_stays_judged_by_what_was_known_when_it_began(
    owner: httpx.AsyncClient, database: Database
) -> None:
    first_id, running_id = fired(database, 0), fired(database, 1, ended=False)

    await write(owner, first_id, said_of("top", "5", "6", "7"))

    with database.read() as session:
        running = firings.get_firing(session, [1], running_id)
        assert watch_of(running.kiln, running).offset_of("top") == PRIOR
        assert watch_of(running.kiln, None).offset_of("top") != PRIOR


async def test_cones_taken_back_teach_nothing(owner: httpx.AsyncClient, database: Database) -> None:
    firing_id = fired(database, 0)
    seen = await write(owner, firing_id, said_of("top", "6"))
    answer = await owner.get(f"/api/v1/firings/{firing_id}/witness-cones")
    assert answer.json() == seen

    cleared = await write(owner, firing_id, [])

    assert cleared["cones"] == []
    assert await learnt(owner) == {}
    with database.read() as session:
        assert [one.what for one in audit.newest(session, 1, before_id=None, limit=9)] == ["witness cones"] * 2


@pytest.mark.parametrize(
    ("from_h", "to_h", "learns"), [(1, None, False), (8, 8.2, False), (1, 2, True), (10, None, True)]
)
async def test_a_probe_that_did_not_see_the_top_learns_nothing_from_it(
    owner: httpx.AsyncClient, database: Database, from_h: float, to_h: float | None, learns: bool
) -> None:
    firing_id = fired(database, 0)
    start_s, end_s = (hours and BEGAN.timestamp() + hours * 3600 for hours in (from_h, to_h))
    with database.write() as session:
        kiln = kilns.get_kiln(session, [1], 1)
        found = Finding("thermocouple_open", Group.SENSOR, Severity.CRITICAL, "top", start_s or 0, end_s, {}, "check")
        firings.save_findings(session, kiln, firing_id, [found])

    await write(owner, firing_id, [*said_of("top", "6"), *said_of("bottom", "6")])

    assert list(await learnt(owner)) == (["bottom", "top"] if learns else ["bottom"])


async def test_a_probe_that_is_calibrated_begins_anew(owner: httpx.AsyncClient, database: Database) -> None:
    await write(owner, fired(database, 0), [*said_of("top", "6"), *said_of("bottom", "6")])
    running_id = fired(database, 1, ended=False)
    later = 3650  # days, after the calibration was made

    made = await owner.post("/api/v1/channels/1/calibrations", json={"from_at": BEGAN.isoformat(), "offset_c": -15.0})
    after = await learnt(owner)

    assert made.status_code == 201, made.text
    assert list(after) == ["bottom"]  # else what it shows would be put right twice
    with database.write() as session:
        running = firings.get_firing(session, [1], running_id)
        assert list(running.cone_offsets) == ["bottom"]
        running.ended_at, running.end_cause = BEGAN + 2 * DAY, "cooled"
    await write(owner, fired(database, later), said_of("top", "6"))
    assert (await learnt(owner))["top"]["firings"] == 1
    await owner.delete(f"/api/v1/calibrations/{made.json()['id']}")
    assert (await learnt(owner))["top"]["firings"] == 2


@pytest.mark.parametrize("cause", ["lost_sensor", "lost_link"])
async def test_a_firing_whose_end_nobody_saw_teaches_nothing(
    owner: httpx.AsyncClient, database: Database, cause: str
) -> None:
    firing_id = fired(database, 0)
    with database.write() as session:
        firings.get_firing(session, [1], firing_id).end_cause = cause

    await write(owner, firing_id, said_of("top", "6"))

    assert await learnt(owner) == {}


async def test_cones_of_two_firings_that_were_one_are_of_the_whole(
    owner: httpx.AsyncClient, database: Database
) -> None:
    first_id, second_id = fired(database, 0), fired(database, 1)
    await write(owner, second_id, said_of("top", "6"))

    merged = await owner.post(f"/api/v1/firings/{first_id}/merge", json={"firing_id": second_id})
    assert merged.status_code == 200, merged.text
    of_whole = (await owner.get(f"/api/v1/firings/{first_id}/witness-cones")).json()["cones"]
    refused = await write(owner, second_id, [], 409)
    await owner.post(f"/api/v1/firings/{first_id}/unmerge")

    assert [one["cone"] for one in of_whole] == ["6"]
    assert "part of another" in refused["detail"]
    assert (await owner.get(f"/api/v1/firings/{first_id}/witness-cones")).json()["cones"] == []
    assert len((await owner.get(f"/api/v1/firings/{second_id}/witness-cones")).json()["cones"]) == 1


@pytest.mark.parametrize(
    ("cone", "wanted"),
    [
        ({"channel": "top", "cone": "6", "seen": 91}, 422),
        ({"channel": "top", "cone": "6", "seen": True}, 422),
        ({"channel": "top", "cone": "6", "seen": "45"}, 422),
        ({"channel": "top", "cone": "6", "seen": "lying"}, 422),
        ({"channel": "top", "cone": "6a", "seen": "down"}, 422),
        ({"channel": "top", "cone": "6"}, 422),
        ({"channel": "draught", "cone": "6", "seen": "down"}, 400),
        ({"channel": "top", "cone": "6", "seen": "down", "kind": "small"}, 422),
        ({"channel": "top", "cone": "6", "seen": "down", "kind": "large"}, 200),
        ({"channel": "top", "cone": "6", "seen": 45}, 200),
    ],
)
async def test_what_is_no_cone_is_refused(
    owner: httpx.AsyncClient, database: Database, cone: dict[str, Any], wanted: int
) -> None:
    firing_id = fired(database, 0)

    answer = await write(owner, firing_id, [cone], wanted)

    if cone["channel"] == "draught":
        assert answer["detail"] == "no probe of this kiln is called 'draught'; its probes are bottom, top"


async def test_cones_are_written_down_when_the_firing_has_ended_and_over_nobody_else(
    owner: httpx.AsyncClient, database: Database
) -> None:
    firing_id, running_id = fired(database, 0), fired(database, 1, ended=False)
    old = (await owner.get(f"/api/v1/firings/{firing_id}/witness-cones")).headers["etag"]
    await write(owner, firing_id, said_of("top", "6"))

    early = await write(owner, running_id, said_of("top", "6"), 409)
    late = await owner.put(f"/api/v1/firings/{firing_id}/witness-cones", json={"cones": []}, headers={"if-match": old})

    assert "has ended" in early["detail"]
    assert late.status_code == 412


async def test_a_probe_that_reads_less_with_every_firing_is_named(owner: httpx.AsyncClient, database: Database) -> None:
    for number in range(10):
        firing_id = fired(database, number)
        if number != 4:  # once nobody put cones in
            steady = said_of("bottom", "5", "6", "7", more_c=-15.0)
            await write(owner, firing_id, [*said_of("top", "5", "6", "7", more_c=number - 22.0), *steady])

    said = (await owner.get("/api/v1/kilns/1/condition")).json()["drifts"]

    assert [(one["channel"], one["is_named"]) for one in said] == [("bottom", False), ("top", True)]
    assert said[0]["firings"] == said[1]["firings"] == 9
    assert said[1]["per_firing_c"] == pytest.approx(-1.0, abs=0.3)


async def test_cones_stand_beside_what_else_came_out(owner: httpx.AsyncClient, database: Database) -> None:
    ids = [fired(database, number) for number in range(2)]
    seen = said_of("top", "6")
    await write(owner, ids[0], seen)

    rows = (await owner.get("/api/v1/comparison", params={"firing": ids})).json()["firings"]

    assert [row["witness_cones"] for row in rows] == [[{"kind": "self_supporting", **seen[0]}], []]
