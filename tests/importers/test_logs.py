"""Logs of other systems, each as that system writes it: nothing guessed, nothing lost without a word."""

import io
import sqlite3
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from firmware_bridge.wire import Unit
from service.core.series import QUALITIES
from service.importers.log import Asked, Log, LogError, celsius
from service.importers.read import read_log

RECORDINGS = Path(__file__).parents[2] / "service/demo/recordings"
Reads = Callable[..., Log]


@pytest.fixture
def reads(tmp_path: Path) -> Reads:
    def read(content: str | bytes, **said: object) -> Log:
        file = tmp_path / "log"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_log(file, Asked(**said))  # type: ignore[arg-type]

    return read


def values(log: Log, channel: str, recording: int = 0) -> list[float]:
    return log.recordings[recording].channels[channel].samples.value.round(2).tolist()


def times(log: Log, channel: str, recording: int = 0) -> list[float]:
    return log.recordings[recording].channels[channel].samples.time_s.tolist()


def keys(log: Log) -> list[str]:
    return [remark.key for remark in log.remarks]


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_the_plain_log_keeps_units_gaps_and_offsets(reads: Reads) -> None:
    log = reads(
        "time,top_c,bottom_f,draught_kpa,o2_o2_mv\n"
        "2026-01-02T20:00:00+07:00,650.5,1000,-0.02,612\n"
        "2026-01-02T20:00:10+07:00,nan,,-0.03,610\n"
    )

    assert times(log, "top") == [at("2026-01-02T13:00:00Z"), at("2026-01-02T13:00:10Z")]
    assert values(log, "top")[0] == 650.5
    assert np.isnan(values(log, "top")[1])
    assert values(log, "bottom")[0] == pytest.approx(537.78)
    units = {name: channel.unit for name, channel in log.recordings[0].channels.items()}
    assert units["draught"] is Unit.KILOPASCAL
    assert units["o2"] is Unit.O2_MILLIVOLT
    assert set(log.recordings[0].temperatures) == {"top", "bottom"}
    assert log.remarks == ()


def test_seconds_since_the_start_are_no_calendar(reads: Reads) -> None:
    log = reads("time,top_c\n0,20\n10,21\n20,22\n")

    assert not log.is_dated
    assert times(log, "top") == [0, 10, 20]


def test_unix_seconds_are_a_calendar(reads: Reads) -> None:
    log = reads("time,top_c\n1700000000,20\n1700000010,21\n")

    assert log.is_dated
    assert times(log, "top") == [1700000000, 1700000010]


def test_a_column_without_a_unit_is_asked_for(reads: Reads) -> None:
    text = "time,temperature\n0,212\n10,213\n"

    with pytest.raises(LogError, match="--unit"):
        reads(text)
    assert values(reads(text, unit="f"), "kiln")[0] == pytest.approx(100.0)


def test_a_table_as_a_vietnamese_spreadsheet_writes_it(reads: Reads) -> None:
    log = reads(
        "Thời gian;Nhiệt độ trên (°C);Nhiệt độ dưới (°C)\n20/11/2026 8:00;25,5;24\n20/11/2026 8:01;1026,25;-1,5\n"
    )

    assert times(log, "top") == [at("2026-11-20T08:00:00Z"), at("2026-11-20T08:01:00Z")]
    assert (values(log, "top"), values(log, "bottom")) == ([25.5, 1026.25], [24, -1.5])
    assert keys(log) == ["no_time_zone"]


def test_day_and_time_in_columns_of_their_own_and_in_wide_letters(reads: Reads) -> None:
    text = "Ngày\tGiờ\tNhiệt độ lò đốt (°C)\r\n1/11/2026\t8:00\t25,5\r\n1/11/2026\t8:01:30\t26\r\n"

    log = reads(text.encode("utf-16"), zone=ZoneInfo("Asia/Ho_Chi_Minh"))

    assert times(log, "lo_dot") == [at("2026-11-01T08:00:00+07:00"), at("2026-11-01T08:01:30+07:00")]
    assert keys(log) == ["day_first"]  # it could be the eleventh of January


