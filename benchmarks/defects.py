"""How well harm to ware is told from the curve, on simulated firings: `python -m benchmarks.defects [SEED [FIRINGS]]`.

Limits are published ones; what had to be chosen was chosen on seeds below 10,000, and figures are of seeds from 60,000
on. The target cone is known, and each kiln has learnt from the witness cones of three firings before how its cones feel
the heat that its probes show; what goes by cones is also measured of kilns that have had no witness yet. Nothing is
known of the ware: what would harm raw ware is then noted, and rings nobody.
"""

import sys
from collections.abc import Callable, Collection, Sequence
from typing import Final

import numpy as np
from scipy.stats import rankdata

from benchmarks.kiln_findings import FUELS, said
from benchmarks.section import Section, table
from service.core import cones
from service.core.bending import SEEN_FROM, tip_deg
from service.core.defects import MODEL_ERROR_C, guard_of, short_c
from service.core.features import features
from service.core.findings import Severity
from service.core.heat_work import heat_work
from service.core.series import FloatArray
from service.core.watch import Watch
from service.core.witness import PRIOR, Bend, Offset, WitnessCone, learn
from service.simulation import Deviation, SimulatedFiring, simulate

JUDGED_FROM_SEED: Final = 60_000
READ_EVERY_S: Final = 10.0
LEARNT_FROM: Final = 3
NOTED: Final = ("steam_explosion", "black_core")  # in ware of which nobody said that it is raw
BY_CONES: Final = ("overfired", "underfired")
FOUND_WITHIN_S: Final = 6 * 3600.0  # before the kiln is cold
# How bad a firing looks for each kind of harm, by its features: the larger the worse.
SCORES: Final[dict[str, Callable[[dict[str, float]], float]]] = {
    "steam_explosion": lambda found: found["steam_explosion_ratio"],
    "black_core": lambda found: found["black_core_ratio"],
    "dunting_quartz": lambda found: found["dunting_quartz_ratio"],
    "overfired": lambda found: found["guard_ln"],
    "underfired": lambda found: -found["target_ln"],
}


def fire(kiln_seed: int, number: int, deviations: Sequence[Deviation] = ()) -> SimulatedFiring:
    """Return a firing of a kiln, of each fuel in turn."""
    fuel = FUELS[kiln_seed % len(FUELS)]
    seed = 100 * kiln_seed + number
    return simulate(fuel, seed=seed, deviations=deviations, step_s=READ_EVERY_S, kiln_seed=kiln_seed)


def learnt(kiln_seed: int) -> dict[str, Offset]:
    """Return what a kiln has learnt of its probes: three cones about the target beside each, in three firings."""
    offset = dict.fromkeys(("top", "bottom"), PRIOR)
    for number in range(LEARNT_FROM):
        firing = fire(kiln_seed, number)
        felt = heat_work(firing.time_s, firing.true_ware_c)
        target = cones.index_of(firing.target_cone)
        for name in offset:
            shown = heat_work(firing.channels[name].time_s, np.nan_to_num(firing.channels[name].value, nan=20.0))
            seen = [WitnessCone(cones.names()[one], _seen(felt[one]), float(shown[one])) for one in _near(target)]
            offset[name] = learn(offset[name], seen)
    return offset


def unlearnt(_: int) -> dict[str, Offset]:
    """Return what is taken of a kiln's probes before any witness cone."""
    return dict.fromkeys(("top", "bottom"), PRIOR)


def _near(target: int) -> range:
    return range(target - 1, min(target + 2, len(cones.names())))


def _seen(felt: float) -> Bend | float:
    if felt < SEEN_FROM:
        return Bend.NOT_BEGUN
    return tip_deg(float(felt)) if felt < 1.0 else Bend.DOWN


def auc(bad: FloatArray, good: FloatArray) -> float:
    """Return how often a bad firing looks worse than a good one; ties count half (Mann-Whitney)."""
    ranks = rankdata(np.concatenate([bad, good]))
    return float((ranks[: len(bad)].sum() - len(bad) * (len(bad) + 1) / 2) / (len(bad) * len(good)))


