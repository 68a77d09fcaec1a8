"""Units as instruments and people write them, and the one each is sent in; nobody guesses a unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from firmware_bridge.wire import Unit


@dataclass(frozen=True)
class SaidUnit:
    """A unit that a number was said in: `(number - zero) / per` is the number in `unit`."""

    unit: Unit
    per: float = 1.0
    zero: float = 0.0

    def convert(self, number: float) -> float:
        return (number - self.zero) / self.per


UNITS: Final[Mapping[str, SaidUnit]] = {
    "c": SaidUnit(Unit.CELSIUS),
    "f": SaidUnit(Unit.CELSIUS, 1.8, 32.0),
    "mv": SaidUnit(Unit.MILLIVOLT),
    "o2_mv": SaidUnit(Unit.O2_MILLIVOLT),
    "lambda": SaidUnit(Unit.LAMBDA),
    "kpa": SaidUnit(Unit.KILOPASCAL),
    "bar": SaidUnit(Unit.KILOPASCAL, 0.01),
    "mbar": SaidUnit(Unit.KILOPASCAL, 10.0),
    "kgf_cm2": SaidUnit(Unit.KILOPASCAL, 1 / 98.0665),  # 1 kgf = 9.80665 N, by definition
    "psi": SaidUnit(Unit.KILOPASCAL, 1 / 6.894757),  # NIST SP 811, appendix B.8
    "kg": SaidUnit(Unit.KILOGRAM),
    "g": SaidUnit(Unit.KILOGRAM, 1000.0),
    "pct": SaidUnit(Unit.PERCENT),
    "deg": SaidUnit(Unit.DEGREE_OF_ARC),
    "contact": SaidUnit(Unit.CONTACT),
}
_SPELLINGS: Final = {
    "°c": "c", "degc": "c", "celsius": "c", "°f": "f", "degf": "f", "fahrenheit": "f",
    "%": "pct", "°": "deg", "λ": "lambda", "kgf/cm2": "kgf_cm2", "kgf/cm²": "kgf_cm2",
}  # fmt: skip


def read_unit(text: str) -> SaidUnit | None:
    """Return the unit that a text names, such as `°F`, `kPa` or `%`; None if it is no unit we know."""
    word = text.strip().lower()
    return UNITS.get(_SPELLINGS.get(word, word))
