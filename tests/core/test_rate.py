import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.rate import RateFilter


def fed(time_s: list[float], value_c: list[float]) -> RateFilter:
    rate = RateFilter()
    for at_s, at_c in zip(time_s, value_c, strict=True):
        rate.add(at_s, at_c)
    return rate


def ramp(rate_c_per_h: float, minutes: int = 60) -> tuple[list[float], list[float]]:
    time_s = np.arange(0.0, minutes * 60.0, 30.0)
    return time_s.tolist(), (500 + rate_c_per_h * time_s / 3600).tolist()


@given(st.floats(-300, 300))
def test_a_straight_ramp_is_told_within_its_own_doubt(rate_c_per_h: float) -> None:
    rate = fed(*ramp(rate_c_per_h))

    assert abs(rate.rate_c_per_h - rate_c_per_h) < 2 * rate.sd_c_per_h < 30


@given(st.floats(-300, 300), st.integers(40, 110), st.floats(200, 1372))
def test_one_wild_value_moves_the_rate_by_less_than_its_doubt(rate_c_per_h: float, at: int, wild_c: float) -> None:
    time_s, value_c = ramp(rate_c_per_h)
    damaged = [*value_c[:at], value_c[at] + wild_c, *value_c[at + 1 :]]

    clean, other = fed(time_s, value_c), fed(time_s, damaged)

    assert abs(clean.rate_c_per_h - other.rate_c_per_h) < clean.sd_c_per_h


def test_a_step_that_stays_begins_anew() -> None:
    time_s, value_c = ramp(60.0)
    rate = fed(time_s, [value + 300.0 * (index >= 60) for index, value in enumerate(value_c)])

    assert rate.rate_c_per_h == pytest.approx(60, abs=2 * rate.sd_c_per_h)
    assert rate.temp_c == pytest.approx(value_c[-1] + 300, abs=1)


@given(st.floats(-300, 300))
def test_repeats_change_nothing(rate_c_per_h: float) -> None:
    time_s, value_c = ramp(rate_c_per_h)

    assert fed(np.repeat(time_s, 2).tolist(), np.repeat(value_c, 2).tolist()) == fed(time_s, value_c)


def test_after_a_gap_the_rate_is_as_unsure_as_at_first() -> None:
    rate = fed(*ramp(120.0))
    rate.add(2 * 3600.0, 900.0)

    assert rate.sd_c_per_h == RateFilter().sd_c_per_h


@given(st.integers(-(10**9), 10**9))
def test_shifting_time_changes_nothing(shift_s: int) -> None:
    time_s, value_c = ramp(75.0)

    shifted = fed([at_s + shift_s for at_s in time_s], value_c)

    assert shifted.rate_c_per_h == pytest.approx(fed(time_s, value_c).rate_c_per_h, abs=1e-6)


def test_a_constant_stands_still_and_one_value_tells_no_rate() -> None:
    assert fed(*ramp(0.0)).rate_c_per_h == 0.0
    assert fed([0.0], [500.0]).sd_c_per_h == RateFilter().sd_c_per_h
