"""Beside what others have made for the same, in one run: `pytest --benchmark-only tests/benchmarks`."""

import numpy as np
import pytest
import ruptures
import thermocouple_its90
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.speed import WATCH, assess_s, blocks, firing
from service.core.live import LiveFiring
from service.core.segments import segments
from service.core.thermocouple import temp_c

ROUNDS = 3
HOURS = 1.0  # a short firing: docs/validation.md has the figures of twelve hours
VALUES_MV = np.linspace(1.0, 50.0, 1000)
MEANS = 60


@pytest.fixture(scope="module")
def curve() -> tuple[np.ndarray, np.ndarray]:
    time_s = np.arange(0.0, 12 * 3600.0, 60.0)
    noise_c = np.random.default_rng(1).normal(0, 1.0, len(time_s))
    return time_s, np.interp(time_s / 3600, [0, 3, 8, 8.5, 12], [30, 330, 1200, 1200, 600]) + noise_c


@pytest.mark.benchmark(group="a thousand type K voltages")
def test_ours_from_voltage_to_temperature(benchmark: BenchmarkFixture) -> None:
    found_c = benchmark.pedantic(temp_c, (VALUES_MV, "K"), rounds=ROUNDS, warmup_rounds=1)

    assert np.isfinite(found_c).all()


@pytest.mark.benchmark(group="a thousand type K voltages")
def test_thermocouple_its90_from_voltage_to_temperature_says_the_same(benchmark: BenchmarkFixture) -> None:
    other = thermocouple_its90.get("K")

    found_c = benchmark.pedantic(lambda: [other.temperature(one) for one in VALUES_MV.tolist()], rounds=ROUNDS)

    assert np.abs(np.array(found_c) - temp_c(VALUES_MV, "K")).max() < 0.06  # its inverse polynomials' own error


@pytest.mark.benchmark(group="segments of twelve hours")
def test_ours_finds_the_segments(benchmark: BenchmarkFixture, curve: tuple[np.ndarray, np.ndarray]) -> None:
    found = benchmark.pedantic(segments, curve, rounds=ROUNDS, warmup_rounds=1)

    assert len(found) == 4


@pytest.mark.benchmark(group="segments of twelve hours")
def test_ruptures_told_their_number_finds_the_same(
    benchmark: BenchmarkFixture, curve: tuple[np.ndarray, np.ndarray]
) -> None:
    time_s, value_c = curve
    means_c = value_c.reshape(MEANS, -1).mean(axis=1)  # it takes minutes for every point

    def told() -> list[int]:
        search = ruptures.Dynp(model="clinear", min_size=2, jump=1).fit(means_c)
        return list(search.predict(n_bkps=3))

    found_h = np.array(benchmark.pedantic(told, rounds=1)[:-1]) * 12 / MEANS
    ours_h = np.array([one.start_s for one in segments(time_s, value_c)][1:]) / 3600
    assert found_h == pytest.approx(ours_h, abs=0.4)  # two of its means


@pytest.mark.benchmark(group="a firing of eight probes")
def test_ours_follows_a_firing(benchmark: BenchmarkFixture) -> None:
    cut = blocks(firing(HOURS))

    live = benchmark.pedantic(_watched, (cut,), rounds=1)

    assert live.summary() is not None


@pytest.mark.benchmark(group="a firing of eight probes")
def test_ours_assesses_a_firing(benchmark: BenchmarkFixture) -> None:
    assert benchmark.pedantic(assess_s, (firing(HOURS),), rounds=ROUNDS) > 0


def _watched(cut: list) -> LiveFiring:
    live = LiveFiring(WATCH)
    for block in cut:
        live.advance(block)
    return live