def test_columns_without_a_word_are_temperatures_if_a_person_says_their_unit(reads: Reads) -> None:
    text = "time,top,bottom,setpoint\n0,68,70,100\n60,86,90,100\n"

    with pytest.raises(LogError, match="--unit"):
        reads(text)
    log = reads(text, unit="f")
    assert (values(log, "top"), set(log.recordings[0].temperatures)) == ([20.0, 30.0], {"top", "bottom"})


def test_letters_that_tell_probes_apart_are_no_units(reads: Reads) -> None:
    probes = reads("time,Probe A,Probe B,Probe C\n0,20,21,22\n", unit="c")
    zones = reads("time,Zone D,Zone E,Zone F\n0,40,41,42\n", unit="c")
    alone = reads("time,Top C,Bottom F\n0,20,212\n")

    assert [values(probes, name) for name in ("probe_a", "probe_b", "probe_c")] == [[20], [21], [22]]
    assert [values(zones, name) for name in ("zone_d", "zone_e", "zone_f")] == [[40], [41], [42]]
    assert (values(alone, "top"), values(alone, "bottom")) == ([20], [100])
    beside_power = reads("time,kiln_c,kiln_w,kilna\n0,20,900,1\n")
    assert list(beside_power.recordings[0].channels) == ["kiln"]


def test_columns_that_are_not_read_are_named(reads: Reads) -> None:
    log = reads("time,top,bottom,flue (°C)\n0,20,21,22\n", unit="c")

    assert list(log.recordings[0].channels) == ["flue"]
    assert log.remarks[0].values == {"columns": "top, bottom"}


def test_the_plain_log_keeps_the_names_of_its_channels(reads: Reads) -> None:
    log = reads("time,temp_c,heat_shield_c,flue-left_c,output_pct,set_c\n0,20,21,22,50,100\n")

    assert list(log.recordings[0].channels) == ["temp", "heat_shield", "flue-left", "output"]
    assert log.remarks[0].values == {"columns": "set_c"}


def test_a_name_that_is_too_long_for_a_channel_is_cut_and_stays_its_own(reads: Reads) -> None:
    log = reads(f"time,{'nóc ' * 20} 1 (°C),{'nóc ' * 20} 2 (°C)\n0,20,21\n")

    first, second = log.recordings[0].channels
    assert first != second
    assert max(len(first), len(second)) <= 40


def test_dates_with_the_month_first_are_known_by_one_that_can_be_nothing_else(reads: Reads) -> None:
    log = reads("Time,Temp C\n02/12/2024 11:59:50 PM,20\n02/13/2024 12:00:00 AM,21\n02/13/2024 1:00 PM,22\n")

    assert times(log, "kiln") == [at(f"2024-02-{end}Z") for end in ("12T23:59:50", "13T00:00:00", "13T13:00:00")]
    assert keys(log) == ["no_time_zone", "month_first"]


def test_one_date_with_a_wrong_month_does_not_turn_the_others(reads: Reads) -> None:
    log = reads("time,temp c\n21/10/2024 11:00,20\n12/13/2024 11:01,21\n21/10/2024 11:02,22\n")

    assert values(log, "kiln") == [20, 22]
    assert "unread" in keys(log)


def test_other_ways_to_write_a_table(reads: Reads) -> None:
    quoted = reads('"time","top (°C)"\n"2024/10/21 8:26:31","650.5"\n"2024/10/21 8:26:41","651"\n')
    with_commas = reads("time_s;top_c\n0,5;20,5\n1,0;21,5\n")

    assert times(quoted, "top") == [at("2024-10-21T08:26:31Z"), at("2024-10-21T08:26:41Z")]
    assert values(quoted, "top") == [650.5, 651]
    assert np.diff(times(with_commas, "top")).tolist() == [0.5]
    endless = reads(f'time,top_c\n0,20\n10,"{"9" * 200_000}"\n20,21\n30,22\n')
    assert values(endless, "top") == [20, 21, 22]


@pytest.mark.parametrize("wild", ["1e400", "1e300", "NaN", "1" + "0" * 400])
def test_a_time_that_no_clock_shows_is_no_time(reads: Reads, wild: str) -> None:
    zone = '{{"zones_status_array": [{{"time_ms": {}, "temperature": {}}}]}}'

    log = reads(zone.format("1000", wild) + zone.format(wild, "20"))

    assert times(log, "zone_1") == [1.0]
    assert np.isnan(values(log, "zone_1")[0])
    assert log.remarks[0].values["unread"] == 1


