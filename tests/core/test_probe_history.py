import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.probe_history import Use, drift, wear

DAY_S = 86400.0


def record(minus_cone_c: list[float]) -> list[Use]:
    return [Use(number * DAY_S, 1222.0, one) for number, one in enumerate(minus_cone_c)]


def share_named(fall_c: float, sd_c: float, firings: int = 10, trials: int = 400) -> float:
    rng = np.random.default_rng(7)
    found = [drift(record(list(np.linspace(0, fall_c, firings) + rng.normal(0, sd_c, firings)))) for _ in range(trials)]
    return float(np.mean([one is not None and one.is_named for one in found]))


def test_5_c_over_10_firings_is_named_and_a_steady_probe_hardly_ever() -> None:
    assert share_named(-5, 1.0) >= 0.95
    assert share_named(0, 1.0) <= 0.02
    assert share_named(0, 3.0) <= 0.06


def test_what_cones_cannot_show_is_not_named() -> None:
    found = drift(record([0, 0.2, -0.3, 0.1, -1.5, 0.4, -0.9]))

    assert found is not None
    assert not found.is_named
    assert found.low_c < found.per_firing_c < found.high_c


def test_firings_without_a_cone_count_as_firings_but_give_no_point() -> None:
    uses = record([-0.5 * number for number in range(11)])
    sparse = [use if number % 2 == 0 else Use(use.at_s, use.peak_c) for number, use in enumerate(uses)]

    found = drift(sparse)

    assert found is not None
    assert (found.firings, found.per_firing_c, found.total_c) == (6, pytest.approx(-0.5), pytest.approx(-5))
    assert drift(sparse[:6]) is None


@given(st.lists(st.floats(-50, 50), min_size=5, max_size=15), st.floats(-20, 20), st.randoms())
def test_order_and_a_constant_offset_change_no_drift(values: list[float], offset_c: float, order: object) -> None:
    uses = record(values)
    shifted = record([value + offset_c for value in values])
    order.shuffle(shifted)  # type: ignore[attr-defined]

    one, other = drift(uses), drift(shifted)

    assert one is not None
    assert other is not None
    assert one.per_firing_c == pytest.approx(other.per_firing_c, abs=1e-6)


@given(st.lists(st.floats(20, 1400), max_size=40), st.floats(20, 1400))
def test_one_more_firing_never_gives_life_back(peaks_c: list[float], more_c: float) -> None:
    before = wear([Use(0.0, peak_c) for peak_c in peaks_c], "K")
    after = wear([Use(0.0, peak_c) for peak_c in [*peaks_c, more_c]], "K")

    assert before.share is not None
    assert after.share is not None
    assert after.share >= before.share


def test_a_probe_that_has_had_its_uses_is_to_be_replaced() -> None:
    assert [wear([Use(0.0, 1230.0)] * uses, "K").advice_key for uses in (7, 8, 10)] == [
        "",
        "order_probe",
        "replace_probe",
    ]
    assert wear([Use(0.0, 1230.0)] * 10, "S").advice_key == ""
