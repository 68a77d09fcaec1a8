"""Tokens for programs: made by a person, of one workshop, never reaching further than that person does."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.errors import FullError, NotFoundError
from service.store.models import Account, ApiToken, Membership
from service.store.roles import GRANTS, SCOPES, Role, Scope
from service.store.secrets import hash_secret
from service.store.who import Who

PREFIX: Final = "canhlo_"  # so that a leaked one is recognised
MAX_TOKENS: Final = 50
USED_TOLD_EVERY: Final = timedelta(minutes=1)


def create(
    session: Session, workshop_id: int, account_id: int, *, name: str, scope: Scope, expires_at: datetime, now: datetime
) -> tuple[ApiToken, str]:
    """Return a token and its text, which exists in clear only here."""
    if len(tokens(session, workshop_id)) >= MAX_TOKENS:
        msg = f"a workshop has at most {MAX_TOKENS} tokens: revoke one that is no longer used"
        raise FullError(msg)
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        workshop_id=workshop_id,
        account_id=account_id,
        name=name,
        scope=scope.value,
        token_hash=hash_secret(secret),
        created_at=now,
        expires_at=expires_at,
    )
    session.add(token)
    session.flush()
    return token, secret


def tokens(session: Session, workshop_id: int) -> list[ApiToken]:
    """Return the tokens of a workshop that were not revoked."""
    query = select(ApiToken).where(ApiToken.workshop_id == workshop_id, ApiToken.revoked_at.is_(None))
    return list(session.scalars(query.order_by(ApiToken.id)))


def revoke(session: Session, workshop_id: int, token_id: int, *, now: datetime) -> ApiToken:
    found = next((one for one in tokens(session, workshop_id) if one.id == token_id), None)
    if found is None:
        msg = f"there is no token {token_id} in this workshop"
        raise NotFoundError(msg)
    found.revoked_at = now
    session.flush()
    return found


def who_has(session: Session, secret: str, *, now: datetime) -> Who | None:
    """Return for whom a token stands: its maker, as far as its scope goes and as long as the maker belongs there."""
    row = session.execute(
        select(ApiToken, Account, Membership.role)
        .join(Account, Account.id == ApiToken.account_id)
        .join(
            Membership,
            (Membership.account_id == ApiToken.account_id) & (Membership.workshop_id == ApiToken.workshop_id),
        )
        .where(ApiToken.token_hash == hash_secret(secret), ApiToken.revoked_at.is_(None), ApiToken.expires_at > now)
    ).one_or_none()
    if row is None:
        return None
    token, account, role = row
    grants = {token.workshop_id: GRANTS[Role(role)] & SCOPES[Scope(token.scope)]}
    seen = token.used_at
    return Who(account.id, token.name, account.login, account.language, grants, token_id=token.id, seen_at=seen)


def is_news(who: Who, now: datetime) -> bool:
    """Say whether it is to be noted that a token was used."""
    return who.seen_at is None or who.seen_at < now - USED_TOLD_EVERY


def used(session: Session, token_id: int, *, now: datetime) -> None:
    """Note that a token was used, at most once a minute."""
    is_news = ApiToken.used_at.is_(None) | (ApiToken.used_at < now - USED_TOLD_EVERY)
    session.execute(update(ApiToken).where(ApiToken.id == token_id, is_news).values(used_at=now))
