from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import HOUR_S, T0_S, findings, made, noisy, watch_in_pieces, watch_whole

from service.core.findings import Finding, Severity
from service.core.live import Watch
from service.core.schedule import Schedule, Step, from_corners
from service.core.series import Samples
from service.core.witness import Offset

DIPS = from_corners([(0, 25), (6 * HOUR_S, 900), (8 * HOUR_S, 700), (12 * HOUR_S, 1230)])
KINDS = ("over_temperature", "runaway", "heat_lost")


def one(hours: list[float], temp_c: list[float]) -> dict[str, Samples]:
    return {"top": noisy(made(hours, temp_c)), "bottom": noisy(made(hours, [0.98 * value for value in temp_c]), seed=2)}


def said(channels: dict[str, Samples], watch: Watch) -> list[Finding]:
    return [found for found in findings(channels, watch) if found.kind in KINDS]


def test_a_relay_that_is_welded_shut_is_over_temperature_from_the_limit_until_it_has_cooled() -> None:
    channels = one([0, 9, 9.5, 12, 16, 17], [25, 1215, 1220, 1540 - 10 * 4, 900, 850])

    (hot,) = said(channels, Watch(fuel="electric", target_cone="6"))

    assert (hot.kind, hot.severity) == ("over_temperature", Severity.CRITICAL)
    assert hot.evidence["limit_c"] == 1252
    assert hot.start_s == pytest.approx(T0_S + (9.5 + 2.5 * 32 / 280) * HOUR_S, abs=120)
    assert hot.end_s == pytest.approx(T0_S + (12 + 4 * 258 / 600) * HOUR_S, abs=300)
    assert float(hot.evidence["highest_c"] or 0) == pytest.approx(1498, abs=3)


def test_a_probe_in_the_flame_is_too_hot_only_when_what_it_stands_for_is() -> None:
    in_the_flame = {name: Offset(-30.0, 4.0) for name in ("top", "bottom")}
    watch = Watch(fuel="electric", target_cone="6", cone_offset=in_the_flame)

    assert said(one([0, 9, 9.5, 16], [25, 1215, 1275, 600]), watch) == []
    (hot,) = said(one([0, 9, 9.7, 16], [25, 1215, 1310, 600]), watch)

    assert (hot.kind, hot.evidence["limit_c"]) == ("over_temperature", 1252 + 30)


@pytest.mark.parametrize(("fuel", "limit_c"), [("electric", 1300), ("lpg", 1350)])
def test_without_a_target_the_limit_is_that_of_the_fuel(fuel: str, limit_c: float) -> None:
    channels = one([0, 9, 9.5, 12], [25, limit_c - 10, limit_c + 20, 600])

    (hot,) = said(channels, Watch(fuel=fuel))

    assert (hot.evidence["limit_c"], hot.evidence["limit_source"]) == (limit_c, "own choice")


STOKINGS: Final = np.arange(9.0, 13.0, 0.5)


def stoked(level_c: float) -> dict[str, Samples]:
    """Return four hours of saw-teeth about a level: a blaze of 80 °C above it, embers 80 °C below."""
    hours = [0.0, 8.95, *(time_h + part for time_h in STOKINGS for part in (0.0, 0.45))]
    return one(hours, [25.0, level_c - 80.0, *(level_c + tooth_c for _ in STOKINGS for tooth_c in (80.0, -80.0))])


def test_the_blazes_of_a_stoked_kiln_are_not_over_temperature() -> None:
    assert said(stoked(1222 + 5), Watch(fuel="wood", target_cone="6")) == []


def test_a_stoked_kiln_that_is_too_hot_on_average_is_over_temperature() -> None:
    (hot,) = said(stoked(1222 + 35), Watch(fuel="wood", target_cone="6"))

    assert (hot.kind, hot.evidence["limit_c"]) == ("over_temperature", 1222 + 22)
    assert float(hot.evidence["mean_of_hour_c"] or 0) == pytest.approx(1222 + 35, abs=12)


def test_a_kiln_that_swings_about_its_limit_is_one_finding() -> None:
    hours = [0.0, *np.arange(9.0, 11.0, 0.1).tolist()]
    swing = [25.0, *(1252 + 6 * (-1) ** index for index in range(20))]

    assert [found.kind for found in said(one(hours, swing), Watch(target_cone="6"))] == ["over_temperature"]


