"""Every finding on every recorded log, and whether it is true: `python -m benchmarks.validate logs`.

The folder named by CANHLO_FIRINGS holds recordings that have no licence and cannot be part of this repository; without
it only those of the demo are looked at. A verdict is what a person saw who looked at the curve beside the finding.
"""

import os
from collections import Counter
from pathlib import Path
from typing import Final

from benchmarks.section import Section, table
from service.analysis.analyse import analyse
from service.core.findings import Finding, Severity
from service.core.watch import Watch
from service.importers.log import LogError
from service.importers.read import read_log

FOLDER: Final = "CANHLO_FIRINGS"
DEMO: Final = Path(__file__).parents[1] / "service/demo/recordings"
FUEL: Final = {"wood": "wood", "ocr": "lpg"}  # by how the name begins; the others are electric
# What the curve shows, by how the file's name begins, the recording and the kind; "" is any recording.
VERDICTS: Final[dict[tuple[str, str, str], str]] = {
    ("atr620", "", "steam_explosion"): "true: the programme goes at 200 °C/h from the start; a note for raw ware",
    ("dualtc", "", "duplicate_readings"): "true: the logger wrote its whole file again 24 times",
    ("dualtc", "", "steam_explosion"): "true: 183 °C/h and more below 250 °C; a note for raw ware",
    ("multizone_2023-09-03", "", "thermocouple_jump"): "true: both zones step by 50-60 °C in 10 s while idle",
    ("multizone_2023-09-09", "", "steam_explosion"): "true: 252 °C/h from 201 °C on; a note for raw ware",
    ("multizone_2023-09-09", "", "black_core"): "true: up to 400 °C/h at 830 °C after a stop; a note for raw ware",
    ("multizone_2023-09-24", "", "steam_explosion"): "true: 260 °C/h from 122 °C on; the ware was bisqued, so no harm",
    ("multizone_2023-09-24", "", "black_core"): "true: 280 °C/h through 700 °C; the ware was bisqued, so no harm",
    ("multizone_2023-09-24", "", "thermocouple_drift"): "not known: the zones part by 10 °C in an hour near the top",
    ("ocr", "", "sensor_silent"): "true: the logger has five gaps, the longest of 99 minutes",
    ("ocr", "", "uneven_heating"): "true: top and bottom are up to 92 °C apart after the fire is out",
    ("piln", "run 1", "thermocouple_jump"): "true: single readings 25 °C off",
    ("piln", "run 1", "thermocouple_noisy"): "true: the probe dips again and again",
    ("piln", "run 12", "thermocouple_jump"): "true: 237 °C, then 39 °C a minute later: the log was begun anew",
    ("piln", "run 17", "cold_junction_fault"): "not known: the board steps by 13 °C when the readings stop",
    ("piln", "run 17", "sensor_silent"): "true: nothing for 39 hours",
    (
        "piln",
        "run 17",
        "thermocouple_shorted",
    ): "true that 1094 °C became 25 °C in one reading; the kiln was off by then",
    ("piln", "run 18", "thermocouple_noisy"): "true: a cold test that moves by 3 °C from reading to reading",
    ("piln", "run 19", "thermocouple_jump"): "true: a step of 105 °C at the start",
    ("piln", "run 19", "steam_explosion"): "true: 166 °C/h below 250 °C, just beyond the limit; a note for raw ware",
    ("piln", "run 28", "sensor_silent"): "true: nothing for 18 hours",
    ("piln", "run 33", "steam_explosion"): "true: 171 °C/h below 250 °C, just beyond the limit; a note for raw ware",
    ("qtkiln_mqtt", "", "steam_explosion"): "true as to the rate, up to 500 °C/h; there is only glass in it",
    ("qtkiln_mqtt", "", "dunting_quartz"): "true as to the rate, up to 460 °C/h; glass has no quartz",
    ("qtkiln_mqtt", "", "sensor_silent"): "true: 3.7 hours without a message",
}


def verdict(file: str, recording: str, kind: str) -> str:
    """Return what a person saw of a finding."""
    for (begins, named, about), text in VERDICTS.items():
        if file.startswith(begins) and named in ("", recording) and about == kind:
            return text
    return "not judged yet"


def look(file: Path) -> list[list[object]]:
    """Return a row for each kind of finding on each recording of a log, or one for why it cannot be read."""
    fuel = next((fuel for begins, fuel in FUEL.items() if file.name.startswith(begins)), "electric")
    try:
        log = read_log(file)
    except LogError as error:
        return [[file.name, "", "not a log", "", str(error).partition(": ")[2].partition(";")[0]]]
    rows: list[list[object]] = []
    for recording in log.recordings:
        one = analyse(type(log)(log.format, (recording,), log.is_dated), Watch(fuel=fuel))
        found: list[Finding] = [*one.findings, *(each for firing in one.firings for each in firing.assessed.findings)]
        counted = Counter((each.kind, each.severity) for each in found)
        said = {kind: verdict(file.name, recording.name, kind) for kind, _ in counted}
        rows += [
            [file.name, recording.name, kind, f"{severity} x {times}", said[kind]]
            for (kind, severity), times in sorted(counted.items())
        ]
        if not found:
            rows.append([file.name, recording.name, "none", "", ""])
    return rows


def measure() -> Section:
    """Return every finding with its verdict."""
    given = os.environ.get(FOLDER)
    folder = Path(given) if given else DEMO
    files = sorted(one for one in folder.iterdir() if one.is_file() and one.suffix not in (".md", ".txt", ".py"))
    rows = [row for file in files for row in look(file)]
    critical = [row for row in rows if str(row[3]).startswith(Severity.CRITICAL)]
    false = [row for row in critical if not str(row[4]).startswith("true")]
    text = (
        f"{len(files)} files of {'the folder' if given else 'the demo'}; of {len(critical)} critical findings "
        f"{len(false)} are not true. Nothing is known of the ware.\n\n"
        + table(["log", "recording", "finding", "how often", "is it true?"], rows)
    )
    return Section("Findings on recorded logs", f"{FOLDER}=FOLDER python -m benchmarks.validate logs", text)
