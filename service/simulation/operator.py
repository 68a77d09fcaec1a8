"""Who fires a simulated kiln: a hand on a valve, a shovel, or a controller that follows the plan."""

from dataclasses import dataclass
from math import exp
from typing import Final

import numpy as np

from service.simulation.kilns import KilnKind, Schedule, SimulatedKiln

WAITS_WHEN_BEHIND_C: Final = 25.0  # the plan waits for the kiln, as operators and controllers do
LOOKS_AHEAD_S: Final = 1500.0
CAUTION: Final = 0.7  # of what the rate asks for, is given at once
NOTCH: Final = 0.02  # of full power: how finely a valve is set


@dataclass
class Operator:
    """Follows a plan: `set_point_c` moves along it, and `power_w` is what is given now."""

    kiln: SimulatedKiln
    schedule: Schedule
    rng: np.random.Generator
    set_point_c: float
    segment: int = 0
    held_s: float = 0.0
    mean_w: float = 0.0
    power_w: float = 0.0
    acted_s: float = -1e9
    seen_c: float = 0.0
    next_s: float = 0.0
    sum_error_c_s: float = 0.0

    @property
    def is_done(self) -> bool:
        """The plan is at its end."""
        return self.segment >= len(self.schedule)

    def look(self, now_s: float, step_s: float, chamber_c: float, needed_w: float) -> float:
        """Return the power for this step [W], seeing the chamber [°C] and knowing roughly what it needs [W]."""
        self._follow_plan(step_s, chamber_c)
        if self.is_done:
            self.power_w = self.mean_w = 0.0
        elif self.kiln.kind is KilnKind.ELECTRIC:
            self._control(step_s, chamber_c, needed_w)
        else:
            self._fire_by_hand(now_s, chamber_c)
        return self.power_w

    def _follow_plan(self, step_s: float, chamber_c: float) -> None:
        if self.is_done:
            return
        rate_c_per_h, target_c, hold_s = self.schedule[self.segment]
        is_up = target_c >= self.set_point_c
        if self.set_point_c != target_c:
            behind_c = (self.set_point_c - chamber_c) * (1 if is_up else -1)
            if behind_c < WAITS_WHEN_BEHIND_C:
                moved_c = rate_c_per_h * step_s / 3600
                self.set_point_c = (
                    min(target_c, self.set_point_c + moved_c) if is_up else max(target_c, self.set_point_c - moved_c)
                )
            return
        if chamber_c >= target_c - 5 or self.held_s or not is_up:
            self.held_s += step_s
            if self.held_s >= hold_s:
                self.segment, self.held_s = self.segment + 1, 0.0

    def _control(self, step_s: float, chamber_c: float, needed_w: float) -> None:
        error_c = self.set_point_c - chamber_c
        if self.kiln.is_on_off:
            if abs(error_c) > 1.5:
                self.power_w = self.kiln.power_w if error_c > 0 else 0.0
            return
        self.sum_error_c_s = min(max(self.sum_error_c_s + error_c * step_s, -2e4), 2e4)
        wanted_w = needed_w + self.kiln.power_w * (0.03 * error_c + 1e-5 * self.sum_error_c_s)
        self.power_w = min(max(wanted_w, 0.0), self.kiln.power_w)

    def _fire_by_hand(self, now_s: float, chamber_c: float) -> None:
        if now_s >= self.next_s:
            rate_c_per_h, target_c, _ = self.schedule[self.segment]
            ahead_s = max(LOOKS_AHEAD_S, self.kiln.act_s)
            wanted_c = min(target_c, self.set_point_c + rate_c_per_h * ahead_s / 3600)
            went_c_per_s = (chamber_c - self.seen_c) / (now_s - self.acted_s)
            lacks_c = min(max(wanted_c - chamber_c - went_c_per_s * ahead_s, -120.0), 60.0)
            heat_w = 2 * (self.kiln.ware_j_per_k + self.kiln.zone_j_per_k) * lacks_c / ahead_s
            wanted_w = self.mean_w + CAUTION * heat_w
            notches = round(wanted_w / self.kiln.power_w * self.rng.normal(1, 0.04) / NOTCH)
            self.mean_w = min(max(notches * NOTCH, 0.05), 1.0) * self.kiln.power_w
            self.acted_s, self.seen_c = now_s, chamber_c
            self.next_s = now_s + self.kiln.act_s * self.rng.uniform(0.7, 1.3)
        self.power_w = self.mean_w if self.kiln.kind is KilnKind.LPG else self.mean_w * self._glow(now_s)

    def _glow(self, now_s: float) -> float:
        """Return how the fire stands since it was stoked: cold fuel and an open door, a blaze, embers; 1 on average."""
        share = (now_s - self.acted_s) / (self.next_s - self.acted_s)
        return 0.25 + 10.98 * share * exp(-share / 0.28)
