"""How well a firing is judged against its schedule, on simulated kilns: `python -m benchmarks.schedules [FIRINGS]`."""

import sys
from typing import Final

from service.core.assess import assess
from service.core.findings import Group
from service.core.schedule import Schedule, Step
from service.core.watch import FUELS, Watch
from service.simulation.deviations import Deviation
from service.simulation.firing import random_firing

FIRST_SEED: Final = 500
DEVIATIONS: Final = (None, "behind_schedule", "hold_short", "hold_long")


def said(seed: int, fuel: str, deviation: str | None) -> set[str]:
    """Return what is said of one simulated firing against the schedule that it was to follow."""
    deviations = () if deviation is None else (Deviation(deviation),)
    fired = random_firing(seed, fuel, deviations=deviations, step_s=15.0)
    steps = tuple(Step(target_c, rate, hold_s) for rate, target_c, hold_s in fired.schedule)
    assessed = assess(fired.channels, Watch(fired.target_cone, fuel, schedule=Schedule(steps)))
    found = [finding for firing in assessed.firings for finding in firing.findings]
    return {finding.kind for finding in found if finding.group is Group.SCHEDULE}


def main() -> None:
    firings = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    for deviation in DEVIATIONS:
        for fuel in FUELS:
            kinds = [said(seed, fuel, deviation) for seed in range(FIRST_SEED, FIRST_SEED + firings)]
            hits = sum(bool(one) if deviation is None else deviation in one for one in kinds)
            print(f"{deviation or 'by the plan, and something said':32} {fuel:9} {hits} of {firings}", flush=True)


if __name__ == "__main__":
    main()
