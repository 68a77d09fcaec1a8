"""What people sign in with: an e-mail address or a phone number, in one form however it is typed."""

import re
from typing import Final

from service.errors import InvalidError

COUNTRY: Final = "+84"  # Việt Nam, where a number without a country's code belongs
_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")
_PHONE: Final = re.compile(r"\+[1-9][0-9]{7,14}")  # E.164
_BETWEEN: Final = str.maketrans("", "", " .-()/\u00a0")


def normal_login(login: str) -> str:
    """Fold what people type differently: case, and a phone number to `+84912345678`."""
    folded = login.strip().lower()
    if "@" in folded:
        return folded
    number = folded.translate(_BETWEEN)
    if not number.lstrip("+").isascii() or not number.lstrip("+").isdigit():
        return number
    if number.startswith("00"):
        return f"+{number[2:]}"
    if number.startswith("0"):
        return COUNTRY + number[1:]
    if number.startswith("84") and len(number) >= 11:
        return f"+{number}"
    return number


def checked_login(login: str) -> str:
    """Return the normal form of a login for a new account; raise InvalidError if it can be neither of both."""
    normal = normal_login(login)
    if not (_EMAIL.fullmatch(normal) or _PHONE.fullmatch(normal)):
        msg = f"{login[:40]!r} is no e-mail address (lan@example.org) and no phone number (0912 345 678)"
        raise InvalidError(msg)
    return normal


def masked(login: str) -> str:
    """Return what a log may say of a login: enough to find the person, not enough to write to them."""
    normal = normal_login(login)
    name, at, host = normal.partition("@")
    return f"{name[:2]}…{at}{host[:40]}" if at else f"…{normal[-3:]}"
