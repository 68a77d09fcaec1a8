"""Which passwords are taken: long enough, not among those that are guessed first, not made of the place's own words.

There is no rule on kinds of letters, and none ever ends by its age (NIST SP 800-63B): both make people choose worse.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from service.errors import InvalidError

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 128
LEFT_OVER: Final = 3  # letters beside the words of the place that make no difference to who guesses
_DATA: Final = Path(__file__).parent / "data"


def check_password(password: str, *, about: Iterable[str] = ()) -> None:
    """Refuse what is easy to guess; `about` is what everybody knows of the person: name, login, workshop.

    Raises
    ------
    InvalidError
        With what is wrong, and what would be better.
    """
    if len(password) < MIN_LENGTH or len(password) > MAX_LENGTH:
        msg = f"a password has {MIN_LENGTH} to {MAX_LENGTH} letters, and this one has {len(password)}"
        raise InvalidError(msg)
    if password.lower() in _common() or len(set(password)) < 3:
        msg = "this password is one of those that are guessed first; take three or four words that do not go together"
        raise InvalidError(msg)
    plain = _plain(password)
    left = _without_words(plain, about)
    if left != plain and len(re.sub(r"\d", "", left)) <= LEFT_OVER:
        msg = "this password is made of names that others know, and digits; take words that have nothing to do with you"
        raise InvalidError(msg)


@cache
def _common() -> frozenset[str]:
    return frozenset(_lines("common_passwords.txt"))


@cache
def _words_of_this_place() -> tuple[str, ...]:
    return tuple(_lines("words_of_this_place.txt"))


def _lines(name: str) -> list[str]:
    return [line for line in (_DATA / name).read_text().splitlines() if line and not line.startswith("#")]


def _plain(text: str) -> str:
    """Return small letters and digits alone, without accents, as people type names where none may stand."""
    parts = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(char for char in parts if char.isalnum() and not unicodedata.combining(char))


def _without_words(plain: str, about: Iterable[str]) -> str:
    known = [*_words_of_this_place(), *(_plain(part) for one in about for part in (one, *re.split(r"[\s@.]+", one)))]
    for word in sorted({one for one in known if len(one) > 1}, key=len, reverse=True):
        plain = plain.replace(word, "")
    return plain
