"""What instruments say and show when a thermocouple, its cold junction or a clock has failed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import HOUR_S, T0_S, findings, made, noisy, watch_in_pieces, watch_whole

from service.core.findings import Finding, Severity
from service.core.live import LiveFiring, Watch
from service.core.series import QUALITIES, Chunk, Samples

RAMP = made([0, 8], [25, 1000])


def at(hours: float) -> float:
    return T0_S + hours * HOUR_S


def during(samples: Samples, from_h: float, to_h: float, value_c: float, quality: str = "good") -> Samples:
    inside = (samples.time_s >= at(from_h)) & (samples.time_s < at(to_h))
    said = np.where(inside, QUALITIES.index(quality), 0).astype(np.uint8)
    return Samples(samples.time_s, np.where(inside, value_c, samples.value), said)


def kinds(found: list[Finding]) -> list[tuple[str, str | None]]:
    return [(one.kind, one.channel) for one in found]


@pytest.mark.parametrize(
    ("quality", "kind"),
    [
        ("open", "thermocouple_open"),
        ("short_to_ground", "thermocouple_shorted"),
        ("short_to_supply", "thermocouple_shorted"),
        ("out_of_range", "implausible_value"),
    ],
)
def test_a_fault_that_the_chip_names_is_named_and_is_no_silence(quality: str, kind: str) -> None:
    (fault,) = findings({"top": during(noisy(RAMP), 4, 4.5, np.nan, quality)}, Watch())

    assert (fault.kind, fault.severity is Severity.INFO) == (kind, False)
    assert (fault.start_s, fault.end_s) == (at(4), at(4.5) - 10)


@pytest.mark.parametrize("rail_c", [0.0, -200.0, 1023.75, 1372.0, 2047.75])
def test_the_end_of_a_scale_is_an_open_circuit_and_never_a_temperature(rail_c: float) -> None:
    channels = {"top": during(noisy(RAMP), 4, 4.5, rail_c), "bottom": noisy(RAMP, seed=2)}
    (fault,) = findings(channels, Watch())

    summary = LiveFiring(Watch())
    summary.advance(Chunk(at(8), channels))

    assert fault.kind == "thermocouple_open"
    assert summary.summary() is not None
    assert summary.summary().peak_c < 1010  # type: ignore[union-attr]


def test_a_kiln_may_pass_through_the_end_of_a_scale() -> None:
    assert findings({"top": noisy(made([0, 8, 8.8], [25, 1024, 1024]))}, Watch()) == []


def test_an_open_circuit_that_comes_and_goes_is_one_finding() -> None:
    samples = noisy(RAMP)
    loose = (samples.time_s > at(4)) & (samples.time_s < at(4.5)) & (np.arange(len(samples.time_s)) % 9 == 0)
    quality = np.where(loose, QUALITIES.index("open"), 0).astype(np.uint8)

    (fault,) = findings({"top": Samples(samples.time_s, samples.value, quality)}, Watch())

    assert fault.kind == "thermocouple_open"


def test_a_hot_probe_that_reads_the_room_in_one_step_is_shorted() -> None:
    (fault,) = findings({"top": during(noisy(RAMP), 4, 4.5, 28.0), "bottom": noisy(RAMP, seed=2)}, Watch())

    assert (fault.kind, fault.channel, fault.start_s, fault.end_s) == ("thermocouple_shorted", "top", at(4), at(4.5))


def test_impossible_values_are_said_and_left_out() -> None:
    (fault,) = findings({"top": during(noisy(RAMP), 4, 4.01, 6000.0)}, Watch())

    assert (fault.kind, fault.evidence["value_c"]) == ("implausible_value", 6000.0)


def test_flicker_is_noise_and_a_flame_is_not() -> None:
    samples = noisy(RAMP)
    wild = (samples.time_s > at(4)) & (samples.time_s < at(4.6))
    samples.value[wild] += np.random.default_rng(3).normal(0, 10, wild.sum())

    assert ("thermocouple_noisy", "top") in kinds(findings({"top": samples}, Watch()))
    assert findings({"top": noisy(RAMP, sd_c=2.5)}, Watch()) == []


def test_of_two_probes_the_one_that_falls_in_a_hold_is_doubted() -> None:
    hold = made([0, 6, 9], [25, 1000, 1000])
    drifting = noisy(hold, seed=2)
    drifting.value[:] -= np.interp(drifting.time_s, [at(7), at(9)], [0, 30])

    found = findings({"top": noisy(hold), "bottom": drifting}, Watch())
    (drift,) = [one for one in found if one.kind == "thermocouple_drift"]

    assert (drift.kind, drift.channel, drift.probability) == ("thermocouple_drift", "bottom", 0.5)


def test_a_cold_junction_that_is_hot_or_steps_is_a_fault() -> None:
    board = noisy(made([0, 8], [25, 35]), sd_c=0.0)

    (fault,) = findings({"top": noisy(RAMP), "cold_junction": during(board, 4, 5, 125.0)}, Watch())

    assert (fault.kind, fault.channel) == ("cold_junction_fault", "cold_junction")


def test_a_probe_whose_wires_are_swapped_is_said_though_nobody_sees_a_firing() -> None:
    time_s, level_c = made([0, 10, 12], [30, 1200, 1200])

    fault, *_ = findings({"top": Samples(time_s, np.round(60 - level_c, 1))}, Watch())

    assert (fault.kind, fault.severity, fault.advice_key) == ("implausible_value", Severity.WARNING, "swap_the_wires")
    assert fault.start_s < at(1)


def test_a_wild_value_of_a_cold_kiln_is_noted_and_rings_nobody() -> None:
    channels = {"top": during(noisy(made([0, 8], [25, 25])), 4, 4.02, -120.0)}

    (fault,) = findings(channels, Watch())

    assert (fault.kind, fault.severity, fault.advice_key) == ("implausible_value", Severity.INFO, "check_instrument")


def test_all_probes_that_step_alike_have_lost_their_compensation() -> None:
    channels = {name: noisy(RAMP, seed=seed) for seed, name in enumerate(("top", "bottom"))}
    for samples in channels.values():
        samples.value[samples.time_s >= at(4)] -= 28

    (fault,) = findings(channels, Watch())

    assert (fault.kind, fault.channel, fault.start_s) == ("cold_junction_fault", None, pytest.approx(at(4), abs=20))


@pytest.mark.parametrize("every_s", [10.0, 60.0, 120.0])
@pytest.mark.parametrize("falls_c", [(250, 240), (250, 0)])
def test_a_chamber_that_cools_at_once_is_no_fault_of_a_cold_junction(
    every_s: float, falls_c: tuple[float, float]
) -> None:
    time_s, level_c = made([0, 12, 12.5, 16], [28, 1250, 1250, 1000], every_s=every_s)
    since_s = np.maximum(time_s - at(12.5), 0.0)  # burners off and the damper open, or a door beside one probe
    channels = {
        name: Samples(time_s, np.round(level_c - fall_c * (1 - np.exp(-since_s / 480))))
        for name, fall_c in zip(("top", "bottom"), falls_c, strict=True)
    }

    assert [one for one in findings(channels, Watch()) if one.kind == "cold_junction_fault"] == []


def test_what_stands_still_at_the_end_of_the_scale_is_open_though_it_came_there_without_a_step() -> None:
    time_s, level_c = made([0, 10], [25, 1240])
    shown_c = np.where(level_c > 1020, 1023.75, level_c)
    beside = Samples(time_s, level_c - 30)

    assert kinds(findings({"top": Samples(time_s, shown_c), "bottom": beside}, Watch())) == [
        ("thermocouple_open", "top")
    ]


def test_a_probe_far_below_the_room_in_a_cold_kiln_is_not_compensated() -> None:
    cold = made([0, 2], [30, 31])
    probe = Samples(cold[0], cold[1] - 29)

    found = findings({"top": probe, "bottom": Samples(*cold), "cold_junction": Samples(*cold)}, Watch())

    assert kinds(found) == [("cold_junction_fault", "top")]


def test_a_kiln_that_goes_on_after_a_silence_as_if_there_had_been_none_had_its_clock_set() -> None:
    samples = noisy(RAMP)
    shifted = Samples(samples.time_s + 3600 * (samples.time_s >= at(4)), samples.value)
    silent = samples.where((samples.time_s < at(4)) | (samples.time_s >= at(5)))

    assert ("clock_jump", None) in kinds(findings({"top": shifted}, Watch()))
    assert kinds(findings({"top": silent}, Watch())) == [("sensor_silent", "top")]


def test_a_clock_that_was_set_is_found_where_a_hand_changes_the_rate_within_minutes() -> None:
    by_hand = made([0, 4, 6], [25, 500, 980])  # twice as fast as before, from the gap on
    samples = noisy(by_hand, sd_c=0.3)
    shifted = Samples(samples.time_s + 3600 * (samples.time_s >= at(4)), samples.value)
    silent = samples.where((samples.time_s < at(4)) | (samples.time_s >= at(5)))

    assert ("clock_jump", None) in kinds(findings({"top": shifted}, Watch()))
    assert kinds(findings({"top": silent}, Watch())) == [("sensor_silent", "top")]


def test_a_stoked_kiln_that_is_where_it_was_after_a_silence_of_an_hour_had_its_clock_set() -> None:
    time_s, level_c = RAMP
    since_stoked = (time_s % 1500) / 1500
    samples = noisy((time_s, level_c + 60 * (1 - since_stoked) * (level_c > 200)))
    shifted = Samples(samples.time_s + 3600 * (samples.time_s >= at(4)), samples.value)
    silent = samples.where((samples.time_s < at(4)) | (samples.time_s >= at(5)))

    assert ("clock_jump", None) in kinds(findings({"top": shifted}, Watch(fuel="coal")))
    assert kinds(findings({"top": silent}, Watch(fuel="coal"))) == [("sensor_silent", "top")]


def test_readings_sent_twice_are_said() -> None:
    samples = noisy(RAMP)
    twice = np.repeat(np.arange(len(samples.time_s)), 1 + ((samples.time_s > at(4)) & (samples.time_s < at(5))))

    (repeats,) = findings({"top": samples.where(twice)}, Watch())

    assert (repeats.kind, repeats.start_s, repeats.end_s) == (
        "duplicate_readings",
        pytest.approx(at(4), abs=60),
        pytest.approx(at(5), abs=120),
    )


@given(st.lists(st.floats(0, 8 * HOUR_S), max_size=10), st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_cuts_change_nothing_whatever_an_instrument_says(cuts_s: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    top, bottom = noisy(made([0, 8], [25, 1000], every_s=20.0)), noisy(made([0, 8], [25, 990], every_s=20.0), seed=2)
    bad = rng.random(len(top.time_s)) < 0.05
    value = np.where(bad, rng.choice([np.nan, 0.0, 2047.75, -3000.0, 25.0], len(bad)), top.value)
    quality = np.where(rng.random(len(bad)) < 0.02, rng.integers(0, 7, len(bad)), 0).astype(np.uint8)
    channels = {"top": Samples(top.time_s, value, quality), "bottom": bottom, "board": Samples(top.time_s, value / 10)}

    pieces = watch_in_pieces(channels, Watch(), [T0_S + cut_s for cut_s in cuts_s])

    assert pieces == watch_whole(channels, Watch())
