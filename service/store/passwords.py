"""Passwords: argon2id, at most two at a time (each takes a core and some memory for a while)."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from service.busy import place
from service.one_processor import anywhere
from service.store.password_rules import check_password

# OWASP's smaller profile: 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
AT_WORK: Final = 2
MOST_WAITING: Final = 8  # whoever waits holds a thread that others need
NO_PASSWORD: Final = "!"  # noqa: S105 - of a disabled account: no hash is this, so no password fits
_working = threading.BoundedSemaphore(AT_WORK)
_waiting = threading.BoundedSemaphore(AT_WORK + MOST_WAITING)
_NOBODY = _hasher.hash("nobody has this password")


@contextmanager
def _turn() -> Iterator[None]:
    with place(_waiting, "many people are signing in at this moment; try again in some seconds"), _working, anywhere():
        yield


def new_password(password: str, *, about: Iterable[str]) -> str:
    """Return what is stored of a password that somebody has chosen; InvalidError if it is easy to guess."""
    check_password(password, about=about)
    return hash_password(password)


def hash_password(password: str) -> str:
    with _turn():
        return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Say whether it is the password; without one it takes as long, so nobody learns which accounts exist."""
    known = None if stored == NO_PASSWORD else stored
    with _turn():
        try:
            return _hasher.verify(known or _NOBODY, password) and known is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(stored: str) -> bool:
    """Say whether a hash was made with other parameters than today's: its password is hashed anew when it is shown."""
    return _hasher.check_needs_rehash(stored)
