import json
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import HOUR_S, T0_S, between, made, noisy, until, watch_in_pieces, watch_whole

from service.core.findings import Finding, Severity
from service.core.live import EndCause, FiringEnd, FiringStart, LiveFiring, Phase, Watch
from service.core.schedule import Schedule, Step
from service.core.series import QUALITIES, Chunk, Samples


def starts_and_ends(events: list) -> list[tuple]:
    return [
        ("start", event.start_s) if isinstance(event, FiringStart) else ("end", event.end_s, event.cause)
        for event in events
        if not isinstance(event, Finding)
    ]


def hours_in(time_s: float) -> float:
    return (time_s - T0_S) / HOUR_S


def one_probe(hours: list[float], temp_c: list[float], **kwargs: float) -> dict[str, Samples]:
    return {"top": Samples(*made(hours, temp_c, **kwargs))}


def troubled() -> dict[str, Samples]:
    """Two probes and a flue: a jump, a frozen stretch, faults, gaps, a wide spread, fast cooling, firing again."""
    rng = np.random.default_rng(3)
    time_s, level = made([0, 1, 7, 8, 12, 13, 15], [25, 28, 1100, 1105, 90, 40, 500], every_s=20.0)
    hour = (time_s - T0_S) / HOUR_S
    top = np.round(level + rng.normal(0, 0.6, len(level)), 2)
    bottom = np.round(level - np.interp(hour, [4, 6, 8], [10, 10, 80]) + rng.normal(0, 0.6, len(level)), 2)
    top[(hour > 3) & (hour < 3.02)] += 300
    bottom[(hour > 4) & (hour < 4.6)] = bottom[hour > 4][0]
    top[(hour > 9) & (hour < 9.3)] = np.nan
    seen = (hour < 5) | (hour > 5.4)
    return {
        "top": Samples(time_s[seen], top[seen]),
        "bottom": Samples(time_s[seen] + 7.0, bottom[seen]),
        "flue": Samples(time_s, level * 0.6),
    }


def test_a_firing_starts_where_its_rise_began_and_ends_when_the_kiln_has_cooled() -> None:
    events = watch_whole(one_probe([0, 5, 13, 14, 22], [27, 31, 1220, 1220, 40]), Watch())

    (_, start_s), (_, end_s, cause) = starts_and_ends(events)

    assert hours_in(start_s) == pytest.approx(5, abs=0.05)
    assert hours_in(end_s) == pytest.approx(14 + 8 * (1220 - 100) / (1220 - 40), abs=0.02)
    assert cause is EndCause.COOLED


def test_a_slow_candling_belongs_to_its_firing() -> None:
    (_, start_s), *_ = starts_and_ends(watch_whole(one_probe([0, 3, 13, 20], [25, 26, 126, 900]), Watch()))

    assert hours_in(start_s) == pytest.approx(3, abs=0.7)


def test_weather_starts_no_firing() -> None:
    hours = list(np.arange(0.0, 72.0, 0.5))
    days = [28 + 12 * np.sin(2 * np.pi * (hour - 9) / 24) for hour in hours]

    assert watch_whole(one_probe(hours, days, every_s=60.0), Watch()) == []


def test_a_recording_that_begins_hot_starts_with_its_first_reading() -> None:
    (start, *_) = starts_and_ends(watch_whole(one_probe([0, 3], [650, 900]), Watch()))

    assert start == ("start", T0_S)


@pytest.mark.parametrize(("start_c", "noise_c"), [(900, 0.0), (900, 2.0), (180, 0.5)])
def test_a_kiln_that_was_only_seen_to_cool_has_had_its_top_and_nobody_knows_its_cone(
    start_c: float, noise_c: float
) -> None:
    plan = Schedule((Step(600, 100), Step(1280, 100, 1800)))
    curve = noisy(made([0, 3, 8, 12, 14], [start_c, 0.6 * start_c, 0.3 * start_c, 70, 50]), sd_c=noise_c)
    live = LiveFiring(Watch(target_cone="10", schedule=plan))

    halfway = live.advance(Chunk(T0_S + 4 * HOUR_S, {"top": curve.where(curve.time_s < T0_S + 4 * HOUR_S)}))
    rest = live.advance(Chunk(until({"top": curve}), {"top": curve.where(curve.time_s >= T0_S + 4 * HOUR_S)}))

    assert {one.kind for one in [*halfway.findings, *rest.findings]} <= {"dunting_quartz"}
    assert (halfway.status.cone_reached, halfway.status.next_cone) == (None, None)
    assert [one.summary.cone_reached for one in [*halfway.ended, *rest.ended]] == [None]