def test_a_kiln_that_bolts_is_said_within_twenty_minutes_and_over_when_it_is_slow_again() -> None:
    channels = one([0, 6, 6.5, 9], [25, 625, 1025, 1200])

    (bolting,) = said(channels, Watch())

    assert (bolting.kind, bolting.severity) == ("runaway", Severity.CRITICAL)
    assert T0_S + 6 * HOUR_S < bolting.start_s <= T0_S + (6 + 1 / 3) * HOUR_S
    assert bolting.end_s == pytest.approx(T0_S + 6.5 * HOUR_S, abs=600)
    assert bolting.evidence["usual_rate_c_per_h"] == pytest.approx(97, abs=5)


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 25), (2, 600), (4, 1200)],  # a fast firing all along
        [(0, 25), (2, 120), (4.5, 950), (6, 1200)],  # slow drying, then a quick glaze
        [(0, 25), (1, 250), (1.2, 350), (6, 1000)],  # a quick beginning
    ],
)
def test_quick_firings_that_are_meant_are_no_runaway(corners: list[tuple[float, float]]) -> None:
    hours, temp_c = (list(row) for row in zip(*corners, strict=True))

    assert said(one(hours, temp_c), Watch(target_cone="6")) == []


def test_a_fire_that_goes_out_is_said_soon_and_over_when_it_burns_again() -> None:
    channels = one([0, 7, 7.75, 10], [25, 900, 650, 1100])

    (lost,) = said(channels, Watch(target_cone="6"))

    assert (lost.kind, lost.severity) == ("heat_lost", Severity.CRITICAL)
    assert T0_S + 7 * HOUR_S < lost.start_s <= T0_S + 7.3 * HOUR_S
    assert lost.end_s == pytest.approx(T0_S + 7.75 * HOUR_S, abs=600)


def test_a_fire_that_is_lit_again_and_goes_out_again_below_the_old_peak_is_said_again() -> None:
    channels = one([0, 7, 8, 9.5, 10, 11], [25, 1000, 800, 950, 950, 750])

    first, second = said(channels, Watch(target_cone="6"))

    assert (first.kind, second.kind) == ("heat_lost", "heat_lost")
    assert T0_S + 10 * HOUR_S < second.start_s <= T0_S + 10.5 * HOUR_S


@pytest.mark.parametrize("fuel", ["electric", "lpg"])
def test_without_a_target_the_top_is_the_plans(fuel: str) -> None:
    plan = Schedule((Step(900, 150, 3600), Step(1230, 120)))
    channels = one([0, 5.85, 6.2, 9], [25, 900, 900, 500])

    assert [found.kind for found in said(channels, Watch(fuel=fuel, schedule=plan))] == ["heat_lost"]


@pytest.mark.parametrize(
    ("corners", "watch"),
    [
        ([(0, 25), (9, 1200), (12, 500)], Watch(target_cone="6")),  # the top
        ([(0, 25), (9, 980), (12, 500)], Watch()),  # a bisque of nobody knows which cone
        ([(0, 25), (5, 520), (8, 200)], Watch(fuel="electric")),  # glass that is annealed
        ([(0, 25), (3, 180), (3.3, 110), (9, 1200)], Watch(target_cone="6")),  # drying
        ([(0, 25), (7, 960), (7.5, 930), (9, 1200)], Watch(target_cone="6")),  # sinking a little in reduction
        ([(0, 25), (6, 900), (8, 700), (12, 1230)], Watch(schedule=DIPS)),  # as it was planned
    ],
)
def test_falls_that_potters_make_are_no_lost_heat(corners: list[tuple[float, float]], watch: Watch) -> None:
    hours, temp_c = (list(row) for row in zip(*corners, strict=True))

    assert said(one(hours, temp_c), watch) == []


@pytest.mark.parametrize("fuel", ["coal", "wood"])
def test_saw_teeth_of_stoking_are_neither_runaway_nor_lost_heat(fuel: str) -> None:
    hours = [0.0, *np.arange(3, 20.5, 0.4).tolist()]
    teeth = [25.0, *(25 + 50 * hour + 160 * (index % 2) for index, hour in enumerate(hours[1:]))]

    assert said(one(hours, teeth), Watch(fuel=fuel, target_cone="10")) == []


def test_a_probe_that_falls_out_is_no_lost_heat() -> None:
    channels = one([0, 9], [25, 1150])
    top = channels["top"].value
    top[int(len(top) * 0.6) :] = 40.0

    assert said(channels, Watch(target_cone="6")) == []


@given(cuts=st.lists(st.floats(0, 12 * HOUR_S), max_size=12))
@settings(max_examples=10, deadline=None)
def test_cuts_and_restarts_change_nothing(cuts: list[float]) -> None:
    channels = one([0, 5, 5.5, 6.5, 7, 8, 11, 12], [25, 600, 420, 700, 1150, 1200, 1290, 1100])

    whole = watch_whole(channels, Watch(target_cone="6"))

    assert watch_in_pieces(channels, Watch(target_cone="6"), [T0_S + cut for cut in cuts]) == whole
    assert {found.kind for found in whole if isinstance(found, Finding)} >= set(KINDS)
