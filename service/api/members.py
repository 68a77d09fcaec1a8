"""The people of a workshop, invitations to join it, its tokens for programs, and what was done by whom."""

from datetime import timedelta
from functools import partial
from typing import Annotated

import segno
from fastapi import APIRouter, Query, Request, Response

from service.api import schemas
from service.api.deps import Governs, MachineNow, OpenSession, PartsOf, Session, host_of, own_workshop, refuse_half
from service.api.identity import me_out, signed_in
from service.api.paging import link_next
from service.errors import InvalidError
from service.store import alarms, api_tokens, audit, identity, members, sessions
from service.store.logins import checked_login
from service.store.models import Account, ApiToken, AuditEntry, Invitation
from service.store.passwords import new_password
from service.store.roles import Role, Scope

router = APIRouter(tags=["people"])


@router.get("/workshops/{workshop_id}/members", response_model=list[schemas.MemberOut])
def list_members(workshop_id: schemas.Id, session: Session, who: Governs) -> list[members.Member]:
    """Return the people of a workshop."""
    return members.members(session, own_workshop(who, workshop_id))


@router.patch("/workshops/{workshop_id}/members/{account_id}", response_model=list[schemas.MemberOut])
def change_member(
    workshop_id: schemas.Id,
    account_id: schemas.Id,
    asked: schemas.MemberChange,
    session: Session,
    who: Governs,
    service: PartsOf,
    now: MachineNow,
) -> list[members.Member]:
    """Give a person another part in the workshop, which holds at once."""
    before = members.change_role(session, own_workshop(who, workshop_id), account_id, Role(asked.role))
    told = {"member": account_id, "before": before.value, "after": asked.role.value}
    audit.note(session, workshop_id, who=who.name, what="role changed", now=now, **told)
    service.rights_change(session, account_id)
    return members.members(session, workshop_id)


@router.delete("/workshops/{workshop_id}/members/{account_id}", status_code=204)
def remove_member(
    workshop_id: schemas.Id, account_id: schemas.Id, session: Session, who: Governs, service: PartsOf, now: MachineNow
) -> None:
    """End a person's reach into the workshop at once; what that person has done stays."""
    gone = members.remove(session, own_workshop(who, workshop_id), account_id)
    audit.note(session, workshop_id, who=who.name, what="member removed", now=now, member=account_id, name=gone.name)
    service.rights_change(session, account_id)


@router.post("/workshops/{workshop_id}/members/{account_id}/sign-out", status_code=204)
def sign_member_out(
    workshop_id: schemas.Id, account_id: schemas.Id, session: Session, who: Governs, service: PartsOf, now: MachineNow
) -> None:
    """End a member's every session, as when a phone is lost: whoever has it must sign in again."""
    gone = members.member(session, own_workshop(who, workshop_id), account_id)
    ended = sessions.end_sessions(session, gone.account_id)
    alarms.forget_subscriptions(session, gone.account_id)
    audit.note(session, workshop_id, who=who.name, what="member signed out", now=now, member=account_id, sessions=ended)
    service.rights_change(session, account_id)


# --- invitations -----------------------------------------------------------------------------------------------------


@router.get("/workshops/{workshop_id}/invitations", response_model=list[schemas.InvitationOut])
def list_invitations(workshop_id: schemas.Id, session: Session, who: Governs, now: MachineNow) -> list[Invitation]:
    """Return the invitations that nobody has taken yet."""
    return members.open_invitations(session, own_workshop(who, workshop_id), now=now)


@router.post("/workshops/{workshop_id}/invitations", response_model=schemas.InvitationLinkOut, status_code=201)
def invite(
    workshop_id: schemas.Id,
    asked: schemas.InvitationIn,
    session: Session,
    who: Governs,
    service: PartsOf,
    now: MachineNow,
) -> schemas.InvitationLinkOut:
    """Make a link that lets one person join; it is told only here, also as a picture to be photographed."""
    invitation, token = members.invite(
        session, own_workshop(who, workshop_id), Role(asked.role), invited_by=who.name, now=now
    )
    audit.note(session, workshop_id, who=who.name, what="invited", now=now, role=asked.role.value)
    link = f"{service.settings.url}/join#{token}"
    picture = segno.make(link, error="m").svg_inline(border=2, dark="#000", light="#fff", omitsize=True)
    return schemas.InvitationLinkOut(
        **schemas.InvitationOut.model_validate(invitation).model_dump(), link=link, qr_svg=picture
    )


@router.delete("/workshops/{workshop_id}/invitations/{invitation_id}", status_code=204)
def take_back_invitation(
    workshop_id: schemas.Id, invitation_id: schemas.Id, session: Session, who: Governs, now: MachineNow
) -> None:
    """Make an invitation worthless."""
    members.take_back(session, own_workshop(who, workshop_id), invitation_id)
    audit.note(session, workshop_id, who=who.name, what="invitation taken back", now=now, invitation=invitation_id)


