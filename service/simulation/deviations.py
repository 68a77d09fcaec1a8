"""How a simulated firing strays: some change the plan, some the kiln; each has a known time."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from service.core.series import FloatArray
from service.simulation.kilns import Schedule

IN_THE_KILN: Final = (
    *("stalled", "runaway", "heat_lost", "uneven_heating"),
    *("steam_explosion", "black_core", "dunting_quartz"),
)
# What the ware is driven through in haste: from which temperature to which [°C], and how fast [°C/h].
HASTE: Final = {"steam_explosion": (40.0, 200.0, 330.0), "black_core": (680.0, 920.0, 320.0)}
IN_THE_PLAN: Final = (
    "over_temperature",
    "overfired",
    "underfired",
    "hold_short",
    "hold_long",
    "behind_schedule",
)


@dataclass(frozen=True)
class Deviation:
    """One way in which a firing strays.

    Parameters
    ----------
    kind : str
        As the finding it should lead to.
    start_s, duration_s : float or None
        After the beginning of the firing, for what happens in the kiln; None is drawn by the seed. [s]
    """

    kind: str
    start_s: float | None = None
    duration_s: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in IN_THE_KILN + IN_THE_PLAN:
            msg = f"kind must be one of {', '.join(IN_THE_KILN + IN_THE_PLAN)}, not {self.kind!r}"
            raise ValueError(msg)


def strayed(plan: Schedule, kind: str) -> Schedule:
    """Return what is done in place of a plan."""
    *before, (rate, target_c, hold_s) = plan
    match kind:
        case "over_temperature" | "overfired":
            return (*before, (rate, target_c + 45, hold_s))
        case "underfired":
            return (*before, (rate, target_c - 55, hold_s * 0.3))
        case "hold_short":
            return (*before, (rate, target_c, hold_s * 0.2))
        case "hold_long":
            return (*before, (rate, target_c, hold_s * 3 + 1800))
        case "behind_schedule":
            return tuple((0.6 * rate, target_c, hold_s) for rate, target_c, hold_s in plan)
    return plan


def interval_of(kind: str, time_s: FloatArray, ware_c: FloatArray, peak_c: float) -> tuple[float, float]:
    """Return when a deviation of the plan, or on the way down, was under way [s], from the true curve and its plan."""
    top = int(np.argmax(ware_c))
    up, down = ware_c[: top + 1], ware_c[top:]
    match kind:
        case "steam_explosion" | "black_core":
            low_c, high_c, _ = HASTE[kind]
            inside = np.flatnonzero((up >= low_c) & (up <= high_c))
        case "dunting_quartz":
            inside = top + np.flatnonzero((down <= 650) & (down >= 500))
        case "behind_schedule":
            inside = np.flatnonzero(up > 0)
        case "over_temperature" | "overfired":
            inside = np.flatnonzero(ware_c >= peak_c)
        case _:
            inside = np.flatnonzero(ware_c >= ware_c.max() - 10)
    if not len(inside):
        inside = np.array([top])
    return float(time_s[inside[0]]), float(time_s[inside[-1]])
