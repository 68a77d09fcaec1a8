"""Schedules of other systems, each as that system writes it; a unit that is not said is asked for."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.schedule import Schedule, Step
from service.importers.schedules.read import ScheduleError, read_schedule, read_schedules

Reads = Callable[..., Schedule]
KILN_CONTROLLER = '{"type": "profile", "data": [[0, 65], [600, 200], [2400, 200], [10000, 1733]], "name": "bisque"}'


@pytest.fixture
def reads(tmp_path: Path) -> Reads:
    def read(content: str, unit: str | None = None, name: str | None = None) -> Schedule:
        file = tmp_path / "schedule"
        file.write_text(content, encoding="utf-8")
        return read_schedule(file, unit, name=name)

    return read


def told(schedule: Schedule) -> list[tuple[float, float | None, float]]:
    return [
        (round(one.target_c, 1), one.rate_c_per_h and round(one.rate_c_per_h, 1), one.hold_s / 60)
        for one in schedule.steps
    ]


def test_kiln_controllers_profile_needs_its_unit(reads: Reads) -> None:
    with pytest.raises(ScheduleError, match="--schedule-unit"):
        reads(KILN_CONTROLLER)

    assert told(reads(KILN_CONTROLLER, "f")) == [(93.3, 450.0, 30.0), (945.0, 403.4, 0.0)]
    assert reads(KILN_CONTROLLER, "f").name == "bisque"


def test_a_target_beyond_any_kiln_is_a_wrong_unit(reads: Reads) -> None:
    with pytest.raises(ScheduleError, match="1500"):
        reads(KILN_CONTROLLER, "c")


def test_segments_that_name_their_unit(reads: Reads) -> None:
    fahrenheit = {
        "title": "Fast Glaze",
        "units-rate": "°F/hr",
        "units-temp": "°F",
        "segments": [{"rate": 570, "temp": 1676, "hold": 10, "fanon": False}],
    }
    celsius = {
        "name": "Cone 10R",
        "temp_units": "C",
        "start_temp": 25,
        "segments": [
            {"rate": 10, "target": 120, "hold_min": 0},
            {"rate": None, "target": 1280, "hold_min": 30, "atmosphere": "oxidation"},
        ],
    }

    assert told(reads(json.dumps(fahrenheit))) == [(913.3, 316.7, 10.0)]
    assert told(reads(json.dumps(celsius))) == [(120.0, 10.0, 0.0), (1280.0, None, 30.0)]


def test_what_multizone_writes_before_its_recording(reads: Reads) -> None:
    text = '{"name": "x", "segments": [{"time": 0, "temperature": 40}, {"time": 3600, "temperature": 95}]}{"zones": []}'

    assert told(reads(text)) == [(95.0, 55.0, 0.0)]


def test_qtkilns_minutes_and_as_fast_as_possible(reads: Reads) -> None:
    text = '{"name":"g","step":[{"tgtT_C":540,"deltaT_min":216},{"tgtT_C":800,"AFAP":true,"dwell_min":10}]}'

    assert told(reads(text)) == [(540.0, 143.1, 0.0), (800.0, None, 10.0)]


def test_pidkilns_text_with_its_comments(reads: Reads) -> None:
    assert told(reads("# a glaze\n95:30:20\n970:120:50 # the top\n")) == [(95.0, 140.0, 20.0), (970.0, 437.5, 50.0)]


def test_a_table_of_several_asks_which(reads: Reads) -> None:
    header = "programme,segment,rate_c_per_h,target_c,soak_h_mm\n"
    text = f"{header}slow,1,95,700,0.00\nslow,2,120,980,0.20\nfast,1,140,980,1.30\n"

    with pytest.raises(ScheduleError, match="--schedule-name: slow, fast"):
        reads(text)
    assert told(reads(text, name="slow")) == [(700.0, 95.0, 0.0), (980.0, 120.0, 20.0)]
    assert told(reads(text, name="fast")) == [(980.0, 140.0, 90.0)]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("", "not a schedule that is known"),
        ("{}", "segments"),
        ('{"data": []}', "1 to 500 steps"),
        ('{"data": [[0, 20]]}', "two corners"),
        ('{"data": [[0, 20], [10, "x"]]}', "could not convert"),
        ('{"segments": [{"rate": 5}], "temp_units": "C"}', "temp"),
        ("a,b\n1,2\n", "no column"),
        ("{" * 4000, "schedule:"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(reads: Reads, content: str, wanted: str) -> None:
    with pytest.raises(ScheduleError, match=wanted) as refused:
        reads(content, "c")
    assert "\n" not in str(refused.value)


SEEDS = (
    KILN_CONTROLLER,
    "95:30:20\n970:120:50\n",
    "programme,rate_c_per_h,target_c,soak_h_mm\nslow,95,700,0.00\n",
    '{"step":[{"tgtT_C":540,"deltaT_min":216}]}',
    '{"temp_units":"C","segments":[{"rate":10,"target":120,"hold_min":0}]}',
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.sampled_from(SEEDS),
    begin=st.integers(0, 90),
    length=st.integers(0, 12),
    put=st.one_of(st.text(max_size=8), st.sampled_from(["1e999", "-", "null", "[[[", "9" * 400, "NaN", "{}"])),
)
def test_no_damage_makes_anything_but_schedules_or_one_line(
    tmp_path: Path, seed: str, begin: int, length: int, put: str
) -> None:
    file = tmp_path / "schedule"
    file.write_text(seed[:begin] + put + seed[begin + length :], encoding="utf-8", errors="replace")
    try:
        found = read_schedules(file, "c")
    except ScheduleError:
        return
    assert all(isinstance(step, Step) for one in found for step in one.steps)
