import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.bending import SEEN_FROM, heat_work_of_tip, tip_deg


@given(st.floats(0, 3), st.floats(0, 3))
def test_more_heat_work_never_raises_a_cone(less: float, more: float) -> None:
    assert tip_deg(min(less, more)) <= tip_deg(max(less, more)) + 1e-9


@given(st.floats(0.01, 1.0))
def test_the_angle_gives_the_heat_work_back(heat_work: float) -> None:
    assert heat_work_of_tip(min(tip_deg(heat_work), 90.0)) == pytest.approx(heat_work, abs=1e-6)


def test_a_new_cone_stands_and_one_that_is_down_lies() -> None:
    assert tip_deg(0.0) == pytest.approx(8.0)
    assert tip_deg(SEEN_FROM) - tip_deg(0.0) == pytest.approx(12.0, abs=1.0)
    assert tip_deg(1.0) == tip_deg(7.0) == pytest.approx(90.0)


def test_an_angle_beyond_the_end_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not 120\.0°"):
        heat_work_of_tip(120.0)
