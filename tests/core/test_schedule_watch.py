"""A firing against its schedule: late and early by where it is, holds by how long, and nothing said of a good one."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import HOUR_S, T0_S, findings, made, noisy, watch_in_pieces, watch_whole

from service.core.findings import Finding, Group
from service.core.ledger import Ledger
from service.core.live import LiveFiring, Watch
from service.core.schedule import Schedule, Step, from_corners
from service.core.schedule_watch import Following, judge_schedule
from service.core.series import Chunk, FloatArray, Samples
from service.core.watch import Status

PLAN = Schedule(
    (Step(120, 60, 1800), Step(600, 100), Step(1100, 130), Step(1200, 60, 1800), Step(1100, 100, 1800)), start_c=25.0
)


def fired(hours: list[float], temp_c: list[float]) -> dict[str, Samples]:
    return {"top": noisy(made(hours, temp_c)), "bottom": noisy(made(hours, temp_c), seed=2)}


def judged(channels: dict[str, Samples], plan: Schedule = PLAN, fuel: str = "lpg") -> list[Finding]:
    return [one for one in findings(channels, Watch(fuel=fuel, schedule=plan)) if one.group is Group.SCHEDULE]


def as_planned(*, late_by_h: float = 0.0) -> tuple[list[float], list[float]]:
    time_s, temp_c = PLAN.corners()
    hours = [0.0, *(time_s[1:] / 3600 + late_by_h).tolist()]
    return [*hours, hours[-1] + 8], [*temp_c.tolist(), 200.0]


def status_after(curve: tuple[FloatArray, FloatArray]) -> Status:
    kiln = LiveFiring(Watch(fuel="lpg", schedule=PLAN))
    return kiln.advance(Chunk(curve[0][-1], {"top": Samples(*curve)})).status


def test_a_firing_by_the_plan_is_left_alone() -> None:
    assert judged(fired(*as_planned())) == []


@pytest.mark.parametrize(("late_h", "least_s", "most_s"), [(0.0, -300, 300), (2.0, 6000, 7500), (-1.5, -5700, -4500)])
def test_how_late_it_is_is_known_while_it_heats(late_h: float, least_s: float, most_s: float) -> None:
    hours, temp_c = as_planned()
    planned_h = hours[2] + (560 - temp_c[2]) / 100

    told = status_after(made([*hours[:3], planned_h + late_h], [*temp_c[:3], 560]))

    assert told.behind_s is not None
    assert told.behind_since_s is not None
    assert least_s <= told.behind_s <= most_s
    assert told.behind_since_s - T0_S == pytest.approx(hours[2] * HOUR_S, abs=1800)  # drying is nobody's lateness


def test_nobody_is_late_before_the_ware_is_dry() -> None:
    told = status_after(made([0, 4], [25, 90]))

    assert (told.behind_s, told.behind_since_s) == (None, None)


def test_drying_takes_as_long_as_it_takes() -> None:
    hours, temp_c = as_planned()
    later = [hour + (5.0 if index > 1 else 0.0) for index, hour in enumerate(hours)]  # five hours more at 120 °C

    assert judged(fired(later, temp_c)) == []


def test_a_kiln_that_was_warm_comes_in_where_the_plan_has_its_temperature() -> None:
    time_s, temp_c = made(*as_planned())
    warm = time_s > T0_S + 4 * HOUR_S

    assert judged({"top": Samples(time_s[warm], temp_c[warm])}) == []


@pytest.mark.parametrize(
    ("hours", "kind", "off_h"),
    [([0, 2, 2.5, 11, 11.5], "behind_schedule", 3.5), ([0, 2, 2.5, 4.5, 5], "ahead_of_schedule", 2.5)],
)
def test_pace_is_said_in_time_and_in_degrees(hours: list[float], kind: str, off_h: float) -> None:
    found = judged(fired(hours, [25, 120, 120, 600, 590]))

    assert [one.kind for one in found] == [kind]
    assert found[0].evidence["off_s"] == pytest.approx(off_h * HOUR_S, rel=0.15)
    assert found[0].evidence["off_c"] == pytest.approx(off_h * 100, rel=0.15)


def test_a_kiln_is_no_further_behind_than_the_plan_goes() -> None:
    plan = Schedule((Step(1200, 400),), start_c=25.0)
    begun = Following(list(plan.begins_s), 0, base=(T0_S, 0.0))

    late = judge_schedule(
        begun, plan, 300.0, T0_S + 8 * HOUR_S, fuel="lpg", is_over_the_top=False, to=Ledger()
    ).behind.evidence

    assert late["off_s"] == pytest.approx(8 * HOUR_S, rel=0.1)
    assert late["off_c"] == 900.0


HOLDS = Schedule((Step(600, 100, 3600), Step(1200, 100, 1800)), start_c=25.0)


@pytest.mark.parametrize(
    ("hours", "temp_c", "kinds"),
    [
        ([0, 6, 7, 13, 13.5, 20], [25, 600, 600, 1200, 1200, 200], set()),
        ([0, 6, 6.1, 12, 12.5, 20], [25, 600, 600, 1200, 1200, 200], {"hold_short"}),
        ([0, 6, 9, 15, 15.5, 22], [25, 600, 600, 1200, 1200, 200], {"hold_long", "behind_schedule"}),
        ([0, 6, 7, 13, 16, 22], [25, 600, 600, 1200, 1200, 200], {"hold_long"}),
        ([0, 6, 7, 13.4, 13.6, 20], [25, 600, 600, 1240, 1240, 200], {"overshoot"}),
    ],
)
def test_holds_are_judged_by_their_length_and_their_height(
    hours: list[float], temp_c: list[float], kinds: set[str]
) -> None:
    assert {one.kind for one in judged(fired(hours, temp_c), HOLDS, "electric")} == kinds


def test_a_kiln_that_sinks_out_of_a_hold_is_behind_until_it_is_back() -> None:
    plan = Schedule((Step(900, 150, 3600), Step(1230, 120)), start_c=25.0)
    hours, temp_c = [0, 5.83, 6.2, 7.2, 8.5, 9.2, 12], [25, 900, 900, 750, 900, 900, 1230]

    (behind,) = judged(fired(hours, temp_c), plan)

    assert behind.kind == "behind_schedule"
    assert behind.start_s == pytest.approx(T0_S + 6.8 * HOUR_S, abs=1200)
    assert behind.end_s == pytest.approx(T0_S + 8.5 * HOUR_S, abs=1800)


@pytest.mark.parametrize("hold_s", [0.0, 3600.0])
def test_a_kiln_that_is_left_standing_where_it_should_go_on_is_behind(hold_s: float) -> None:
    plan = Schedule((Step(600, 150, hold_s), Step(1280, 120, 900)), start_c=25.0)

    (behind,) = [one for one in judged(fired([0, 3.83, 9, 12], [25, 600, 600, 960]), plan) if one.kind != "hold_long"]

    assert behind.kind == "behind_schedule"
    assert T0_S + (3.83 + hold_s / 3600) * HOUR_S < behind.start_s < T0_S + (4.83 + hold_s / 2400) * HOUR_S
    assert behind.end_s == pytest.approx(T0_S + 9 * HOUR_S, abs=1800)


def test_a_stoked_fire_may_swing_about_its_hold() -> None:
    hours, temp_c = [0.0, 6.0], [25.0, 600.0]
    for tooth in range(4):  # an hour of stoking about 600 °C
        hours += [6.1 + tooth / 4, 6.2 + tooth / 4]
        temp_c += [670.0, 540.0]
    channels = fired([*hours, 13, 13.5, 20], [*temp_c, 1200, 1200, 200])

    assert judged(channels, HOLDS, "coal") == []
    assert judged(channels, HOLDS, "electric") != []


def test_nothing_is_said_of_the_way_down_but_of_its_holds() -> None:
    down = Schedule((Step(1000, 150, 600), Step(700, 80, 0), Step(500, 80, 0)), start_c=25.0)

    assert judged(fired([0, 6.5, 6.7, 9, 14], [25, 1000, 1000, 300, 100]), down) == []


def test_without_a_schedule_nothing_is_said_of_pace() -> None:
    found = findings(fired([0, 2, 20, 30], [25, 120, 600, 200]), Watch())

    assert [one for one in found if one.group is Group.SCHEDULE] == []


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.floats(0, 20 * HOUR_S), max_size=10))
def test_cuts_and_restarts_change_nothing(cuts: list[float]) -> None:
    channels = fired([0, 6, 6.1, 15, 15.2, 20], [25, 600, 600, 1240, 1240, 200])
    watch = Watch(schedule=HOLDS)

    assert watch_in_pieces(channels, watch, [T0_S + cut for cut in cuts]) == watch_whole(channels, watch)


def test_another_schedule_in_the_middle_is_followed_from_where_the_kiln_is() -> None:
    time_s, temp_c = made([0, 6, 7, 13, 13.5, 20], [25, 600, 600, 1200, 1200, 200])
    other = Schedule((Step(300, 300, 0), Step(1200, 100, 1800)), start_c=25.0)
    half = time_s < T0_S + 8 * HOUR_S
    live = LiveFiring(Watch(schedule=HOLDS))
    live.advance(Chunk(float(time_s[half][-1]), {"top": Samples(time_s[half], temp_c[half])}))
    live.watch = Watch(schedule=other)
    rest = live.advance(Chunk(float(time_s[-1]), {"top": Samples(time_s[~half], temp_c[~half])}))

    assert [one for one in rest.findings if one.group is Group.SCHEDULE] == []


def test_another_schedule_while_the_kiln_cools_is_followed_on_the_way_down() -> None:
    time_s, temp_c = made([0, 6, 7, 13, 13.5, 20], [25, 600, 600, 1200, 1200, 200])
    other = Schedule((Step(600, 100), Step(1200, 100, 2400), Step(1100, 100, 1800), Step(500, 100, 3600)), start_c=25.0)
    before = time_s < T0_S + 15 * HOUR_S
    live = LiveFiring(Watch(schedule=HOLDS))
    live.advance(Chunk(float(time_s[before][-1]), {"top": Samples(time_s[before], temp_c[before])}))
    live.watch = Watch(schedule=other)
    rest = live.advance(Chunk(float(time_s[-1]), {"top": Samples(time_s[~before], temp_c[~before])}))

    assert {one.kind for one in rest.findings if one.group is Group.SCHEDULE} == {"hold_short"}  # the one at 500 °C


@pytest.mark.parametrize("chosen", [None, Schedule((Step(1200, 60),), start_c=25.0)])
def test_what_was_said_of_a_schedule_ends_when_another_is_chosen_or_none(chosen: Schedule | None) -> None:
    time_s, temp_c = made([0, 18], [25, 1105])
    half = time_s < T0_S + 10 * HOUR_S
    live = LiveFiring(Watch(schedule=Schedule((Step(1200, 100),), start_c=25.0)))
    before = live.advance(Chunk(float(time_s[half][-1]), {"top": Samples(time_s[half], temp_c[half])})).findings
    assert [(one.kind, one.end_s) for one in before if one.group is Group.SCHEDULE] == [("behind_schedule", None)]

    live.watch = Watch(schedule=chosen)
    after = live.advance(Chunk(float(time_s[-1]), {"top": Samples(time_s[~half], temp_c[~half])}))

    (ended,) = [one for one in after.findings if one.group is Group.SCHEDULE]
    assert ended.kind == "behind_schedule"
    assert ended.end_s == pytest.approx(T0_S + 10 * HOUR_S, abs=60)
    assert (after.status.behind_s is None) is (chosen is None)


temperatures = st.floats(0, 1400)


@given(st.lists(st.tuples(st.floats(1, 1e5), temperatures), min_size=1, max_size=12), temperatures)
def test_corners_and_steps_are_the_same_curve(moves: list[tuple[float, float]], start_c: float) -> None:
    points, at_s = [(0.0, start_c)], 0.0
    for lasts_s, to_c in moves:
        at_s += lasts_s
        points.append((at_s, to_c if abs(to_c - points[-1][1]) > 0.5 * lasts_s / 3600 + 0.01 else points[-1][1]))
    if any(abs(b[1] - a[1]) / (b[0] - a[0]) * 3600 > 9e4 for a, b in pairwise(points)):
        return

    schedule = from_corners(points)

    assert schedule.total_s == pytest.approx(
        at_s, rel=1e-6, abs=1.0 if schedule.steps[0].rate_c_per_h is None else 0.01
    )
    assert schedule.steps[-1].target_c == points[-1][1]


@pytest.mark.parametrize("points", [[], [(0, 20)], [(0, 20), (0, 20)], [(10, 20), (5, 30)]])
def test_what_is_no_curve_is_refused(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match=r"at least two corners|time must increase"):
        from_corners(points)


@pytest.mark.parametrize("step", [(2000, 100, 0), (100, 0, 0), (100, -5, 0), (100, 100, -1)])
def test_what_no_kiln_can_do_is_refused(step: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="must be from"):
        Step(*step)


NIGHT = [25, 600, 450, 600, 1200, 200]  # by the plan to 600 °C, four hours in which the kiln cools, up again, and on
PAUSED = [0, 5.75, 9.75, 10.25, 16.25, 24]


@pytest.mark.parametrize(("may_pause", "kinds"), [(True, []), (False, ["behind_schedule"])])
def test_a_pause_that_is_planned_is_no_lateness(may_pause: bool, kinds: list[str]) -> None:
    plan = Schedule((Step(500, 100), Step(700, 100, may_pause=may_pause), Step(1200, 100)), start_c=25.0)

    assert [one.kind for one in judged(fired(PAUSED, NIGHT), plan)] == kinds


def test_after_a_pause_that_was_not_planned_the_plan_goes_on_from_where_the_kiln_is() -> None:
    (behind,) = judged(fired(PAUSED, NIGHT), Schedule((Step(1200, 100),), start_c=25.0))

    assert behind.start_s == pytest.approx(T0_S + 6.6 * HOUR_S, abs=0.5 * HOUR_S)
    assert behind.evidence["off_s"] == pytest.approx(5.5 * HOUR_S, rel=0.1)
    assert behind.end_s == pytest.approx(T0_S + (9.75 + 0.5) * HOUR_S, abs=0.3 * HOUR_S)


def test_a_kiln_that_climbs_too_fast_after_its_planned_pause_is_ahead() -> None:
    plan = Schedule((Step(1200, 100, may_pause=True),), start_c=25.0)

    found = judged(fired([0, 5.75, 8.75, 11.75, 20], [25, 600, 600, 1200, 200]), plan)

    assert [one.kind for one in found] == ["ahead_of_schedule"]


def test_a_hold_where_one_may_pause_is_never_too_long() -> None:
    plan = Schedule((Step(600, 100, 3600, may_pause=True), Step(1200, 100, 1800)), start_c=25.0)

    assert judged(fired([0, 6, 12, 18, 18.5, 24], [25, 600, 600, 1200, 1200, 200]), plan) == []


@pytest.mark.parametrize("rate_c_per_h", [90.0, 600.0])
def test_as_fast_as_it_can_is_neither_late_nor_early(rate_c_per_h: float) -> None:
    plan = Schedule((Step(200, 100), Step(900, None), Step(1200, 100)), start_c=25.0)
    up_h = 1.75 + 700 / rate_c_per_h

    assert judged(fired([0, 1.75, up_h, up_h + 3, up_h + 10], [25, 200, 900, 1200, 200]), plan) == []


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.floats(0, 24 * HOUR_S), max_size=8), may_pause=st.booleans())
def test_cuts_and_restarts_in_a_pause_change_nothing(cuts: list[float], may_pause: bool) -> None:
    channels = fired(PAUSED, NIGHT)
    watch = Watch(schedule=Schedule((Step(1200, 100, may_pause=may_pause),), start_c=25.0))

    assert watch_in_pieces(channels, watch, [T0_S + cut for cut in cuts]) == watch_whole(channels, watch)


@pytest.mark.parametrize("to_c", [580.0, 622.0])
def test_a_hand_that_misses_a_hold_by_a_little_and_comes_back_has_not_left_it(to_c: float) -> None:
    hours = [0, 6, 6.1, 6.3, 7, 13, 13.5, 20]

    assert judged(fired(hours, [25, 590, to_c, 600, 600, 1200, 1200, 200]), HOLDS) == []


@pytest.mark.parametrize("fuel", ["coal", "wood"])
def test_saw_teeth_of_stoking_on_the_way_up_are_neither_late_nor_early(fuel: str) -> None:
    hours, temp_c = [0.0, 2.0], [25.0, 120.0]
    for tooth in range(15):  # 70 °C/h in the long run, stoked every hour
        hours += [2.4 + tooth, 3.0 + tooth]
        temp_c += [260.0 + 70 * tooth, 130.0 + 70 * (tooth + 1)]
    plan = Schedule((Step(120, 48), Step(1170, 70)), start_c=25.0)

    assert judged(fired([*hours, 26], [*temp_c, 200]), plan, fuel) == []
