import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.calibration import Chip, Correction
from service.core.series import QUALITIES, Samples
from service.core.thermocouple import MAX31855_MV_PER_C, emf_mv

OPEN = QUALITIES.index("open")
temperatures = st.floats(-50, 1400)
tables = st.lists(st.tuples(temperatures, st.floats(-30, 30)), max_size=5, unique_by=lambda point: point[0]).map(sorted)


def readings(value: list[float], every_s: float = 10.0) -> Samples:
    return Samples(np.arange(len(value)) * every_s, np.array(value, dtype=float))


@given(tables, st.floats(-30, 30))
def test_a_correction_survives_json(points: list[tuple[float, float]], offset_c: float) -> None:
    correction = Correction("7", Chip("K"), tuple(points), offset_c)

    assert Correction.from_json(json.loads(json.dumps(correction.to_json()))) == correction


@given(tables, st.lists(temperatures | st.just(float("nan")), max_size=6))
def test_raw_readings_are_kept_and_what_had_no_value_gets_none(points: list, value: list[float]) -> None:
    raw = readings(value)
    before = raw.value.copy()

    corrected = Correction("1", points=tuple(points)).apply(raw)

    assert np.array_equal(raw.value, before, equal_nan=True)
    assert np.array_equal(np.isnan(corrected.value), np.isnan(before))


def test_between_the_points_of_a_calibration_the_error_is_a_straight_line_and_beyond_them_the_nearest() -> None:
    correction = Correction("1", points=((100.0, 2.0), (1100.0, -6.0)))

    assert correction.apply(readings([50, 100, 600, 1100, 1300])).value.tolist() == [48, 98, 602, 1106, 1306]


def test_a_straight_line_chip_is_put_right_by_its_own_cold_junction() -> None:
    cold_c = np.linspace(20, 40, 60)
    truth_c = np.linspace(300, 1250, 60)
    reported_c = (emf_mv(truth_c, "K") - emf_mv(cold_c, "K")) / MAX31855_MV_PER_C["K"] + cold_c

    corrected = Correction("1", Chip("K")).apply(readings(list(reported_c)), readings(list(cold_c)[::6], 60.0))

    assert abs(reported_c - truth_c).max() > 15
    assert abs(corrected.value - truth_c)[:55].max() < 0.1


def test_far_from_any_cold_junction_reading_there_is_no_value() -> None:
    raw = readings([900.0] * 4, every_s=500.0)

    corrected = Correction("1", Chip("K")).apply(raw, readings([25.0]))

    assert np.isfinite(corrected.value).tolist() == [True, True, False, False]
    assert np.isnan(Correction("1", Chip("K")).apply(raw, readings([float("nan")])).value).all()


def test_qualities_stay_with_their_readings() -> None:
    raw = Samples(np.arange(2.0), np.array([20.0, np.nan]), np.array([0, OPEN], dtype=np.uint8))

    assert Correction("1", offset_c=3.0).apply(raw).quality is raw.quality


def test_a_correction_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="must go up"):
        Correction("1", points=((100.0, 1.0), (100.0, 2.0)))
    with pytest.raises(ValueError, match="must be finite"):
        Correction("1", offset_c=float("nan"))
    with pytest.raises(ValueError, match="needs its cold junction"):
        Correction("1", Chip("K")).apply(readings([20.0]))
