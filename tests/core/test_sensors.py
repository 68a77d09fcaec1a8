import numpy as np
import pytest
from recordings import HOUR_S, T0_S, findings, made, noisy

from service.core.findings import Severity
from service.core.live import Watch
from service.core.series import Samples


def at(hours: float) -> float:
    return T0_S + hours * HOUR_S


def stuck(samples: Samples, from_h: float, to_h: float) -> Samples:
    value = samples.value.copy()
    inside = (samples.time_s >= at(from_h)) & (samples.time_s < at(to_h))
    value[inside] = value[inside][0]
    return Samples(samples.time_s, value)


def without(samples: Samples, from_h: float, to_h: float) -> Samples:
    seen = (samples.time_s <= at(from_h)) | (samples.time_s >= at(to_h))
    return Samples(samples.time_s[seen], samples.value[seen])


RAMP = made([0, 8], [25, 1000])


@pytest.mark.parametrize(
    ("silent_s", "expected"), [(290, []), (300, []), (310, ["sensor_silent"]), (330, ["sensor_silent"])]
)
def test_silence_is_said_after_five_minutes(silent_s: float, expected: list[str]) -> None:
    found = findings({"top": without(noisy(RAMP), 3, 3 + silent_s / HOUR_S)}, Watch())

    assert [one.kind for one in found] == expected


def test_faults_are_silence_from_the_last_good_reading_to_the_next() -> None:
    samples = noisy(RAMP)
    samples.value[(samples.time_s > at(3)) & (samples.time_s < at(4))] = np.nan

    (silence,) = findings({"top": samples}, Watch())

    assert (silence.start_s, silence.end_s, silence.severity) == (at(3), at(4), Severity.CRITICAL)
    assert silence.evidence["silent_s"] == HOUR_S


def test_silence_of_a_kiln_that_is_not_fired_is_only_to_know() -> None:
    (silence,) = findings({"top": without(noisy(made([0, 9], [25, 30])), 2, 5)}, Watch())

    assert silence.severity is Severity.INFO


def test_a_probe_that_is_silent_when_firing_begins_becomes_critical() -> None:
    bottom = without(noisy(RAMP, seed=2), 0.01, 99)

    (silence,) = findings({"top": noisy(RAMP), "bottom": bottom}, Watch())

    assert (silence.channel, silence.severity, silence.end_s) == ("bottom", Severity.CRITICAL, None)


def test_an_input_to_which_nothing_is_connected_is_no_finding() -> None:
    nothing = Samples(RAMP[0], np.full(len(RAMP[0]), np.nan))

    assert findings({"top": noisy(RAMP), "spare": nothing}, Watch()) == []


def test_a_frozen_value_is_found_by_what_the_other_probe_does() -> None:
    (frozen,) = findings(
        {"top": noisy(RAMP, step_c=1.0), "bottom": stuck(noisy(RAMP, step_c=1.0, seed=2), 5, 6)}, Watch()
    )

    assert (frozen.kind, frozen.channel) == ("thermocouple_frozen", "bottom")
    assert (frozen.start_s, frozen.end_s) == (pytest.approx(at(5), abs=60), at(6))
    assert frozen.evidence["other_channel"] == "top"


def test_a_frozen_value_of_a_lone_fine_probe_is_found_by_its_own_slope() -> None:
    (frozen,) = findings({"top": stuck(noisy(RAMP), 5, 6)}, Watch())

    assert (frozen.kind, frozen.end_s) == ("thermocouple_frozen", at(6))
    assert frozen.evidence["rate_before_c_per_h"] == pytest.approx(122, abs=10)


@pytest.mark.parametrize("channels", [("top",), ("top", "bottom")])
def test_whole_degrees_that_stand_still_in_a_hold_are_not_frozen(channels: tuple[str, ...]) -> None:
    hold = made([0, 8, 10.5, 16], [25, 1000, 1000, 300])
    samples = noisy(hold, sd_c=0.0, step_c=1.0)

    found = findings(dict.fromkeys(channels, samples), Watch())

    assert {one.kind for one in found} <= {"dunting_quartz"}


def test_the_far_end_of_the_kiln_that_has_not_yet_felt_the_fire_is_not_frozen() -> None:
    top, bottom = made([0, 1, 4], [25, 70, 500]), made([0, 0.8, 4], [25, 25, 440])

    found = findings({"top": noisy(top, sd_c=0, step_c=1.0), "bottom": noisy(bottom, sd_c=0, step_c=1.0)}, Watch())

    assert found == []


def with_step(step_c: float, *, lasting: int = 1, every_s: float = 10.0) -> Samples:
    samples = noisy(made([0, 8], [25, 1000], every_s=every_s))
    middle = len(samples.value) // 2
    samples.value[middle : middle + lasting] += step_c
    return samples


@pytest.mark.parametrize("fuel", ["lpg", "coal", "wood", "electric"])
def test_a_wild_reading_is_a_jump_and_shifts_neither_peak_nor_spread(fuel: str) -> None:
    (jump,) = findings({"top": with_step(400.0), "bottom": noisy(RAMP, seed=2)}, Watch(fuel=fuel))

    assert (jump.kind, jump.channel, jump.evidence["jumps"]) == ("thermocouple_jump", "top", 2)
    assert abs(float(jump.evidence["step_c"] or 0)) == pytest.approx(400, abs=4)


def test_a_step_that_a_kiln_can_make_is_no_jump() -> None:
    assert findings({"top": with_step(35.0)}, Watch(fuel="lpg")) == []


def test_what_happened_in_a_gap_is_no_jump() -> None:
    found = findings({"top": without(noisy(made([0, 8], [25, 1200])), 4, 6)}, Watch())

    assert [one.kind for one in found] == ["sensor_silent"]


def test_many_jumps_in_a_row_are_one_finding_that_counts_them() -> None:
    samples = noisy(RAMP)
    wild = (samples.time_s > at(4)) & (samples.time_s < at(4.5))
    samples.value[wild] += 200 * (np.arange(wild.sum()) % 7 == 0)

    (jump,) = findings({"top": samples}, Watch())

    assert float(jump.evidence["jumps"] or 0) > 40
    assert (jump.start_s, jump.end_s) == (pytest.approx(at(4), abs=20), pytest.approx(at(4.5), abs=80))


def test_a_housing_that_stays_cool_is_not_frozen() -> None:
    housing = Samples(RAMP[0], np.full(len(RAMP[0]), 24.0))

    assert findings({"top": noisy(RAMP), "housing": housing}, Watch()) == []
