"""`canhlo analyse` as a person runs it: a log in, a report, a picture or the contract's JSON out."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from service.analysis.analyse import analyse as analyse_log
from service.analysis.plot import _draw_firing
from service.analysis.words import Words
from service.core.watch import Watch
from service.importers.read import read_log

BIN = Path(sys.executable).parent
RECORDINGS = Path(__file__).parents[2] / "service/demo/recordings"
TWO_PROBES = RECORDINGS / "ocr_two_probe_20151021.csv"
GLASS_KILN = RECORDINGS / "qtkiln_mqtt_first_run.log"


def analyse(*words: str | Path, columns: int = 100) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "COLUMNS": str(columns), "LANG": "en_GB.UTF-8"}
    command = [BIN / "canhlo", "analyse", *words]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=60)


def told(*words: str | Path) -> dict:
    done = analyse(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def two_probes() -> dict:
    return told(TWO_PROBES, "--time-zone", "Europe/Paris", "--cone", "10")


def test_the_two_probe_firing_as_the_contract_has_it(two_probes: dict) -> None:
    assert two_probes["schema"] == "canhlo.analysis/1"
    assert [(one["name"], one["unit"], one["samples"]) for one in two_probes["channels"]] == [
        ("top", "c", 5504),
        ("bottom", "c", 5504),
    ]
    assert two_probes["channels"][0]["first"] == "2015-10-21T09:26:31Z"
    assert two_probes["channels"][0]["median_interval_s"] == 5.0
    (firing,) = two_probes["firings"]
    assert firing["peak_c"] == 1283.0
    assert firing["cone_reached"] == "10"
    assert firing["max_spread_c"] == 92.0
    assert firing["end_cause"] is None, "the log stops before the kiln has cooled"
    kinds = {one["kind"] for one in firing["segments"]}
    assert kinds == {"ramp", "cool"}
    assert {one["channel"] for one in firing["cones"]} == {"top", "bottom"}


def test_its_findings_are_those_of_the_live_watch(two_probes: dict) -> None:
    found = {(one["kind"], one["channel"], one["start"], one["end"]) for one in two_probes["firings"][0]["findings"]}

    assert ("sensor_silent", "top", "2015-10-21T18:28:05Z", "2015-10-21T20:07:25Z") in found
    assert ("uneven_heating", None, "2015-10-21T15:55:30Z", "2015-10-21T16:35:30Z") in found
    for one in two_probes["firings"][0]["findings"]:
        assert set(one) == {
            *("kind", "group", "channel", "start", "end", "severity", "probability", "evidence", "advice_key")
        }


def test_a_log_without_a_calendar_counts_from_its_beginning() -> None:
    glass = told(GLASS_KILN, "--fuel", "electric")

    assert not glass["log"]["is_dated"]
    assert glass["channels"][0]["first"] == "1970-01-01T00:00:00Z"
    assert glass["firings"][0]["peak_c"] == pytest.approx(823, abs=1)
    assert {one["name"] for one in glass["channels"]} == {"kiln", "housing"}
    assert {one["channel"] for one in glass["firings"][0]["cones"]} == {"kiln"}, "a housing holds no ware"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("vi", ["Mẻ nung 1", "Côn đã đổ", "Mất tín hiệu can trên", "1283 °C", "Nên làm"]),
        ("en", ["Firing 1", "Cone down", "No signal from the top probe", "1283 °C", "What to do"]),
    ],
)
def test_the_report_is_for_people_of_either_language(language: str, words: list[str]) -> None:
    done = analyse(TWO_PROBES, "--lang", language)

    assert done.returncode == 0
    for word in words:
        assert word in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_a_narrow_window_is_no_trouble() -> None:
    done = analyse(TWO_PROBES, "--lang", "en", columns=40)

    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 40


@pytest.mark.parametrize("form", ["png", "svg"])
def test_a_picture_is_drawn(tmp_path: Path, form: str) -> None:
    picture = tmp_path / f"firing.{form}"

    assert analyse(TWO_PROBES, "--plot", picture).returncode == 0
    head = picture.read_bytes()[:8]
    assert head == b"\x89PNG\r\n\x1a\n" if form == "png" else b"<?xml" in head


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["nowhere.csv"], "canhlo: nowhere.csv cannot be opened: no such file or directory"),
        ([TWO_PROBES, "--cone", "99"], "--cone: there is no cone '99'; there are: 022 021 020"),
        ([TWO_PROBES, "--ware", "raw,glass"], "--ware: there is no ware 'glass'; there are: raw, bisqued"),
        ([TWO_PROBES, "--fuel", "gas"], "--fuel: invalid choice: 'gas'"),
        ([TWO_PROBES, "--interval", "x"], "--interval: invalid float value: 'x'"),
        (["."], "canhlo: . cannot be opened: is a directory"),
        ([TWO_PROBES, "--time-zone", "Hanoi"], "there is no time zone 'Hanoi'"),
        ([TWO_PROBES, "--interval", "-3"], "--interval must be more than 0"),
        ([TWO_PROBES, "--plot", "firing.gif"], "a picture can be .png"),
        ([TWO_PROBES, "--plot", "no/such/folder/firing.png"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(words: list[str | Path], wanted: str) -> None:
    done = analyse(*words, "--json")

    assert done.returncode == 2
    assert wanted in done.stderr
    assert done.stderr.count("\n") == 1


def test_few_readings_are_no_firing_and_no_trouble(tmp_path: Path) -> None:
    log = tmp_path / "short.csv"
    log.write_text("time,kiln_c\n0,20\n")

    assert told(log)["firings"] == []
    assert "20 °C" in analyse(log, "--lang", "en").stdout


def test_a_constant_log_and_one_of_no_values(tmp_path: Path) -> None:
    log = tmp_path / "flat.csv"
    log.write_text("time,kiln_c,top_c\n" + "".join(f"{10 * row},800,nan\n" for row in range(2000)))

    assert told(log)["channels"][0]["samples"] == 2000
    assert analyse(log).returncode == 0


def test_a_reading_an_hour_is_drawn_as_a_line(tmp_path: Path) -> None:
    log = tmp_path / "wood.csv"
    log.write_text("time,kiln_c\n" + "".join(f"{hour * 3600},{20 + 40 * hour}\n" for hour in range(30)))
    analysis = analyse_log(read_log(log), Watch(fuel="wood"))
    axes = Figure().subplots()

    _draw_firing(axes, analysis.firings[0], Words("en"))

    assert np.isfinite(np.asarray(axes.get_lines()[0].get_ydata(), dtype=float)).all()
    assert [np.median(line.get_ydata()) for line in axes.figure.axes[1].get_lines()] == [40.0]
