"""How well it is forecast when the target cone will be down beside every probe, on simulated kilns.

Seeds below 10,000 are for development, others for judging. The truth is what the live analysis says afterwards.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from benchmarks.forecasts import JUDGED_FROM, firings_of_a_kiln, until
from benchmarks.section import Section, table
from service.core.assess import assess
from service.core.forecast import PastFiring, forecast, past_firing
from service.core.series import Samples
from service.core.watch import Watch
from service.simulation import KilnKind, SimulatedFiring

BASES: Final = ("schedule", "past")
HOURS_BEFORE: Final = (4.0, 1.0)


def figures(*, first_seed: int = JUDGED_FROM, kilns: int = 40) -> dict[tuple[str, float], dict[str, float]]:
    """Return by how many minutes the cone fell beside what was forecast, by basis and by how long before."""
    off: dict[tuple[str, float], list[tuple[float, bool]]] = {(by, h): [] for by in BASES for h in HOURS_BEFORE}
    for index in range(kilns):
        *past, now = firings_of_a_kiln(list(KilnKind)[index % 4], first_seed + index)
        down_s = _down_s(now)
        if down_s is None:
            continue
        for by, hours in off:
            before_s = down_s - hours * 3600
            history = {name: until(one, before_s) for name, one in now.channels.items()}
            others = [past_firing(one.channels) for one in past] if by == "past" else []
            off[by, hours].append(_judge(history, now, others, down_s))
    return {case: _figures(judged) for case, judged in off.items()}


def _down_s(firing: SimulatedFiring) -> float | None:
    """Return when the target cone was down beside every probe; None if it was not."""
    found = assess(firing.channels, Watch(firing.target_cone, firing.fuel)).firings
    summaries = [one.summary for one in found if one.summary is not None]
    down = {one.channel: one.down_s for each in summaries for one in each.cones if one.cone == firing.target_cone}
    times_s = [at_s for at_s in down.values() if at_s is not None]
    return max(times_s) if len(times_s) == len(firing.channels) else None


def _judge(
    history: Mapping[str, Samples], now: SimulatedFiring, past: Sequence[PastFiring], down_s: float
) -> tuple[float, bool]:
    """Return the error of the forecast [min], infinite if it was that the cone would not fall, and if it was held."""
    said = forecast(
        history,
        past=past,
        schedule=None if past else now.schedule,
        target_cone=now.target_cone,
        fuel=now.fuel,
    ).cone_down_s
    if said is None:
        return np.inf, False
    return abs(said.median_s - down_s) / 60, said.low_s <= down_s <= said.high_s


def _figures(judged: Sequence[tuple[float, bool]]) -> dict[str, float]:
    errors_min = np.array([error for error, _ in judged])
    return {
        "firings": len(judged),
        "median_min": float(np.median(errors_min)),
        "worst_of_ten_min": float(np.percentile(errors_min, 90, method="lower")),
        "covered_pct": float(np.mean([is_in for _, is_in in judged])) * 100,
        "not_foreseen": int(np.isinf(errors_min).sum()),
    }


def measure() -> Section:
    """Return how well the fall of the target cone is forecast."""
    rows = [
        (
            by,
            f"{hours:.0f} h",
            f"{one['firings']:.0f}",
            f"{one['median_min']:.0f} min",
            f"{one['worst_of_ten_min']:.0f} min",
            f"{one['covered_pct']:.0f} %",
            f"{one['not_foreseen']:.0f}",
        )
        for (by, hours), one in figures().items()
    ]
    header = ("by what", "before", "firings", "median error", "nine of ten below", "in the interval", "not foreseen")
    text = f"""When the target cone is down beside every probe, asked so long before it was. Simulated kilns of four
fuels, whose cones feel what their probes show.

{table(header, rows)}"""
    return Section("Fall of the target cone", "python -m benchmarks.validate cones_ahead", text)
