"""How well forecasts hold: time left at half-way, on simulated kilns and on recorded ones.

Seeds below 10,000 are for development, others for judging. A folder named by CANHLO_FIRINGS has the recordings that
have no licence and cannot be part of this repository.
"""

import io
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.section import Section, table
from service.core.forecast import PastFiring, forecast, past_firing
from service.core.series import FloatArray, Samples
from service.simulation import KilnKind, SimulatedFiring, simulate
from service.simulation.kilns import Schedule

FOLDER: Final = "CANHLO_FIRINGS"
JUDGED_FROM: Final = 50_000
PAST_FIRINGS: Final = 5
BASES: Final = ("schedule", "past", "this_firing")


def figures(
    *, first_seed: int = JUDGED_FROM, kilns: int = 60, recordings: Path | None = None
) -> dict[str, dict[str, float]]:
    """Return the error of the time left at half-way, and how often it was in the interval, by basis and fuel."""
    ratios: dict[str, list[tuple[float, bool]]] = {}
    for index in range(kilns):
        kind = list(KilnKind)[index % 4]
        *past, now = firings_of_a_kiln(kind, first_seed + index)
        for basis in BASES:
            judged = judge_simulated(now, past if basis == "past" else [], basis)
            ratios.setdefault(basis, []).append(judged)
            ratios.setdefault(f"{basis}, {kind}", []).append(judged)
    if recordings is not None:
        ratios["past, eight recorded firings of one electric kiln"] = _leave_one_out(_industrial_kiln(recordings))
    return {name: _figures(judged) for name, judged in ratios.items()}


def judge_simulated(now: SimulatedFiring, past: Sequence[SimulatedFiring], basis: str) -> tuple[float, bool]:
    """Return true over forecast time left at half-way, and whether the truth was in the interval."""
    start_s = float(now.time_s[0])
    half_s = 0.5 * (start_s + now.heating_until_s)
    return judge(
        {name: until(one, half_s) for name, one in now.channels.items()},
        now.heating_until_s - half_s,
        [past_firing(one.channels) for one in past],
        now.schedule if basis == "schedule" else None,
        now.target_cone if basis == "this_firing" else None,
        now.fuel,
    )


def judge(
    history: dict[str, Samples],
    left_s: float,
    past: Sequence[PastFiring],
    schedule: Schedule | None,
    target_cone: str | None,
    fuel: str,
) -> tuple[float, bool]:
    """Return true over forecast time left, and whether the truth was in the interval."""
    said = forecast(history, past=past, schedule=schedule, target_cone=target_cone, fuel=fuel).time_left_s
    if said is None:
        return float("inf"), False
    return left_s / said.median_s, said.low_s <= left_s <= said.high_s


def firings_of_a_kiln(kind: KilnKind, kiln_seed: int) -> list[SimulatedFiring]:
    """Return firings of one kiln by a hand that never goes quite the same way twice."""
    rng = np.random.default_rng(kiln_seed)
    firings = [simulate(kind, seed=kiln_seed)]
    plan = firings[0].schedule
    for number in range(1, PAST_FIRINGS + 1):
        pace = rng.normal(1, 0.06)
        fired = [
            (rate * pace * rng.normal(1, 0.04), target_c, hold_s * rng.uniform(0.8, 1.2))
            for rate, target_c, hold_s in plan
        ]
        firings.append(simulate(kind, seed=100_000 * number + kiln_seed, kiln_seed=kiln_seed, schedule=fired))
    return firings


def until(samples: Samples, until_s: float) -> Samples:
    inside = samples.time_s <= until_s
    return Samples(samples.time_s[inside], samples.value[inside])


def _figures(judged: Sequence[tuple[float, bool]]) -> dict[str, float]:
    ratios = np.array([ratio for ratio, _ in judged])
    return {
        "firings": len(judged),
        "median_error_pct": float(np.median(np.abs(1 / ratios - 1))) * 100,
        "covered_pct": float(np.mean([is_in for _, is_in in judged])) * 100,
        "ratio_p10": float(np.percentile(ratios, 10)),
        "ratio_p50": float(np.percentile(ratios, 50)),
        "ratio_p90": float(np.percentile(ratios, 90)),
    }


def _industrial_kiln(folder: Path) -> list[FloatArray]:
    """Return the firings of the recorder's file, a value a second, up to where the program ended."""
    with zipfile.ZipFile(folder / "atr620_k3_samples.zip") as archive:
        text = archive.read(archive.namelist()[0])
    rows = np.loadtxt(io.BytesIO(text), usecols=(1, 2))
    temp_c = rows[rows[:, 0] == 1, 1]
    cuts = np.flatnonzero(np.diff(temp_c) < -200) + 1
    return [part for part in np.split(temp_c, cuts) if len(part) > 3 * 3600]


def _leave_one_out(curves: Sequence[FloatArray]) -> list[tuple[float, bool]]:
    firings = [{"kiln": Samples(np.arange(float(len(curve))), curve)} for curve in curves]
    judged = []
    for index, firing in enumerate(firings):
        end_s = 120.0 * (len(past_firing(firing).temp_c) - 1)
        history = {"kiln": until(firing["kiln"], end_s / 2)}
        past = [past_firing(other) for at, other in enumerate(firings) if at != index]
        judged.append(judge(history, end_s / 2, past, None, None, "electric"))
    return judged


def measure() -> Section:
    """Return how well forecasts hold, on simulated kilns and, where they are at hand, on recorded ones."""
    given = os.environ.get(FOLDER)
    rows = [
        (
            name,
            f"{one['firings']:.0f}",
            f"{one['median_error_pct']:.1f} %",
            f"{one['covered_pct']:.0f} %",
            f"{one['ratio_p10']:.2f} - {one['ratio_p90']:.2f}",
        )
        for name, one in figures(recordings=Path(given) if given else None).items()
    ]
    header = ("by what", "firings", "median error", "in the 80 % interval", "true over forecast, 10 % - 90 %")
    text = f"""Time left at half-way (goal: median error at most 5 %, 75 to 85 % of the truths in the interval that is
said to hold 80 %). By the plan, by five firings of the same kiln before, or by nothing but the firing itself.

{table(header, rows)}"""
    return Section("Forecasts", f"{FOLDER}=FOLDER python -m benchmarks.validate forecasts", text)
