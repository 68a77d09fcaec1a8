"""Browsers that signed in: each has a secret of its own, ends by itself, and can be ended from any other.

A kiln is fired every few days and the phone beside it should be ready at night, so a session lasts a month, the longest
that NIST SP 800-63B-4 allows with a password alone, and ends sooner when nobody comes for a fortnight.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from service.errors import NotFoundError
from service.store import challenges
from service.store.models import Account, Membership, SignInSession
from service.store.passkeys import has_one
from service.store.roles import GRANTS
from service.store.secrets import hash_secret
from service.store.who import Who

SESSION_LASTS: Final = timedelta(days=30)
IDLE_LASTS: Final = timedelta(days=14)
SEEN_TOLD_EVERY: Final = timedelta(hours=1)
MAX_SESSIONS: Final = 20  # of an account; one more ends the one that was away the longest
MAX_DEVICE: Final = 200


def open_session(
    session: Session, account: Account, *, now: datetime, device: str = "", with_two_factors: bool = False
) -> str:
    """Return the token of a new sign-in; this is the only time it exists in clear."""
    token = secrets.token_urlsafe(32)
    dead = (SignInSession.expires_at <= now) | (SignInSession.seen_at <= now - IDLE_LASTS)
    session.execute(delete(SignInSession).where(SignInSession.account_id == account.id, dead))
    for one in sessions_of(session, account.id)[MAX_SESSIONS - 1 :]:
        session.delete(one)
    session.add(
        SignInSession(
            token_hash=hash_secret(token),
            account_id=account.id,
            device=device_name(device),
            created_at=now,
            seen_at=now,
            expires_at=now + SESSION_LASTS,
            with_two_factors=with_two_factors,
        )
    )
    session.flush()
    return token


def close_session(session: Session, token: str) -> int | None:
    """End the session of a token; return whose it was."""
    found = session.get(SignInSession, hash_secret(token))
    if found is None:
        return None
    session.delete(found)
    session.flush()
    return found.account_id


# Every request asks whose it is, so that is not put together anew each time: it takes longer than the question.
_GOOD: Final = (
    SignInSession.token_hash == bindparam("token_hash"),
    SignInSession.expires_at > bindparam("now"),
    SignInSession.seen_at > bindparam("seen_after"),
)
_WHOSE: Final = (
    select(Account.id, Account.name, Account.login, Account.language, Account.wants_two_factors)
    .add_columns(SignInSession.seen_at, SignInSession.with_two_factors)
    .join(SignInSession, SignInSession.account_id == Account.id)
    .where(*_GOOD)
)
_BELONGS: Final = select(Membership.workshop_id, Membership.role).where(
    Membership.account_id == bindparam("account_id")
)
_GRANTS: Final = {role.value: actions for role, actions in GRANTS.items()}


def _shown(token: str, now: datetime) -> dict[str, Any]:
    """Return what `_GOOD` asks for: that a session is of this token and has not ended."""
    return {"token_hash": hash_secret(token), "now": now, "seen_after": now - IDLE_LASTS}


def device_name(agent: str) -> str:
    """Return what is kept of what a browser calls itself."""
    return "".join(char for char in agent if char.isprintable())[:MAX_DEVICE]


def who_is(session: Session, token: str, *, now: datetime, all_need_two: bool = False) -> Who | None:
    """Return whose session a token is of; where two factors are needed and one was shown, who may make the second."""
    found = session.execute(_WHOSE, _shown(token, now)).one_or_none()
    if found is None:
        return None
    account_id, name, login, language, wants_two_factors, seen_at, with_two_factors = found
    if not with_two_factors and (all_need_two or wants_two_factors):
        if has_one(session, account_id):
            return None
        return Who(account_id, name, login, language, {}, seen_at=seen_at, lacks_factor=True)
    grants = {workshop_id: _GRANTS[role] for workshop_id, role in session.execute(_BELONGS, {"account_id": account_id})}
    return Who(account_id, name, login, language, grants, seen_at=seen_at)


def has_two_factors(session: Session, token: str, account_id: int, *, now: datetime) -> bool:
    """Say whether a session that has not ended is of this account, and stands on two factors."""
    mine = select(SignInSession.with_two_factors).where(*_GOOD, SignInSession.account_id == account_id)
    return bool(session.scalar(mine, _shown(token, now)))


def strengthen(session: Session, token: str) -> None:
    """Note that whoever holds a session has shown a second factor since."""
    mine = SignInSession.token_hash == hash_secret(token)
    session.execute(update(SignInSession).where(mine).values(with_two_factors=True))


def id_of(token: str) -> str:
    """Return what the session of a token is named by."""
    return SignInSession(token_hash=hash_secret(token)).id


def is_news(who: Who, now: datetime) -> bool:
    """Say whether it is to be noted that this person's browser was here."""
    return who.seen_at is not None and who.seen_at < now - SEEN_TOLD_EVERY


def seen(session: Session, token: str, *, now: datetime) -> None:
    """Note that a browser was here."""
    session.execute(update(SignInSession).where(SignInSession.token_hash == hash_secret(token)).values(seen_at=now))


def sessions_of(session: Session, account_id: int) -> list[SignInSession]:
    """Return the browsers in which an account is signed in, the one seen last first."""
    query = select(SignInSession).where(SignInSession.account_id == account_id)
    return list(session.scalars(query.order_by(SignInSession.seen_at.desc(), SignInSession.created_at.desc())))


def end_sessions(session: Session, account_id: int, *, only: str | None = None, but: str = "") -> int:
    """End one session by its id, else all but the one of the token `but`; return how many."""
    kept = hash_secret(but)
    ended = [
        one
        for one in sessions_of(session, account_id)
        if (one.id == only if only is not None else one.token_hash != kept)
    ]
    if only is not None and not ended:
        msg = f"there is no session {only} of yours"
        raise NotFoundError(msg)
    for one in ended:
        session.delete(one)
    if only is None:
        challenges.forget(session, account_id)  # begun in one of them
    session.flush()
    return len(ended)
