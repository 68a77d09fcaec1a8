import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.curve import rate_c_per_h, thin_min_max

values = st.lists(st.floats(-50, 1400) | st.just(float("nan")), min_size=1, max_size=200)


@given(values, st.integers(1, 50), st.booleans())
def test_thinning_keeps_both_ends_and_every_extreme(value: list[float], width: int, has_ends: bool) -> None:
    time_s, full = np.arange(len(value), dtype=float), np.array(value)

    thin_s, thin = thin_min_max(time_s, full, width, has_ends=has_ends)

    assert (thin_s[0], thin_s[-1]) == (time_s[0], time_s[-1])
    assert len(thin_s) <= (5 * width if has_ends else 3 * width + 2)
    assert (np.diff(thin_s) > 0).all()
    assert np.nanmax(np.append(thin, -1e9)) == np.nanmax(np.append(full, -1e9))
    assert np.nanmin(np.append(thin, 1e9)) == np.nanmin(np.append(full, 1e9))
    assert np.isnan(thin).any() == np.isnan(full).any()


def test_no_line_is_drawn_over_a_gap() -> None:
    time_s = np.concatenate([np.arange(0, 600, 5.0), np.arange(6600, 7200, 5.0)])

    thin_s, thin = thin_min_max(time_s, 900 - time_s / 60, 20, gap_s=300.0)

    assert thin_s[np.isnan(thin)].tolist() == [(595.0 + 6600.0) / 2]


def test_one_reading_and_none_are_drawn_as_they_are() -> None:
    assert [array.tolist() for array in thin_min_max(np.array([5.0]), np.array([20.0]), 100)] == [[5.0], [20.0]]
    assert len(thin_min_max(np.empty(0), np.empty(0), 100, gap_s=300.0)[0]) == 0


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="must not decrease"):
        thin_min_max(np.array([1.0, 0.0]), np.zeros(2), 10)
    with pytest.raises(ValueError, match="1 pixel"):
        thin_min_max(np.zeros(2), np.zeros(2), 0)


@given(st.floats(-400, 400), st.integers(0, 19))
def test_one_wild_point_hardly_moves_the_rate(rate: float, wild: int) -> None:
    ramp = [(t * 30.0, 600 + rate * t * 30 / 3600) for t in range(20)]
    damaged = [(t, 1372.0 if index == wild else v) for index, (t, v) in enumerate(ramp)]

    assert rate_c_per_h(ramp) == pytest.approx(rate, abs=1e-6)
    assert rate_c_per_h(damaged) == pytest.approx(rate, abs=abs(rate) * 0.15 + 1e-6)
