"""How likely ware comes out bad, learnt from what came out: honest when it has seen little."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit

from service.core.series import FloatArray

BASE_RATE: Final = 0.05  # own choice: a workshop that loses one piece in twenty
BASE_SD: Final = 1.0  # in log-odds: one piece in fifty to one in eight, two times in three
SLOPE: Final = (
    0.5  # what one unit of a feature is thought to do to the log-odds; features are scaled to that. Own choice
)
SLOPE_SD: Final = 0.7
WORKSHOP_SD: Final = 0.7  # how far workshops are from one another
# Pieces of one firing share its heat: this is how alike their fate is, so that 200 pieces count as some three.
ALIKE: Final = 0.3  # own choice
FEWEST_FIRINGS: Final = 12
FEWEST_LOSSES: Final = 3  # firings in which something was lost
WIDEST: Final = 2.2  # log-odds of the 80 % interval: beyond, one in thirty could as well be one in four

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Outcomes:
    """What came out of firings.

    Parameters
    ----------
    features : (n, k) array
        Of each firing; 0 where a feature is as it should be, 1 where it matters. NaN counts as 0.
    lost, loaded : (n,) arrays
        Pieces with the defect, and pieces in the kiln.
    workshop : (n,) array of int
        Whose firing it was, from 0.

    Raises
    ------
    ValueError
        If the shapes differ or more is lost than was loaded.
    """

    features: FloatArray
    lost: FloatArray
    loaded: FloatArray
    workshop: IntArray

    def __post_init__(self) -> None:
        n = len(self.features)
        if self.features.ndim != 2 or not len(self.lost) == len(self.loaded) == len(self.workshop) == n:
            msg = f"features {self.features.shape}, lost, loaded and workshop must have one row for each firing"
            raise ValueError(msg)
        if (self.loaded < 1).any() or (self.lost < 0).any() or (self.lost > self.loaded).any():
            msg = "of each firing at least one piece must be loaded, and at most as many lost"
            raise ValueError(msg)

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Outcomes":
        """Return the firings chosen by a mask."""
        return Outcomes(self.features[chosen], self.lost[chosen], self.loaded[chosen], self.workshop[chosen])


@dataclass(frozen=True)
class Risk:
    """A probability with the interval that holds it four times in five; `is_known` says whether it can be relied on."""

    probability: float
    low: float
    high: float
    is_known: bool


@dataclass(frozen=True)
class RiskModel:
    """What was learnt: mean and covariance of (base, slopes, workshops) in log-odds, and from how many firings."""

    mean: FloatArray
    covariance: FloatArray
    slopes: int
    firings: int
    firings_with_loss: int

    def risk(self, features: FloatArray, workshop: int | None = None) -> Risk:
        """Return the risk of a piece in a firing with these features.

        Parameters
        ----------
        features : (k,) array
            As in `Outcomes`.
        workshop : int or None
            Whose; None, or one without outcomes, is any workshop.
        """
        if features.shape != (self.slopes,):
            msg = f"features must be of shape {(self.slopes,)}, not {features.shape}"
            raise ValueError(msg)
        row = np.zeros(len(self.mean))
        row[0], row[1 : 1 + self.slopes] = 1.0, np.nan_to_num(features)
        is_seen = workshop is not None and 0 <= workshop < len(self.mean) - 1 - self.slopes
        if is_seen and workshop is not None:
            row[1 + self.slopes + workshop] = 1.0
        middle = float(row @ self.mean)
        variance = float(row @ self.covariance @ row) + (0.0 if is_seen else WORKSHOP_SD**2)
        half = 1.2816 * variance**0.5  # the normal's 90th percentile
        low, high, likely = (float(expit(middle + one)) for one in (-half, half, 0.0))
        is_known = self.firings >= FEWEST_FIRINGS and self.firings_with_loss >= FEWEST_LOSSES and 2 * half <= WIDEST
        return Risk(likely, low, high, is_known)


def learn(outcomes: Outcomes) -> RiskModel:
    """Return the most probable model given outcomes, with a normal approximation of what is not sure.

    Notes
    -----
    Logistic regression with normal priors: the base on one piece in twenty, slopes that are rather harmful than not,
    and workshops drawn towards one another (partial pooling). Pieces of a firing are not independent: n of them count
    as n / (1 + (n - 1) 0.3). The covariance is the inverse curvature at the maximum (Laplace).

    Examples
    --------
    >>> none = Outcomes(np.empty((0, 1)), np.empty(0), np.empty(0), np.empty(0, dtype=np.intp))
    >>> learn(none).risk(np.zeros(1)).is_known
    False
    """
    k = outcomes.features.shape[1]
    workshops = int(outcomes.workshop.max()) + 1 if len(outcomes.workshop) else 0
    x = np.zeros((len(outcomes.lost), 1 + k + workshops))
    x[:, 0], x[:, 1 : 1 + k] = 1.0, np.nan_to_num(outcomes.features)
    x[np.arange(len(x)), 1 + k + outcomes.workshop] = 1.0
    prior = np.concatenate([[logit(BASE_RATE)], np.full(k, SLOPE), np.zeros(workshops)])
    sd = np.concatenate([[BASE_SD], np.full(k, SLOPE_SD), np.full(workshops, WORKSHOP_SD)])
    share = outcomes.lost / outcomes.loaded
    weight = outcomes.loaded / (1.0 + (outcomes.loaded - 1.0) * ALIKE)

    def cost(b: FloatArray) -> tuple[float, FloatArray]:
        z = x @ b
        likely = weight * (share * log_expit(z) + (1.0 - share) * log_expit(-z))
        value = -float(likely.sum()) + 0.5 * float((((b - prior) / sd) ** 2).sum())
        slope: FloatArray = x.T @ (weight * (expit(z) - share)) + (b - prior) / sd**2
        return value, slope

    mean: FloatArray = minimize(cost, prior, jac=True, method="BFGS").x
    p = expit(x @ mean)
    curvature = (x.T * (weight * p * (1.0 - p))) @ x + np.diag(1.0 / sd**2)
    return RiskModel(mean, np.linalg.inv(curvature), k, len(share), int((outcomes.lost > 0).sum()))


@dataclass(frozen=True)
class Calibration:
    """How a model does on firings that it has not seen.

    Parameters
    ----------
    brier, brier_of_base : float
        Mean squared error of the probability, and that of always saying the mean share; lower is better.
    table : tuple of (said, came, firings)
        Mean probability and share lost, in groups of rising probability.
    """

    brier: float
    brier_of_base: float
    table: tuple[tuple[float, float, int], ...]


def calibrate(outcomes: Outcomes, *, folds: int = 5, groups: int = 5) -> Calibration | None:
    """Return how well the risk of firings left out of learning is said; None with too few firings to tell."""
    n = len(outcomes.lost)
    if n < max(FEWEST_FIRINGS, folds):
        return None
    fold = np.arange(n) % folds
    said = np.empty(n)
    for one in range(folds):
        model = learn(outcomes.where(fold != one))
        for index in np.flatnonzero(fold == one):
            said[index] = model.risk(outcomes.features[index], int(outcomes.workshop[index])).probability
    came = outcomes.lost / outcomes.loaded
    parts: Sequence[IntArray] = np.array_split(np.argsort(said, kind="stable"), groups)
    table = tuple((float(said[part].mean()), float(came[part].mean()), len(part)) for part in parts if len(part))
    return Calibration(float(((said - came) ** 2).mean()), float(((came.mean() - came) ** 2).mean()), table)
