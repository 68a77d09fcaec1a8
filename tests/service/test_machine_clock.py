"""Whether bridges may go by the clock of the service's machine."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.machine_clock import is_clock_set, is_set_by_chip

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_the_machine_is_asked() -> None:
    assert is_clock_set() in (True, False, None)


@pytest.mark.parametrize(
    ("taken_from", "now", "is_set"),
    [
        (["1"], NOW, True),
        (["0", "1"], NOW, True),
        (["0"], NOW, False),  # a chip that the kernel could not read
        ([], NOW, False),  # a board without one
        (["1"], datetime(2000, 1, 1, tzinfo=UTC), False),  # an empty battery
    ],
)
def test_a_clock_chip_counts_if_the_kernel_took_its_time_and_it_can_be_true(
    tmp_path: Path, taken_from: list[str], now: datetime, is_set: bool
) -> None:
    for number, word in enumerate(taken_from):
        (tmp_path / f"rtc{number}").mkdir()
        (tmp_path / f"rtc{number}" / "hctosys").write_text(f"{word}\n")

    assert is_set_by_chip(tmp_path, now) is is_set
