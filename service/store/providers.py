"""Who somebody is at the identity provider of this service: tied to an account by that person, and to no other."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.errors import ConflictError, RefusedError
from service.store.models import Account, ProviderIdentity

MOST_KNOWN_AS = 120


def tie(session: Session, account_id: int, issuer: str, subject: str, *, known_as: str, now: datetime) -> None:
    """Let an identity sign this account in; one that it had before does so no more."""
    whose = _find(session, issuer, subject)
    if whose is not None and whose.account_id != account_id:
        msg = "this identity signs another account in; untie it there first"
        raise ConflictError(msg)
    untie(session, account_id)
    tied = ProviderIdentity(account_id=account_id, issuer=issuer, subject=subject, created_at=now)
    tied.known_as = "".join(char for char in known_as if char.isprintable())[:MOST_KNOWN_AS]
    session.add(tied)
    session.flush()


def untie(session: Session, account_id: int) -> None:
    """Let no identity sign an account in."""
    session.execute(delete(ProviderIdentity).where(ProviderIdentity.account_id == account_id))


def account_of(session: Session, issuer: str, subject: str) -> Account:
    """Return the account that an identity signs in; RefusedError if it is tied to none."""
    found = _find(session, issuer, subject)
    if found is None:
        msg = "no account here is tied to this identity: sign in with the password, then tie it in the settings"
        raise RefusedError(msg)
    return session.get_one(Account, found.account_id)


def identity_of(session: Session, account_id: int, issuer: str) -> ProviderIdentity | None:
    """Return who this account is at a provider, if it is tied to it."""
    mine = ProviderIdentity.account_id == account_id, ProviderIdentity.issuer == issuer
    return session.scalar(select(ProviderIdentity).where(*mine))


def _find(session: Session, issuer: str, subject: str) -> ProviderIdentity | None:
    whose = ProviderIdentity.issuer == issuer, ProviderIdentity.subject == subject
    return session.scalar(select(ProviderIdentity).where(*whose))