class Judged:
    """A firing looked at: how bad it looks, and what was said of it and when [s], notes apart."""

    def __init__(self, firing: SimulatedFiring, offset: dict[str, Offset]) -> None:
        watch = Watch(firing.target_cone, firing.fuel, offset)
        offset_c = {name: one.mean_c for name, one in offset.items()}
        found = features(firing.channels, fuel=firing.fuel, target_cone=firing.target_cone, cone_offset_c=offset_c)
        self.score = {kind: float(np.nan_to_num(look(found), nan=-1e9)) for kind, look in SCORES.items()}
        self.said = [
            (one.kind, now_s)
            for now_s, one in said(firing, SCORES, watch)
            if one.severity is not Severity.INFO or one.kind in NOTED
        ]
        self.truth = firing.truth

    def delay_s(self, kind: str) -> float | None:
        """Return how long after harm began it was said, None if it was not."""
        (truth,) = [one for one in self.truth if one.kind == kind]
        at = [now_s for said, now_s in self.said if said == kind]
        inside = [now_s for now_s in at if truth.start_s <= now_s <= truth.end_s + FOUND_WITHIN_S]
        return inside[0] - truth.start_s if inside else None


def calm_firing(kiln_seed: int) -> SimulatedFiring | None:
    """Return a firing whose ware got what it should: not its guard cone, and its target but for the model's error."""
    for number in range(10, 16):
        firing = fire(kiln_seed, number)
        felt = heat_work(firing.time_s, firing.true_ware_c)
        target = cones.index_of(firing.target_cone)
        guard = guard_of(target)
        if (guard is None or felt[guard] < 1.0) and short_c(target, float(felt[target])) <= MODEL_ERROR_C:
            return firing
    return None


def run(
    first_seed: int, kilns: int, *, kinds: Collection[str], offset_of: Callable[[int], dict[str, Offset]]
) -> list[list[object]]:
    """Return a row for each kind of harm, where this is known of a kiln's probes."""
    seeds = range(first_seed, first_seed + kilns)
    offsets = {seed: offset_of(seed) for seed in seeds}
    calm = [Judged(found, offsets[seed]) for seed in seeds if (found := calm_firing(seed)) is not None]
    rows: list[list[object]] = []
    for number, kind in enumerate(SCORES, start=LEARNT_FROM + 1):
        if kind not in kinds:
            continue
        harmed = [Judged(fire(seed, number, [Deviation(kind)]), offsets[seed]) for seed in seeds]
        good, bad = (np.array([one.score[kind] for one in firings]) for firings in (calm, harmed))
        delays = [delay for one in harmed if (delay := one.delay_s(kind)) is not None]
        falsely = sum(any(said == kind for said, _ in one.said) for one in calm)
        median = f"{np.median(delays) / 60:.0f}" if delays else "-"
        alarmed = f"{len(delays)} of {kilns}"
        rows.append([kind, f"{auc(bad, good):.3f}", alarmed, median, f"{20 * falsely / len(calm):.2f}"])
    return rows


def measure(first_seed: int = JUDGED_FROM_SEED, kilns: int = 40) -> Section:
    """Return how harm was told from the curve."""
    header = ["kind", "AUC", "alarmed", "median delay [min]", "false alarms per 20 firings"]
    intro = (
        f"{kilns} kilns of all four fuels, one firing of each with every kind of harm and one whose ware got what it "
        f"should. Each kiln has learnt from the witness cones of {LEARNT_FROM} firings; nothing is known of the ware."
    )
    learnt_rows = run(first_seed, kilns, kinds=SCORES, offset_of=learnt)
    unlearnt_rows = run(first_seed, kilns, kinds=BY_CONES, offset_of=unlearnt)
    without = (
        "**Without witness cones**, what goes by cones: a kiln's cones may feel another heat than its probes show, by "
        f"{PRIOR.sd_c:.0f} °C (one standard deviation), and nothing is said within that doubt."
    )
    text = f"{intro}\n\n{table(header, learnt_rows)}\n\n{without}\n\n{table(header, unlearnt_rows)}"
    return Section("Harm to the ware, simulated", f"python -m benchmarks.defects {first_seed} {kilns}", text)


if __name__ == "__main__":
    sys.stdout.write(measure(*map(int, sys.argv[1:])).markdown())
