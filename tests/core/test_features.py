"""Features of a firing: what may have harmed the ware, whatever instrument wrote it down."""

import numpy as np
import pytest
from recordings import made, noisy

from service.core.features import features
from service.core.series import Samples

RAW = {"raw"}


def fired(hours: list[float], temp_c: list[float]) -> dict[str, Samples]:
    return {"top": noisy(made(hours, temp_c), sd_c=0.3), "bottom": noisy(made(hours, temp_c), sd_c=0.3, seed=2)}


def test_a_calm_firing_is_within_every_limit() -> None:
    found = features(fired([0, 4, 22, 24, 48], [25, 130, 1000, 1000, 30]), ware=RAW)

    assert all(value < 1.0 for name, value in found.items() if name.endswith("_ratio") and np.isfinite(value))


@pytest.mark.parametrize(
    ("kind", "hours", "temp_c", "ratio"),
    [
        ("steam_explosion", [0, 1, 12, 40], [25, 225, 1000, 30], 200 / 67),
        ("dehydroxylation_cracks", [0, 10, 11, 16, 44], [25, 450, 700, 1000, 30], 250 / 167),
        ("black_core", [0, 16, 17, 18, 46], [25, 700, 900, 1000, 30], 200 / 100),
        ("dunting_quartz", [0, 16, 20, 22, 40], [25, 1000, 650, 450, 30], 100 / 50),
    ],
)
def test_what_goes_beyond_a_limit_says_by_how_many_times(
    kind: str, hours: list[float], temp_c: list[float], ratio: float
) -> None:
    assert features(fired(hours, temp_c), ware=RAW)[f"{kind}_ratio"] == pytest.approx(ratio, rel=0.1)


def test_rules_that_are_not_for_the_ware_say_nothing() -> None:
    found = features(fired([0, 1, 12, 40], [25, 225, 1000, 30]), ware={"bisqued"})

    assert np.isnan(found["steam_explosion_ratio"])
    assert np.isfinite(found["dunting_quartz_ratio"])


def test_the_target_cone_is_judged_where_it_got_least_and_its_guard_where_it_got_most() -> None:
    time_s, temp_c = made([0, 6, 11, 16], [25, 922, 1222, 300])
    probes = {"top": Samples(time_s, temp_c), "bottom": Samples(time_s, temp_c - 30)}

    found = features(probes, target_cone="6")

    assert found["target_ln"] < -0.5
    assert -1.0 < found["guard_ln"] < 0.0
    assert found["spread_ripe_c"] == pytest.approx(30.0, abs=1.0)


def test_a_gap_is_no_fast_kiln() -> None:
    time_s, temp_c = made([0, 4, 22, 24, 48], [25, 130, 1000, 1000, 30])
    kept = (time_s < time_s[0] + 5 * 3600) | (time_s > time_s[0] + 9 * 3600)

    assert features({"top": Samples(time_s[kept], temp_c[kept])}, ware=RAW)["black_core_ratio"] < 1.0


@pytest.mark.parametrize("temp_c", [[], [20.0], [np.nan] * 30, [700.0] * 30])
def test_too_little_is_said_as_not_known(temp_c: list[float]) -> None:
    found = features({"top": Samples(np.arange(float(len(temp_c))) * 60, np.array(temp_c))}, target_cone="6")

    assert all(np.isnan(value) or value <= 0.0 for value in found.values())
