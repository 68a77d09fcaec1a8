"""Schedules of other systems, each as that system writes it; a unit that is not said is asked for."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.schedule import Schedule, Step, from_corners
from service.importers.schedules import kiln_controller, own
from service.importers.schedules.document import ScheduleError, open_document
from service.importers.schedules.read import read_schedule, read_schedules

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
    said = reads("# a glaze\n# target temperature in Celcius:minutes:minutes\n95:30:20\n970:120:50 # the top\n")

    assert told(said) == [(95.0, 140.0, 20.0), (970.0, 437.5, 50.0)]
    assert said.name == "a glaze"


@pytest.mark.parametrize("comment", ["# a glaze", "# 95 °C is 203 °F"])
def test_pidkilns_text_whose_comments_name_no_unit_or_both_needs_it(reads: Reads, comment: str) -> None:
    with pytest.raises(ScheduleError, match="--schedule-unit"):
        reads(f"{comment}\n95:30:20\n")

    assert told(reads(f"{comment}\n95:30:20\n", "c")) == [(95.0, 140.0, 20.0)]


def test_newer_kiln_controllers_say_their_unit(reads: Reads) -> None:
    assert told(reads(KILN_CONTROLLER.replace('"type"', '"temp_units": "f", "type"'))) == told(
        reads(KILN_CONTROLLER, "f")
    )


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
        ('{"data": [[0, 20], [10, "x"]]}', "is 'x'; wanted a number"),
        ('{"data": [[0, 20], [10]]}', "wanted .seconds, temperature"),
        ('{"data": [[0, 20], [10, NaN]]}', "wanted a number"),
        ('{"data": [[0, 20], [10, 99]], "temp_units": "f"}', "the file says °F, and --schedule-unit c"),
        ('{"data": [[0, 20], [10, 99]], "temp_units": "K"}', "wanted °C or °F"),
        ('{"segments": [7], "temp_units": "C"}', "wanted an object"),
        ('{"segments": [{"temp": 5}], "units-temp": "°C", "units-rate": "°F/hr"}', "wanted °C/h"),
        ('{"segments": [{"temp": 5}], "units-temp": "°C", "units-hold": "h"}', "wanted min"),
        ('{"schema": "canhlo.schedule/1", "start_c": 20, "steps": [{"target_c": 9, "may_pause": 1}]}', "true or false"),
        ("programme,rate_c_per_h,target_c,soak_h_mm\na,95,700,0.5\n", "such as 0.30"),
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
    '{"schema":"canhlo.schedule/1","start_c":20,"steps":[{"target_c":900,"rate_c_per_h":null,"hold_s":60}]}',
    '{"segments": [{"time": 0, "temperature": 40}, {"time": 3600, "temperature": 95}]}{"zones": []}',
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


HERE = Path(__file__).parent / "data"  # MIT, and tables of facts: see the README beside them
# The published schedules; most are under the GPL, and stay outside.
RAW = Path(__file__).resolve().parents[3] / "shared/data/schedules/raw"
UNSAID = ("kilncontroller", "tilles", "canbal", "multizone", "pidkiln__program2", "pikiln__Preheat")
FAHRENHEIT = ("kilncontroller__", "kilncontroller_hist__Hutz", "kilncontroller_hist__kiln", "canbal", "pikiln__Preheat")


def published() -> list[Path]:
    return sorted(path for path in [*HERE.glob("*"), *RAW.glob("*")] if path.name != "README.md")


def unit_of(path: Path) -> str | None:
    """Return what the settings of these programs were, by the README beside the files."""
    if not path.name.startswith(UNSAID):
        return None
    return "f" if path.name.startswith(FAHRENHEIT) else "c"


@pytest.mark.parametrize("path", published(), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_published_schedule_is_a_firing_of_a_kiln(path: Path) -> None:
    for schedule in read_schedules(path, unit_of(path)):
        top_c = schedule.steps[schedule.top].target_c

        assert 90 < top_c <= 1340
        assert 1 < schedule.total_s / 3600 < 48
        assert own_again(schedule) == schedule


@pytest.mark.parametrize(
    "path", [path for path in published() if path.name.startswith(UNSAID)], ids=lambda path: path.name
)
def test_a_published_schedule_without_a_unit_is_asked_for_it(path: Path) -> None:
    with pytest.raises(ScheduleError, match="does not say whether temperatures are °C or °F; say --schedule-unit"):
        read_schedules(path)


@pytest.mark.skipif(not RAW.is_dir(), reason="the published schedules under the GPL are not beside this copy")
def test_what_some_published_schedules_come_to() -> None:
    cone_6 = read_schedule(RAW / "pikiln__BRTF6.json")
    bisque = read_schedule(RAW / "kilncontroller__cone-05-fast-bisque.json", "f")
    runs = read_schedules(RAW / "piln_fayena__segments.csv")

    assert told(cone_6) == [(1083.3, 316.7, 0.0), (1222.2, 111.1, 0.0)]
    assert (bisque.total_s, told(bisque)[2]) == (30900, (945.0, 170.0, 0.0))
    assert [len(one.steps) for one in runs] == [3, 4, 3, 1, 4, 4, 1, 3, 2]
    assert told(runs[1])[3] == (1146.0, 83.0, 30.0)


def test_a_gas_kiln_with_its_soak_and_free_fall() -> None:
    gas = read_schedule(HERE / "digitalfire__cone10R_schedule93.json")

    assert [one.rate_c_per_h for one in gas.steps] == [10, 50, 100, 50, None, None]
    assert (gas.start_c, gas.steps[4].hold_s) == (25, 1800)


def own_again(schedule: Schedule) -> Schedule:
    text = own.write(schedule)
    return own.read(open_document(text.encode()), None)[0]


steps = st.builds(
    Step, st.floats(0, 1400), st.none() | st.floats(0.1, 4000), st.floats(0, 1e5), st.booleans()
)  # fmt: skip


@given(st.lists(steps, min_size=1, max_size=10), st.floats(0, 1400))
def test_our_own_form_comes_back_as_it_was(found: list[Step], start_c: float) -> None:
    schedule = Schedule(tuple(found), start_c, "nung sơ 960")

    assert own_again(schedule) == schedule


@given(
    temps=st.lists(st.integers(20, 1300), min_size=2, max_size=12),
    lasts_s=st.lists(st.integers(60, 40_000), min_size=11, max_size=11),
    unit=st.sampled_from(["c", "f"]),
)
def test_a_kiln_controller_profile_comes_back_as_it_was(temps: list[int], lasts_s: list[int], unit: str) -> None:
    times = np.cumsum([0, *lasts_s])[: len(temps)].tolist()
    schedule = from_corners(list(zip(times, temps, strict=True)), name="bisque")

    (back,) = kiln_controller.read(open_document(kiln_controller.write(schedule, unit).encode()), None)

    assert back.name == "bisque"
    np.testing.assert_allclose(np.array(back.corners()), np.array(schedule.corners()), atol=0.01)


def test_a_profile_has_no_place_for_as_fast_as_it_can() -> None:
    with pytest.raises(ScheduleError, match="give it a rate"):
        kiln_controller.write(Schedule((Step(900.0, None),)), "c")
