"""Who may see what: accounts, one-time links, bridges. Secrets are random and stored as their hash."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from service.errors import ConflictError, NotFoundError, RefusedError
from service.store.among import among
from service.store.logins import normal_login
from service.store.models import Account, Bridge, Membership, OneTimeLink, Workshop
from service.store.roles import Role
from service.store.secrets import hash_secret

LOGS: Final = "\u00b7logs\u00b7"  # no name that a person would give
LINES: Final = "\u00b7lines\u00b7"


@dataclass(frozen=True)
class BridgeIdentity:
    """A bridge that showed a valid token, and the workshop it belongs to."""

    bridge_id: int
    workshop_id: int
    name: str


def has_accounts(session: Session) -> bool:
    return session.scalar(select(Account.id).limit(1)) is not None


def create_account(
    session: Session, *, name: str, login: str, password_hash: str, language: str, now: datetime
) -> Account:
    if account_by_login(session, login) is not None:
        msg = "there is already an account with this e-mail or phone number"
        raise ConflictError(msg)
    account = Account(
        name=name, login=normal_login(login), password_hash=password_hash, language=language, created_at=now
    )
    session.add(account)
    session.flush()
    return account


def account_by_login(session: Session, login: str) -> Account | None:
    return session.scalar(select(Account).where(Account.login == normal_login(login)))


def create_workshop(session: Session, *, name: str, owner: Account, now: datetime) -> Workshop:
    workshop = Workshop(name=name, created_at=now)
    session.add(workshop)
    session.flush()
    session.add(Membership(account_id=owner.id, workshop_id=workshop.id, role=Role.OWNER.value))
    session.flush()
    return workshop


def workshops(session: Session, workshop_ids: Collection[int]) -> list[Workshop]:
    return list(session.scalars(select(Workshop).where(among(Workshop.id, workshop_ids)).order_by(Workshop.id)))


def create_link(session: Session, account: Account | None, *, now: datetime, lasts: timedelta) -> str:
    """Return the token of a link that works once: for the first account (None), or to sign one in."""
    token = secrets.token_urlsafe(24)
    session.add(
        OneTimeLink(
            token_hash=hash_secret(token),
            account_id=account.id if account else None,
            expires_at=now + lasts,
            used_at=None,
        )
    )
    session.flush()
    return token


def use_link(session: Session, token: str, *, now: datetime) -> Account | None:
    """Spend a link; returns the account it signs in, None for the first-account link; refused if spent or too old."""
    spent = session.execute(
        update(OneTimeLink)
        .where(
            OneTimeLink.token_hash == hash_secret(token),
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > now,
        )
        .values(used_at=now)
        .returning(OneTimeLink.account_id)
    ).one_or_none()
    if spent is None:
        msg = "this link was used before or is too old; start the service again for a new one"
        raise RefusedError(msg)
    return session.get(Account, spent.account_id) if spent.account_id is not None else None


def spend_links(session: Session, account_id: int, *, now: datetime) -> None:
    """Let no link of an account work any more."""
    unused = OneTimeLink.account_id == account_id, OneTimeLink.used_at.is_(None)
    session.execute(update(OneTimeLink).where(*unused).values(used_at=now))


def bridges(session: Session, workshop_ids: Collection[int]) -> list[Bridge]:
    """Return the bridges of workshops, but for those that stand for other ways in."""
    query = select(Bridge).where(among(Bridge.workshop_id, workshop_ids), Bridge.name.not_in((LOGS, LINES)))
    return list(session.scalars(query.order_by(Bridge.id)))


def bridge_of_logs(session: Session, workshop_id: int, *, now: datetime) -> BridgeIdentity:
    """Return the bridge that stands for logs brought in by hand."""
    return _standing_for(session, workshop_id, LOGS, now)


def bridge_of_lines(session: Session, workshop_id: int, *, now: datetime) -> BridgeIdentity:
    """Return the bridge that stands for programs which send lines with an API token."""
    return _standing_for(session, workshop_id, LINES, now)


def _standing_for(session: Session, workshop_id: int, name: str, now: datetime) -> BridgeIdentity:
    """Return the bridge of a workshop that can never be paired, by its name; made if there is none."""
    found = session.scalar(select(Bridge).where(Bridge.workshop_id == workshop_id, Bridge.name == name))
    if found is None:
        found = Bridge(workshop_id=workshop_id, name=name, created_at=now, revoked_at=now)
        session.add(found)
        session.flush()
    return BridgeIdentity(found.id, found.workshop_id, found.name)


def get_bridge(session: Session, workshop_ids: Collection[int], bridge_id: int) -> Bridge:
    found = session.scalar(select(Bridge).where(Bridge.id == bridge_id, among(Bridge.workshop_id, workshop_ids)))
    if found is None:
        msg = f"there is no bridge {bridge_id} in your workshops"
        raise NotFoundError(msg)
    return found


def create_bridge(session: Session, workshop_id: int, name: str, *, now: datetime) -> Bridge:
    bridge = Bridge(workshop_id=workshop_id, name=name, created_at=now)
    session.add(bridge)
    session.flush()
    return bridge


def good_tokens(session: Session, bridge_ids: Collection[int]) -> set[bytes]:
    """Return the hashes of the tokens with which some bridges are let in."""
    tokens = select(Bridge.token_hash, Bridge.next_token_hash)
    found = session.execute(tokens.where(among(Bridge.id, bridge_ids), Bridge.revoked_at.is_(None)))
    return {key for row in found for key in row if key is not None}


def let_in(session: Session, bridge: Bridge, *, now: datetime) -> str:
    """Return the new token of a bridge; a code and any older token end."""
    token = secrets.token_urlsafe(32)
    bridge.token_hash = hash_secret(token)
    bridge.next_token_hash = bridge.pairing_hash = bridge.pairing_expires_at = None
    bridge.paired_at = now
    session.flush()
    return token


def revoke_bridge(session: Session, bridge: Bridge, *, now: datetime) -> None:
    bridge.revoked_at = bridge.revoked_at or now
    bridge.token_hash = bridge.next_token_hash = bridge.pairing_hash = bridge.pairing_expires_at = None
    session.flush()


def bridge_of_token(session: Session, token: str) -> BridgeIdentity | None:
    """Return the bridge of a token that is good: the one it has, or the one that it was given to go on with."""
    return bridges_of_tokens(session, [hash_secret(token)]).get(hash_secret(token))


def bridges_of_tokens(session: Session, keys: Collection[bytes]) -> dict[bytes, BridgeIdentity]:
    """Return by the hash of its token each bridge that has it, or was given it to go on with."""
    found = session.execute(
        select(Bridge.id, Bridge.workshop_id, Bridge.name, Bridge.token_hash, Bridge.next_token_hash).where(
            or_(Bridge.token_hash.in_(keys), Bridge.next_token_hash.in_(keys)), Bridge.revoked_at.is_(None)
        )
    )
    return {
        key: BridgeIdentity(row.id, row.workshop_id, row.name)
        for row in found
        for key in (row.token_hash, row.next_token_hash)
        if key in keys
    }


def next_bridge_token(session: Session, bridge_id: int) -> str:
    """Return a new token; the one before stays good until this one is shown, so one that gets lost costs nothing."""
    token = secrets.token_urlsafe(32)
    session.execute(update(Bridge).where(Bridge.id == bridge_id).values(next_token_hash=hash_secret(token)))
    return token


def next_tokens(session: Session, keys: Collection[bytes]) -> list[bytes]:
    """Return which of some hashes are of tokens that bridges were given to go on with, and had not shown so far."""
    given = select(Bridge.next_token_hash).where(Bridge.next_token_hash.in_(keys), Bridge.revoked_at.is_(None))
    return [key for key in session.scalars(given) if key is not None]


def take_next_token(session: Session, key: bytes, *, now: datetime) -> None:
    """If this is the hash of the next token of a bridge, let that be the only one from now on."""
    taken = update(Bridge).where(Bridge.next_token_hash == key, Bridge.revoked_at.is_(None))
    session.execute(taken.values(token_hash=key, next_token_hash=None, paired_at=now))


def count_bridges(session: Session, workshop_id: int) -> int:
    return session.scalar(select(func.count(Bridge.id)).where(Bridge.workshop_id == workshop_id)) or 0
