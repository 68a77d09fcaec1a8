"""The people of a workshop: who belongs to it and as what, and invitations to join."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from service.errors import ConflictError, FullError, NotFoundError, RefusedError
from service.store import pairing
from service.store.models import Account, Invitation, Membership
from service.store.passwords import NO_PASSWORD
from service.store.roles import GRANTS, Action, Role
from service.store.secrets import hash_secret

INVITATION_LASTS: Final = timedelta(days=7)
MAX_OPEN_INVITATIONS: Final = 50
MAX_MEMBERS: Final = 200


@dataclass(frozen=True)
class Member:
    """A person and what that person is to the workshop."""

    account_id: int
    name: str
    login: str
    role: Role


def members(session: Session, workshop_id: int) -> list[Member]:
    rows = session.execute(
        select(Account.id, Account.name, Account.login, Membership.role)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.workshop_id == workshop_id)
        .order_by(Account.id)
    )
    return [Member(row.id, row.name, row.login, Role(row.role)) for row in rows]


def change_role(session: Session, workshop_id: int, account_id: int, role: Role) -> Role:
    """Give a member another role; return the one before. The last owner stays one."""
    _one_after_the_other(session, workshop_id)
    membership = _membership(session, workshop_id, account_id)
    before = Role(membership.role)
    if before is Role.OWNER and role is not Role.OWNER:
        _check_other_owner(session, workshop_id, account_id)
    membership.role = role.value
    session.flush()
    _end_offers(session, workshop_id, account_id, GRANTS[before] - GRANTS[role])
    return before


def remove(session: Session, workshop_id: int, account_id: int) -> Member:
    """End a person's reach into the workshop; return who it was. The last owner cannot go."""
    _one_after_the_other(session, workshop_id)
    membership = _membership(session, workshop_id, account_id)
    if Role(membership.role) is Role.OWNER:
        _check_other_owner(session, workshop_id, account_id)
    gone = member(session, workshop_id, account_id)
    _end_offers(session, workshop_id, account_id, GRANTS[gone.role])
    session.execute(
        delete(Membership).where(Membership.workshop_id == workshop_id, Membership.account_id == account_id)
    )
    return gone


def end_every_offer(session: Session, account_id: int) -> None:
    """End what somebody has offered to others in any workshop, as when the account is disabled."""
    for one in session.scalars(select(Membership).where(Membership.account_id == account_id)).all():
        _end_offers(session, one.workshop_id, account_id, GRANTS[Role(one.role)])


def _end_offers(session: Session, workshop_id: int, account_id: int, lost: frozenset[Action]) -> None:
    """End what lets in whoever has it, if it was made with rights that are lost: its maker may have kept it."""
    if Action.GOVERN in lost:
        name = select(Account.name).where(Account.id == account_id).scalar_subquery()
        own = Invitation.invited_by == name, Invitation.used_at.is_(None)
        session.execute(delete(Invitation).where(Invitation.workshop_id == workshop_id, *own))
    if Action.SET_UP in lost:
        pairing.end_codes(session, workshop_id)


def member(session: Session, workshop_id: int, account_id: int) -> Member:
    """Return who somebody is to the workshop."""
    _membership(session, workshop_id, account_id)
    return next(one for one in members(session, workshop_id) if one.account_id == account_id)


def _membership(session: Session, workshop_id: int, account_id: int) -> Membership:
    query = select(Membership).where(Membership.workshop_id == workshop_id, Membership.account_id == account_id)
    found = session.scalar(query)
    if found is None:
        msg = f"there is no member {account_id} in this workshop"
        raise NotFoundError(msg)
    return found


def _one_after_the_other(session: Session, workshop_id: int) -> None:
    """Wait for who else changes the people of a workshop: two owners who go at once would each count on the other."""
    everybody = select(Membership.account_id).where(Membership.workshop_id == workshop_id)
    session.execute(everybody.order_by(Membership.account_id).with_for_update())


def _check_other_owner(session: Session, workshop_id: int, account_id: int) -> None:
    other = (
        select(func.count())
        .join_from(Membership, Account)
        .where(
            Membership.workshop_id == workshop_id,
            Membership.role == Role.OWNER.value,
            Membership.account_id != account_id,
            Account.password_hash != NO_PASSWORD,
        )
    )
    if not session.scalar(other):
        msg = "a workshop needs an owner: make somebody else one first"
        raise ConflictError(msg)


# --- invitations -----------------------------------------------------------------------------------------------------


def invite(session: Session, workshop_id: int, role: Role, *, invited_by: str, now: datetime) -> tuple[Invitation, str]:
    """Return an invitation and its token, which exists in clear only here; it works once."""
    if len(open_invitations(session, workshop_id, now=now)) >= MAX_OPEN_INVITATIONS:
        msg = f"{MAX_OPEN_INVITATIONS} invitations are open: take one back, or wait until one was used"
        raise FullError(msg)
    token = secrets.token_urlsafe(24)
    invitation = Invitation(
        workshop_id=workshop_id,
        token_hash=hash_secret(token),
        role=role.value,
        invited_by=invited_by,
        created_at=now,
        expires_at=now + INVITATION_LASTS,
    )
    session.add(invitation)
    session.flush()
    return invitation, token


def open_invitations(session: Session, workshop_id: int, *, now: datetime) -> list[Invitation]:
    query = select(Invitation).where(
        Invitation.workshop_id == workshop_id, Invitation.used_at.is_(None), Invitation.expires_at > now
    )
    return list(session.scalars(query.order_by(Invitation.id)))


def take_back(session: Session, workshop_id: int, invitation_id: int) -> None:
    """End an invitation that nobody has used."""
    ended = session.scalar(
        delete(Invitation)
        .where(Invitation.id == invitation_id, Invitation.workshop_id == workshop_id, Invitation.used_at.is_(None))
        .returning(Invitation.id)
    )
    if ended is None:
        msg = f"there is no open invitation {invitation_id} in this workshop"
        raise NotFoundError(msg)


def invitation_of(session: Session, token: str, *, now: datetime) -> Invitation:
    """Return the invitation that a link stands for; refused if it was used, taken back or is too old."""
    found = session.scalar(
        select(Invitation).where(
            Invitation.token_hash == hash_secret(token), Invitation.used_at.is_(None), Invitation.expires_at > now
        )
    )
    if found is None:
        msg = "this invitation was used, taken back or is older than a week; ask for a new one"
        raise RefusedError(msg)
    return found


def join(session: Session, token: str, account: Account, *, now: datetime) -> Invitation:
    """Spend an invitation: the account belongs to its workshop from now on."""
    invitation = invitation_of(session, token, now=now)
    key = (account.id, invitation.workshop_id)
    if session.get(Membership, key) is not None:
        msg = "you belong to this workshop already"
        raise ConflictError(msg)
    if len(members(session, invitation.workshop_id)) >= MAX_MEMBERS:
        msg = f"a workshop has at most {MAX_MEMBERS} people"
        raise FullError(msg)
    spent = session.scalar(
        update(Invitation)
        .where(Invitation.id == invitation.id, Invitation.used_at.is_(None))
        .values(used_at=now)
        .returning(Invitation.id)
    )
    if spent is None:  # somebody else used it in this very moment
        return invitation_of(session, token, now=now)
    session.add(Membership(account_id=account.id, workshop_id=invitation.workshop_id, role=invitation.role))
    session.flush()
    return invitation
