"""How well kilns that stray are found, on simulated firings: `python -m benchmarks.kiln_findings [SEED [FIRINGS]]`.

Limits were chosen on seeds below 10,000; figures are of seeds from 50,000 on. Every firing comes in by the minute.
"""

import sys
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final

import numpy as np

from benchmarks.section import Section, table
from service.core.findings import Finding
from service.core.live import LiveFiring, Watch
from service.core.series import Chunk
from service.simulation import Deviation, KilnKind, SimulatedFiring, random_firing

JUDGED_FROM_SEED: Final = 50_000
KINDS: Final = ("over_temperature", "runaway", "heat_lost", "stalled", "uneven_heating")
FUELS: Final = tuple(KilnKind)
READ_EVERY_S: Final = 10.0
STEP_S: Final = 60.0
FOUND_WITHIN_S: Final = 3600.0  # after it was over; a stall can only be known by what follows


def said(
    firing: SimulatedFiring, kinds: Collection[str] = KINDS, watch: Watch | None = None
) -> Iterator[tuple[float, Finding]]:
    """Go through a firing as it comes in; give what is said of these kinds for the first time, and when [s]."""
    live = LiveFiring(watch or Watch(fuel=firing.fuel, target_cone=firing.target_cone))
    known = set()
    start_s, end_s = float(firing.time_s[0]), float(firing.time_s[-1])
    for until_s in np.arange(start_s + STEP_S, end_s + STEP_S, STEP_S):
        piece = {
            name: one.where(np.arange(*np.searchsorted(one.time_s, [until_s - STEP_S, until_s])))
            for name, one in firing.channels.items()
        }
        for found in live.advance(Chunk(float(until_s), piece)).findings:
            if found.kind in kinds and (found.key, found.severity) not in known:
                known.add((found.key, found.severity))
                yield float(until_s), found


def delay_s(firing: SimulatedFiring, kind: str) -> float | None:
    """Return how long after its beginning a deviation was said, None if it was not."""
    (truth,) = [one for one in firing.truth if one.kind == kind]
    at = [now_s for now_s, one in said(firing, (kind,)) if truth.start_s <= now_s <= truth.end_s + FOUND_WITHIN_S]
    return at[0] - truth.start_s if at else None


def is_true(firing: SimulatedFiring, found: Finding) -> bool:
    """Say whether a finding that nobody meant is so all the same: a hand lets the ware itself become too hot."""
    limit_c = found.evidence.get("limit_c")
    return found.kind == "over_temperature" and limit_c is not None and bool(firing.true_ware_c.max() > float(limit_c))


def run(first_seed: int, firings: int) -> tuple[dict[tuple[str, str], list[float | None]], Counter[tuple[str, str]]]:
    """Return the delays by kind and fuel, None where it was missed [s]; and what was said without cause."""
    delays: dict[tuple[str, str], list[float | None]] = {}
    for kind in KINDS:
        for index in range(firings):
            fuel = FUELS[index % len(FUELS)]
            fired = random_firing(first_seed + index, fuel, deviations=[Deviation(kind)], step_s=READ_EVERY_S)
            delays.setdefault((kind, fuel), []).append(delay_s(fired, kind))
    alarms: Counter[tuple[str, str]] = Counter()
    for index in range(firings):
        fuel = FUELS[index % len(FUELS)]
        calm = random_firing(first_seed + index, fuel)
        alarms.update((one.kind, fuel) for _, one in said(calm) if not is_true(calm, one))
    return delays, alarms


def measure(first_seed: int = JUDGED_FROM_SEED, firings: int = 40) -> Section:
    """Return what was found, missed and said without cause."""
    delays, alarms = run(first_seed, firings)
    rows = []
    for kind in KINDS:
        found = {fuel: [one for one in delays[kind, fuel] if one is not None] for fuel in FUELS}
        every = [one for fuel in FUELS for one in found[fuel]]
        rows.append(
            [
                kind,
                *(f"{len(found[fuel])} of {len(delays[kind, fuel])}" for fuel in FUELS),
                f"{np.median(every) / 60:.0f}" if every else "-",
                f"{20 * sum(alarms[kind, fuel] for fuel in FUELS) / firings:.1f}",
            ]
        )
    text = table(["kind", *FUELS, "median delay [min]", "false alarms per 20 firings"], rows)
    command = f"python -m benchmarks.kiln_findings {first_seed} {firings}"
    intro = (
        f"{firings} firings with each, as many without. Where a simulated hand let the ware itself become hotter than "
        "the limit, saying so is no false alarm."
    )
    return Section("Kilns that stray, simulated", command, f"{intro}\n\n{text}")


if __name__ == "__main__":
    sys.stdout.write(measure(*map(int, sys.argv[1:])).markdown())
