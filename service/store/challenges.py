"""What was handed out to be answered once, within minutes, by the device or browser that asked for it."""

from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import and_, delete, or_
from sqlalchemy.orm import Session

from service.errors import TooLateError
from service.store.models import SignInChallenge
from service.store.secrets import hash_bytes

CHALLENGE_LASTS: Final = timedelta(minutes=5)
Kind = Literal["passkey", "provider"]


def keep(
    session: Session, kind: Kind, challenge: bytes, *, account_id: int | None, state: dict[str, Any], now: datetime
) -> None:
    """Keep a challenge: to sign somebody in (`account_id` None), or for that account, of which the newest counts."""
    old = SignInChallenge.expires_at <= now
    if account_id is not None:
        old = or_(old, and_(SignInChallenge.account_id == account_id, SignInChallenge.kind == kind))
    session.execute(delete(SignInChallenge).where(old))
    session.add(
        SignInChallenge(
            challenge_hash=hash_bytes(challenge),
            kind=kind,
            account_id=account_id,
            state=state,
            expires_at=now + CHALLENGE_LASTS,
        )
    )
    session.flush()


def forget(session: Session, account_id: int) -> None:
    """Let nothing that was asked for an account be answered any more."""
    session.execute(delete(SignInChallenge).where(SignInChallenge.account_id == account_id))


def spend(session: Session, kind: Kind, challenge: bytes, *, now: datetime) -> tuple[int | None, dict[str, Any]]:
    """Return for whom a challenge was and its state, and let it never be answered again."""
    spent = session.execute(
        delete(SignInChallenge)
        .where(
            SignInChallenge.challenge_hash == hash_bytes(challenge),
            SignInChallenge.kind == kind,
            SignInChallenge.expires_at > now,
        )
        .returning(SignInChallenge.account_id, SignInChallenge.state)
    ).one_or_none()
    if spent is None:
        msg = "this took longer than five minutes, or was used before; try again"
        raise TooLateError(msg)
    return spent.account_id, spent.state