def test_an_empty_cell_at_the_end_is_no_reading_of_that_probe_and_costs_no_other(reads: Reads) -> None:
    log = reads("time,top_c,bottom_c\n0,20,\n10,,30\n20,21,\n30,22,31\n")

    assert log.remarks == ()
    assert (times(log, "top"), values(log, "top")) == ([0, 20, 30], [20, 21, 22])
    assert (times(log, "bottom"), values(log, "bottom")) == ([10, 30], [30, 31])


def test_the_two_probe_firing_is_read_whole_with_the_times_of_its_zone() -> None:
    log = read_log(RECORDINGS / "ocr_two_probe_20151021.csv", Asked(zone=ZoneInfo("Europe/Paris")))

    assert len(times(log, "top")) + len(times(log, "bottom")) == 11_008
    assert times(log, "top")[0] == at("2015-10-21T11:26:31+02:00")
    assert log.remarks == ()


def test_times_without_a_zone_are_said_to_be_taken_as_utc() -> None:
    assert keys(read_log(RECORDINGS / "ocr_two_probe_20151021.csv")) == ["no_time_zone"]


def test_the_hour_that_comes_twice_in_autumn_does_not_go_back(reads: Reads) -> None:
    lines = ["25/10/2015 02:59:50;900;880", "25/10/2015 02:00:00;901;881", "25/10/2015 02:00:10;901;881"]
    log = reads("\n".join(lines), zone=ZoneInfo("Europe/Paris"))

    assert np.diff(times(log, "top")).tolist() == [10, 10]


def test_a_device_that_restarted_goes_on_where_it_was() -> None:
    log = read_log(RECORDINGS / "qtkiln_mqtt_first_run.log")

    assert len(times(log, "kiln")) == 5_119
    assert log.remarks[-1].values == {"restarts": 6}
    assert (np.diff(times(log, "kiln")) >= 0).all()
    assert max(values(log, "kiln")) == pytest.approx(823.76, abs=0.1)


def test_a_logger_that_wrote_fahrenheit_and_its_own_rates(reads: Reads) -> None:
    log = reads(
        "Time,Temperature Sensor 1 (°F),Rate of Change Sensor 1 (°F/h),Temperature Sensor 2 (°F),"
        "Average Temperature (°F)\n"
        "2024-11-04 11:20:19.436045-05:00,274.353125,0.0,417.0875,345.7\n"
    )

    assert list(log.recordings[0].channels) == ["sensor_1", "sensor_2"]
    assert values(log, "sensor_1") == [134.64]


def test_a_propane_logger_with_a_pressure_and_a_comma_at_every_end(reads: Reads) -> None:
    log = reads(
        "Time,Temp ADC 1 F,Rate of Temp increase ADC 1 (F/hr),Propane Pressure (PSI) ADC 2,"
        "O2 Sensor (AFR Value) ADC 0,\n"
        "23:59:58,212,0,2.0,14.7,\n00:00:08,213.8,5,2.0,14.7,\n"
    )

    assert np.diff(times(log, "adc_1")).tolist() == [10]
    assert values(log, "adc_1") == [100.0, 101.0]
    assert values(log, "propane_pressure_adc_2")[0] == pytest.approx(13.79, abs=0.01)
    assert not log.is_dated


def test_pidkiln_with_its_clock_and_without(reads: Reads) -> None:
    dated = reads("Date,Temperature,Housing,Energy\n2021-02-20 14:03:05,612,31,118\n2021-02-20 14:03:35,613,31,119")
    undated = reads("Date,Temperature,Housing\n120034,612,31\n150034,613,31")

    assert values(dated, "kiln") == [612, 613]
    assert values(dated, "housing") == [31, 31]
    assert dated.is_dated
    assert np.diff(times(undated, "kiln")).tolist() == pytest.approx([30])
    assert not undated.is_dated


KILN_CONTROLLER = (
    "May 14 22:36:09 kiln python[350]: 2022-05-14 22:36:09,824 INFO oven: temp=1888.40, target=1888.00, error=-0.40\n"
    "2022-05-14 22:36:11,824 ERROR oven: Problem reading temp N/C:False GND:True VCC:False ???:False\n"
    "2022-05-14 22:36:13,824 INFO oven: temp = 1889.4 target = 1888.0\n"
)


