"""Forecasts: when the kiln will be done, and how sure that is."""

import numpy as np
import pytest

from benchmarks.forecasts import figures
from service.core import cones
from service.core.forecast import PastFiring, forecast, past_firing, planned
from service.core.heat_work import HeatWork
from service.core.series import Samples

HOUR_S = 3600.0
PLAN = [(100.0, 1020.0, HOUR_S), (50.0, 1220.0, 600.0)]
PLAN_TO_1300 = [(100.0, 1300.0, 0.0)]


def ramp(hours: float, c_per_h: float = 100.0) -> dict[str, Samples]:
    time_s = np.arange(0.0, hours * HOUR_S, 10.0)
    return {"top": Samples(time_s, 20 + c_per_h * time_s / HOUR_S)}


def test_a_firing_on_its_plan_is_forecast_to_end_as_planned() -> None:
    ahead = forecast(ramp(5.0), schedule=PLAN, fuel="electric")

    assert ahead.basis == "schedule"
    assert ahead.time_left_s is not None
    assert ahead.time_left_s.median_s == pytest.approx((5 + 1 + 4) * HOUR_S + 600, rel=0.02)
    assert ahead.time_left_s.low_s < ahead.time_left_s.median_s < ahead.time_left_s.high_s
    assert ahead.median_c[-1] == pytest.approx(1220)


def test_a_hold_that_has_begun_is_not_held_again() -> None:
    time_s = np.arange(0.0, 10.5 * HOUR_S, 10.0)
    held = {"top": Samples(time_s, np.minimum(20 + time_s / 36, 1020.0))}

    ahead = forecast(held, schedule=PLAN, fuel="electric")

    assert ahead.time_left_s is not None
    assert ahead.time_left_s.median_s == pytest.approx(4.5 * HOUR_S + 600, rel=0.03)


@pytest.mark.parametrize("stood_h", [0.5, 2.0, 6.0])
@pytest.mark.parametrize("is_planned", [True, False])
def test_a_kiln_that_stands_where_nobody_meant_it_to_comes_no_nearer(stood_h: float, is_planned: bool) -> None:
    plan = [(100.0, 1000.0, 0.0)]
    past = [] if is_planned else [planned(plan, 20.0)]
    time_s = np.arange(0.0, (4.8 + stood_h) * HOUR_S, 60.0)
    stalled = {"top": Samples(time_s, np.minimum(20 + time_s / 36, 500.0))}

    ahead = forecast(stalled, schedule=plan if is_planned else None, past=past, fuel="electric")

    assert ahead.time_left_s is not None
    assert ahead.time_left_s.median_s == pytest.approx(5 * HOUR_S, rel=0.03)


@pytest.mark.parametrize("candled_h", [0.5, 2.0, 10.0])
def test_how_long_a_kiln_was_candled_says_nothing_of_how_fast_it_climbs(candled_h: float) -> None:
    hours = np.array([0.0, 1.0, 1.0 + candled_h, 1.8 + candled_h])
    time_s = np.arange(0.0, hours[-1] * HOUR_S, 10.0)
    climbing = {"top": Samples(time_s, np.interp(time_s / HOUR_S, hours, [20.0, 120.0, 120.0, 200.0]))}

    ahead = forecast(climbing, schedule=[(100.0, 120.0, 2 * HOUR_S), (100.0, 1200.0, 0.0)], fuel="electric")

    assert ahead.time_left_s is not None
    assert ahead.time_left_s.median_s == pytest.approx(10 * HOUR_S, rel=0.02)


def test_a_hold_that_goes_on_for_longer_than_planned_leaves_what_comes_after_it() -> None:
    time_s = np.arange(0.0, 11 * HOUR_S, 60.0)
    candled = {"top": Samples(time_s, np.minimum(20 + time_s / 36, 120.0))}

    ahead = forecast(candled, schedule=[(100.0, 120.0, 2 * HOUR_S), (100.0, 1200.0, 0.0)], fuel="electric")

    assert ahead.time_left_s is not None
    assert ahead.time_left_s.median_s == pytest.approx(10.8 * HOUR_S, rel=0.03)


def test_without_a_plan_the_kilns_past_firings_tell() -> None:
    past = [planned([(rate, 1020.0, 0.0)], 20.0) for rate in (95.0, 100.0, 105.0)]

    ahead = forecast(ramp(5.0), past=past, fuel="electric")

    assert ahead.basis == "past"
    assert ahead.time_left_s is not None
    assert ahead.time_left_s.median_s == pytest.approx(5 * HOUR_S, rel=0.03)


def test_a_firing_on_its_own_is_forecast_widely_and_says_so() -> None:
    alone = forecast(ramp(8.0), target_cone="6")
    with_plan = forecast(ramp(8.0), schedule=PLAN, target_cone="6")

    assert alone.basis == "this_firing"
    assert alone.time_left_s is not None
    assert with_plan.time_left_s is not None
    assert (
        alone.time_left_s.high_s / alone.time_left_s.low_s > with_plan.time_left_s.high_s / with_plan.time_left_s.low_s
    )


def test_with_nothing_to_go_by_nothing_is_said() -> None:
    ahead = forecast(ramp(8.0))

    assert (ahead.basis, ahead.time_left_s, ahead.cone_down_s, len(ahead.time_s)) == ("nothing", None, None, 0)


