"""What the bridge says to people, in Vietnamese and English; the texts stand in `texts/<language>.toml`."""

import os
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

LANGUAGES: Final = ("vi", "en")
_TEXTS: Final[Mapping[str, Mapping[str, Any]]] = {
    language: tomllib.loads((resources.files("firmware_bridge") / f"texts/{language}.toml").read_text("utf-8"))
    for language in LANGUAGES
}


class Words:
    """One language. `words("page.title", n=3)` is the text `title` of the table `page`, with its values in place."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = _TEXTS[language]

    def __call__(self, key: str, **values: object) -> str:
        table, _, name = key.partition(".")
        return str(self._texts[table][name]).format(**values)

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number as the language writes it: 1.234,5 or 1,234.5."""
        return self._written(f"{value:,.{digits}f}")

    def measured(self, value: float, digits: int = 0) -> str:
        """Return a measured value, whose thousands nobody marks: 1280,5 or 1280.5."""
        return self._written(f"{value:.{digits}f}")

    def _written(self, text: str) -> str:
        text = text.replace("-", "−")
        return text.translate(str.maketrans(",.", ".,")) if self.language == "vi" else text

    def duration(self, seconds: float) -> str:
        """Return a time span in its one fitting unit."""
        for unit_s, key in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
            if seconds >= 2 * unit_s:
                return self(f"time.{key}", n=int(seconds // unit_s))
        return self("time.seconds", n=int(seconds))

    def size(self, size_bytes: float) -> str:
        return (
            f"{self.number(size_bytes / 1e6, 1)} MB" if size_bytes < 1e9 else f"{self.number(size_bytes / 1e9, 1)} GB"
        )

    def quality(self, quality: str) -> str:
        """Return what a quality is called; one that is new gets its own name."""
        return str(self._texts["quality"].get(quality, quality))

    def refused(self, reasons: Mapping[str, int]) -> str:
        """Return what could not be read and how often; a reason that is new gets its own name."""
        known = self._texts["refused"]
        return ", ".join(f"{known.get(one, one)}: {self.number(n)}" for one, n in sorted(reasons.items())) or "–"


def choose_language(asked: str | None) -> str:
    """Return the language asked for, or English if the machine speaks it by LANG, or else Vietnamese."""
    if asked in LANGUAGES:
        return asked
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "en" if locale.startswith("en") else "vi"
