from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core import cones
from service.core.bending import SEEN_FROM, tip_deg
from service.core.heat_work import per_e_fold_c
from service.core.witness import MOLTEN_FROM, PRIOR, Bend, Offset, WitnessCone, leaning_c, learn

bends = st.sampled_from(list(Bend)) | st.floats(10, 90)
witnesses = st.builds(WitnessCone, st.sampled_from(cones.names()), bends, st.floats(0.0, 20.0))


def seen(cone: str, offset_c: float, heat_work: float) -> WitnessCone:
    """What a cone shows in a kiln that is off by so much, and what was computed without knowing it."""
    true = heat_work * exp(offset_c / per_e_fold_c(cones.index_of(cone)))
    if true < SEEN_FROM:
        return WitnessCone(cone, Bend.NOT_BEGUN, heat_work)
    if true >= MOLTEN_FROM:
        return WitnessCone(cone, Bend.MOLTEN, heat_work)
    return WitnessCone(cone, Bend.DOWN if true >= 1 else tip_deg(true), heat_work)


@given(st.lists(witnesses, max_size=5), st.randoms())
def test_the_order_of_the_cones_does_not_matter(cones_seen: list[WitnessCone], random) -> None:
    shuffled = random.sample(cones_seen, len(cones_seen))

    one, other = learn(PRIOR, cones_seen), learn(PRIOR, shuffled)

    assert (one.mean_c, one.sd_c) == pytest.approx((other.mean_c, other.sd_c), abs=1e-6)


@given(st.sampled_from(["010", "06", "04", "1", "5", "6", "8", "10", "12"]), st.floats(0.4, 0.8))
def test_a_cone_further_down_never_speaks_for_a_colder_kiln(cone: str, heat_work: float) -> None:
    means = [learn(PRIOR, [WitnessCone(cone, bend, heat_work)]).mean_c for bend in list(Bend)[:3]]

    assert means == sorted(means)


@given(st.floats(-20, 20))
def test_an_offset_is_found_within_three_of_its_own_deviations(offset_c: float) -> None:
    known = PRIOR
    for _ in range(3):
        known = learn(
            known, [seen(cone, offset_c, heat_work) for cone, heat_work in (("5", 1.9), ("6", 0.9), ("7", 0.5))]
        )

    assert abs(known.mean_c - offset_c) < 3 * known.sd_c
    assert known.sd_c < 7.0


def test_a_drift_of_5_c_over_10_firings_is_named_though_followed_some_firings_late() -> None:
    known = PRIOR
    for firing in range(11):
        known = learn(known, [seen("6", -0.5 * firing, 0.9), seen("5", -0.5 * firing, 1.9)])

    assert known.mean_c == pytest.approx(-5.0, abs=2.5)
    assert known.chance_below(0.0) > 0.9


def test_without_cones_only_doubt_grows() -> None:
    after = learn(Offset(4.0, 3.0), [], drift_c=4.0)

    assert (after.mean_c, after.sd_c) == (pytest.approx(4.0), pytest.approx(5.0, abs=0.01))


def test_one_cone_that_contradicts_all_others_is_taken_for_a_mistake() -> None:
    agreeing = [WitnessCone("6", tip_deg(0.9), 0.9)] * 3

    assert abs(learn(PRIOR, [*agreeing, WitnessCone("9", Bend.MOLTEN, 0.05)]).mean_c) < 4.0


@pytest.mark.parametrize("deg", [0.0, 8.0, 18.0])
def test_an_angle_at_which_a_cone_does_not_lean_yet_says_that_it_stands(deg: float) -> None:
    assert learn(PRIOR, [WitnessCone("6", deg, 0.1)]) == learn(PRIOR, [WitnessCone("6", Bend.NOT_BEGUN, 0.1)])


def test_a_cone_that_lies_has_had_its_heat_work_or_any_amount_more() -> None:
    little, much = (learn(PRIOR, [WitnessCone("6", 90.0, heat_work)]) for heat_work in (1.0, 50.0))

    assert little.mean_c > 2  # it may have had more than the probe says
    assert much.mean_c == pytest.approx(0.0, abs=0.1)  # nothing contradicts the probe


@given(st.floats(0.4, 0.95), st.floats(-25.0, 25.0))
def test_a_leaning_cone_says_what_it_felt(felt: float, offset_c: float) -> None:
    shown = felt / exp(offset_c / per_e_fold_c(cones.index_of("6")))

    witnesses = [WitnessCone("4", Bend.DOWN, 9.0), WitnessCone("6", tip_deg(felt), shown)]

    assert leaning_c(witnesses) == pytest.approx(offset_c, abs=1e-6)


def test_an_offset_that_was_already_counted_is_not_counted_again() -> None:
    found = learn(PRIOR, [WitnessCone("6", tip_deg(0.9), 0.9, assumed_c=10.0)])

    assert found.mean_c == pytest.approx(8.5, abs=1.0)


def test_a_large_cone_may_be_down_a_little_earlier() -> None:
    own, large = (learn(PRIOR, [WitnessCone("6", Bend.DOWN, 0.9, kind=kind)]) for kind in ("self_supporting", "large"))

    assert large.mean_c < own.mean_c


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="'6a'"):
        learn(PRIOR, [WitnessCone("6a", Bend.DOWN, 1.0)])
    with pytest.raises(ValueError, match="drift_c"):
        learn(PRIOR, [], drift_c=-1.0)
    assert np.isfinite(learn(PRIOR, [WitnessCone("14", Bend.MOLTEN, 0.0)]).mean_c)
