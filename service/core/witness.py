"""What witness cones say of a kiln: by how much its cones feel another heat than its probe shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import erfc, hypot, inf, log, sqrt
from typing import Final

import numpy as np

from service.core import cones
from service.core.bending import SEEN_FROM, heat_work_of_tip
from service.core.heat_work import LEVEL, per_e_fold_c
from service.core.series import FloatArray

READING_SD_C: Final = 5.0  # own choice: kinetics (3.8 °C at worst), setting and reading of one cone, a quarter cone
MISREAD: Final = 0.02  # own choice: the share of cones that are mixed up or written down wrongly
DRIFT_C: Final = 1.0  # own choice: what a probe may go astray from one firing to the next
MOLTEN_FROM: Final = 4.0  # own choice, H: a cone and a half further, and it is a puddle
GRID: Final = np.linspace(-6.0, 6.0, 1201)


class Bend(StrEnum):
    """What a person sees of a cone after the firing, where no angle was measured."""

    NOT_BEGUN = "not_begun"
    PART = "part"
    DOWN = "down"
    MOLTEN = "molten"


HEAT_WORK_SEEN: Final = {
    Bend.NOT_BEGUN: (0.0, SEEN_FROM),
    Bend.PART: (SEEN_FROM, 1.0),
    Bend.DOWN: (1.0, MOLTEN_FROM),
    Bend.MOLTEN: (MOLTEN_FROM, inf),
}


@dataclass(frozen=True)
class Offset:
    """What to add to a probe to have what cones near it feel, and how sure that is.

    Parameters
    ----------
    mean_c, sd_c : float
        Of a normal distribution. [°C]

    Examples
    --------
    >>> round(Offset(0.0, 10.0).chance_below(-10.0), 2)
    0.16
    """

    mean_c: float
    sd_c: float

    def chance_below(self, limit_c: float) -> float:
        """Return the probability that the offset is below a limit [°C]."""
        return erfc((self.mean_c - limit_c) / self.sd_c / sqrt(2.0)) / 2.0


SURE: Final = Offset(0.0, 0.0)  # cones feel what the probe shows
# Own choice: before any witness a kiln may be two thirds of a cone off, as controllers are that stop cone 04 at 1052 °C
# where Orton has 1063 °C (Bartlett, by the Glazecalc guide).
PRIOR: Final = Offset(0.0, 12.0)


@dataclass(frozen=True)
class WitnessCone:
    """One cone after a firing, beside the heat work that was computed for it at the same place.

    Parameters
    ----------
    cone : str
        As stamped on it.
    seen : Bend or float
        Its state, or the angle of its tip from upright. [°]
    heat_work : float
        H of that self-supporting cone from the probe at its place, over the whole firing.
    assumed_c : float
        Offset that was in the computation. [°C]
    kind : cones.Kind
        Large cones fall up to 5 °C earlier.
    """

    cone: str
    seen: Bend | float
    heat_work: float
    assumed_c: float = 0.0
    kind: cones.Kind = "self_supporting"


def learn(prior: Offset, witnesses: Sequence[WitnessCone], *, drift_c: float = DRIFT_C) -> Offset:
    """Return what is known of an offset after the cones of one more firing at one place.

    Parameters
    ----------
    prior : Offset
        What was known before; `PRIOR` if nothing was.
    witnesses : sequence of WitnessCone
        Cones of one firing, in any order; with none, only time has passed.
    drift_c : float
        Standard deviation of what the probe may have moved since. [°C]

    Returns
    -------
    Offset
        Mean and standard deviation of the posterior, itself taken as normal. [°C]

    Raises
    ------
    ValueError
        If a cone is unknown, an angle is not from 0 to 90° or `drift_c` is negative.

    Notes
    -----
    Bayes' rule on a grid of six standard deviations. An offset of x multiplies H by exp(x / s), with s the rise of the
    cone's end point per e-fold of rate: good while x stays within some 40 °C. An angle is one value with a standard
    deviation of 5 °C, a state is an interval with ends as soft, and so is an angle of a cone that does not lean yet or
    that lies; one cone in fifty counts for nothing.

    Examples
    --------
    >>> after = learn(PRIOR, [WitnessCone("6", Bend.DOWN, 0.6), WitnessCone("7", Bend.PART, 0.2)])
    >>> round(after.mean_c), after.sd_c < PRIOR.sd_c
    (20, True)
    """
    if drift_c < 0:
        msg = f"drift_c must be 0 °C or more, not {drift_c} °C"
        raise ValueError(msg)
    sd_c = hypot(prior.sd_c, drift_c)
    offset_c = prior.mean_c + sd_c * GRID
    weight = np.exp(-(GRID**2) / 2)
    for witness in witnesses:
        weight = weight * (MISREAD + (1.0 - MISREAD) * _likelihood(witness, offset_c))
    weight /= weight.sum()
    mean_c = float(weight @ offset_c)
    return Offset(mean_c, float(np.sqrt(weight @ (offset_c - mean_c) ** 2)))


def leaning_c(witnesses: Sequence[WitnessCone]) -> float | None:
    """Return the offset by those cones of one firing that were caught leaning [°C]; None if none was.

    Cones that stand or lie say only that it was less or more. One that was seen to lean, without an angle, is taken to
    be half-way.

    Examples
    --------
    >>> round(leaning_c([WitnessCone("5", Bend.DOWN, 3.0), WitnessCone("6", 61.0, 0.4)]))
    18
    >>> leaning_c([WitnessCone("6", Bend.DOWN, 0.4)]) is None
    True
    """
    seen = [(witness, *_heat_work_seen(witness.seen)) for witness in witnesses]
    caught = [_offset_for(witness, sqrt(low * high)) for witness, low, high in seen if low > 0.0 and high <= 1.0]
    return sum(caught) / len(caught) if caught else None


def _likelihood(witness: WitnessCone, offset_c: FloatArray) -> FloatArray:
    low, high = _heat_work_seen(witness.seen)
    if low == high:
        needed_c = _offset_for(witness, low)
        return np.asarray(np.exp(-(((needed_c - offset_c) / READING_SD_C) ** 2) / 2))
    from scipy.special import ndtr  # here, as in `ageing`: it takes a tenth of the service's start

    low_c, high_c = _offset_for(witness, low), _offset_for(witness, high)
    return np.asarray(ndtr((high_c - offset_c) / READING_SD_C) - ndtr((low_c - offset_c) / READING_SD_C))


def _heat_work_seen(seen: Bend | float) -> tuple[float, float]:
    """Return the least and the most H of a cone that stands so; one that stands upright or lies has no one H."""
    if isinstance(seen, Bend):
        return HEAT_WORK_SEEN[seen]
    heat_work = heat_work_of_tip(seen)
    if heat_work >= 1.0:
        return 1.0, inf
    return (0.0, SEEN_FROM) if heat_work <= SEEN_FROM else (heat_work, heat_work)


def _offset_for(witness: WitnessCone, heat_work: float) -> float:
    """Return the offset with which the cone would have had that heat work [°C]."""
    if heat_work in (0.0, inf):
        return inf if heat_work else -inf
    index = cones.index_of(witness.cone)
    earlier_c = cones.earlier_c(witness.cone, witness.kind)
    missing = log(heat_work / max(witness.heat_work, LEVEL))
    return witness.assumed_c - earlier_c + per_e_fold_c(index) * missing
