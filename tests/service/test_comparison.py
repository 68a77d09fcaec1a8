"""Firings side by side: figures worked out from curves whose answers are known."""

from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pytest
from service_parts import BridgeClient, block, new_bridge, new_workshop
from sqlalchemy.orm import Session

from service.core.findings import Finding, Group, Severity
from service.lab.comparison import Curve, compare, cooling_rate, hold_s, rate_between, rate_by_temperature
from service.lab.curve import curve_of
from service.series import blocks as series
from service.store import firings, identity, kilns
from service.store.database import Database
from service.store.models import Firing


def curve() -> Curve:
    """Return 100 °C/h from 20 to 1220 °C, an hour's hold, then cooling at 60 °C/h to 320 °C; a point a minute."""
    corners_h = [0.0, 12.0, 13.0, 28.0]
    time_s = np.arange(0.0, 28 * 3600, 60.0)
    return Curve(time_s, np.interp(time_s / 3600, corners_h, [20.0, 1220.0, 1220.0, 320.0]))


def test_rates_on_the_way_up_and_down_are_those_of_the_schedule() -> None:
    assert rate_between(curve(), 100.0, 600.0) == pytest.approx(100.0)
    assert rate_between(curve(), 600.0, 1000.0) == pytest.approx(100.0)
    assert cooling_rate(curve(), 623.0, 523.0) == pytest.approx(60.0)


def test_a_rate_over_what_the_recording_does_not_reach_is_left_out() -> None:
    begun_hot = Curve(curve().time_s, curve().temp_c + 630.0)

    assert rate_between(begun_hot, 100.0, 600.0) is None
    assert rate_between(curve(), 1000.0, 1300.0) is None
    assert cooling_rate(curve(), 300.0, 200.0) is None
    assert rate_between(Curve(np.empty(0), np.empty(0)), 100.0, 600.0) is None


def test_the_hold_is_the_time_within_10_degrees_of_the_peak_without_gaps() -> None:
    whole = curve()
    kept = (whole.time_s < 12.2 * 3600) | (whole.time_s > 12.7 * 3600)
    with_gap = Curve(whole.time_s[kept], whole.temp_c[kept])

    # One hour, and 10 °C on the way up (6 min) and down (10 min).
    assert hold_s(whole) == pytest.approx(76 * 60, abs=61)
    assert hold_s(with_gap) == pytest.approx(46 * 60, abs=121)


def test_against_temperature_a_steady_firing_is_a_level_line() -> None:
    temp_c, rate = rate_by_temperature(curve())

    assert temp_c[0] == 50.0
    assert rate[1:-1] == pytest.approx(100.0)


def fired(session: Session, workshop_id: int, **values: Any) -> Firing:
    """Return a kiln's first firing: it began at 0 and took twelve hours."""
    kiln = kilns.create_kiln(session, workshop_id, name="Lò 1", key="lo-1")
    return firings.add_firing(session, kiln, started_at=at_h(0), ended_at=at_h(12), end_cause="cooled", **values)


def at_h(hours: float) -> datetime:
    return datetime.fromtimestamp(hours * 3600, UTC)


def said_of(kind: str, from_h: float, to_h: float) -> Finding:
    return Finding(kind, Group.SENSOR, Severity.WARNING, "bottom", from_h * 3600, to_h * 3600)


def test_what_a_probe_says_that_is_not_believed_is_on_no_curve(database: Database) -> None:
    token = new_bridge(database, new_workshop(database, "lan@example.org"))
    top = np.interp(np.arange(0.0, 12.0, 1 / 360), [0.0, 8.0, 12.0], [20.0, 1200.0, 600.0])
    bottom = top - 30.0
    bottom[1000:1500] = 1390.0
    with database.write() as session:
        bridge = identity.bridge_of_token(session, token)
        assert bridge is not None
        firing = fired(session, bridge.workshop_id)
        sent = block(1, at_s=0, top=top.tolist(), bottom=bottom.tolist())
        series.append(session, [series.NewBlock(bridge, firing.kiln_id, sent)], received_at=at_h(12))
        firings.save_findings(session, firing.kiln, firing.id, [said_of("implausible_value", 1000 / 360, 1500 / 360)])

        time_s, temp_c = curve_of(session, firing, now=at_h(13))

    np.testing.assert_allclose(temp_c, np.interp(time_s / 3600, [0.0, 8.0, 12.0], [5.0, 1185.0, 585.0]), atol=3.0)


@pytest.mark.parametrize(("silent_from_h", "heat_work"), [(5.0, 1.1), (9.5, 0.04)])
def test_a_probe_that_did_not_see_the_top_does_not_say_how_far_the_cone_bent(
    database: Database, silent_from_h: float, heat_work: float
) -> None:
    workshop_id = new_workshop(database, "lan@example.org")
    cones = [{"channel": channel, "cone": "6", "progress": done} for channel, done in [("top", 1.1), ("bottom", 0.04)]]
    with database.write() as session:
        firing = fired(session, workshop_id, peak_at=at_h(8), cone_reached="6", cones=cones)
        firings.save_findings(session, firing.kiln, firing.id, [said_of("sensor_silent", silent_from_h, 12.0)])

        (row,) = compare(session, [firing], by_temperature=False, now=at_h(13))["firings"]

    assert row["heat_work"] == heat_work


async def test_firings_are_compared_over_http_with_what_came_out(
    signed_in: httpx.AsyncClient, bridge: BridgeClient, database: Database
) -> None:
    await bridge.send(block(1, at_s=0, top=[30 + 0.5 * i for i in range(3 * 360)]), block(2, kiln="lo-2", at_s=0))
    with database.write() as session:
        for kiln_id in (1, 2):
            kiln = kilns.get_kiln(session, [1], kiln_id)
            firing = firings.start_firing(session, kiln, started_at=datetime.fromtimestamp(0, UTC))
            firing.ended_at = datetime.fromtimestamp(3 * 3600, UTC)
    batch = {"ware": "bát", "pieces_loaded": 50, "outcomes": [{"grade": "first", "count": 40}]}
    await signed_in.post("/api/v1/firings/1/batches", json=batch)

    by_time = (await signed_in.get("/api/v1/comparison", params={"firing": [1, 2]})).json()
    by_heat = (await signed_in.get("/api/v1/comparison", params={"firing": [1, 2], "align": "temperature"})).json()

    first, second = by_time["firings"]
    assert first["rate_to_600_c_per_h"] is None  # it ends at 570 °C
    assert (first["duration_h"], first["pieces_loaded"], first["pieces_first"]) == (3.0, 50, 40)
    assert (second["pieces_loaded"], second["peak_c"]) == (0, None)
    assert by_time["curves"][0]["x"][-1] == pytest.approx(3.0, abs=0.05)
    assert by_heat["x_label"] == "temp_c"
    assert by_heat["curves"][0]["y"][5] == pytest.approx(180.0, rel=0.02)