def test_firing_again_before_the_kiln_is_cold_is_a_new_firing_from_the_lowest_point() -> None:
    events = watch_whole(one_probe([0, 6, 12, 18], [25, 1000, 150, 1000]), Watch())

    (_, first_s), (_, end_s, cause), (_, second_s) = starts_and_ends(events)

    assert hours_in(first_s) == pytest.approx(0, abs=0.05)
    assert (cause, end_s) == (EndCause.COOLED, second_s)
    assert hours_in(second_s) == pytest.approx(12, abs=0.05)


@pytest.mark.parametrize("open_h", [0.3, 1.0])
def test_a_look_inside_a_kiln_that_is_nearly_cold_begins_no_firing(open_h: float) -> None:
    hours = [0, 12, 24, 24 + open_h, 24.3 + open_h, 40]

    events = watch_whole(one_probe(hours, [25, 1240, 215, 105, 205, 80]), Watch())

    assert [kind for kind, *_ in starts_and_ends(events)] == ["start", "end"]


def test_solid_fuel_saw_teeth_are_one_firing_without_findings() -> None:
    hours = list(np.arange(0.0, 20.5, 0.75))
    teeth = [25 + hour * 58 + (70 if index % 2 and hour > 3 else 0) for index, hour in enumerate(hours)]

    events = watch_whole(one_probe(hours, teeth), Watch(fuel="wood", target_cone="8"))

    assert [type(event) for event in events] == [FiringStart]


def test_six_hours_without_readings_lose_the_firing_and_a_hot_kiln_that_speaks_again_is_another() -> None:
    early, late = made([0, 6], [25, 900]), made([0, 3], [400, 300], start_s=T0_S + 14 * HOUR_S)
    channels = {"top": Samples(np.append(early[0], late[0]), np.append(early[1], late[1]))}

    _, end, again = starts_and_ends(watch_whole(channels, Watch()))

    assert end == ("end", T0_S + 6 * HOUR_S, EndCause.LOST_SENSOR)
    assert again == ("start", T0_S + 14 * HOUR_S)


@pytest.mark.parametrize(("back_h", "bounds"), [(24.0, ["start", "end"]), (13.0, ["start"])])
def test_a_probe_that_slips_out_of_the_chamber_does_not_end_the_firing_as_cooled(
    back_h: float, bounds: list[str]
) -> None:
    time_s, value = made([0, 11, back_h, back_h + 0.2], [28, 1100, 1200, 1200])
    is_out = (time_s > T0_S + 11 * HOUR_S) & (time_s < T0_S + back_h * HOUR_S)
    value[is_out] = 45 + 1055 * np.exp(-(time_s[is_out] - T0_S - 11 * HOUR_S) / 300)

    events = watch_whole({"top": Samples(time_s, value)}, Watch(target_cone="10"))

    assert [kind for kind, *_ in starts_and_ends(events)][:2] == bounds
    assert [one.cause for one in events if isinstance(one, FiringEnd)] == [EndCause.LOST_SENSOR] * (len(bounds) - 1)
    assert [one.kind for one in events if isinstance(one, Finding) and one.severity is Severity.CRITICAL][:1] == [
        "heat_lost"
    ]


def test_what_the_bridge_does_not_vouch_for_is_not_a_silence() -> None:
    live = LiveFiring(Watch())
    time_s, value = made([0, 2], [25, 400])

    live.advance(Chunk(time_s[-1], {"top": Samples(time_s, value)}))
    unvouched = live.advance(Chunk(time_s[-1] + 200, {}))
    vouched = live.advance(Chunk(time_s[-1] + 400, {}))

    assert unvouched.findings == []
    assert [(one.kind, one.start_s, one.end_s, one.severity) for one in vouched.findings] == [
        ("sensor_silent", time_s[-1], None, Severity.CRITICAL)
    ]
    assert vouched.status.channels[0].quality == "silent"


