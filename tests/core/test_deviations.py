import numpy as np
import pytest
from recordings import HOUR_S, T0_S, findings, made, noisy

from service.core.live import Watch
from service.core.schedule import Schedule, Step
from service.core.series import Samples

HOURS = [0, 8, 10, 16]


def two_probes(spread_c: list[float], *, hours: list[float] | None = None) -> dict[str, Samples]:
    """A firing to 1220 °C whose bottom is behind its top by so much at its corners."""
    hours = hours or HOURS
    top = np.interp(hours, HOURS, [25, 1180, 1220, 300])
    return {"top": noisy(made(hours, list(top))), "bottom": noisy(made(hours, list(top - spread_c)), seed=2)}


def uneven(channels: dict[str, Samples], watch: Watch) -> list[str]:
    return [str(one.evidence["phase"]) for one in findings(channels, watch) if one.kind == "uneven_heating"]


@pytest.mark.parametrize(
    ("spread_c", "phases"),
    [
        ([0, 18, 18, 18], []),  # one cone: usual
        ([0, 60, 30, 18], ["heating"]),
        ([0, 10, 10, 70], ["cooling"]),
    ],
)
def test_top_and_bottom_apart_are_said_for_the_way_up_and_the_way_down(
    spread_c: list[float], phases: list[str]
) -> None:
    assert uneven(two_probes(spread_c), Watch()) == phases


def test_a_wide_spread_early_in_the_firing_is_let_even_out() -> None:
    hours = [0, 2, 4, 5.5, 8, 10]

    assert uneven(two_probes([0, 70, 80, 30, 10, 5], hours=hours), Watch()) == []


def test_a_spread_that_swings_about_its_limit_is_one_finding() -> None:
    hours = [0.0, *np.arange(7.0, 10.0, 0.25).tolist()]
    swing = [0.0, *(36 + 6 * (-1) ** index for index in range(12))]

    assert uneven(two_probes(swing, hours=hours), Watch()) == ["heating"]


def one(hours: list[float], temp_c: list[float]) -> dict[str, Samples]:
    return {"top": noisy(made(hours, temp_c))}


def kinds(channels: dict[str, Samples], watch: Watch) -> list[str]:
    return [finding.kind for finding in findings(channels, watch)]


def test_a_kiln_that_stops_rising_well_below_its_target_is_stalled_from_its_last_rise_to_its_next() -> None:
    channels = one([0, 7, 9, 12], [25, 1000, 1002, 1220])

    (stalled,) = findings(channels, Watch(target_cone="6"))

    assert stalled.kind == "stalled"
    assert stalled.start_s == pytest.approx(T0_S + 7 * HOUR_S, abs=1200)
    assert stalled.end_s == pytest.approx(T0_S + 9 * HOUR_S, abs=600)
    assert stalled.evidence["no_rise_s"] == 3600


@pytest.mark.parametrize(
    ("hours", "temp_c", "watch"),
    [
        ([0, 8, 10.5], [25, 1200, 1205], Watch(target_cone="6")),  # the hold at the top
        ([0, 1, 11, 18], [25, 110, 112, 1200], Watch(target_cone="6")),  # candling
        ([0, 6, 8, 12], [25, 580, 580, 1180], Watch(target_cone="6")),  # a hold at quartz
        ([0, 7, 7.75, 12], [25, 950, 952, 1200], Watch(target_cone="6")),  # a short hold to reduce
        ([0, 7, 9, 14], [25, 1000, 1000, 700], Watch()),  # nobody said how far it should go
    ],
)
def test_holds_that_potters_make_are_no_stall(hours: list[float], temp_c: list[float], watch: Watch) -> None:
    assert "stalled" not in kinds(one(hours, temp_c), watch)


def test_a_kiln_that_was_lit_again_stalls_below_the_peak_it_had() -> None:
    found = findings(one([0, 7, 8, 9.5, 13], [25, 1000, 800, 950, 950]), Watch(target_cone="6"))

    (stalled,) = [one for one in found if one.kind == "stalled"]

    assert stalled.start_s == pytest.approx(T0_S + 9.5 * HOUR_S, abs=900)


@pytest.mark.parametrize(("end_h", "said"), [(8.15, []), (12.0, ["stalled"])])
def test_a_hold_that_is_planned_is_a_stall_only_when_it_is_long_over(end_h: float, said: list[str]) -> None:
    plan = Schedule((Step(950, 150, 7200), Step(1280, 101, 1080)))
    channels = one([0, 6.15, end_h, end_h + 3.25, end_h + 3.5], [25, 950, 950, 1280, 1280])

    found = kinds(channels, Watch(target_cone="10", schedule=plan))

    assert [kind for kind in found if kind == "stalled"] == said


def test_hours_without_readings_are_no_stall() -> None:
    channels = one([0, 7, 9, 11], [25, 1000, 1003, 1220])
    time_s, value = channels["top"].time_s, channels["top"].value
    seen = (time_s < T0_S + 7 * HOUR_S) | (time_s > T0_S + 9 * HOUR_S)

    # It may have held where nobody saw, or its clock was set: the second is said as a chance, and no stall.
    found = findings({"top": Samples(time_s[seen], value[seen])}, Watch(target_cone="6"))
    assert [(one.kind, one.probability) for one in found] == [("sensor_silent", None), ("clock_jump", 0.7)]


def test_saw_teeth_that_rise_no_more_are_a_stall_with_solid_fuel_only_after_hours() -> None:
    hours = [0.0, 10.0, *np.arange(10.5, 18, 0.5).tolist()]
    teeth = [25.0, 1000.0, *(1000.0 - 90 * (index % 2 == 0) for index in range(15))]

    assert kinds(one(hours, teeth), Watch(fuel="coal", target_cone="8")) == ["stalled"]
    assert kinds(one(hours[:6], teeth[:6]), Watch(fuel="coal", target_cone="8")) == []
