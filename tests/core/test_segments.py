from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import made, two_probe_firing

from service.core.segments import segments


def test_ramps_hold_and_cooling_are_told_with_their_rates_under_noise() -> None:
    time_s, temp_c = made([0, 2, 8, 9, 15], [30, 130, 1030, 1030, 130], every_s=60)
    noise = np.random.default_rng(7).normal(0, 1.5, len(time_s))

    found = segments(time_s, temp_c + noise)

    assert [(one.kind, pytest.approx(one.rate_c_per_h, abs=8)) for one in found] == [
        ("ramp", 50),
        ("ramp", 150),
        ("hold", 0),
        ("cool", -150),
    ]
    assert [one.start_s for one in found[1:]] == [one.end_s for one in found[:-1]]


def test_a_measured_high_fire_goes_up_and_then_down() -> None:
    top = two_probe_firing()["top"]

    found = segments(top.time_s, top.value)

    kinds = [one.kind for one in found]
    assert kinds == sorted(kinds, key=["ramp", "cool"].index)
    assert 4 <= len(found) <= 13  # in the five parts between its gaps
    assert max(one.to_c for one in found) == pytest.approx(1279, abs=5)


def test_a_constant_is_one_hold_and_one_reading_is_nothing() -> None:
    assert [one.kind for one in segments(np.arange(10.0), np.full(10, 900.0))] == ["hold"]
    assert segments(np.array([1.0]), np.array([20.0])) == []


def test_values_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        segments(np.arange(3.0), np.array([20.0, np.nan, 20.0]))


def test_nothing_is_told_of_a_gap() -> None:
    top = two_probe_firing()["top"]
    gaps = [(a, b) for a, b in pairwise(top.time_s.tolist()) if b - a > 1200]

    found = segments(top.time_s, top.value)

    assert len(gaps) == 3
    assert not [one for one in found for a, b in gaps if one.start_s < b and one.end_s > a]


def test_a_log_of_few_points_has_no_gaps() -> None:
    found = segments(np.arange(0.0, 36000.0, 3600.0), np.linspace(20, 1020, 10))

    assert [(one.kind, round(one.rate_c_per_h)) for one in found] == [("ramp", 111)]


@given(st.floats(-1e9, 1e9))
@settings(max_examples=20)
def test_shifting_time_shifts_the_segments(shift_s: float) -> None:
    time_s, temp_c = made([0, 2, 5, 6], [30, 130, 730, 730], every_s=60, start_s=0.0)

    shifted, found = segments(time_s + shift_s, temp_c), segments(time_s, temp_c)

    assert [one.kind for one in shifted] == [one.kind for one in found]
    assert [one.start_s - shift_s for one in shifted] == pytest.approx([one.start_s for one in found], abs=1.0)