def test_the_operator_ends_a_firing_and_its_cooling_starts_no_other() -> None:
    time_s, value = made([0, 6, 14], [25, 1100, 60])
    live = LiveFiring(Watch())
    is_early = time_s < T0_S + 7 * HOUR_S

    live.advance(Chunk(time_s[is_early][-1], {"top": Samples(time_s[is_early], value[is_early])}))
    ended = live.end(T0_S + 7 * HOUR_S, EndCause.OPERATOR)
    rest = live.advance(Chunk(time_s[-1], {"top": Samples(time_s[~is_early], value[~is_early])}))

    assert starts_and_ends(list(ended.events)) == [("end", T0_S + 7 * HOUR_S, EndCause.OPERATOR)]
    assert ended.ended[0].summary.peak_c == pytest.approx(1100, abs=1)
    assert rest.events == ()
    assert live.end(until({"top": Samples(time_s, value)}), EndCause.OPERATOR).events == ()


def test_readings_that_come_after_the_operator_has_ended_a_firing_begin_no_other_before_that() -> None:
    time_s, value = made([0, 6, 7.5, 8, 16], [25, 800, 1220, 1200, 60])
    heard = time_s < T0_S + 6 * HOUR_S
    live = LiveFiring(Watch())
    live.advance(Chunk(time_s[heard][-1], {"top": Samples(time_s[heard], value[heard])}))

    ended = live.end(T0_S + 8 * HOUR_S, EndCause.OPERATOR)
    late = live.advance(Chunk(time_s[-1], {"top": Samples(time_s[~heard], value[~heard])}))

    assert starts_and_ends(list(ended.events)) == [("end", T0_S + 8 * HOUR_S, EndCause.OPERATOR)]
    assert starts_and_ends(list(late.events)) == []


def test_what_is_begun_by_hand_before_any_probe_reads_is_watched_once_one_does() -> None:
    live = LiveFiring(Watch())
    faults_s = np.arange(T0_S - HOUR_S, T0_S + HOUR_S, 10.0)
    quality = np.full(len(faults_s), QUALITIES.index("open"), dtype=np.uint8)
    nothing = Samples(faults_s, np.full(len(faults_s), np.nan), quality)
    is_before = faults_s < T0_S
    live.advance(Chunk(T0_S, {"top": nothing.where(is_before)}))
    live.begin(T0_S)
    live.advance(Chunk(T0_S + HOUR_S, {"top": nothing.where(~is_before)}))

    time_s, value = made([1, 9], [25, 1220])
    status = live.advance(Chunk(time_s[-1], {"top": Samples(time_s, value)})).status

    assert live.started_s() == T0_S
    assert status.peak_c == pytest.approx(1220, abs=5)


def test_what_is_begun_by_hand_and_never_heard_of_is_over_in_some_hours() -> None:
    live = LiveFiring(Watch())
    faults_s = np.arange(T0_S - HOUR_S, T0_S + 8 * HOUR_S, 60.0)
    quality = np.full(len(faults_s), QUALITIES.index("open"), dtype=np.uint8)
    nothing = Samples(faults_s, np.full(len(faults_s), np.nan), quality)
    live.advance(Chunk(T0_S, {"top": nothing.where(faults_s < T0_S)}))
    live.begin(T0_S)

    rest = live.advance(Chunk(faults_s[-1], {"top": nothing.where(faults_s >= T0_S)}))

    assert starts_and_ends(list(rest.events)) == [("end", T0_S, EndCause.LOST_SENSOR)]


@pytest.mark.parametrize("start_c", [31.0, 110.0])
def test_what_is_begun_by_hand_is_not_over_before_it_is_lit(start_c: float) -> None:
    time_s, value = made([0, 1, 2, 8], [start_c, start_c - 12, start_c - 13, 900])
    live = LiveFiring(Watch())

    live.advance(Chunk(time_s[6], {"top": Samples(time_s[:6], value[:6])}))
    begun = live.begin(time_s[6])
    rest = live.advance(Chunk(time_s[-1], {"top": Samples(time_s[6:], value[6:])}))

    assert [type(event) for event in begun.events] == [FiringStart]
    assert starts_and_ends(list(rest.events)) == []
    assert live.started_s() == time_s[6]


@pytest.mark.parametrize(
    ("corners", "is_over"),
    [
        ([(0, 25), (8, 1000), (9, 800), (10, 900)], False),  # lit again
        ([(0, 25), (8, 1000), (16, 400), (16.3, 250), (16.6, 390), (17, 370)], True),  # a look inside
    ],
)
def test_the_top_is_before_a_kiln_again_that_climbs_above_where_it_stood(
    corners: list[tuple[float, float]], is_over: bool
) -> None:
    hours, temp_c = (list(row) for row in zip(*corners, strict=True))
    live = LiveFiring(Watch())

    live.advance(Chunk(T0_S + hours[-1] * HOUR_S, one_probe(hours, temp_c)))

    assert live.state.firing is not None
    assert live.state.firing.is_over_the_top is is_over


