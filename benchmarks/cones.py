"""Cones: how well two numbers per cone tell Orton's chart, what they were fitted to and what they were not."""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from benchmarks.cone_fit import Kinetics, anchored, fit
from benchmarks.section import Section, table
from service.core import cones

RATES: Final = cones.CHART_RATES_C_PER_H
NEIGHBOURS: Final = (-2, -1, 1, 2)
LAG_H: Final = 1.5 / 60  # M8: sensor to cone
SHRUNK: Final = 0.3  # M8: share of E that is the neighbours'

Fit = Callable[[int, dict[float, float]], Kinetics]


def kinetics_in_use() -> list[Kinetics]:
    """Return what the product computes with."""
    return [Kinetics(one.activation_j_per_mol / 1000, one.ln_a_per_h) for one in cones.table()]


def in_sample() -> dict[tuple[str, float], float]:
    """Return predicted minus published end point of every cone at every rate [°C]."""
    pairs = zip(cones.table(), kinetics_in_use(), strict=True)
    return {(one.name, rate): found.end_c(rate) - at_c for one, found in pairs for rate, at_c in one.end_c.items()}


def plain(_: int, end_c: dict[float, float]) -> Kinetics:
    """M1: E and A of the cone's own end points."""
    return fit(end_c)


def shrunk(index: int, end_c: dict[float, float]) -> Kinetics:
    """M8: 1.5 min from sensor to cone, and ln E drawn by 30 % to that of the four neighbours, with all their rates."""
    around = [cones.table()[index + by] for by in NEIGHBOURS if 3 <= index + by < len(cones.table())]
    near = np.mean([np.log(fit(one.end_c, LAG_H).activation_kj_per_mol) for one in around])
    own = np.log(fit(end_c, LAG_H).activation_kj_per_mol)
    return anchored(float(np.exp((1 - SHRUNK) * own + SHRUNK * near)), end_c, LAG_H)


def held_out(left_out: float, how: Fit) -> list[float]:
    """Return the misses [°C] at a rate that was not fitted, of the cones that have all three."""
    full = [(index, one) for index, one in enumerate(cones.table()) if len(one.end_c) == len(RATES)]
    kept = [(index, one, {rate: at_c for rate, at_c in one.end_c.items() if rate != left_out}) for index, one in full]
    return [how(index, end_c).end_c(left_out) - one.end_c[left_out] for index, one, end_c in kept]


def large_at_150() -> list[float]:
    """Return the misses [°C] of large cones at 150 °C/h, from self-supporting E and the large end point at 60 °C/h."""
    misses = []
    for one in cones.table():
        large = cones.end_points(one.name, "large")
        if large:
            found = anchored(one.activation_j_per_mol / 1000, {60.0: large[60.0]})
            misses.append(found.end_c(150.0) - large[150.0])
    return misses


def measure() -> Section:
    """Return the errors of the fit, in and out of sample."""
    out = {(name, rate): held_out(rate, how) for name, how in (("M1", plain), ("M8", shrunk)) for rate in RATES}
    goals = {("M1", 60.0): "rms 3.0", ("M1", 150.0): "rms 5.0", ("M1", 15.0): "rms 7.0"}
    rows = [_row("all chart rates", "in use (M1), fitted to them", in_sample().values(), "rms 1.4, max 4.0")]
    rows += [
        _row(f"{rate:.0f} °C/h", f"{name}, fitted without it", out[name, rate], goals.get((name, rate), ""))
        for name, rate in out
    ]
    for name, goal in (("M1", ""), ("M8", "rms 4.2")):
        rows.append(
            _row(
                "all",
                f"{name}, each rate fitted without it",
                [miss for rate in RATES for miss in out[name, rate]],
                goal,
            )
        )
    rows.append(_row("large cones, 150 °C/h", "E of self-supporting, A of large at 60 °C/h", large_at_150(), "rms 3.5"))
    text = f"""Orton's chart against `H = ∫ A exp(-E/RT) dt`, down at H = 1, two numbers per cone; predicted minus
published, in °C. M8 adds 1.5 min from sensor to cone and draws ln E by 30 % to the four neighbours' (with all of their
rates); it is not in use: its lag and weight were chosen on these same errors.

{table(("end point at", "model", "n", "rms", "mean abs", "max", "goal"), rows)}"""
    return Section("Cones: Orton's chart", "python -m benchmarks.validate cones", text)


def _row(what: str, model: str, misses_c: Iterable[float], goal: str) -> tuple[object, ...]:
    size = np.abs(list(misses_c))
    return what, model, len(size), f"{np.sqrt((size**2).mean()):.2f}", f"{size.mean():.2f}", f"{size.max():.1f}", goal
