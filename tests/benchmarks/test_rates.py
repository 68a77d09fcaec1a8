import numpy as np
import pytest

from benchmarks.rates import CASES, coverage, near_corners, rms, simulated, told


@pytest.mark.parametrize("case", CASES)
def test_the_rate_that_is_shown_is_as_sure_as_it_says(case: str) -> None:
    bins, true = simulated(*CASES[case])
    shown, filtered, sd = told(bins)

    assert coverage(shown - true, np.hypot(sd, shown - filtered), 2.0) >= 0.9


def test_the_filter_follows_a_corner_sooner_and_the_median_is_steadier() -> None:
    bins, true = simulated(0.3, 0.25)
    shown, filtered, _ = told(bins)
    at = near_corners(bins[0])

    assert rms((filtered - true)[at]) < rms((shown - true)[at])
    assert rms((filtered - true)[~at]) > rms((shown - true)[~at])