def test_the_status_is_of_the_newest_reading_and_of_the_firing() -> None:
    live = LiveFiring(Watch())
    top, bottom = made([0, 8.01], [25, 1240]), made([0, 8.01], [25, 1200])

    status = live.advance(Chunk(top[0][-1], {"top": Samples(*top), "bottom": Samples(*bottom)})).status

    assert status.phase is Phase.HEATING
    assert status.last_s == top[0][-1]
    assert [one.name for one in status.channels] == ["bottom", "top"]
    assert status.channels[1].last_c == pytest.approx(1240, abs=1)
    assert status.channels[1].rate_c_per_h == pytest.approx(152, abs=1)
    assert status.spread_c == pytest.approx(40, abs=1)
    down_at_top = [one.cone for one in status.cones if one.channel == "top" and one.progress >= 1][-1]
    assert (status.cone_reached, status.next_cone, down_at_top) == ("4", "5", "5.5")


@pytest.fixture(scope="module")
def troubled_whole() -> list:
    return watch_whole(troubled(), Watch(target_cone="6"))


def test_the_troubled_firing_has_every_trouble_once(troubled_whole: list) -> None:
    found = [(one.kind, one.channel) for one in troubled_whole if isinstance(one, Finding) and one.end_s is None]

    assert sorted(found, key=str) == sorted(
        [
            ("thermocouple_jump", "top"),
            ("thermocouple_frozen", "bottom"),
            ("thermocouple_drift", "bottom"),
            ("sensor_silent", "top"),
            ("sensor_silent", "bottom"),
            ("sensor_silent", "top"),
            ("uneven_heating", None),
            ("uneven_heating", None),
            ("uneven_heating", None),
            ("steam_explosion", None),
            ("steam_explosion", None),
            ("dunting_quartz", None),
            ("heat_lost", None),
            ("underfired", None),
        ],
        key=str,
    )


@given(cuts=st.lists(st.floats(0, 15 * HOUR_S), max_size=30), bins_from_s=st.sampled_from([0.0, 7.0, 22.0]))
@settings(max_examples=25, deadline=None)
def test_cuts_and_restarts_change_nothing(cuts: list[float], bins_from_s: float) -> None:
    watch = Watch(target_cone="6", bins_from_s=bins_from_s)

    pieces = watch_in_pieces(troubled(), watch, [T0_S + cut for cut in cuts])

    assert pieces == watch_whole(troubled(), watch)


def test_an_idle_kiln_can_be_judged_at_other_seconds_from_now_on_and_a_running_firing_goes_on_as_it_began() -> None:
    before, after = Watch(target_cone="6"), Watch(target_cone="6", bins_from_s=7.0)
    channels = one_probe([0, 2, 10, 20], [20, 20, 1000, 20])
    idle, firing = LiveFiring(before), LiveFiring(before)
    idle.advance(Chunk(T0_S + HOUR_S, {"top": between(channels["top"], 0.0, T0_S + HOUR_S)}))
    firing.advance(Chunk(T0_S + 8 * HOUR_S, {"top": between(channels["top"], 0.0, T0_S + 8 * HOUR_S)}))

    moved, kept = LiveFiring(after, idle.snapshot()), LiveFiring(after, firing.snapshot())
    rest = Chunk(until(channels), {"top": between(channels["top"], T0_S + HOUR_S, until(channels))})
    events = moved.advance(rest).events

    assert (moved.state.bins_from_s, kept.state.bins_from_s) == (7.0, 0.0)
    assert moved.state.late == 0, "nothing is closed early"
    assert starts_and_ends(list(events)) == starts_and_ends(watch_whole(channels, after))


def test_one_reading_at_a_time_changes_nothing(troubled_whole: list) -> None:
    channels = troubled()
    live = LiveFiring(Watch(target_cone="6"))
    readings = sorted(
        (time_s, name, value)
        for name, samples in channels.items()
        for time_s, value in zip(samples.time_s, samples.value, strict=True)
    )

    events = [
        event
        for time_s, name, value in readings
        for event in live.advance(Chunk(time_s, {name: Samples(np.array([time_s]), np.array([value]))})).events
    ]

    assert events == troubled_whole
    assert len(json.dumps(live.snapshot())) < 20_000


