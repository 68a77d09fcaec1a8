"""How far a cone leans for the heat work it has had: a model to show, and to read witness cones by."""

from math import atan, degrees, exp, log, radians, tan
from typing import Final

from service.core.heat_work import LEVEL

STANDING_DEG: Final = 8.0  # own choice: how far from upright a cone is set, so that it falls to the side it should
DOWN_DEG: Final = 90.0  # Orton: the end point
SEEN_FROM: Final = 0.35  # H; Orton's 15-25 min of bending at 60 °C/h are H 0.3-0.45 to 1 by the fitted kinetics
STIFFNESS: Final = log(tan(radians(DOWN_DEG) / 2) / tan(radians(STANDING_DEG) / 2))


def tip_deg(heat_work: float) -> float:
    """Return how far a cone leans from upright [°].

    Parameters
    ----------
    heat_work : float
        H of the cone: 0 new, 1 down.

    Returns
    -------
    float
        8 for a new cone, 90 at H = 1 and beyond: it lies.

    Notes
    -----
    Own model, not a measurement: a stiff rod that yields at its foot in proportion to heat work and to the moment of
    its own weight, ``dθ/dH = c sin θ``, so ``tan(θ/2)`` grows as ``exp(c H)``; c follows from both ends. At H = 0.35 it
    has gone 12° from where it stood, about the least that an eye sees. Orton has the last third of the bend take 1 to 2
    degrees, the model 4 °C at 60 °C/h: read it as "begun", "half-way", "nearly down", not to the degree.

    Examples
    --------
    >>> [round(tip_deg(heat_work)) for heat_work in (0.0, 0.35, 0.8, 1.0, 1.5)]
    [8, 20, 61, 90, 90]
    """
    grown = tan(radians(STANDING_DEG) / 2) * exp(STIFFNESS * min(max(heat_work, 0.0), 1.0))
    return degrees(2 * atan(grown))


def heat_work_of_tip(deg: float) -> float:
    """Return the heat work of a cone that leans so far, the inverse of `tip_deg`.

    Raises
    ------
    ValueError
        Unless 0 <= `deg` <= 90 [°]: beyond, the angle tells nothing.

    Examples
    --------
    >>> round(heat_work_of_tip(45.0), 2)
    0.67
    """
    if not 0.0 <= deg <= DOWN_DEG:
        msg = f"deg must be from 0 (upright) to 90° (down), not {deg}°"
        raise ValueError(msg)
    leaning = max(deg, STANDING_DEG)
    return max(log(tan(radians(leaning) / 2) / tan(radians(STANDING_DEG) / 2)) / STIFFNESS, LEVEL)
