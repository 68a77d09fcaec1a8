"""Pairing: a bridge gets its token for a code that a person reads out to it.

A code is short enough to be guessed in a moment by whoever holds a quick hash of it. So it is found by its first
letters, and the others are hashed as passwords are; that takes a while, and is done outside of what writes.
"""

import secrets
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.errors import RefusedError
from service.store import identity
from service.store.models import Bridge
from service.store.passwords import hash_password, verify_password

LASTS: Final = timedelta(minutes=30)
# No 0/O, 1/I/L: a code is read from one screen and typed on another.
_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_LENGTH: Final = 8
_FOUND_BY: Final = 3  # letters


class Code(NamedTuple):
    """A code such as `7KQM-3XWP`, 40 bits, and what is kept of it."""

    text: str
    kept: bytes


class Shown(NamedTuple):
    """The bridge whose code was shown, and what was kept of that code."""

    bridge_id: int
    kept: bytes


def new_code() -> Code:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    kept = letters[:_FOUND_BY] + hash_password(letters[_FOUND_BY:])
    return Code(f"{letters[:4]}-{letters[4:]}", kept.encode())


def offer(session: Session, bridge: Bridge, code: Code, *, now: datetime) -> datetime:
    """Let a bridge be paired by a code, once, instead of any code before; return until when."""
    bridge.pairing_hash, bridge.pairing_expires_at = code.kept, now + LASTS
    session.flush()
    return bridge.pairing_expires_at


def end_codes(session: Session, workshop_id: int) -> None:
    """Let no bridge of a workshop be paired any more by a code that was made before."""
    offered = update(Bridge).where(Bridge.workshop_id == workshop_id, Bridge.pairing_hash.is_not(None))
    session.execute(offered.values(pairing_hash=None, pairing_expires_at=None))


def find(session: Session, code: str, *, now: datetime) -> Shown:
    """Return whose code this is; one that may be a code and is not takes as long as one that is.

    Raises
    ------
    RefusedError
        If it is nobody's, or no longer.
    """
    letters = code.strip().upper().replace("-", "").replace(" ", "")
    if len(letters) != _LENGTH or not set(letters) <= set(_ALPHABET):  # fewer would be tried on every code there is
        raise _refused()
    begin = letters[:_FOUND_BY].encode()
    alike = session.execute(
        select(Bridge.id, Bridge.pairing_hash).where(
            Bridge.pairing_hash >= begin,
            Bridge.pairing_hash < begin + b"\xff",
            Bridge.pairing_expires_at > now,
            Bridge.revoked_at.is_(None),
        )
    ).all()
    for bridge_id, kept in alike:
        if kept is not None and verify_password(kept[_FOUND_BY:].decode("ascii", "replace"), letters[_FOUND_BY:]):
            return Shown(bridge_id, kept)
    if not alike:
        verify_password(None, letters)
    raise _refused()


def pair(session: Session, shown: Shown, *, now: datetime) -> tuple[Bridge, str]:
    """Return the bridge of a code and its new token; the code is spent and any older token ends.

    Raises
    ------
    RefusedError
        If the code was spent or replaced since it was found.
    """
    bridge = session.get(Bridge, shown.bridge_id, with_for_update=True)
    if bridge is None or bridge.pairing_hash != shown.kept:
        raise _refused()
    return bridge, identity.let_in(session, bridge, now=now)


def _refused() -> RefusedError:
    return RefusedError(
        "this pairing code is unknown, used or older than half an hour; make a new one on the settings page"
    )