def test_repeats_and_disorder_within_what_is_not_vouched_for_change_nothing_but_that_repeats_are_said(
    troubled_whole: list,
) -> None:
    order = np.random.default_rng(1)
    shuffled = {}
    for name, samples in troubled().items():
        twice = order.permutation(np.repeat(np.arange(len(samples.time_s)), 2))
        shuffled[name] = Samples(samples.time_s[twice], samples.value[twice])

    events = watch_whole(shuffled, Watch(target_cone="6"))
    kinds = [event.kind if isinstance(event, Finding) else "" for event in events]

    assert "duplicate_readings" in kinds
    assert [event for event, kind in zip(events, kinds, strict=True) if kind != "duplicate_readings"] == troubled_whole


def test_readings_from_before_what_is_judged_are_counted_and_left_out_and_the_clock_is_blamed() -> None:
    live = LiveFiring(Watch())
    time_s, value = made([0, 2], [25, 400])
    live.advance(Chunk(time_s[-1], {"top": Samples(time_s, value)}))

    again = live.advance(Chunk(time_s[-1], {"top": Samples(time_s[:50], value[:50] + 500)}))
    ahead = live.advance(Chunk(time_s[-1], {"top": Samples(time_s[:3] + 1e6, value[:3])}))

    said = again.findings[-1]
    assert (said.kind, said.channel, said.evidence["back_s"], again.status.late) == ("clock_jump", None, 7200, 50)
    assert ({one.kind for one in ahead.findings} <= {"clock_jump"}, ahead.status.ahead) == (True, 3)


def shifted(event: object, by_s: float) -> object:
    match event:
        case FiringStart():
            return (event.start_s + by_s,)
        case Finding():
            end_s = None if event.end_s is None else event.end_s + by_s
            return (event.kind, event.channel, event.start_s + by_s, end_s, dict(event.evidence), event.severity)
        case FiringEnd():
            return (event.end_s + by_s, event.cause, event.summary.peak_c, event.summary.cone_reached)
    return event


@pytest.mark.parametrize("by_s", [30.0, -86_400.0, 30e6, 7.0, -43.0])
def test_shifting_time_and_where_the_bins_begin_shifts_everything(by_s: float, troubled_whole: list) -> None:
    later = {name: Samples(samples.time_s + by_s, samples.value) for name, samples in troubled().items()}

    events = watch_whole(later, Watch(target_cone="6", bins_from_s=by_s))

    assert [shifted(event, -by_s) for event in events] == [shifted(event, 0.0) for event in troubled_whole]


def test_the_order_of_channels_changes_nothing(troubled_whole: list) -> None:
    backwards = dict(reversed(troubled().items()))

    assert watch_whole(backwards, Watch(target_cone="6")) == troubled_whole


values = st.floats(allow_nan=True, allow_infinity=True, width=32)


@given(
    st.dictionaries(
        st.sampled_from(["top", "bottom", "flue"]),
        st.lists(st.tuples(st.floats(0, 3e5), values), max_size=40),
        max_size=3,
    ),
    st.lists(st.floats(0, 4e5), min_size=1, max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_nothing_that_an_instrument_says_breaks_the_watch(
    said: Mapping[str, list[tuple[float, float]]], untils: list[float]
) -> None:
    channels = {
        name: Samples(np.array([time_s for time_s, _ in one]), np.array([value for _, value in one]))
        for name, one in said.items()
    }
    live = LiveFiring(Watch(target_cone="6", fuel="coal"))

    for until_s in sorted(untils):
        live.advance(Chunk(until_s, channels))
        live = LiveFiring(live.watch, state=json.loads(json.dumps(live.snapshot(), allow_nan=False)))


def test_one_reading_and_a_constant_find_nothing() -> None:
    assert watch_whole({"top": Samples(np.array([T0_S]), np.array([25.0]))}, Watch()) == []
    assert watch_whole(one_probe([0, 100], [25, 25], every_s=30.0), Watch()) == []


def test_bad_settings_and_times_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'peat'"):
        Watch(fuel="peat")
    with pytest.raises(ValueError, match="'99'"):
        Watch(target_cone="99")
    with pytest.raises(ValueError, match="until_s"):
        LiveFiring(Watch()).advance(Chunk(float("nan"), {}))
