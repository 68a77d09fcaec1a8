import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.alarms.quantities import Formats

UNITS = {"c": "{n} °C", "c_per_h": "{n} °C/giờ", "s": "{n} giây", "min": "{n} phút", "h": "{n} giờ"}
VIETNAMESE = Formats(UNITS, decimal=",")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("spread_c", 61.6, "62 °C"),
        ("peak_c", 1243.2, "1243 °C"),
        ("resolution_c", 0.25, "0,2 °C"),
        ("rate_c_per_h", -180.4, "−180 °C/giờ"),
        ("rate_c_per_h", -0.2, "0 °C/giờ"),
        ("silent_s", 45, "45 giây"),
        ("silent_s", 59.6, "1 phút"),
        ("silent_s", 180, "3 phút"),
        ("silent_s", 3600, "1 giờ"),
        ("silent_s", 5430.0, "1 giờ 30 phút"),
        ("progress", 0.755, "0,76"),
        ("jumps", 3, "3"),
        ("target_cone", "5.5", "5.5"),
    ],
)
def test_evidence_reads_as_potters_write_it(name: str, value: float | str, text: str) -> None:
    assert VIETNAMESE.quantity(name, value) == text


@given(st.floats(0, 59 * 3600))
def test_no_duration_has_sixty_minutes_or_seconds(seconds: float) -> None:
    assert "60" not in VIETNAMESE.duration(seconds).split()[::2]
