"""Short, in additions of Python, for machines differ; docs/validation.md has the figures."""

import pytest

from benchmarks.speed import assess_s, firing, live_us_per_reading, memory_kb
from benchmarks.yardstick import addition_ns
from service.core.series import Samples


@pytest.fixture(scope="module")
def two_hours() -> dict[str, Samples]:
    return firing(2.0)


def test_a_reading_costs_the_live_watch_a_few_microseconds(two_hours: dict[str, Samples]) -> None:
    additions = live_us_per_reading(two_hours) * 1000 / addition_ns()

    assert additions < 300  # some 130 on the machines that were measured


def test_a_recording_is_assessed_in_a_fraction_of_a_second(two_hours: dict[str, Samples]) -> None:
    additions = assess_s(two_hours) * 1e9 / addition_ns()

    assert additions < 10e6  # some 4 million on the machines that were measured


def test_a_running_firing_is_small(two_hours: dict[str, Samples]) -> None:
    held_kb, snapshot_kb = memory_kb(two_hours)

    assert held_kb < 110.0  # the goal is 100
    assert snapshot_kb < 100.0
