import numpy as np
import pytest

from benchmarks import cones as measured
from benchmarks.cone_fit import anchored, fit
from service.core import cones


def rms(misses_c: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(misses_c))))


def test_the_kinetics_in_use_are_the_fit_to_the_chart() -> None:
    for cone in cones.table():
        found = anchored(round(fit(cone.end_c).activation_kj_per_mol, 1), cone.end_c)

        assert cone.activation_j_per_mol / 1000 == pytest.approx(found.activation_kj_per_mol, abs=0.11)
        assert all(abs(found.end_c(rate) - _in_use(cone).end_c(rate)) < 0.1 for rate in cone.end_c)


def _in_use(cone: cones.Cone) -> measured.Kinetics:
    return measured.Kinetics(cone.activation_j_per_mol / 1000, cone.ln_a_per_h)


def test_every_cone_is_within_4_c_of_the_chart() -> None:
    misses = measured.in_sample()

    assert rms(list(misses.values())) <= 1.4
    assert max(map(abs, misses.values())) <= 4.0


@pytest.mark.parametrize(("rate", "limit_c"), [(60.0, 3.0), (150.0, 5.0), (15.0, 7.0)])
def test_a_rate_that_was_not_fitted_is_foretold(rate: float, limit_c: float) -> None:
    assert rms(measured.held_out(rate, measured.plain)) <= limit_c


def test_lag_and_neighbours_foretell_better_still() -> None:
    assert rms([miss for rate in measured.RATES for miss in measured.held_out(rate, measured.shrunk)]) <= 4.2


def test_large_cones_follow_from_self_supporting_ones() -> None:
    assert rms(measured.large_at_150()) <= 3.5
