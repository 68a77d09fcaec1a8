"""Pyrometric cones: Orton's end points for self-supporting cones, and the kinetics fitted to them."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np

from service.core.series import FloatArray

CHART_RATES_C_PER_H: Final = (15.0, 60.0, 150.0)  # Orton's chart, the rate of the last 100 °C


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
            end_c={rate: float(row[key]) for rate in CHART_RATES_C_PER_H if row[key := f"end_c_at_{rate:.0f}_c_per_h"]},
            activation_j_per_mol=float(kinetics[row["cone"]]["activation_kj_per_mol"]) * 1000,
            ln_a_per_h=float(kinetics[row["cone"]]["ln_a_per_h"]),
        )
        for row in _rows("cones.csv")
    )


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
