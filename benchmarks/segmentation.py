"""Segments of a curve: simulated schedules, one programme fired eight times, and time beside the package ruptures."""

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from time import process_time
from typing import Final

import numpy as np
import ruptures

from benchmarks.section import Section, table
from service.core.segments import Segment, segments
from service.core.series import FloatArray

RATES_C_PER_H: Final = (50.0, 60.0, 100.0, 150.0, 200.0, 0.0, -80.0, -150.0)
NOISE_C: Final = 1.0
SEED: Final = 20
# A folder with the recording of eight firings of one programme: k3_samples.zip of propcoder/kilncontrol, commit
# f45dd854, saved as atr620_k3_samples.zip. It has no licence, so it cannot be part of this repository.
FOLDER: Final = "CANHLO_FIRINGS"
PROGRAMME_MIN_C_PER_H: Final = ((0.0, 200.6), (83.0, 189.1), (165.0, 145.1), (260.0, 112.0), (298.0, 133.8))

Schedule = tuple[FloatArray, FloatArray]


def schedules(count: int, seed: int = SEED) -> list[Schedule]:
    """Return corners of made-up schedules, hours and °C: 2 to 6 lines of 0.5-4 h, no two neighbours of one rate."""
    rng = np.random.default_rng(seed)
    made: list[Schedule] = []
    while len(made) < count:
        lines = int(rng.integers(2, 7))
        hours, rates = rng.uniform(0.5, 4.0, lines), rng.choice(RATES_C_PER_H, lines)
        temp_c = 25.0 + np.concatenate([[0.0], np.cumsum(hours * rates)])
        if 15.0 < temp_c.min() and temp_c.max() < 1320.0 and (np.abs(np.diff(rates)) >= 10.0).all():
            made.append((np.concatenate([[0.0], np.cumsum(hours)]), temp_c))
    return made


def read(schedule: Schedule, seed: int, every_s: float = 5.0) -> tuple[FloatArray, FloatArray]:
    """Return what a probe with a noise of 1 °C says of a schedule."""
    hours, temp_c = schedule
    time_s = np.arange(0.0, hours[-1] * 3600, every_s)
    noise_c = np.random.default_rng(seed).normal(0.0, NOISE_C, len(time_s))
    return time_s, np.interp(time_s / 3600, hours, temp_c) + noise_c


def misses(found: Sequence[Segment], schedule: Schedule) -> tuple[float, float] | None:
    """Return the largest miss of a corner [min] and a rate [%; holds: of 100 °C/h]; None if their number is wrong."""
    hours, temp_c = schedule
    rates = np.diff(temp_c) / np.diff(hours)
    if len(found) != len(rates):
        return None
    corners_min = [abs(one.start_s / 60 - at * 60) for one, at in zip(found[1:], hours[1:-1], strict=True)]
    rates_pct = [
        abs(one.rate_c_per_h - rate) / (abs(rate) or 100.0) * 100
        for one, rate in zip(found, rates.tolist(), strict=True)
    ]
    return max(corners_min), max(rates_pct)


def programme_firings(folder: Path) -> list[FloatArray]:
    """Return the eight firings of one programme, °C once a second; rows that were cut while writing are left out."""
    with zipfile.ZipFile(folder / "atr620_k3_samples.zip") as archive:
        rows = [line.split() for line in archive.read("k3_samples.csv").decode().splitlines()]
    temp_c = np.array([float(row[2]) for row in rows if len(row) == 7 and row[1] == "1"])
    runs = np.split(temp_c, np.flatnonzero(np.diff(temp_c) < -200.0) + 1)
    return [run[: int(run.argmax()) + 1] for run in runs if len(run) > 3600]


def measure() -> Section:
    """Return how near found segments are to known ones."""
    text = f"""{_simulated(200)}

**One programme, fired eight times** (recorded, an electric kiln with a controller, 1 reading a second). The programme's
set-points: {_told(PROGRAMME_MIN_C_PER_H)} (minute: °C/h).

{_programme()}

**Time** for 12 h of readings, one a second: {_speed()}"""
    return Section("Segments of a curve", "python -m benchmarks.validate segmentation", text)


def _simulated(count: int) -> str:
    made = schedules(count)
    found = [misses(segments(*read(one, seed)), one) for seed, one in enumerate(made)]
    counted = np.array([miss for miss in found if miss is not None])
    rows = [
        ("number of segments is right", f"{len(counted)} of {count}", "all"),
        ("corner, largest miss", f"{counted[:, 0].max():.1f} min", "5 min"),
        ("rate, largest miss", f"{counted[:, 1].max():.1f} %", "3 %"),
    ]
    head = f"**Simulated schedules**, {count} of 2 to 6 lines, read every 5 s with noise of {NOISE_C:.0f} °C.\n\n"
    return head + table(("", "measured", "goal"), rows)


def _programme() -> str:
    folder = os.environ.get(FOLDER)
    if folder is None:
        return f"The recording is not here: set {FOLDER} to its folder."
    found = [segments(np.arange(float(len(run))), run) for run in programme_firings(Path(folder))]
    rows = [(index, _told([(one.start_s / 60, one.rate_c_per_h) for one in run])) for index, run in enumerate(found, 1)]
    return table(("firing", "found"), rows)


def _told(lines: Sequence[tuple[float, float]]) -> str:
    return ", ".join(f"{at_min:.0f}: {rate:.0f}" for at_min, rate in lines)


def _speed() -> str:
    schedule = np.array([0.0, 3.0, 8.0, 8.5, 12.0]), np.array([30.0, 330.0, 1200.0, 1200.0, 600.0])
    time_s, temp_c = read(schedule, 1, every_s=1.0)
    began_s = process_time()
    segments(time_s, temp_c)
    own_s = process_time() - began_s
    # The same 300 means: ruptures takes minutes for 43,200 points with this cost.
    means = temp_c.reshape(300, -1).mean(axis=1)
    began_s = process_time()
    ruptures.Dynp(model="clinear", min_size=2, jump=1).fit(means).predict(n_bkps=3)
    other_s = process_time() - began_s
    other = f"ruptures (`Dynp`, `clinear`), told the number of segments, on 300 means: {other_s:.1f} s."
    return f"{own_s * 1000:.0f} ms (goal 100). {other}"
