import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import made, two_probe_firing

from service.core.phases import PhaseSpan, phases

HOUR_S = 3600.0


def told(found: list[PhaseSpan]) -> dict[str, float]:
    return {one.name: (one.end_s - one.start_s) / HOUR_S for one in found}


def stoked(hours_at_top: int, tooth_c: float) -> tuple[np.ndarray, np.ndarray]:
    """Up in 20 h, then a fall and a rise every hour, then down for good."""
    corners = [(0.0, 30.0), (20.0, 1250.0)]
    for hour in range(hours_at_top):
        corners += [(20.6 + hour, 1250.0 - tooth_c), (21.0 + hour, 1245.0)]
    corners.append((20 + hours_at_top + 10.0, 245.0))
    hours, temp_c = zip(*corners, strict=True)
    return made(hours, temp_c, every_s=60)


def test_a_glaze_firing_is_candled_heated_soaked_and_cooled() -> None:
    found = phases(*made([0, 3, 10, 10.5, 20], [25, 100, 1220, 1220, 90]), fuel="lpg")

    assert told(found) == pytest.approx({"candling": 3.13, "heating": 6.8, "soak": 0.65, "cooling": 9.4}, abs=0.1)


def test_a_ramp_that_ends_at_its_peak_has_no_soak() -> None:
    found = phases(*made([0, 12, 20], [30, 1000, 100]), fuel="electric")

    assert [one.name for one in found] == ["candling", "heating", "cooling"]
    assert found[2].start_s == pytest.approx(found[0].start_s + 12 * HOUR_S, abs=60)


@pytest.mark.parametrize("fuel", ["coal", "wood"])
@pytest.mark.parametrize("tooth_c", [100.0, 180.0])
def test_saw_teeth_of_stoking_are_no_cooling(fuel: str, tooth_c: float) -> None:
    found = told(phases(*stoked(6, tooth_c), fuel=fuel))

    assert found["soak"] == pytest.approx(6.0, abs=0.3)
    assert found["cooling"] == pytest.approx(10.0, abs=0.3)


def test_a_measured_high_fire_is_heated_for_six_hours_and_cooled() -> None:
    top = two_probe_firing()["top"]

    found = told(phases(top.time_s, top.value, fuel="lpg"))

    assert list(found) == ["heating", "cooling"] or list(found) == ["heating", "soak", "cooling"]
    assert found["heating"] == pytest.approx(6.3, abs=0.3)


@given(st.floats(-1e9, 1e9))
def test_shifting_time_shifts_the_phases(shift_s: float) -> None:
    time_s, temp_c = made([0, 8, 9, 14], [30, 1000, 1000, 200], every_s=60, start_s=0.0)

    assert told(phases(time_s + shift_s, temp_c, fuel="lpg")) == pytest.approx(told(phases(time_s, temp_c, fuel="lpg")))


@given(st.lists(st.floats(0, 1400), min_size=2, max_size=40), st.sampled_from(["lpg", "coal", "wood", "electric"]))
def test_phases_cover_the_firing_without_gaps_or_overlaps(temp_c: list[float], fuel: str) -> None:
    time_s = np.arange(len(temp_c)) * 600.0

    found = phases(time_s, np.array(temp_c), fuel=fuel)

    assert [one.start_s for one in found] == [0.0, *(one.end_s for one in found[:-1])]
    assert found[-1].end_s == time_s[-1]


def test_a_recording_that_ends_on_the_way_up_was_not_cooled() -> None:
    assert [one.name for one in phases(*made([0, 8], [130, 1000]), fuel="wood")] == ["heating"]


def test_one_reading_is_no_phase_and_a_constant_is_one() -> None:
    assert phases(np.array([0.0]), np.array([20.0]), fuel="lpg") == []
    assert len(phases(np.arange(0.0, 7200.0, 60.0), np.full(120, 20.0), fuel="lpg")) == 1


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="fuel must be one of"):
        phases(np.arange(2.0), np.zeros(2), fuel="straw")
    with pytest.raises(ValueError, match="finite"):
        phases(np.arange(2.0), np.array([1.0, np.nan]), fuel="lpg")
