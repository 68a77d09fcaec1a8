"""A cone unlike the product's: Vogel-Fulcher-Tammann kinetics, behind the sensor, fitted to the chart on its own."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import least_squares

from service.core import cones
from service.core.heat_work import ZERO_C_K
from service.core.series import FloatArray

LAG_S: Final = 90.0
STOPS_AT: Final = 0.5  # T0, the temperature of no flow, as a share of the end point at 60 °C/h in K


@dataclass(frozen=True)
class SimulatedCone:
    """A cone of rate `exp(ln_a - b / (T - T0))` per hour, which follows the sensor as a first-order lag of 90 s."""

    ln_a_per_h: float
    b_k: float
    stops_k: float

    def falls_s(self, time_s: FloatArray, temp_c: FloatArray) -> float:
        """Return when it is down [s], NaN if it stays up; points 10 s apart or closer."""
        own_c = _behind(time_s, temp_c)
        rate = np.exp(self.ln_a_per_h - self.b_k / np.maximum(own_c + ZERO_C_K - self.stops_k, 1.0)) / 3600
        work = np.concatenate([[0.0], np.cumsum(np.diff(time_s) * (rate[1:] + rate[:-1]) / 2)])
        return float(np.interp(1.0, work, time_s)) if work[-1] >= 1.0 else float("nan")


def simulated_cone(name: str) -> SimulatedCone:
    """Return the simulated cone that falls nearest to Orton's end points of this one."""
    end_c = cones.end_points(name, "self_supporting")
    stops_k = STOPS_AT * (end_c[60.0] + ZERO_C_K)

    def ln_works(b_k: float) -> FloatArray:
        works = []
        for rate, at_c in end_c.items():
            temp_k = np.linspace(-300.0, 0.0, 3001) + at_c + ZERO_C_K - rate * LAG_S / 3600
            works.append(np.log(np.trapezoid(np.exp(-b_k / (temp_k - stops_k)), temp_k) / rate))
        return np.array(works)

    def spread(ln_b: FloatArray) -> FloatArray:
        works = ln_works(float(np.exp(ln_b[0])))
        return np.asarray(works - works.mean())

    b_k = float(np.exp(least_squares(spread, [np.log(20000.0)]).x[0]))
    return SimulatedCone(-float(ln_works(b_k).mean()), b_k, stops_k)


def _behind(time_s: FloatArray, temp_c: FloatArray) -> FloatArray:
    own_c = np.empty_like(temp_c)
    own_c[0] = temp_c[0]
    kept = np.exp(-np.diff(time_s) / LAG_S)
    for index, share in enumerate(kept.tolist()):
        own_c[index + 1] = temp_c[index + 1] + (own_c[index] - temp_c[index + 1]) * share
    return own_c
