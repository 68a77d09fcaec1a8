"""Heat work: what time at temperature does to cones, all of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, exp, expm1, log1p
from typing import Final, NamedTuple

import numpy as np

from service.core import cones
from service.core.series import FloatArray

GAS_CONSTANT_J_PER_MOL_K: Final = 8.314462618  # CODATA 2018, exact
ZERO_C_K: Final = 273.15
# Below this no cone gains 1e-5 of its heat work in an hour (021 is the most willing): not worth an exponential.
COLD_C: Final = 350.0
# Orton: a hold of 20, 40-60 and 120 min after a ramp is worth 10, 20 and 30 °C (Glazecalc guide). The bare integral
# makes it 14, 26 and 40; counting this share of a hold's time meets the rule (docs/validation.md). 1.0 is the integral.
HOLD_EFFICIENCY: Final = 0.65
MOVING_C_PER_H: Final = 10.0  # own choice, below the slowest ramp of the chart: from here on all of the time counts
SMOOTHED_OVER_S: Final = 300.0  # own choice: long enough for whole degrees, short beside the holds of the rule
COUNTED_EVERY_S: Final = 30.0  # the share is taken so often, whatever the distance of the points ...
COUNTED_PARTS: Final = 40  # ... but not oftener than this between two: by then it has settled
LEVEL: Final = 1e-9  # a smaller change of ln k over a step is none: the formulas would divide by zero


def ln_rate_per_s(temp_c: FloatArray | float) -> FloatArray:
    """Return ln of the rate of heat work of every cone at a temperature.

    Parameters
    ----------
    temp_c : (n,) array or float
        Temperature of the cones. [°C]

    Returns
    -------
    (n, 38) or (38,) array
        ``ln(A) - E / RT``. [ln(1/s)]

    Notes
    -----
    Below 0 °C it is that of 0 °C: nothing, and no overflow from the impossible values of broken instruments.

    Examples
    --------
    >>> ln_rate_per_s(1222.0).shape
    (38,)
    """
    activation_j_per_mol, ln_a_per_s = cones.kinetics()
    temp_k = np.maximum(np.asarray(temp_c, dtype=np.float64), 0.0)[..., None] + ZERO_C_K
    return np.asarray(ln_a_per_s - activation_j_per_mol / (GAS_CONSTANT_J_PER_MOL_K * temp_k))


@dataclass(eq=False)
class HeatWork:
    """Heat work of every cone at one place of the kiln, fed point by point.

    Between points the logarithm of the rate is taken as a straight line, which is nearly exact on ramps: within 0.04 °C
    of the end point with points 300 s apart. A gap is bridged in the same way. Time in which the kiln stands still
    counts `hold_efficiency` of its length, see `HOLD_EFFICIENCY`; how fast the kiln goes is told by the temperature
    against itself `SMOOTHED_OVER_S` late, so it does not depend on how often the kiln is read.

    Examples
    --------
    >>> work = HeatWork()
    >>> for minute in range(22 * 60):
    ...     work.add(minute * 60.0, 20.0 + minute)  # 60 °C/h to 1339 °C
    >>> cones.names()[work.highest_down()], round(20 + work.down_s[cones.index_of("6")] / 60)
    ('13', 1220)
    """

    done: FloatArray = field(default_factory=lambda: np.zeros(len(cones.names())))
    down_s: list[float | None] = field(default_factory=lambda: [None] * len(cones.names()))
    last_s: float | None = None
    last_c: float = 0.0
    behind_c: float = 0.0
    hold_efficiency: float = HOLD_EFFICIENCY

    def add(self, time_s: float, temp_c: float) -> None:
        """Go on to the next point, later than the one before [s], [°C]; note the cones that fall on the way.

        Raises
        ------
        ValueError
            If the time is not later than the last.
        """
        add_all([(self, time_s, temp_c)])

    def highest_down(self) -> int | None:
        """Return the index of the highest cone that is down, None if none is."""
        down = np.flatnonzero(self.done >= 1.0)
        return int(down[-1]) if len(down) else None

    def _step_to(self, time_s: float, temp_c: float) -> "_Step | None":
        """Go on to a point without its heat work; return the step that has any."""
        before_s, before_c = self.last_s, self.last_c
        if before_s is not None and time_s <= before_s:
            msg = f"time_s must increase, but {time_s} s comes after {before_s} s"
            raise ValueError(msg)
        self.last_s, self.last_c = time_s, temp_c
        if before_s is None:
            self.behind_c = temp_c
            return None
        lasted_s, before_behind_c = time_s - before_s, self.behind_c - before_c
        steady_c = -(temp_c - before_c) / lasted_s * SMOOTHED_OVER_S  # how far a ramp of this slope leaves it behind
        fading_c = before_behind_c - steady_c
        self.behind_c = temp_c + steady_c + fading_c * exp(-lasted_s / SMOOTHED_OVER_S)
        if max(before_c, temp_c) < COLD_C:
            return None
        parts = min(ceil(lasted_s / COUNTED_EVERY_S - 1e-6), COUNTED_PARTS)  # 60 s is one minute, rounded or not
        middles = [(part + 0.5) / parts * lasted_s / SMOOTHED_OVER_S for part in range(parts)]
        counted = sum([self._counted(steady_c + fading_c * exp(-middle)) for middle in middles]) / parts
        return _Step(self, before_s, lasted_s, before_c, temp_c, counted)

    def _counted(self, behind_c: float) -> float:
        """Return the share of time that counts for a kiln that has left itself this far behind [°C]."""
        moving = min(abs(behind_c) * 3600 / SMOOTHED_OVER_S / MOVING_C_PER_H, 1.0)
        return self.hold_efficiency + (1.0 - self.hold_efficiency) * moving


class _Step(NamedTuple):
    work: HeatWork
    start_s: float
    lasted_s: float
    from_c: float
    to_c: float
    counted: float


def add_all(points: Sequence[tuple[HeatWork, float, float]]) -> None:
    """Go on to the next point at several places at once, (work, time [s], temperature [°C]): quicker than one by one.

    Raises
    ------
    ValueError
        If a time is not later than the last of its place.

    Examples
    --------
    >>> top, bottom = HeatWork(), HeatWork()
    >>> for hour in (0.0, 1.0):
    ...     add_all([(top, hour * 3600, 1200.0), (bottom, hour * 3600, 1150.0)])
    >>> bool((top.done > bottom.done).all())
    True
    """
    steps = [step for work, time_s, temp_c in points if (step := work._step_to(time_s, temp_c)) is not None]  # noqa: SLF001 - its own class
    if not steps:
        return
    _, _, lasted_s, from_c, to_c, counted = zip(*steps, strict=True)
    gained = work_between(np.array(lasted_s) * counted, np.array(from_c), np.array(to_c))
    before = np.array([step.work.done for step in steps])
    after = before + gained
    falls = (after >= 1.0) & (before < 1.0)
    for row, cone in np.argwhere(falls).tolist() if falls.any() else ():
        step, missing = steps[row], float((1.0 - before[row, cone]) / gained[row, cone])
        share = _share_of_step(cone, missing, step.from_c, step.to_c)
        step.work.down_s[cone] = step.start_s + share * step.lasted_s
    for step, done in zip(steps, after, strict=True):
        step.work.done = done


def work_between(lasted_s: FloatArray | float, from_c: FloatArray | float, to_c: FloatArray | float) -> FloatArray:
    """Return the heat work of every cone between two temperatures, for one step or several.

    Parameters
    ----------
    lasted_s : (n,) array or float
        Time between the two points. [s]
    from_c, to_c : (n,) array or float
        Temperatures at the two points. [°C]

    Returns
    -------
    (n, 38) or (38,) array
        Gain of H; a cone is down when H reaches 1. All of the time counts, on holds as well.

    Notes
    -----
    Exponential quadrature: the integral of exp of a straight line is ``(k1 - k0) / ln(k1 / k0)``.

    Examples
    --------
    >>> one_hour = work_between(3600.0, 1200.0, 1200.0)
    >>> two_hours = work_between(7200.0, 1200.0, 1200.0)
    >>> bool(np.allclose(two_hours, 2 * one_hour))
    True
    """
    activation_j_per_mol, ln_a_per_s = cones.kinetics()
    slope_k = activation_j_per_mol / GAS_CONSTANT_J_PER_MOL_K
    from_per_k, to_per_k = 1.0 / (np.maximum(from_c, 0.0) + ZERO_C_K), 1.0 / (np.maximum(to_c, 0.0) + ZERO_C_K)
    ln_highest = ln_a_per_s - slope_k * np.minimum(from_per_k, to_per_k)[..., None]
    span = np.maximum(slope_k * np.abs(to_per_k - from_per_k)[..., None], LEVEL)
    return np.asarray(np.asarray(lasted_s)[..., None] * np.exp(ln_highest) * np.expm1(-span) / -span)


def per_e_fold_c(cone: int) -> float:
    """Return by how many °C a cone's end point rises when the rate grows e-fold, by its kinetics at 60 °C/h [°C].

    It is as well what a kiln must be hotter for e times the heat work.

    Examples
    --------
    >>> round(per_e_fold_c(cones.index_of("6")), 1)
    26.5
    """
    end_k = cones.table()[cone].end_c[60.0] + ZERO_C_K
    return float(GAS_CONSTANT_J_PER_MOL_K * end_k**2 / cones.kinetics()[0][cone])


def _share_of_step(cone: int, work: float, from_c: float, to_c: float) -> float:
    """Return the share of a step's time in which that share of its work is done to a cone."""
    slope_k = float(cones.kinetics()[0][cone]) / GAS_CONSTANT_J_PER_MOL_K
    growth = slope_k * (1.0 / (max(from_c, 0.0) + ZERO_C_K) - 1.0 / (max(to_c, 0.0) + ZERO_C_K))
    if abs(growth) <= LEVEL:
        return work
    gained = work * expm1(growth)
    return log1p(gained) / growth if gained > -1.0 else 1.0  # it fell so steeply that the last of it counts nothing


