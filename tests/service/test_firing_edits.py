"""Firings put right by people: other times, two that were one, looked at again, what was burnt."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest
from service_parts import new_workshop, sign_in
from sqlalchemy import select, update

from firmware_bridge.wire import Block, Column, Unit
from service.core.calibration import Correction
from service.core.findings import Finding, Group, Severity
from service.core.series import Samples
from service.series import blocks as series
from service.series.blocks import NewBlock
from service.series.corrections import Corrections
from service.series.seal import seal
from service.store import audit, firings, kilns
from service.store.database import Database
from service.store.identity import bridge_of_logs
from service.store.merging import last_part, merge, take_apart
from service.store.models import Batch
from service.store.months import chunk

BEGAN = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
H = timedelta(hours=1)
# Up for four hours, a power cut of one, in which the kiln falls; up again to the top, and down.
CURVE = ([0, 4, 5, 8, 8.5, 20], [25, 800, 700, 1200, 1200, 40])


def temp_c(at_s: np.ndarray) -> np.ndarray:
    return np.interp(at_s / 3600, *CURVE)


@pytest.fixture
def kiln(database: Database) -> int:
    """A kiln with the readings of two probes, every 10 s but for the cut from 4 h to 5 h, and two firings."""
    workshop_id = new_workshop(database, "lan@example.org")
    at_s = np.arange(-1800, 20.5 * 3600, 10.0)
    at_s = at_s[(at_s <= 4 * 3600) | (at_s >= 5 * 3600)]
    at_ms = np.rint((BEGAN.timestamp() + at_s) * 1000).astype(int).tolist()
    with database.write() as session:
        made = kilns.create_kiln(session, workshop_id, name="Lò 1", key="lo-1")
        columns = [
            Column(name, Unit.CELSIUS, at_ms, (temp_c(at_s) + by_c).round(2).tolist(), {})
            for name, by_c in (("top", 0.0), ("bottom", -20.0))
        ]
        for column in columns:
            kilns.add_channel(session, made, column.channel, "c")
        bridge = bridge_of_logs(session, workshop_id, now=BEGAN)
        block = NewBlock(bridge, made.id, Block("b0" * 8, 1, "lo-1", max(at_ms), columns))
        series.append(session, [block], received_at=BEGAN, is_history=True)
        for start_h, end_h, cause in ((0.1, 4, "operator"), (5, 20, "cooled")):
            firings.add_firing(
                session, made, started_at=BEGAN + start_h * H, ended_at=BEGAN + end_h * H, end_cause=cause
            )
        return made.id


@pytest.fixture
async def owner(kiln: int, database: Database, http: httpx.AsyncClient) -> httpx.AsyncClient:
    http.headers["accept-language"] = "en"
    return sign_in(http, database, "lan@example.org")


def whats(database: Database) -> list[str]:
    with database.read() as session:
        assert audit.first_broken(session, 1) is None
        return [one.what for one in audit.newest(session, 1, before_id=None, limit=50)]


async def told(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_two_firings_that_a_power_cut_made_of_one_become_one_and_two_again(
    owner: httpx.AsyncClient, database: Database
) -> None:
    with database.write() as session:
        session.add(Batch(workshop_id=1, firing_id=2, ware="bát", pieces_loaded=9, note="", outcomes=[]))
    alone = await told(await owner.post("/api/v1/firings/2/recompute"))

    merged = await told(await owner.post("/api/v1/firings/1/merge", json={"firing_id": 2}))

    firing = merged["firing"]
    assert (firing["started_at"][:16], firing["ended_at"][:16]) == ("2026-03-01T06:06", "2026-03-02T02:00")
    assert firing["end_cause"] == "cooled"
    assert merged["after"]["peak_c"] == pytest.approx(1200, abs=1)
    assert [part["id"] for part in firing["parts"]] == [2]
    assert [one["id"] for one in (await owner.get("/api/v1/firings")).json()] == [1]
    assert [one["ware"] for one in (await owner.get("/api/v1/firings/1/batches")).json()] == ["bát"]
    # What heat did before the cut counts: no cone has less of it than in the later part alone.
    part = {(one["channel"], one["cone"]): one["progress"] for one in alone["firing"]["cones"]}
    whole = {(one["channel"], one["cone"]): one["progress"] for one in firing["cones"]}
    assert all(whole[key] >= progress for key, progress in part.items())

    parted = await told(await owner.post("/api/v1/firings/1/unmerge"))

    assert parted["firing"]["ended_at"][:16] == "2026-03-01T10:00"
    assert parted["after"]["peak_c"] == pytest.approx(800, abs=2)  # the median of half a minute
    assert {one["id"] for one in (await owner.get("/api/v1/firings")).json()} == {1, 2}
    later = await told(await owner.get("/api/v1/firings/2"))
    assert later["peak_c"] == alone["firing"]["peak_c"]
    assert (await owner.get("/api/v1/firings/2/batches")).json()[0]["ware"] == "bát"
    assert whats(database)[:3] == ["firings taken apart", "firings merged", "firing recomputed"]


async def test_a_firing_that_was_a_part_has_its_findings_again_as_they_were(
    owner: httpx.AsyncClient, database: Database
) -> None:
    await told(await owner.post("/api/v1/firings/2/recompute"))
    begun_s = (BEGAN + 6 * H).timestamp()
    seen = Finding(  # by the watch, while it ran: no look at the two finds it
        "stalled", Group.KILN, Severity.WARNING, None, begun_s, begun_s + 900, {"rate_c_per_h": 3.5}, "stalled.gas"
    )
    with database.write() as session:
        [row] = firings.save_findings(session, kilns.get_kiln(session, [1], 1), 2, [seen])
    await owner.put(f"/api/v1/findings/{row.id}/verdict", json={"verdict": "true", "note": "hết ga"})
    before = (await told(await owner.get("/api/v1/firings/2")))["findings"]

    merged = await told(await owner.post("/api/v1/firings/1/merge", json={"firing_id": 2}))
    await told(await owner.post("/api/v1/firings/1/unmerge"))

    after = (await told(await owner.get("/api/v1/firings/2")))["findings"]
    assert "stalled" in merged["findings_withdrawn"]
    assert {one["id"] for one in before} - {one["id"] for one in merged["firing"]["findings"]}
    assert after == before
    [given_back] = [one for one in after if one["id"] == row.id]
    assert (given_back["evidence"], given_back["verdict"]["note"]) == ({"rate_c_per_h": 3.5}, "hết ga")


def test_a_part_that_ran_on_keeps_what_its_watch_has_said_since(database: Database) -> None:
    workshop_id = new_workshop(database, "lan@example.org")
    stalled = [
        Finding("stalled", Group.KILN, Severity.WARNING, name, (BEGAN + 6 * H).timestamp(), None, {"rate_c_per_h": 3.5})
        for name in ("top", "bottom")
    ]
    with database.write() as session:
        kiln = kilns.create_kiln(session, workshop_id, name="Lò 1", key="lo-1")
        first = firings.add_firing(session, kiln, started_at=BEGAN, ended_at=BEGAN + 4 * H, end_cause="operator")
        part = firings.start_firing(session, kiln, started_at=BEGAN + 5 * H)
        went_on, withdrawn = firings.save_findings(session, kiln, part.id, stalled)
        merge(session, first, part, now=BEGAN + 7 * H)
        went_on.end_at, went_on.evidence = BEGAN + 8 * H, {"rate_c_per_h": 2.0}
        withdrawn.end_at = withdrawn.withdrawn_at = BEGAN + 8 * H

    with database.write() as session:
        first = firings.get_firing(session, [workshop_id], 1)
        take_apart(session, first, last_part(session, first))

    with database.read() as session:
        found = firings.findings_of(session, 2)
        said = [(one.channel, one.end_at, one.evidence["rate_c_per_h"]) for one in found]
    assert said == [("top", BEGAN + 8 * H, 2.0), ("bottom", BEGAN + 8 * H, 3.5)]


async def test_a_part_that_ran_on_and_has_ended_is_looked_at_again_when_they_are_taken_apart(
    owner: httpx.AsyncClient, database: Database
) -> None:
    with database.write() as session:
        first, part = (firings.get_firing(session, [1], number) for number in (1, 2))
        part.ended_at, part.end_cause, part.peak_c = None, None, 400.0  # as it stood when they were made one
        merge(session, first, part, now=BEGAN + 6 * H)
        first.ended_at, first.end_cause = BEGAN + 20 * H, "cooled"

    parted = await told(await owner.post("/api/v1/firings/1/unmerge"))

    later = await told(await owner.get("/api/v1/firings/2"))
    assert parted["after"]["peak_c"] == pytest.approx(800, abs=2)
    assert later["ended_at"][:16] == "2026-03-02T02:00"
    assert later["peak_c"] == pytest.approx(1200, abs=1)
    assert later["cone_reached"] is not None


async def test_of_a_part_nothing_is_said_where_nobody_looks(owner: httpx.AsyncClient) -> None:
    await told(await owner.post("/api/v1/firings/1/merge", json={"firing_id": 2}))

    batch = await owner.post("/api/v1/firings/2/batches", json={"ware": "bát", "pieces_loaded": 9})
    fuel = await owner.patch("/api/v1/firings/2", json={"fuel_used": {"amount": 40, "unit": "kg_lpg"}})

    for refused in (batch, fuel):
        assert (await told(refused, 409))["detail"].startswith("firing 2 is a part of another one")


def test_taking_apart_gives_back_no_more_than_what_was_given(database: Database) -> None:
    workshop_id = new_workshop(database, "lan@example.org")
    cones = [{"channel": "top", "cone": "9", "kind": "large", "seen": "at"}]
    with database.write() as session:
        kiln = kilns.create_kiln(session, workshop_id, name="Lò 1", key="lo-1")
        first, second, third = (
            firings.add_firing(
                session, kiln, started_at=BEGAN + day * 24 * H, ended_at=BEGAN + day * 24 * H + H, end_cause="operator"
            )
            for day in range(3)
        )
        first.witness_cones, second.witness_cones = cones, cones
        batch = Batch(workshop_id=workshop_id, firing_id=second.id, ware="bát", pieces_loaded=9, note="", outcomes=[])
        session.add(batch)
        session.flush()
        merge(session, first, second, now=BEGAN)
        session.delete(batch)
        session.flush()
        session.add(
            Batch(
                id=batch.id,
                workshop_id=workshop_id,
                firing_id=third.id,
                ware="đĩa",
                pieces_loaded=9,
                note="",
                outcomes=[],
            )
        )
        session.flush()

        take_apart(session, first, second)

        assert (first.witness_cones, second.witness_cones) == (cones, cones)
        assert [one.firing_id for one in session.scalars(select(Batch))] == [third.id]


async def test_a_running_firing_is_not_begun_last_year(owner: httpx.AsyncClient, database: Database) -> None:
    with database.write() as session:
        part = firings.get_firing(session, [1], 2)
        part.ended_at, part.end_cause = None, None
    times = {"started_at": (BEGAN + 5 * H).isoformat(), "ended_at": None}

    moved = await owner.put("/api/v1/firings/2/times", json=times)
    merged = await owner.post("/api/v1/firings/1/merge", json={"firing_id": 2})

    for refused in (moved, merged):
        assert "within 14 days" in (await told(refused, 400))["detail"]


async def test_a_firing_whose_readings_are_damaged_is_told_of_and_keeps_what_was_found_in_them(
    owner: httpx.AsyncClient, kiln: int, database: Database
) -> None:
    before = await told(await owner.post("/api/v1/firings/2/recompute"))
    seal(database, kiln, received_before=BEGAN + 48 * H, unwatched_before=BEGAN + 48 * H)
    with database.months.writing("2026-03") as chunks:
        chunks.execute(update(chunk).where(chunk.c.step_ms < 10_000).values(payload=b"worn out"))

    again = await told(await owner.post("/api/v1/firings/2/recompute"), 409)

    assert again["code"] == "damaged"
    assert (await owner.get("/api/v1/firings/2")).json()["peak_c"] == before["firing"]["peak_c"]
    curve = await told(await owner.get("/api/v1/firings/2/curve", params={"width": 4000}))
    handed = await told(await owner.get("/api/v1/firings/2/file", params={"format": "json"}))
    for damaged in (curve["damaged"], handed["firing"]["damaged"]):
        assert [one["step_s"] for one in damaged] == [10]
        assert (damaged[0]["from_at"][:16], damaged[0]["to_at"][:16]) == ("2026-03-01T11:00", "2026-03-02T02:00")
    assert max(curve["channels"][0]["value_c"]) == pytest.approx(1200, abs=1)
    assert len(handed["channels"][0]["time"]) == 15 * 360


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/firings/2/merge", {"firing_id": 1}, "conflict"),
        ("/firings/1/merge", {"firing_id": 1}, "conflict"),
        ("/firings/1/merge", {"firing_id": 99}, "not_found"),
        ("/firings/1/unmerge", None, "conflict"),
        ("/firings/99/recompute", None, "not_found"),
    ],
)
async def test_what_cannot_be_one_firing_is_refused_and_nothing_changes(
    owner: httpx.AsyncClient, path: str, body: dict[str, int] | None, code: str
) -> None:
    before = (await owner.get("/api/v1/firings")).json()

    answer = await owner.post(f"/api/v1{path}", json=body)

    assert answer.json()["code"] == code
    assert (await owner.get("/api/v1/firings")).json() == before


async def test_other_times_are_looked_at_again(owner: httpx.AsyncClient) -> None:
    times = {"started_at": (BEGAN + 6 * H).isoformat(), "ended_at": (BEGAN + 7 * H).isoformat()}

    changed = await told(await owner.put("/api/v1/firings/2/times", json=times))

    assert changed["after"]["peak_c"] == pytest.approx(np.interp(7, *CURVE), abs=3)
    assert changed["has_changed"]
    assert changed["firing"]["version"] != (await owner.get("/api/v1/firings/1")).json()["version"]


@pytest.mark.parametrize(
    ("started_h", "ended_h", "status"),
    [(3, 20, 409), (8, 7, 400), (6, 500_000, 400), (6, None, 409)],
    ids=["another firing's time", "ends before it begins", "in the future", "running"],
)
async def test_times_that_cannot_be_are_refused(
    owner: httpx.AsyncClient, started_h: int, ended_h: int | None, status: int
) -> None:
    ended_at = None if ended_h is None else (BEGAN + ended_h * H).isoformat()
    times = {"started_at": (BEGAN + started_h * H).isoformat(), "ended_at": ended_at}

    answer = await owner.put("/api/v1/firings/2/times", json=times)

    assert answer.status_code == status, answer.text


async def test_an_unchanged_firing_comes_out_of_another_look_as_it_was(owner: httpx.AsyncClient) -> None:
    first = await told(await owner.post("/api/v1/firings/2/recompute"))

    second = await told(await owner.post("/api/v1/firings/2/recompute"))

    assert first["has_changed"]
    assert not second["has_changed"]
    assert second["firing"]["findings"] == first["firing"]["findings"]


async def test_a_calibration_puts_curves_right_at_once_and_firings_when_they_are_looked_at_again(
    owner: httpx.AsyncClient, database: Database
) -> None:
    before = await told(await owner.post("/api/v1/firings/2/recompute"))
    asked = {
        "from_at": (BEGAN + 5 * H).isoformat(),
        "points": [{"indicated_c": 0, "error_c": 0}, {"indicated_c": 1200, "error_c": 30}],
        "offset_c": 2.0,
        "note": "so với can chuẩn",
    }

    made = await told(await owner.post("/api/v1/channels/1/calibrations", json=asked), 201)

    curve = await told(await owner.get("/api/v1/firings/2/curve"))
    assert max(one for one in curve["channels"][0]["value_c"] if one is not None) == pytest.approx(1172, abs=0.5)
    assert max(one for one in curve["channels"][1]["value_c"] if one is not None) == pytest.approx(1180, abs=0.5)
    after = await told(await owner.post("/api/v1/firings/2/recompute"))
    assert (before["after"]["peak_c"], after["after"]["peak_c"]) == pytest.approx((1200, 1180), abs=1)
    earlier = await told(await owner.get("/api/v1/firings/1/curve"))
    assert max(one for one in earlier["channels"][0]["value_c"] if one is not None) == pytest.approx(800, abs=0.5)

    assert (await owner.delete(f"/api/v1/calibrations/{made['id']}")).status_code == 204
    again = await told(await owner.post("/api/v1/firings/2/recompute"))
    assert again["after"] == before["after"]
    assert "calibration removed" in whats(database)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"points": [{"indicated_c": 9, "error_c": 1}, {"indicated_c": 9, "error_c": 2}]}, 400),
        ({"offset_c": 1e9}, 422),
        ({"from_at": "2026-03-01T06:00:00"}, 422),
        ({"from_at": 1_772_000_000}, 422),
        ({"from_at": "0001-01-01T00:00:00+14:00"}, 400),
    ],
)
async def test_a_calibration_that_makes_no_sense_is_refused(
    owner: httpx.AsyncClient, wrong: dict[str, Any], status: int
) -> None:
    asked = {"from_at": BEGAN.isoformat(), "offset_c": 1.0, **wrong}

    answer = await owner.post("/api/v1/channels/1/calibrations", json=asked)

    assert answer.status_code == status
    assert (await owner.get("/api/v1/channels/1/calibrations")).json() == []


def test_a_calibration_leaves_what_is_said_of_a_broken_wire() -> None:
    corrections = Corrections({"top": [(0.0, Correction("1", offset_c=-3.0))]})
    said = Samples(np.arange(4.0), np.array([800.0, 1372.0, 1024.0, 0.0]))

    right = corrections.apply({"top": said})["top"].value

    assert right.tolist() == [797.0, 1372.0, 1021.0, 0.0]


async def test_fuel_is_a_quantity_with_its_unit(owner: httpx.AsyncClient) -> None:
    used = {"amount": 38.5, "unit": "kg_lpg"}

    said = await told(await owner.patch("/api/v1/firings/1", json={"fuel_used": used}))
    note = await told(await owner.patch("/api/v1/firings/1", json={"note": "gió to"}))
    taken = await told(await owner.patch("/api/v1/firings/1", json={"fuel_used": None}))
    wrong = await owner.patch("/api/v1/firings/1", json={"fuel_used": {"amount": 3, "unit": "bình"}})

    assert (said["fuel_used"], note["fuel_used"], taken["fuel_used"]) == (used, used, None)
    assert wrong.status_code == 422


async def test_two_people_do_not_overwrite_each_other(owner: httpx.AsyncClient) -> None:
    seen = (await owner.get("/api/v1/firings/1")).headers["etag"]

    mine = await owner.patch("/api/v1/firings/1", json={"note": "của tôi"}, headers={"if-match": seen})
    theirs = await owner.patch("/api/v1/firings/1", json={"note": "của họ"}, headers={"if-match": seen})
    newer = await owner.patch("/api/v1/firings/1", json={"note": "cả hai"}, headers={"if-match": mine.headers["etag"]})

    assert (mine.status_code, theirs.status_code, newer.status_code) == (200, 412, 200)
    assert theirs.json()["code"] == "changed_meanwhile"


async def test_a_person_says_what_a_finding_was(owner: httpx.AsyncClient, database: Database) -> None:
    await owner.post("/api/v1/firings/2/recompute")
    every = (await owner.get("/api/v1/findings", params={"firing_id": 2})).json()
    one = every[0]

    judged = await told(
        await owner.put(f"/api/v1/findings/{one['id']}/verdict", json={"verdict": "false", "note": "mở cửa xem"})
    )
    of_kind = (await owner.get("/api/v1/findings", params={"kind": one["kind"], "kiln_id": 1})).json()
    rest = (await owner.get("/api/v1/findings", params={"before_id": one["id"]})).json()

    assert (judged["verdict"]["verdict"], judged["verdict"]["by"]) == ("false", "Lan")
    assert one["id"] in [each["id"] for each in of_kind]
    assert len(rest) == len((await owner.get("/api/v1/findings")).json()) - 1
    taken = await owner.put(f"/api/v1/findings/{one['id']}/verdict", json={"verdict": None})
    assert taken.json()["verdict"] is None


async def test_a_kiln_that_never_spoke_is_not_begun_by_hand(owner: httpx.AsyncClient) -> None:
    answer = await owner.post("/api/v1/kilns/1/firings", json={})

    assert answer.status_code == 409
    assert "connect an instrument" in answer.json()["detail"]
