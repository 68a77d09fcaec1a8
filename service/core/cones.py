"""Pyrometric cones: Orton's end points for self-supporting cones, and the kinetics fitted to them."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, Literal

import numpy as np

from service.core.series import FloatArray

CHART_RATES_C_PER_H: Final = (15.0, 60.0, 150.0)  # Orton's chart, the rate of the last 100 °C

Kind = Literal["self_supporting", "large", "small"]
RATES_C_PER_H: Final[dict[Kind, tuple[float, ...]]] = {
    "self_supporting": CHART_RATES_C_PER_H,
    "large": (60.0, 150.0),
    "small": (300.0,),
}
FILES: Final[dict[Kind, str]] = {"self_supporting": "cones.csv", "large": "large_cones.csv", "small": "small_cones.csv"}


@dataclass(frozen=True)
class Cone:
    """One cone of the chart, and how fast heat brings it down.

    Parameters
    ----------
    name : str
        As stamped on the cone: ``"022"`` bends first, ``"14"`` last.
    end_c : mapping
        End point (tip at 90°) by rate of the last 100 °C in °C/h; without the rates that are not published. [°C]
    activation_j_per_mol : float
        Effective activation energy of bending, fitted; not a property of one material. [J/mol]
    ln_a_per_h : float
        Logarithm of the fitted pre-factor. [ln(1/h)]
    """

    name: str
    end_c: dict[float, float]
    activation_j_per_mol: float
    ln_a_per_h: float


@cache
def table() -> tuple[Cone, ...]:
    """Return all cones, softest first.

    Returns
    -------
    tuple of Cone
        38 cones, 022 to 14.

    Notes
    -----
    End points are Orton's, each with its sources in ``data/cones.csv``. The kinetics in ``data/heat_work.csv`` are our
    own fit of ``H = ∫ A exp(-E/RT) dt``, down at ``H = 1``, to those end points at constant rates.

    Examples
    --------
    >>> [cone.name for cone in table()][:3], table()[-1].name
    (['022', '021', '020'], '14')
    >>> table()[index_of("6")].end_c[60.0]
    1222.0
    """
    kinetics = {row["cone"]: row for row in _rows("heat_work.csv")}
    return tuple(
        Cone(
            name=row["cone"],
            end_c=end_points(row["cone"], "self_supporting"),
            activation_j_per_mol=float(kinetics[row["cone"]]["activation_kj_per_mol"]) * 1000,
            ln_a_per_h=float(kinetics[row["cone"]]["ln_a_per_h"]),
        )
        for row in _rows("cones.csv")
    )


def end_points(name: str, kind: Kind) -> dict[float, float]:
    """Return Orton's end points of one cone of any kind, by rate.

    Returns
    -------
    dict
        End point [°C] by rate of the last 100 °C [°C/h]; empty where no two sources were found that agree: large cones
        above 12 and below 019, small ones but 022-014, iron-free ones.

    Examples
    --------
    >>> end_points("6", "large"), end_points("022", "small"), end_points("14", "large")
    ({60.0: 1220.0, 150.0: 1241.0}, {300.0: 630.0}, {})
    """
    return dict(_published(kind).get(name, {}))


def earlier_c(name: str, kind: Kind) -> float:
    """Return how much before a self-supporting cone one of another kind falls at 60 °C/h, 0 where it is unknown [°C].

    Examples
    --------
    >>> earlier_c("6", "large"), earlier_c("6", "self_supporting")
    (2.0, 0.0)
    """
    own = end_points(name, kind)
    return end_points(name, "self_supporting")[60.0] - own[60.0] if 60.0 in own else 0.0


@cache
def _published(kind: Kind) -> dict[str, dict[float, float]]:
    columns = {rate: f"end_c_at_{rate:.0f}_c_per_h" for rate in RATES_C_PER_H[kind]}
    rows = _rows(FILES[kind])
    return {row["cone"]: {rate: float(row[key]) for rate, key in columns.items() if row[key]} for row in rows}


@cache
def names() -> tuple[str, ...]:
    """Return the names of all cones, softest first.

    Examples
    --------
    >>> names()[0], len(names())
    ('022', 38)
    """
    return tuple(cone.name for cone in table())


def index_of(name: str) -> int:
    """Return the place of a cone in the table.

    Raises
    ------
    ValueError
        If there is no such cone.

    Examples
    --------
    >>> index_of("022"), index_of("14")
    (0, 37)
    """
    if name not in names():
        msg = f"name must be an Orton cone from 022 to 14, not {name!r}"
        raise ValueError(msg)
    return names().index(name)


@cache
def kinetics() -> tuple[FloatArray, FloatArray]:
    """Return activation energies [J/mol] and ln A [ln(1/s)] of all cones, two (38,) arrays in the table's order.

    Examples
    --------
    >>> activation_j_per_mol, ln_a_per_s = kinetics()
    >>> float(activation_j_per_mol[index_of("6")])
    702600.0
    """
    activation = np.array([cone.activation_j_per_mol for cone in table()])
    ln_a = np.array([cone.ln_a_per_h for cone in table()]) - np.log(3600.0)
    return activation, ln_a


def _rows(name: str) -> list[dict[str, str]]:
    text = (resources.files("service.core") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
