import numpy as np
import pytest

from benchmarks.heat_work import HOLDS_MIN, bend_min, bent_misses_min, hold_worth_c, sampling_c, sampling_of_hold_c
from service.core.heat_work import HOLD_EFFICIENCY


@pytest.mark.parametrize("hold_min", HOLDS_MIN)
def test_a_hold_is_worth_what_orton_says(hold_min: int) -> None:
    worth_c = [hold_worth_c(cone, hold_min, HOLD_EFFICIENCY) for cone in ("010", "06", "04", "1", "6", "10")]

    assert np.median(worth_c) == pytest.approx(HOLDS_MIN[hold_min], abs=5.0)


def test_logs_of_1_60_and_300_s_agree() -> None:
    assert sampling_c() <= 0.05
    assert sampling_of_hold_c("6") <= 0.05


def test_a_cone_is_seen_bending_as_long_as_orton_says() -> None:
    assert 15 <= np.median([bend_min(cone) for cone in ("010", "06", "04", "1", "6", "10")]) <= 25


def test_on_every_bent_curve_heat_work_is_nearer_than_the_rule_of_the_last_100_c() -> None:
    for integral, _, rule in bent_misses_min().values():
        assert not abs(rule) <= abs(integral)  # NaN, it never falls by the rule, is no nearer
