"""Measured values as a person of one language reads them; the last part of a name says the unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MINUS: Final = "−"


@dataclass(frozen=True)
class Formats:
    """How one language writes numbers, and its words for units: "{n} phút"."""

    units: Mapping[str, str]
    decimal: str

    def quantity(self, name: str, value: float | str) -> str:
        """Return evidence in words: `lag_c` in °C, `silent_s` as a duration; what has no unit as it is."""
        if isinstance(value, str):
            return value
        if name.endswith("_c_per_h"):
            return self._with_unit("c_per_h", self.number(value))
        if name.endswith("_c"):
            return self._with_unit("c", self.number(value, 0 if abs(value) >= 10 else 1))
        if name.endswith("_s"):
            return self.duration(value)
        return self.number(value, 2)

    def number(self, value: float, decimals: int = 0) -> str:
        """Return a number with at most so many decimals; no dot or comma among thousands, beside a kiln it misleads."""
        whole, _, part = f"{abs(value):.{decimals}f}".partition(".")
        part = part.rstrip("0")
        sign = MINUS if value < 0 and (whole != "0" or part) else ""
        return sign + whole + (self.decimal + part if part else "")

    def duration(self, seconds: float) -> str:
        """Return a length of time in the one or two units that matter."""
        if round(seconds) < 60:
            return self._with_unit("s", self.number(seconds))
        hours, minutes = divmod(round(seconds / 60), 60)
        parts = [self._with_unit("h", str(hours))] if hours else []
        if minutes:
            parts.append(self._with_unit("min", str(minutes)))
        return " ".join(parts)

    def _with_unit(self, unit: str, number: str) -> str:
        return self.units[unit].format(n=number)
