"""Thermocouples against NIST's tables, there and back, beside another implementation."""

from pathlib import Path
from time import process_time
from typing import Final

import numpy as np
import thermocouple_its90

from benchmarks.section import Section, table
from service.core.thermocouple import (
    B_INVERTIBLE_FROM_C,
    MAX31855_MV_PER_C,
    corrected_max31855_c,
    emf_mv,
    range_c,
    temp_c,
)

NIST: Final = Path(__file__).parents[1] / "tests/core/data/nist_its90.csv"
VALUES: Final = 1_000_000


def printed() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return NIST's tables: temperatures [°C] and printed voltages [mV] by type."""
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for line in NIST.read_text(encoding="utf-8").splitlines()[2:]:
        kind, first_c, *microvolts = line.split(",")
        value = np.array(microvolts, dtype=float) / 1000
        found.setdefault(kind, []).append((int(first_c) + np.arange(len(value)), value))
    return {
        kind: (np.concatenate([a for a, _ in rows]), np.concatenate([b for _, b in rows]))
        for kind, rows in found.items()
    }


def lowest_c(kind: str) -> float:
    """Return from where a type has one temperature for a voltage [°C]."""
    return B_INVERTIBLE_FROM_C if kind == "B" else range_c(kind)[0]


def measure() -> Section:
    """Return how near the tables are met, how exact the way back is, and how fast."""
    rows = []
    points = 0
    for kind, (at_c, said_mv) in printed().items():
        points += len(at_c)
        off_mv = float(np.abs(emf_mv(at_c, kind) - said_mv).max())
        truth_c = np.linspace(lowest_c(kind), range_c(kind)[1], 200_001)
        back_c = float(np.abs(temp_c(emf_mv(truth_c, kind), kind) - truth_c).max())
        values_mv = emf_mv(np.linspace(lowest_c(kind), range_c(kind)[1], VALUES), kind)
        rows.append(
            [kind, len(at_c), f"{off_mv:.5f}", f"{back_c:.6f}", f"{VALUES / _took_s(kind, values_mv) / 1e6:.1f}"]
        )
    header = ["type", "points", "largest miss [mV]", "there and back [°C]", "inverse, million values/s"]
    text = f"""{points} points of NIST's tables (goal: all within 0.0005 mV, half the last digit; there and back within
0.001 °C; a million values a second).

{table(header, rows)}

`thermocouple_its90` takes {_other_us():.1f} µs for one type K value, one at a time; ours {_own_us():.2f} µs in an array
of a million.

**A chip that takes a thermocouple for a straight line** (MAX31855): off by up to {_chip_off_c():.0f} °C over the range
of type S at a cold junction of 30 °C; put right it is within {_chip_right_c():.2f} °C (goal 0.3)."""
    return Section("Thermocouples", "python -m benchmarks.validate thermocouples", text)


def _took_s(kind: str, values_mv: np.ndarray) -> float:
    taken = []
    for _ in range(5):
        start = process_time()
        temp_c(values_mv, kind)
        taken.append(process_time() - start)
    return float(np.median(taken))


def _own_us() -> float:
    return _took_s("K", emf_mv(np.linspace(0, 1300, VALUES), "K")) / VALUES * 1e6


def _other_us() -> float:
    other = thermocouple_its90.get("K")
    start = process_time()
    for value in np.linspace(1, 50, 2000).tolist():
        other.temperature(value)
    return (process_time() - start) / 2000 * 1e6


def _chip() -> tuple[np.ndarray, np.ndarray]:
    """Return true temperatures of a type S probe, and what the chip says of them [°C]."""
    truth_c = np.linspace(100.0, 1600.0, 1501)
    cold_c = 30.0
    seen_mv = emf_mv(truth_c, "S") - emf_mv(cold_c, "S")
    return truth_c, np.round((cold_c + seen_mv / MAX31855_MV_PER_C["S"]) * 4) / 4


def _chip_off_c() -> float:
    truth_c, said_c = _chip()
    return float(np.abs(said_c - truth_c).max())


def _chip_right_c() -> float:
    truth_c, said_c = _chip()
    return float(np.nanmax(np.abs(corrected_max31855_c(said_c, 30.0, "S") - truth_c)))
