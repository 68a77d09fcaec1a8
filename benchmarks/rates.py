"""The rate of a kiln: the median difference of ten minutes, as shown, beside a Kalman filter, on bins of 30 s."""

from time import process_time
from typing import Final

import numpy as np

from benchmarks.section import Section, table
from service.core.curve import median, rate_c_per_h
from service.core.probe import BIN_S, RATE_WINDOW_S
from service.core.rate import RateFilter
from service.core.series import FloatArray
from service.demo.recordings import serial_firing

HOURS: Final = (0.0, 2.0, 6.0, 6.5, 8.0, 8.5, 12.0)
TEMP_C: Final = (25.0, 125.0, 725.0, 725.0, 950.0, 950.0, 425.0)
EVERY_S: Final = 5.0
AROUND_S: Final = 600.0
CASES: Final = {
    "noise 0.3 °C, steps 0.25 °C": (0.3, 0.25),
    "noise 1 °C, steps 0.25 °C": (1.0, 0.25),
    "no noise, steps 1 °C": (0.0, 1.0),
}

HEADER: Final = (
    "",
    "shown now, away from corners",
    "filter",
    "shown now, at corners",
    "filter",
    "shown now, within 1 sd",
    "within 2 sd",
)

Bins = tuple[FloatArray, FloatArray]
Told = tuple[FloatArray, FloatArray, FloatArray]


def simulated(noise_c: float, step_c: float, *, wild: float = 0.0, seed: int = 3) -> tuple[Bins, FloatArray]:
    """Return bin medians of a schedule with corners and its true rates [°C/h]; `wild` is the share of wild readings."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(0.0, HOURS[-1] * 3600, EVERY_S)
    temp_c = np.interp(time_s / 3600, HOURS, TEMP_C) + rng.normal(0.0, noise_c, len(time_s))
    temp_c = np.where(rng.random(len(time_s)) < wild, 1372.0, np.round(temp_c / step_c) * step_c)
    bins = binned(time_s, temp_c)
    true = np.diff(TEMP_C) / np.diff(HOURS)
    return bins, true[np.searchsorted(np.array(HOURS[1:-1]) * 3600, bins[0])]


def binned(time_s: FloatArray, temp_c: FloatArray) -> Bins:
    """Return mean time and median of every bin with readings, as a probe gives them."""
    starts = np.flatnonzero(np.diff(time_s // BIN_S, prepend=-1.0))
    parts = zip(np.split(time_s, starts[1:]), np.split(temp_c, starts[1:]), strict=True)
    points = [(float(part_s.mean()), median(part_c.tolist())) for part_s, part_c in parts]
    return np.array([at_s for at_s, _ in points]), np.array([at_c for _, at_c in points])


def told(bins: Bins) -> Told:
    """Return after every bin the median difference, the filter's rate and its standard deviation [°C/h]."""
    rate = RateFilter()
    shown, filtered, sd = [], [], []
    points = list(zip(bins[0].tolist(), bins[1].tolist(), strict=True))
    first = 0
    for index, point in enumerate(points):
        rate.add(*point)
        while points[first][0] <= point[0] - RATE_WINDOW_S:
            first += 1
        shown.append(rate_c_per_h(points[first : index + 1]) or 0.0)
        filtered.append(rate.rate_c_per_h)
        sd.append(rate.sd_c_per_h)
    return np.array(shown), np.array(filtered), np.array(sd)


def rms(misses: FloatArray) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(np.square(misses))))


def coverage(misses: FloatArray, sd: FloatArray, times: float) -> float:
    """Return the share of misses within so many standard deviations."""
    return float(np.mean(np.abs(misses) <= times * sd))


def near_corners(time_s: FloatArray) -> np.typing.NDArray[np.bool_]:
    """Say which bins come within ten minutes after a corner of the schedule."""
    since = [time_s - hour * 3600 for hour in HOURS[:-1]]
    return np.asarray(np.any([(one >= 0) & (one < AROUND_S) for one in since], axis=0))


def measure() -> Section:
    """Return how far the rates are off, and how often within their standard deviation."""
    rows = []
    for name, (noise_c, step_c) in CASES.items():
        bins, true = simulated(noise_c, step_c)
        rows.append(_row(name, bins, true, told(bins)))
    bins, true = simulated(0.3, 0.25, wild=0.02)
    rows.append(_row("2 % of readings wild", bins, true, told(bins)))
    text = f"""Bins of 30 s of a *simulated* schedule with six corners; root mean square of the miss, in °C/h. Away
from corners means more than ten minutes after one. The filter is quicker and less steady; what is shown stays the
median difference, and its standard deviation is the filter's and their difference together (68 % and 95 % would be
exact, over all bins).

{table(HEADER, rows)}

**Measured high fire**, against straight lines through the ten minutes around each bin, which nobody has while the kiln
burns: {_measured()}.

The filter costs {_cost_us():.1f} µs a bin."""
    return Section("Rates", "python -m benchmarks.validate rates", text)


def _row(name: str, bins: Bins, true: FloatArray, rates: Told) -> tuple[str, ...]:
    shown, filtered, sd = rates
    at = near_corners(bins[0])
    misses = (shown - true)[~at], (filtered - true)[~at], (shown - true)[at], (filtered - true)[at]
    sure = (coverage(shown - true, np.hypot(sd, shown - filtered), times) for times in (1.0, 2.0))
    return name, *(f"{rms(one):.1f}" for one in misses), *(f"{one:.0%}" for one in sure)


def _measured() -> str:
    lines = serial_firing()
    time_s = np.array([line.at.timestamp() for line in lines])
    top = np.array([float(line.payload.decode().strip().split(";")[1]) for line in lines])
    bins = binned(time_s, top)
    shown, filtered, sd = told(bins)
    reference = np.full(len(bins[0]), np.nan)
    for index, at_s in enumerate(bins[0].tolist()):
        around = np.abs(bins[0] - at_s) <= RATE_WINDOW_S / 2
        if around.sum() >= 15:
            reference[index] = np.polyfit(bins[0][around] - at_s, bins[1][around], 1)[0] * 3600
    known = np.isfinite(reference)
    off = rms((shown - reference)[known]), rms((filtered - reference)[known])
    within = coverage((shown - reference)[known], np.hypot(sd, shown - filtered)[known], 2.0)
    return f"shown now {off[0]:.0f} °C/h off, {within:.0%} of it within 2 sd; the filter {off[1]:.0f} °C/h"


def _cost_us() -> float:
    bins, _ = simulated(0.3, 0.25)
    points = list(zip(bins[0].tolist(), bins[1].tolist(), strict=True))
    rate = RateFilter()
    began_s = process_time()
    for point in points:
        rate.add(*point)
    return (process_time() - began_s) / len(points) * 1e6
