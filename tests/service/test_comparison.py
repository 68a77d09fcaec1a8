"""Firings side by side: figures worked out from curves whose answers are known."""

from datetime import UTC, datetime

import httpx
import numpy as np
import pytest
from service_parts import BridgeClient, block

from service.lab.comparison import Curve, cooling_rate, hold_s, rate_between, rate_by_temperature
from service.store import firings, kilns
from service.store.database import Database


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