def test_kiln_controllers_log_needs_its_unit_and_keeps_its_faults(reads: Reads) -> None:
    with pytest.raises(LogError, match="°C or °F"):
        reads(KILN_CONTROLLER)

    log = reads(KILN_CONTROLLER, unit="f", zone=ZoneInfo("Asia/Ho_Chi_Minh"))

    assert values(log, "kiln")[0] == pytest.approx(1031.33)
    quality = log.recordings[0].channels["kiln"].samples.quality
    assert quality is not None
    assert QUALITIES[quality[1]] == "fault"
    assert times(log, "kiln")[0] == at("2022-05-14T22:36:09+07:00")


def test_what_piln_prints_needs_unit_and_interval(reads: Reads) -> None:
    sample = "\x1b[2JRunID 46, Segment 1 (loop 1) - RunState:Ramp,\nReadTmp:52.23, RampTmp:53.64,\nOutput:47.34,\n"

    with pytest.raises(LogError, match="--interval"):
        reads(sample, unit="c")
    log = reads(sample * 3, unit="c", interval_s=30.0)
    assert times(log, "kiln") == [0, 30, 60]


def test_pilns_database_gives_a_recording_for_each_run(tmp_path: Path) -> None:
    file = tmp_path / "PiLN.sqlite3"
    database = sqlite3.connect(file)
    database.execute(
        "CREATE TABLE firing (run_id int, segment int, dt timestamp, set_temp, temp, int_temp, pid_output)"
    )
    rows = [(run, 1, f"2020-01-22 10:{minute:02}:00", 50, 20 + minute, 18, 10) for run in (1, 2) for minute in (0, 1)]
    database.executemany("INSERT INTO firing VALUES (?,?,?,?,?,?,?)", rows)
    database.commit()
    database.close()

    log = read_log(file)

    assert [recording.name for recording in log.recordings] == ["run 1", "run 2"]
    assert values(log, "kiln", 1) == [20, 21]
    assert values(log, "board") == [18, 18]


def test_another_sqlite_file_is_not_taken_for_pilns(tmp_path: Path) -> None:
    file = tmp_path / "other.sqlite3"
    database = sqlite3.connect(file)
    database.execute("CREATE TABLE notes (text)")
    database.close()

    with pytest.raises(LogError, match="not PiLN's"):
        read_log(file)


def test_multizone_with_words_for_numbers_and_torn_by_a_power_cut(reads: Reads) -> None:
    zone = '{"time_ms": %d, "temperature": %s, "heat_factor": 0.0, "slope": "NA", "target": "Off"}'
    states = "\n".join(
        '{"zones_status_array": ['
        + zone % (1694184424340 + step, 20.5)
        + ", "
        + zone % (1694184424336 + step, 21)
        + "]}"
        for step in (0, 20_000)
    )
    log = reads(
        '{"name": "x", "segments": [{"time": 0}]}' + states + '\n{"zones_status_array": [{"time_ms": 16' + "\0" * 9
    )

    assert values(log, "zone_1") == [20.5, 20.5]
    assert times(log, "zone_2")[0] == pytest.approx(1694184424.336)


