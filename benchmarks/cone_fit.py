"""The kinetics of every cone, fitted to Orton's end points; `python -m benchmarks.cone_fit` writes heat_work.csv."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.optimize import brentq, least_squares
from scipy.special import expn

from service.core import cones
from service.core.heat_work import GAS_CONSTANT_J_PER_MOL_K, ZERO_C_K

OUTPUT: Final = Path(cones.__file__).parent / "data" / "heat_work.csv"
START_KJ_PER_MOL: Final = 700.0

EndPoints = Mapping[float, float]  # °C by rate in °C/h


@dataclass(frozen=True)
class Kinetics:
    """`H = ∫ A exp(-E/RT) dt`, down at 1, of a cone that follows the sensor `lag_h` late on a ramp."""

    activation_kj_per_mol: float
    ln_a_per_h: float
    lag_h: float = 0.0

    def end_c(self, rate_c_per_h: float) -> float:
        """Return where the sensor stands as the cone falls on a ramp: (A / rate) T E2(E/RT) = 1, solved for T."""

        def ln_work(temp_k: float) -> float:
            return self.ln_a_per_h - float(np.log(rate_c_per_h)) + _ln_integral(self.activation_kj_per_mol, temp_k)

        return float(brentq(ln_work, 700.0, 2200.0)) - ZERO_C_K + rate_c_per_h * self.lag_h


def _ln_integral(activation_kj_per_mol: float, temp_k: float) -> float:
    """Return ln of the integral of exp(-E/RT) over T from 0 to `temp_k`, which is T E2(E/RT)."""
    x = activation_kj_per_mol * 1000 / (GAS_CONSTANT_J_PER_MOL_K * temp_k)
    return float(np.log(temp_k) + np.log(expn(2, x)))


def anchored(activation_kj_per_mol: float, end_c: EndPoints, lag_h: float = 0.0) -> Kinetics:
    """Return the kinetics with this E whose A suits the end points on average."""
    ln_a = [
        np.log(rate) - _ln_integral(activation_kj_per_mol, at_c - rate * lag_h + ZERO_C_K)
        for rate, at_c in end_c.items()
    ]
    return Kinetics(activation_kj_per_mol, float(np.mean(ln_a)), lag_h)


def fit(end_c: EndPoints, lag_h: float = 0.0) -> Kinetics:
    """Return E and A with the least squares of °C over two rates or more."""

    def misses_c(ln_e: Sequence[float]) -> list[float]:
        kinetics = anchored(float(np.exp(ln_e[0])), end_c, lag_h)
        return [kinetics.end_c(rate) - at_c for rate, at_c in end_c.items()]

    found = least_squares(misses_c, [np.log(START_KJ_PER_MOL)], x_scale=0.1)
    return anchored(float(np.exp(found.x[0])), end_c, lag_h)


def main() -> None:
    """Write the kinetics of all cones beside the chart that they were fitted to."""
    lines = ["cone,activation_kj_per_mol,ln_a_per_h,source"]
    for cone in cones.table():
        kinetics = fit(cone.end_c)
        # E is rounded first, and A fitted to the rounded E: rounding E alone would move the end point.
        kinetics = anchored(round(kinetics.activation_kj_per_mol, 1), cone.end_c)
        numbers = f"{kinetics.activation_kj_per_mol:.1f},{kinetics.ln_a_per_h:.3f}"
        lines.append(f"{cone.name},{numbers},own fit to the end points in cones.csv (benchmarks/cone_fit.py)")
    OUTPUT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
