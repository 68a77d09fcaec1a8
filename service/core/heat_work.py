"""Heat work: what time at temperature does to cones, all of them at once."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from service.core import cones
from service.core.series import FloatArray

GAS_CONSTANT_J_PER_MOL_K: Final = 8.314462618  # CODATA 2018, exact
ZERO_C_K: Final = 273.15
# Below this no cone gains 1e-5 of its heat work in an hour (021 is the most willing): not worth an exponential.
COLD_C: Final = 350.0
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


@dataclass
class HeatWork:
    """Heat work of every cone at one place of the kiln, fed point by point.

    Between points the logarithm of the rate is taken as a straight line, which is nearly exact on ramps: within 0.04 °C
    of the end point with points 300 s apart. A gap is bridged in the same way.

    Examples
    --------
    >>> work = HeatWork()
    >>> for minute in range(22 * 60):
    ...     work.add(minute * 60.0, 20.0 + minute)  # 60 °C/h to 1339 °C
    >>> cones.names()[work.highest_down()], round(20 + work.down_s[cones.index_of("6")] / 60)
    ('13', 1220)
    """

    done: list[float] = field(default_factory=lambda: [0.0] * len(cones.names()))
    down_s: list[float | None] = field(default_factory=lambda: [None] * len(cones.names()))
    last_s: float | None = None
    last_c: float = 0.0

    def add(self, time_s: float, temp_c: float) -> None:
        """Go on to the next point, later than the one before [s], [°C]; note the cones that fall on the way.

        Raises
        ------
        ValueError
            If the time is not later than the last.
        """
        before_s, before_c = self.last_s, self.last_c
        if before_s is not None and time_s <= before_s:
            msg = f"time_s must increase, but {time_s} s comes after {before_s} s"
            raise ValueError(msg)
        self.last_s, self.last_c = time_s, temp_c
        if before_s is None or max(before_c, temp_c) < COLD_C:
            return
        gained = work_between(time_s - before_s, before_c, temp_c)
        total = np.asarray(self.done) + gained
        for index in np.flatnonzero((total >= 1.0) & (np.asarray(self.done) < 1.0)):
            missing = (1.0 - self.done[index]) / float(gained[index])
            self.down_s[index] = before_s + _share_of_step(missing, before_c, temp_c)[index] * (time_s - before_s)
        self.done = total.tolist()

    def highest_down(self) -> int | None:
        """Return the index of the highest cone that is down, None if none is."""
        return max((index for index, done in enumerate(self.done) if done >= 1.0), default=None)


def work_between(lasted_s: float, from_c: float, to_c: float) -> FloatArray:
    """Return the heat work of every cone between two temperatures.

    Parameters
    ----------
    lasted_s : float
        Time between the two points. [s]
    from_c, to_c : float
        Temperatures at the two points. [°C]

    Returns
    -------
    (38,) array
        Gain of H; a cone is down when H reaches 1.

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
    ends = ln_rate_per_s(np.array([from_c, to_c]))
    high, span = ends.max(axis=0), np.abs(ends[1] - ends[0])
    mean = np.where(span > LEVEL, -np.expm1(-span) / np.maximum(span, LEVEL), 1.0)
    return np.asarray(lasted_s * np.exp(high) * mean)


def _share_of_step(work: float, from_c: float, to_c: float) -> list[float]:
    """Return, for every cone, the share of a step's time in which that share of its work is done."""
    ends = ln_rate_per_s(np.array([from_c, to_c]))
    growth = ends[1] - ends[0]
    steep = np.where(np.abs(growth) > LEVEL, growth, 1.0)
    shares: list[float] = np.where(np.abs(growth) > LEVEL, np.log1p(work * np.expm1(steep)) / steep, work).tolist()
    return shares


def heat_work(time_s: FloatArray, temp_c: FloatArray) -> FloatArray:
    """Return the heat work that a whole curve does to every cone.

    Parameters
    ----------
    time_s : (n,) array
        Increasing time. [s]
    temp_c : (n,) array
        Temperature of the cones, no NaN. [°C]

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
    work = np.zeros(len(cones.names()))
    for lasted_s, from_c, to_c in zip(np.diff(time_s).tolist(), temp_c[:-1].tolist(), temp_c[1:].tolist(), strict=True):
        work += work_between(lasted_s, from_c, to_c)
    return work
