from pathlib import Path

import numpy as np
import pytest
import thermocouple_its90
from hypothesis import given
from hypothesis import strategies as st

from service.core.thermocouple import (
    B_INVERTIBLE_FROM_C,
    MAX31855_MV_PER_C,
    TYPES,
    compensated_c,
    corrected_max31855_c,
    emf_mv,
    range_c,
    temp_c,
)

NIST = Path(__file__).parent / "data" / "nist_its90.csv"


def lowest_c(kind: str) -> float:
    return B_INVERTIBLE_FROM_C if kind == "B" else range_c(kind)[0]


def test_every_printed_point_of_the_nist_tables_is_met_within_half_its_last_digit() -> None:
    points = 0
    for line in NIST.read_text().splitlines()[2:]:
        kind, first_c, *printed_uv = line.split(",")
        printed_mv = np.array(printed_uv, dtype=float) / 1000
        off_mv = emf_mv(int(first_c) + np.arange(len(printed_mv)), kind) - printed_mv
        assert abs(off_mv).max() <= 0.0005 + 1e-9, kind
        points += len(printed_mv)

    assert points == 12026


@pytest.mark.parametrize("kind", TYPES)
def test_there_and_back_is_the_same_temperature(kind: str) -> None:
    truth_c = np.linspace(lowest_c(kind), range_c(kind)[1], 200_001)

    assert abs(temp_c(emf_mv(truth_c, kind), kind) - truth_c).max() < 1e-3


@pytest.mark.parametrize("kind", TYPES)
@given(data=st.data())
def test_more_heat_is_more_voltage_and_the_other_way_round(kind: str, data: st.DataObject) -> None:
    inside = st.floats(lowest_c(kind), range_c(kind)[1])
    low, high = sorted([data.draw(inside), data.draw(inside)])

    low_mv, high_mv = emf_mv([low, high], kind)

    assert low_mv <= high_mv + 1e-9
    assert temp_c(low_mv, kind) <= temp_c(high_mv, kind) + 1e-6


@pytest.mark.parametrize("kind", TYPES)
@given(temp=st.floats(allow_nan=True, allow_infinity=True))
def test_what_is_outside_the_range_has_no_value_and_nothing_raises(kind: str, temp: float) -> None:
    low_c, high_c = range_c(kind)

    assert np.isfinite(emf_mv(temp, kind)) == (low_c <= temp <= high_c)
    assert np.isnan(temp_c(emf_mv(np.nextafter(high_c, 1e9), kind), kind))


@pytest.mark.parametrize("kind", TYPES)
def test_the_inverse_agrees_with_another_implementation(kind: str) -> None:
    oracle = thermocouple_its90.get(kind)
    emf = np.linspace(emf_mv(lowest_c(kind), kind) + 0.3, emf_mv(range_c(kind)[1], kind) - 0.01, 200)

    assert abs(temp_c(emf, kind) - [oracle.temperature(one) for one in emf]).max() < 1e-3


def test_type_b_below_43_c_is_two_temperatures_and_so_none() -> None:
    assert emf_mv(10.0, "B") == pytest.approx(emf_mv(32.1, "B"), abs=1e-5)
    assert np.isnan(temp_c(emf_mv(30.0, "B"), "B"))


@pytest.mark.parametrize("kind", TYPES)
@given(cold_c=st.floats(5.0, 60.0), share=st.floats(0, 1))
def test_the_cold_junction_is_made_up_for(kind: str, cold_c: float, share: float) -> None:
    hot_c = 100.0 + share * (range_c(kind)[1] - 101.0)
    measured_mv = emf_mv(hot_c, kind) - emf_mv(cold_c, kind)

    assert compensated_c(measured_mv, cold_c, kind) == pytest.approx(hot_c, abs=1e-3)


@pytest.mark.parametrize(("kind", "off_c"), [("K", 22), ("N", 30), ("S", 77), ("R", 97)])
def test_a_straight_line_chip_is_put_right_within_0_3_c(kind: str, off_c: float) -> None:
    truth_c, cold_c = np.meshgrid(np.linspace(200, 1299, 2199), np.arange(10.0, 50.0, 0.0625 * 32))
    raw_c = (emf_mv(truth_c, kind) - emf_mv(cold_c, kind)) / MAX31855_MV_PER_C[kind] + cold_c
    reported_c = np.round(raw_c * 4) / 4

    assert abs(reported_c - truth_c).max() >= off_c
    assert abs(corrected_max31855_c(reported_c, cold_c, kind) - truth_c).max() <= 0.3


def test_what_cannot_be_converted_is_said() -> None:
    with pytest.raises(ValueError, match="kind must be one of B, E, J"):
        emf_mv(20.0, "C")
    with pytest.raises(ValueError, match="give mv_per_c"):
        corrected_max31855_c(20.0, 20.0, "B")