@router.post("/invitations/look", response_model=schemas.InvitedOut)
def look_at_invitation(
    asked: schemas.LinkIn, session: OpenSession, service: PartsOf, now: MachineNow, request: Request
) -> schemas.InvitedOut:
    """Say where an invitation leads, before anybody takes it."""
    service.pairing_tries.spend(host_of(request))
    invitation = members.invitation_of(session, asked.token, now=now)
    workshop = identity.workshops(session, [invitation.workshop_id])[0]
    return schemas.InvitedOut(
        workshop_name=workshop.name,
        role=Role(invitation.role),
        invited_by=invitation.invited_by,
        expires_at=invitation.expires_at,
    )


@router.post("/invitations/join", response_model=schemas.MeOut)
def join(
    asked: schemas.JoinIn, session: OpenSession, service: PartsOf, now: MachineNow, request: Request, response: Response
) -> schemas.MeOut:
    """Join a workshop: as who is signed in, or with an account made for it."""
    service.pairing_tries.spend(host_of(request))
    members.invitation_of(session, asked.token, now=now)
    asks = partial(
        sessions.who_is,
        session,
        request.cookies.get(service.cookie, ""),
        now=now,
        all_need_two=service.needs_two_factors,
    )
    who = asks()
    if who is not None:
        refuse_half(who)
    account = _new_account(asked, session, now) if who is None else session.get_one(Account, who.account_id)
    invitation = members.join(session, asked.token, account, now=now)
    audit.note(session, invitation.workshop_id, who=account.name, what="joined", now=now, role=invitation.role)
    service.rights_change(session, account.id)
    who = asks()  # once more: there is more to be done now
    if who is None:
        return signed_in(session, service, account, now, request, response)
    return me_out(session, service, who, account.language)


def _new_account(asked: schemas.JoinIn, session: OpenSession, now: MachineNow) -> Account:
    if asked.person is None:
        msg = "sign in first, or say the name, login and password of a new account"
        raise InvalidError(msg)
    return identity.create_account(
        session,
        name=asked.person.name,
        login=checked_login(asked.person.login),
        password_hash=new_password(asked.person.password, about=(asked.person.name, asked.person.login)),
        language=asked.person.language,
        now=now,
    )


# --- tokens for programs ---------------------------------------------------------------------------------------------


@router.get("/workshops/{workshop_id}/tokens", response_model=list[schemas.ApiTokenOut])
def list_tokens(workshop_id: schemas.Id, session: Session, who: Governs) -> list[ApiToken]:
    """Return the tokens of programs; their texts are told only when they are made."""
    return api_tokens.tokens(session, own_workshop(who, workshop_id))


@router.post("/workshops/{workshop_id}/tokens", response_model=schemas.NewApiTokenOut, status_code=201)
def create_token(
    workshop_id: schemas.Id, asked: schemas.ApiTokenIn, session: Session, who: Governs, now: MachineNow
) -> schemas.NewApiTokenOut:
    """Make a token for a program; its text is told only here."""
    token, secret = api_tokens.create(
        session,
        own_workshop(who, workshop_id),
        who.account_id,
        name=asked.name,
        scope=Scope(asked.scope),
        expires_at=now + timedelta(days=asked.days),
        now=now,
    )
    audit.note(session, workshop_id, who=who.name, what="token made", now=now, name=asked.name, scope=asked.scope.value)
    return schemas.NewApiTokenOut(**schemas.ApiTokenOut.model_validate(token).model_dump(), token=secret)


@router.delete("/workshops/{workshop_id}/tokens/{token_id}", status_code=204)
def revoke_token(
    workshop_id: schemas.Id, token_id: schemas.Id, session: Session, who: Governs, service: PartsOf, now: MachineNow
) -> None:
    """Make a token worthless at once."""
    token = api_tokens.revoke(session, own_workshop(who, workshop_id), token_id, now=now)
    service.rights_change(session, token.account_id)
    audit.note(session, workshop_id, who=who.name, what="token revoked", now=now, name=token.name)


# --- what was done by whom -------------------------------------------------------------------------------------------


@router.get("/workshops/{workshop_id}/audit", response_model=list[schemas.AuditOut])
def read_audit(
    workshop_id: schemas.Id,
    session: Session,
    who: Governs,
    before_id: schemas.Id | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    *,
    request: Request,
    response: Response,
) -> list[AuditEntry]:
    """Return what was done by whom, newest first."""
    found = audit.newest(session, own_workshop(who, workshop_id), before_id=before_id, limit=limit)
    link_next(request, response, found, limit)
    return found
