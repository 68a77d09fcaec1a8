"""Risk learnt from outcomes: nothing claimed from nothing, right where there is enough, and its own judge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from service.core.risk import BASE_RATE, Outcomes, calibrate, learn

NONE = Outcomes(np.empty((0, 2)), np.empty(0), np.empty(0), np.empty(0, dtype=np.intp))


def village(firings: int, seed: int = 3, workshops: int = 6) -> tuple[Outcomes, np.ndarray]:
    """Firings with one feature that harms and one that does not; the true risk of each."""
    rng = np.random.default_rng(seed)
    features = rng.gamma(1.0, 1.0, (firings, 2))
    workshop = rng.integers(0, workshops, firings)
    true = expit(-3.5 + 1.2 * features[:, 0] + rng.normal(0, 0.5, workshops)[workshop])
    loaded = rng.integers(30, 300, firings).astype(float)
    share = rng.beta(np.maximum(true * 2.3, 1e-3), (1 - true) * 2.3)  # pieces of one firing share its fate
    return Outcomes(features, rng.binomial(loaded.astype(int), share).astype(float), loaded, workshop), true


def test_without_outcomes_it_says_that_it_does_not_know() -> None:
    risk = learn(NONE).risk(np.zeros(2))

    assert not risk.is_known
    assert risk.probability == pytest.approx(BASE_RATE)
    assert risk.low < 0.02
    assert risk.high > 0.15


def test_a_handful_of_good_firings_is_not_enough() -> None:
    few = Outcomes(np.zeros((8, 2)), np.zeros(8), np.full(8, 100.0), np.zeros(8, dtype=np.intp))

    assert not learn(few).risk(np.zeros(2), 0).is_known


def test_with_a_village_of_outcomes_it_knows_what_harms() -> None:
    outcomes, _ = village(600)
    model = learn(outcomes)

    assert model.mean[1] == pytest.approx(1.2, abs=0.3)
    assert model.mean[2] == pytest.approx(0.0, abs=0.25)
    assert model.risk(np.array([0.2, 0.2]), 0).is_known


def test_its_intervals_hold_the_truth_as_often_as_they_say() -> None:
    held = 0
    count = 0
    for seed in range(20):
        outcomes, true = village(120, seed=100 + seed)
        model = learn(outcomes)
        for index in range(0, 120, 6):
            risk = model.risk(outcomes.features[index], int(outcomes.workshop[index]))
            held += risk.low <= true[index] <= risk.high
            count += 1
    assert 0.70 <= held / count <= 0.92


def test_calibration_beats_saying_the_mean_and_lies_near_the_line() -> None:
    outcomes, _ = village(800)
    found = calibrate(outcomes)

    assert found is not None
    assert found.brier < 0.9 * found.brier_of_base
    for said, came, firings in found.table:
        assert firings == 160
        assert came == pytest.approx(said, abs=0.08)


def test_few_firings_cannot_be_calibrated() -> None:
    assert calibrate(NONE) is None


def test_more_is_not_lost_than_was_loaded() -> None:
    with pytest.raises(ValueError, match="at most as many lost"):
        Outcomes(np.zeros((1, 1)), np.array([5.0]), np.array([4.0]), np.array([0]))


@settings(max_examples=30, deadline=None)
@given(lost=st.lists(st.integers(0, 50), min_size=1, max_size=30), seed=st.integers(0, 99))
def test_a_risk_is_a_probability_within_its_interval(lost: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 3, (len(lost), 2))
    features[0, 0] = np.nan
    outcomes = Outcomes(features, np.array(lost, float), np.full(len(lost), 50.0), rng.integers(0, 3, len(lost)))

    risk = learn(outcomes).risk(features[0], None)

    assert 0.0 <= risk.low <= risk.probability <= risk.high <= 1.0
