import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import made

from service.core.ageing import ageing, rates_at
from service.core.kiln_model import KilnModel, highest_rate_c_per_h, learn
from service.core.series import Samples
from service.simulation import simulate

AT_C = np.array([300.0, 500.0, 700.0, 900.0])
MONTH_S = 30.4375 * 86400


def climb(rate_c_per_h: float, *, start_s: float = 0.0) -> dict[str, Samples]:
    return {"top": Samples(*made([0, 1200 / rate_c_per_h], [20, 1220], every_s=30.0, start_s=start_s))}


@given(st.floats(50, 400), st.integers(-1_000_000, 1_000_000))
def test_shifting_time_changes_no_rate(rate: float, by_s: int) -> None:
    assert rates_at(climb(rate, start_s=float(by_s)), AT_C) == pytest.approx(rates_at(climb(rate), AT_C), rel=1e-9)
    assert rates_at(climb(rate), AT_C) == pytest.approx(rate, rel=0.02)


def test_a_kiln_that_stands_has_no_rate_and_no_model() -> None:
    still = {"top": Samples(*made([0, 5], [600, 600]))}

    assert np.isnan(rates_at(still, AT_C)).all()
    assert learn([still, still], fuel="lpg") is None
    assert ageing([(month * MONTH_S, rates_at(still, AT_C)) for month in range(12)]) is None


def test_what_was_shown_hotter_counts_for_all_below_and_nothing_is_said_above() -> None:
    quick_late = {"top": Samples(*made([0, 8, 9.5], [20, 800, 1220]))}

    model = learn([climb(90), quick_late, climb(110)], fuel="electric")

    assert model is not None
    assert KilnModel(**json.loads(json.dumps(asdict(model)))) == model
    at_500 = highest_rate_c_per_h(model, 500.0)
    assert at_500 is not None
    assert (at_500.shown_c_per_h, at_500.likely_c_per_h) == (pytest.approx(280, rel=0.01), pytest.approx(450, rel=0.02))
    assert at_500.high_c_per_h > at_500.likely_c_per_h
    assert highest_rate_c_per_h(model, 1300.0) is None


def test_a_kiln_that_was_asked_for_all_it_has_is_known_by_it() -> None:
    full = [
        simulate("electric", seed=seed, kiln_seed=5, schedule=[(1500.0, 1150.0, 600.0)], step_s=15.0)
        for seed in range(4)
    ]

    model = learn([one.channels for one in full[:3]], fuel="electric")

    assert model is not None
    true = rates_at(full[3].channels, np.array([700.0, 900.0, 1050.0]))
    for temp_c, rate in zip((700.0, 900.0, 1050.0), true, strict=True):
        can = highest_rate_c_per_h(model, temp_c)
        assert can is not None
        assert can.likely_c_per_h == pytest.approx(rate, rel=0.1)


def months(share_per_month: float, *, firings: int = 20, sd: float = 0.06) -> list[tuple[float, np.ndarray]]:
    """A kiln fired every ten days, each time at another pace; slower by a share every month."""
    rng = np.random.default_rng(4)
    at_s = np.arange(firings) * 10 * 86400.0
    paces = np.array([1 + share_per_month]) ** (at_s / MONTH_S) * rng.normal(1, sd, firings)
    return [(float(one), rates_at(climb(120 * pace), AT_C)) for one, pace in zip(at_s, paces, strict=True)]


def test_a_kiln_that_grows_slower_by_five_per_cent_a_month_is_found_to() -> None:
    trend = ageing(months(-0.05))

    assert trend is not None
    assert trend.low_per_month <= -0.05 <= trend.high_per_month
    assert trend.is_slower


def test_a_kiln_that_stays_itself_is_not_called_slower_and_few_firings_say_nothing() -> None:
    same = ageing(months(0.0))

    assert same is not None
    assert not same.is_slower
    assert ageing(months(-0.05, firings=5)) is None