def heat_work(time_s: FloatArray, temp_c: FloatArray, *, hold_efficiency: float = HOLD_EFFICIENCY) -> FloatArray:
    """Return the heat work that a whole curve does to every cone.

    Parameters
    ----------
    time_s : (n,) array
        Increasing time. [s]
    temp_c : (n,) array
        Temperature of the cones, no NaN. [°C]
    hold_efficiency : float
        Share of the time of a hold that counts; 1 for the bare integral. [1]

    Returns
    -------
    (38,) array
        H of every cone in the table's order.

    Raises
    ------
    ValueError
        If the shapes differ, n < 2, a value is not finite or time does not increase.

    References
    ----------
    .. [1] H. Su and D. L. Johnson, "Master sintering curve," J. Am. Ceram. Soc. 79 (12), pp. 3211-3217, 1996.

    Examples
    --------
    >>> time_s = np.arange(0.0, 21.4 * 3600.0, 60.0)
    >>> work = heat_work(time_s, 20 + time_s / 60)
    >>> bool(work[cones.index_of("10")] > 1 > work[cones.index_of("13")])
    True
    """
    if time_s.shape != temp_c.shape or time_s.ndim != 1 or len(time_s) < 2:
        msg = f"time_s {time_s.shape} and temp_c {temp_c.shape} must be alike, one-dimensional, of 2 points or more"
        raise ValueError(msg)
    if not (np.isfinite(time_s).all() and np.isfinite(temp_c).all() and (np.diff(time_s) > 0).all()):
        msg = "time_s must increase [s] and temp_c must be finite [°C]"
        raise ValueError(msg)
    work = HeatWork(hold_efficiency=hold_efficiency)
    for at_s, at_c in zip(time_s.tolist(), temp_c.tolist(), strict=True):
        work.add(at_s, at_c)
    return work.done
