"""What the simulated kilns are made of, and how they are fired; every figure is our own choice of a plausible kiln."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from service.core import cones

Schedule = tuple[tuple[float, float, float], ...]  # rate [°C/h], target [°C], hold [s]


class KilnKind(StrEnum):
    """What a simulated kiln burns."""

    LPG = "lpg"
    COAL = "coal"
    WOOD = "wood"
    ELECTRIC = "electric"


@dataclass(frozen=True)
class SimulatedKiln:
    """A kiln of 1 m³, for temperatures do not depend on its size: capacities [J/K], conductances [W/K], power [W].

    Parameters
    ----------
    zone_j_per_k, ware_j_per_k, wall_j_per_k : float
        Heat capacity of one zone's hot face and gas, of one zone's ware and furniture, of the wall behind both.
    ware_m2 : float
        Surface of one zone's ware. [m²]
    wall_w_per_k, outside_w_per_k, flue_w_per_k, zones_w_per_k : float
        Conductance zone to wall, wall to workshop, zone to flue when the damper is shut, zone to zone.
    leak_m2 : float
        Black surface of the peep-holes and the door gap of one zone. [m²]
    power_w : float
        Most that both zones can get together.
    top_share : float
        Of the power, that goes to the top.
    flame_c : float
        How far the probes stand above the hot face for a blaze of full power over the mean fire. [°C]
    act_s : float
        Mean time between two acts of the operator: valve, stoking. [s]
    resolution_c, noise_c : float
        Of the instrument. [°C]
    is_on_off : bool
        Electric elements are switched rather than dosed.
    """

    kind: KilnKind
    zone_j_per_k: float
    ware_j_per_k: float
    wall_j_per_k: float
    ware_m2: float
    wall_w_per_k: float
    outside_w_per_k: float
    flue_w_per_k: float
    zones_w_per_k: float
    leak_m2: float
    power_w: float
    top_share: float
    flame_c: float
    act_s: float
    resolution_c: float
    noise_c: float
    is_on_off: bool


ACT_S: Final = {KilnKind.LPG: (600, 1500), KilnKind.COAL: (2000, 3300), KilnKind.WOOD: (1200, 2400)}
FLAME_C: Final = {KilnKind.COAL: (170, 230), KilnKind.WOOD: (170, 230)}


def draw_kiln(kind: KilnKind, rng: np.random.Generator) -> SimulatedKiln:
    """Return some kiln of a kind."""
    load, brick = rng.uniform(0.7, 1.3), rng.uniform(0.6, 1.5)
    power_w = rng.uniform(1.0, 1.35) * {"electric": 75e3, "lpg": 95e3, "coal": 110e3, "wood": 110e3}[kind]
    return SimulatedKiln(
        kind=kind,
        zone_j_per_k=0.5e5 * rng.uniform(0.8, 1.2),
        ware_j_per_k=1.5e5 * load,
        wall_j_per_k=6e5 * brick,
        ware_m2=4 * load,
        wall_w_per_k=50 * brick,
        outside_w_per_k=20.0,
        flue_w_per_k=0.0 if kind is KilnKind.ELECTRIC else rng.uniform(5, 15),
        zones_w_per_k=rng.uniform(40, 120),
        leak_m2=0.01 * rng.uniform(0.5, 1.5),
        power_w=power_w,
        top_share=rng.uniform(0.46, 0.54),
        flame_c=rng.uniform(*FLAME_C.get(kind, (0, 0))),
        act_s=rng.uniform(*ACT_S.get(kind, (30, 30))),
        resolution_c=float(rng.choice([0.25, 0.1, 1.0])),
        noise_c=rng.uniform(0.2, 0.8),
        is_on_off=kind is KilnKind.ELECTRIC and bool(rng.random() < 0.3),
    )


def draw_schedule(kind: KilnKind, target_cone: str, rng: np.random.Generator) -> Schedule:
    """Return a plausible plan that brings the cone down: drying, quartz, the long way up, the last 100 °C, a hold."""
    end_c = cones.table()[cones.index_of(target_cone)].end_c[60.0]
    haste = rng.uniform(0.8, 1.3) if kind in (KilnKind.ELECTRIC, KilnKind.LPG) else rng.uniform(0.6, 0.9)
    hold_s = float(rng.choice([600.0, 1200.0, 1800.0]))
    return (
        (60 * haste, 120.0, float(rng.choice([0.0, 1800.0, 3600.0]))),
        (100 * haste, 600.0, 0.0),
        (130 * haste, round(end_c - 110), 0.0),
        (rng.uniform(50, 80), round(end_c - rng.uniform(5, 12)), hold_s),
    )
