import numpy as np
import pytest
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
    assert 4 <= len(found) <= 12
    assert max(one.to_c for one in found) == pytest.approx(1279, abs=5)


def test_a_constant_is_one_hold_and_one_reading_is_nothing() -> None:
    assert [one.kind for one in segments(np.arange(10.0), np.full(10, 900.0))] == ["hold"]
    assert segments(np.array([1.0]), np.array([20.0])) == []


def test_values_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        segments(np.arange(3.0), np.array([20.0, np.nan, 20.0]))