def test_the_sampler_is_split_where_a_programme_begins_anew(reads: Reads) -> None:
    def rows(first: int, temps: np.ndarray, *, ok: int = 1) -> str:
        return "".join(f"{first + i} {ok} {temp:.6f} 0.0 1.7 0.0 24.6 \n" for i, temp in enumerate(temps))

    text = (
        rows(0, np.linspace(25, 900, 90))
        + "90 1 9overrun\n"
        + rows(91, np.linspace(30, 900, 90))
        + rows(181, np.zeros(99), ok=0)
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("k3_samples.csv", text)

    log = reads(packed.getvalue())

    assert [len(times(log, "kiln", run)) for run in range(len(log.recordings))] == [90, 90]
    assert {remark.key: dict(remark.values) for remark in log.remarks} == {
        "cut": {"cut": 1},
        "away": {"away": 99},
        "sample_is_a_second": {},
    }


def test_lines_that_mean_nothing_are_counted_and_the_rest_is_kept(reads: Reads) -> None:
    log = reads("time,top_c\n0,20\nrestarted\n20,twenty\n30,23\n40,24\n50,25\n")

    assert values(log, "top") == [20, 23, 24, 25]
    assert log.remarks[0].values == {"unread": 2, "lines": 6, "first": "line 3: 'restarted'"}


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("hello\nworld\n", "not a log that is known"),
        ("time,top_c\n", "no reading under it"),
        ("time,top_c\nx,y\nx,y\n", "could not be read"),
        (
            "time,top_c,bottom_c\n0,850,5,840,2\n10,851,0,841,7\n",
            "the first is line 2: '0,850,5,840,2'; if a comma is the decimal",
        ),
        ("t_h,wood_kg_per_h\n0,7\n", "no column of temperatures"),
        ("firing_no,temperature_c\n1,20\n", "no column of times"),
        (b"PK\x03\x04 but not really", "zip archive"),
        (b"SQLite format 3\0 but not really", "SQLite"),
        ('{"zones_status_array": []}', "without the state of any zone"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(reads: Reads, content: str | bytes, wanted: str) -> None:
    with pytest.raises(LogError, match=wanted) as refused:
        reads(content)
    assert "\n" not in str(refused.value)


def test_a_decompression_bomb_is_not_unpacked(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.importers.read.MOST_BYTES", 1_000_000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.csv", b"0" * 50_000_000)

    with pytest.raises(LogError, match="larger than"):
        reads(packed.getvalue())


def test_a_file_that_is_not_there_is_said_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"nowhere\.csv cannot be opened"):
        read_log(tmp_path / "nowhere.csv")


SAMPLED = b"".join(b"%d 1 24.2 0.0 1.7 0.0 24.6 \n" % row for row in range(70))
SEEDS = [
    b"time,top_c,bottom_f\n2026-01-02T20:00:00+07:00,650.5,1000\n2026-01-02T20:00:10+07:00,nan,\n",
    b"Date,Temperature,Housing\n120034,612,31\n150034,613,31",
    b"21/10/2015 11:26:31;650;586\n21/10/2015 11:26:36;650;587\n",
    KILN_CONTROLLER.encode(),
    b'qtkiln/88/state {"time_ms":37541,"kiln":{"temp_C":38.5},"housing":{"temp_C":11.25}}\n',
    b'{"zones_status_array": [{"time_ms": 1694184424340, "temperature": 20.5}]}\n',
    SAMPLED,
    b"RunID 46, Segment 1\nReadTmp:52.23, RampTmp:53.64\n",
    b"SQLite format 3\0" + bytes(100),
    b"PK\x03\x04" + bytes(40),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A log of some kind with pieces cut out, doubled, overwritten or swapped for those of another."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 6))):
        begin = draw(st.integers(0, len(content)))
        end = min(len(content), begin + draw(st.integers(0, 40)))
        content[begin:end] = draw(
            st.one_of(
                st.binary(max_size=20),
                st.sampled_from([b"nan", b"1e999", b"-", b",", b";", b"\n", b"\0", b"9" * 400, b"{", b"[" * 3000]),
                st.just(bytes(content[begin:end] * 2)),
            )
        )
    return bytes(content)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(damaged(), st.binary(max_size=300)), said=st.booleans())
@example(content=b"9" * 400 + SAMPLED, said=False)
def test_no_damage_makes_anything_but_readings_or_one_line(tmp_path: Path, content: bytes, said: bool) -> None:
    file = tmp_path / "log"
    file.write_bytes(content)
    try:
        log = read_log(file, Asked("c", ZoneInfo("Europe/Paris"), 30.0) if said else Asked())
    except LogError:
        return
    for recording in log.recordings:
        for channel in recording.channels.values():
            assert np.isfinite(channel.samples.time_s).all()
            assert not np.isinf(channel.samples.value).any()


@given(st.floats(-270.0, 3000.0))
def test_celsius_to_fahrenheit_and_back_is_the_same(temp_c: float) -> None:
    back_c = celsius(np.array([temp_c * 1.8 + 32.0]), "f")

    assert back_c == pytest.approx([temp_c], abs=1e-9)
    assert celsius(np.array([temp_c]), "c").tolist() == [temp_c]