def test_the_cone_is_forecast_to_fall_near_the_top_of_its_firing() -> None:
    ahead = forecast(ramp(9.0), schedule=[(60.0, 1300.0, 0.0)], target_cone="6", fuel="electric")

    assert ahead.cone_down_s is not None
    reached_s = ahead.time_s[np.searchsorted(ahead.median_c, 1222.0)]
    assert ahead.cone_down_s.median_s == pytest.approx(reached_s, abs=0.2 * HOUR_S)


def test_the_target_cone_is_down_when_the_coldest_place_has_had_its_heat() -> None:
    top = ramp(9.0)["top"]
    bottom = Samples(top.time_s, top.value - 30)

    def down_s(*, above_c: dict[str, float] | None = None, **probes: Samples) -> float:
        ahead = forecast(probes, schedule=[(100.0, 1350.0, 0.0)], target_cone="6", fuel="electric", above_c=above_c)
        assert ahead.cone_down_s is not None
        return ahead.cone_down_s.median_s

    warm, cold = down_s(top=top), down_s(top=top, bottom=bottom)

    assert cold - warm == pytest.approx(0.3 * HOUR_S, abs=120)  # 30 °C at 100 °C/h
    assert down_s(bottom=bottom) == pytest.approx(cold, abs=120)
    assert down_s(top=top, bottom=bottom, above_c={"bottom": 30.0}) == pytest.approx(warm, abs=120)
    assert down_s(top=top, bottom=bottom, above_c={"top": -50.0}) - cold == pytest.approx(0.2 * HOUR_S, abs=120)


def test_a_cone_that_falls_in_a_hold_is_forecast_as_the_watch_counts_holds() -> None:
    whole_s = np.arange(0.0, 20 * HOUR_S, 60.0)
    whole_c = np.minimum(20 + whole_s / 36, 1195.0)
    work = HeatWork()
    for at_s, at_c in zip(whole_s.tolist(), whole_c.tolist(), strict=True):
        work.add(at_s, at_c)
    down_s = work.down_s[cones.index_of("6")]
    assert down_s is not None
    assert down_s > 12.25 * HOUR_S  # it stands by then
    so_far = whole_s < 9 * HOUR_S

    ahead = forecast(
        {"top": Samples(whole_s[so_far], whole_c[so_far])},
        schedule=[(100.0, 1195.0, 6 * HOUR_S)],
        target_cone="6",
        fuel="electric",
    )

    assert ahead.cone_down_s is not None
    assert ahead.cone_down_s.median_s == pytest.approx(down_s, abs=240)


def test_a_probe_that_is_silent_does_not_keep_the_cone_from_falling() -> None:
    top = ramp(9.0)["top"]
    died = Samples(top.time_s, np.where(top.value < 300, top.value - 100, np.nan))
    lags = Samples(top.time_s[:-30], top.value[:-30] - 30)  # it is read every few minutes

    alone = forecast({"top": top}, schedule=PLAN_TO_1300, target_cone="6", fuel="electric")
    with_dead = forecast({"top": top, "dead": died}, schedule=PLAN_TO_1300, target_cone="6", fuel="electric")
    with_slow = forecast({"top": top, "slow": lags}, schedule=PLAN_TO_1300, target_cone="6", fuel="electric")

    assert alone.cone_down_s is not None
    assert with_dead.cone_down_s is not None
    assert with_slow.cone_down_s is not None
    assert with_dead.cone_down_s.median_s == pytest.approx(alone.cone_down_s.median_s, abs=60)
    assert with_slow.cone_down_s.median_s - alone.cone_down_s.median_s == pytest.approx(0.3 * HOUR_S, abs=240)


@pytest.mark.parametrize("is_late", [False, True])
def test_a_probe_that_died_or_came_late_leaves_the_forecast_to_those_that_read(is_late: bool) -> None:
    top = ramp(10.8)["top"]
    is_silent = (top.value < 600) == is_late
    bottom = Samples(top.time_s, np.where(is_silent, np.nan, top.value - 40))

    ahead = forecast({"top": top, "bottom": bottom}, schedule=[(100.0, 1250.0, 0.0)], fuel="electric")

    assert ahead.time_left_s is not None
    assert ahead.median_c[0] == pytest.approx(np.nanmean([top.value[-1], bottom.value[-1]]), abs=3)
    assert ahead.time_left_s.median_s == pytest.approx((1250 - ahead.median_c[0]) / 100 * HOUR_S, rel=0.05)


def test_faults_and_gaps_in_the_history_do_not_move_it_far() -> None:
    whole = ramp(5.0)["top"]
    value = np.where((whole.time_s > 2 * HOUR_S) & (whole.time_s < 3 * HOUR_S), np.nan, whole.value)

    broken = forecast({"top": Samples(whole.time_s, value)}, schedule=PLAN)
    sound = forecast({"top": whole}, schedule=PLAN)

    assert broken.time_left_s is not None
    assert sound.time_left_s is not None
    assert broken.time_left_s.median_s == pytest.approx(sound.time_left_s.median_s, rel=0.01)


def test_a_history_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="reading"):
        past_firing({"top": Samples(np.array([0.0]), np.array([np.nan]))})


def test_a_kiln_hotter_than_it_ever_was_is_not_forecast_from_its_past() -> None:
    assert forecast(ramp(9.0), past=[PastFiring(np.linspace(20.0, 600.0, 100))]).basis == "nothing"


def test_half_way_forecasts_on_unseen_simulated_kilns_are_close() -> None:
    found = figures(kilns=12)

    assert found["past"]["median_error_pct"] < 8
    assert found["schedule"]["median_error_pct"] < 8
