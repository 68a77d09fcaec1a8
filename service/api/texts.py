"""Text from outside: what a database can hold, and what may be said back."""

import re
from typing import Final

WRITABLE: Final = r"^[^\u0000]*$"  # as the OpenAPI document says it; halves of pairs are in no JSON that is UTF-8
MOST_SAID: Final = 1000
_UNWRITABLE: Final = re.compile("[\0\ud800-\udfff]")


def is_writable(value: object) -> bool:
    """Say whether every text in it, however deep, can be stored: PostgreSQL takes no NUL, UTF-8 no half of a pair."""
    if isinstance(value, str):
        return _UNWRITABLE.search(value) is None
    if isinstance(value, dict):
        return all(is_writable(one) for one in (*value, *value.values()))
    if isinstance(value, list):
        return all(is_writable(one) for one in value)
    return True


def said_back(text: str) -> str:
    """Return what an answer may repeat of a request: not too much of it, and always UTF-8."""
    cut = text if len(text) <= MOST_SAID else f"{text[:MOST_SAID]} ..."
    return cut.encode("utf-8", "replace").decode()
