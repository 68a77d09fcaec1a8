"""Short, with room for a busy machine; docs/validation.md has the figures."""

import pytest

from benchmarks.speed import assess_s, firing, live_us_per_reading, memory_kb
from service.core.series import Samples


@pytest.fixture(scope="module")
def two_hours() -> dict[str, Samples]:
    return firing(2.0)


def test_a_reading_costs_the_live_watch_a_few_microseconds(two_hours: dict[str, Samples]) -> None:
    assert live_us_per_reading(two_hours) < 10.0  # the goal is 5


def test_a_recording_is_assessed_in_a_fraction_of_a_second(two_hours: dict[str, Samples]) -> None:
    assert assess_s(two_hours) < 0.2  # the goal for 12 h is 0.5


def test_a_running_firing_is_small(two_hours: dict[str, Samples]) -> None:
    held_kb, snapshot_kb = memory_kb(two_hours)

    assert held_kb < 110.0  # the goal is 100
    assert snapshot_kb < 100.0
