"""What the command line says, in the language of whoever reads it.

Texts are English where they are said, and `texts/vi.toml` has each in Vietnamese. A `{}` in one is what differs from
time to time; the Vietnamese counts them from 0.
"""

import argparse
import os
import re
import tomllib
from collections.abc import Iterable
from importlib import resources
from typing import Any, Final, NoReturn

LANGUAGES: Final = ("vi", "en")
VIETNAMESE: Final[dict[str, str]] = {
    english: vietnamese
    for table in tomllib.loads((resources.files("service") / "texts/vi.toml").read_text("utf-8")).values()
    for english, vietnamese in table.items()
}
_PATTERNS: Final = [
    (re.compile(re.escape(english).replace(r"\{\}", "(.+?)"), re.DOTALL), vietnamese)
    for english, vietnamese in VIETNAMESE.items()
    if "{}" in english
]


def choose_language(asked: str | None) -> str:
    """Return the language asked for, or English if the machine speaks it by LANG, or else Vietnamese."""
    if asked in LANGUAGES:
        return asked
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "en" if locale.startswith("en") else "vi"


def say(english: str) -> str:
    """Return a text in the reader's language; one that the catalogue does not have stays as it is."""
    if choose_language(None) == "en":
        return english
    if english in VIETNAMESE:
        return VIETNAMESE[english]
    for pattern, vietnamese in _PATTERNS:
        if found := pattern.fullmatch(english):
            return vietnamese.format(*map(say, found.groups()))
    return english


class _Help(argparse.HelpFormatter):
    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, actions, groups, f"{say('usage')}: " if prefix is None else prefix)

    def start_section(self, heading: str | None) -> None:
        super().start_section(heading and say(heading))

    def add_text(self, text: str | None) -> None:
        super().add_text(text and say(text))

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help and say(action.help)


class Parser(argparse.ArgumentParser):
    """Speaks the reader's language, and says what is wrong with a command in one line."""

    def __init__(self, prog: str | None = None, **named: Any) -> None:  # of a command: what argparse gives it
        super().__init__(prog, **{**named, "formatter_class": _Help})

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {say(message)} ({self.prog} --help)\n")
