"""What the report says, in Vietnamese and English; the texts stand in `texts/<language>.toml`."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from service.spoken import LANGUAGES

_TEXTS: Final[Mapping[str, dict[str, Any]]] = {
    language: tomllib.loads((resources.files("service.analysis") / f"texts/{language}.toml").read_text("utf-8"))
    for language in LANGUAGES
}


class Words:
    """One language. `words("report.firing", number=1)` is that text with its values in place."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        table, name = key.split(".")
        return str(_TEXTS[self.language][table][name]).format(**values)

    def number(self, value: float, decimals: int = 0) -> str:
        """Return a number as this language writes it."""
        text = f"{value:,.{decimals}f}"
        if self.language == "vi":
            text = text.translate(str.maketrans(",.", ".,"))
        return text.replace("-", "−")

    def celsius(self, value: float | None) -> str:
        """Return a temperature with its unit, without a dot among thousands; a dash if it is not known."""
        return "–" if value is None else f"{value:.0f} °C".replace("-", "−")


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return how many there are of something, in English: 1 reading, 1,200 readings."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
