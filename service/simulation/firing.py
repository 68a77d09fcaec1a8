"""One simulated firing: the kiln, who fires it, and what its instruments say of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.core.series import FloatArray, Samples
from service.simulation.deviations import HASTE, IN_THE_KILN, Deviation, interval_of, strayed
from service.simulation.faults import Fault, apply, measured
from service.simulation.heat import Heat
from service.simulation.kilns import KilnKind, Schedule, SimulatedKiln, draw_kiln, draw_schedule
from service.simulation.operator import Operator

COLD_C: Final = 70.0
LONGEST_S: Final = 72 * 3600.0
LONGEST_STEP_S: Final = 15.0
SHUT_W_PER_K: Final = (0.5, 2.0)  # zone to flue once the fire is out and every hole is shut. Own choice
OPENED_W_PER_K: Final = 20.0  # ... and with the damper open or the door ajar. Own choice
PROBE_S: Final = 40.0  # lag of a sheathed thermocouple
PROBES: Final = ("bottom", "top")
CONES: Final = ("04", "03", "1", "3", "5", "6", "7", "8", "9", "10")


@dataclass(frozen=True)
class Truth:
    """What really happened, by the name of the finding, between two Unix times [s]."""

    kind: str
    channel: str | None
    start_s: float
    end_s: float


@dataclass(frozen=True)
class SimulatedFiring:
    """A firing that never was.

    Parameters
    ----------
    channels : dict of Samples
        What the instruments say, by channel: ``top`` and ``bottom``; NaN is a fault.
    time_s, true_ware_c : (n,) arrays
        Unix time, and the mean temperature of the ware. [s], [°C]
    truth : tuple of Truth
        The faults and deviations, in order of time.
    fuel, target_cone, schedule
        What it was fired with, for which cone, and along which plan (rate [°C/h], target [°C], hold [s]).
    heating_until_s : float
        When the fire was put out. [s]
    """

    channels: dict[str, Samples]
    time_s: FloatArray
    true_ware_c: FloatArray
    truth: tuple[Truth, ...]
    fuel: str
    target_cone: str
    schedule: Schedule
    heating_until_s: float
    is_simulated: bool = True


@dataclass(frozen=True)
class _Course:
    time_s: FloatArray
    ware_c: FloatArray
    probes_c: dict[str, FloatArray]
    heating_until_s: float


def simulate(
    kiln: KilnKind | str,
    *,
    seed: int,
    schedule: Sequence[tuple[float, float, float]] | None = None,
    step_s: float = 10.0,
    start_s: float = 1.7e9,
    faults: Sequence[Fault] = (),
    deviations: Sequence[Deviation] = (),
    target_cone: str | None = None,
    kiln_seed: int | None = None,
) -> SimulatedFiring:
    """Return a firing; the same arguments give the same one.

    `schedule` is (rate [°C/h], target [°C], hold [s]) for each segment; None draws one that suits `target_cone`, which
    is drawn too if it is None. `kiln_seed` makes firings of one kiln: what it is built of, and its plan, hang on it.
    """
    if not 0 < step_s <= LONGEST_STEP_S:
        msg = f"step_s must be above 0 and at most {LONGEST_STEP_S} s, or the heat flow is unstable, not {step_s}"
        raise ValueError(msg)
    kind = KilnKind(kiln)
    of_kiln = np.random.default_rng([seed if kiln_seed is None else kiln_seed, 1])
    rng = np.random.default_rng([seed, 2])
    cone = str(of_kiln.choice(CONES)) if target_cone is None else target_cone
    built = draw_kiln(kind, of_kiln)
    plan = draw_schedule(kind, cone, of_kiln) if schedule is None else tuple(schedule)
    done = plan
    for deviation in deviations:
        done = strayed(done, deviation.kind)
    events = _events(deviations, done, rng)
    course = _course(built, done, events, step_s=step_s, rng=rng)
    peak_c = max(target_c for _, target_c, _ in plan)
    truth = [_truth(kind_, span, course, peak_c, start_s) for kind_, span in events]
    truth += [_truth(one.kind, None, course, peak_c, start_s) for one in deviations if one.kind not in IN_THE_KILN]
    channels = {
        name: Samples(start_s + course.time_s, measured(temp_c, built.resolution_c, built.noise_c, rng))
        for name, temp_c in course.probes_c.items()
    }
    for fault in faults:
        from_s = rng.uniform(0.2, 0.7) * course.heating_until_s if fault.start_s is None else fault.start_s
        to_s = from_s + (rng.uniform(600, 7200) if fault.duration_s is None else fault.duration_s)
        from_s, to_s = start_s + from_s, start_s + to_s
        channels[fault.channel] = apply(fault, channels[fault.channel], from_s, to_s, rng)
        truth.append(Truth(fault.kind, fault.channel, from_s, to_s))
    return SimulatedFiring(
        channels=channels,
        time_s=start_s + course.time_s,
        true_ware_c=course.ware_c,
        truth=tuple(sorted(truth, key=lambda one: one.start_s)),
        fuel=kind.value,
        target_cone=cone,
        schedule=plan,
        heating_until_s=start_s + course.heating_until_s,
    )


def random_firing(
    seed: int,
    fuel: str | None = None,
    *,
    faults: Sequence[Fault] = (),
    deviations: Sequence[Deviation] = (),
    step_s: float = 10.0,
) -> SimulatedFiring:
    """Return a firing of some kiln, some fuel unless it is given, bisque or glaze, to some cone from 04 to 10."""
    rng = np.random.default_rng([seed, 3])
    kind = KilnKind(str(rng.choice(list(KilnKind))) if fuel is None else fuel)
    return simulate(kind, seed=seed, faults=faults, deviations=deviations, step_s=step_s)


_Event = tuple[str, tuple[float, float]]


def _events(deviations: Sequence[Deviation], plan: Schedule, rng: np.random.Generator) -> list[_Event]:
    """Return what happens in the kiln, and from when to when after the beginning [s]."""
    planned_s = sum(hold_s for _, _, hold_s in plan)
    at_c = 25.0
    for rate, target_c, _ in plan:
        planned_s, at_c = planned_s + abs(target_c - at_c) / rate * 3600, target_c
    usual_s = {"stalled": 3 * 3600.0, "runaway": 1800.0, "heat_lost": 2400.0, "uneven_heating": 2.5 * 3600}
    events = []
    for one in deviations:
        if one.kind in IN_THE_KILN:
            usual_begin_s = 0.0 if one.kind in HASTE else rng.uniform(0.65, 0.85) * planned_s
            begin_s = usual_begin_s if one.start_s is None else one.start_s
            lasts_s = usual_s.get(one.kind, LONGEST_S) if one.duration_s is None else one.duration_s
            events.append((one.kind, (begin_s, begin_s + lasts_s)))
    return events


def _truth(kind: str, span: tuple[float, float] | None, course: _Course, peak_c: float, start_s: float) -> Truth:
    if span is None or kind == "dunting_quartz" or kind in HASTE:
        span = interval_of(kind, course.time_s, course.ware_c, peak_c)
    return Truth(kind, None, start_s + span[0], start_s + span[1])


def _course(
    kiln: SimulatedKiln, plan: Schedule, events: Sequence[_Event], *, step_s: float, rng: np.random.Generator
) -> _Course:
    """Go through a firing from cold to cold."""
    workshop_c = float(rng.uniform(18, 35))
    heat = Heat(kiln, workshop_c, [workshop_c] * 2, [workshop_c] * 2, workshop_c)
    operator = Operator(kiln, plan, rng, set_point_c=workshop_c, mean_w=0.08 * kiln.power_w, seen_c=workshop_c)
    probes = [workshop_c, workshop_c]
    follows = 1 - np.exp(-step_s / PROBE_S)
    damper_w_per_k = kiln.flue_w_per_k
    cooling_w_per_k = rng.uniform(*SHUT_W_PER_K)
    log: list[tuple[float, float, float]] = []
    heating_until_s: float | None = None
    now_s = 0.0
    while now_s < LONGEST_S and (heating_until_s is None or max(heat.zone_c) > COLD_C):
        active = {kind for kind, (from_s, to_s) in events if from_s <= now_s < to_s}
        seen = heat.ware_c if kiln.kind in (KilnKind.COAL, KilnKind.WOOD) else heat.zone_c  # through the saw-teeth
        chamber_c = 0.5 * (seen[0] + seen[1])
        power_w = operator.look(now_s, step_s, chamber_c, heat.needed_w)
        if operator.is_done and heating_until_s is None:
            heating_until_s = now_s
        if heating_until_s is None:
            power_w = _strayed_w(active, power_w, heat, kiln)
        share = kiln.top_share + (0.22 if "uneven_heating" in active else 0.0)
        flue_w_per_k = damper_w_per_k if heating_until_s is None else cooling_w_per_k
        if "dunting_quartz" in active and heating_until_s is not None and max(heat.ware_c) < 660:
            flue_w_per_k = OPENED_W_PER_K if min(heat.ware_c) > 480 else cooling_w_per_k
        heat.step(step_s, (1 - share) * power_w, share * power_w, flue_w_per_k)
        now_s += step_s
        for zone in (0, 1):
            seen_c = heat.zone_c[zone] + kiln.flame_c * (power_w - operator.mean_w) / kiln.power_w
            probes[zone] += follows * (seen_c - probes[zone])
        log.append((0.5 * (heat.ware_c[0] + heat.ware_c[1]), probes[0], probes[1]))
    ware_c, bottom_c, top_c = np.array(log, dtype=np.float64).T
    time_s = np.asarray(step_s * np.arange(1, len(log) + 1), dtype=np.float64)
    return _Course(
        time_s, ware_c, {"bottom": bottom_c, "top": top_c}, now_s if heating_until_s is None else heating_until_s
    )


def _strayed_w(active: set[str], power_w: float, heat: Heat, kiln: SimulatedKiln) -> float:
    if "heat_lost" in active:
        return 0.0
    for kind, (low_c, high_c, rate_c_per_h) in HASTE.items():
        if kind in active and low_c <= min(heat.ware_c) and max(heat.ware_c) <= high_c:
            to_go_w = 2 * (kiln.zone_j_per_k + kiln.ware_j_per_k) * rate_c_per_h / 3600
            to_wall_w = 2 * kiln.wall_w_per_k * (sum(heat.zone_c) / 2 - heat.wall_c)
            return max(power_w, min(to_go_w + to_wall_w + heat.lost_w, 1.6 * kiln.power_w))
    if "runaway" in active:
        return 1.6 * kiln.power_w
    return min(heat.needed_w, power_w) if "stalled" in active else power_w
