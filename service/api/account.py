"""What people do with their own account: its password, what they sign in with, and where they are signed in.

Each change asks for the password once more: a phone that lies about must not be enough to take an account over.
"""

import logging

from fastapi import APIRouter, Request, Response

from service.api import schemas
from service.api.deps import MachineNow, OpenSession, Parts, PartsOf, SignedIn, host_of
from service.api.identity import end_everywhere, with_password
from service.errors import ConflictError, WrongProofError
from service.store import audit, identity, sessions
from service.store.logins import checked_login
from service.store.models import Account
from service.store.passwords import new_password
from service.store.who import Who

router = APIRouter(tags=["account"])
logger = logging.getLogger(__name__)


@router.get("/me/sessions", response_model=list[schemas.SessionOut])
def list_sessions(session: OpenSession, who: SignedIn, service: PartsOf, request: Request) -> list[schemas.SessionOut]:
    """Return where one is signed in."""
    this = sessions.id_of(request.cookies.get(service.cookie, ""))
    return [
        schemas.SessionOut(
            id=one.id,
            device=one.device,
            created_at=one.created_at,
            seen_at=one.seen_at,
            expires_at=one.expires_at,
            is_this=one.id == this,
        )
        for one in sessions.sessions_of(session, who.account_id)
    ]


@router.post("/me/sessions/end", status_code=204)
def end_sessions(
    asked: schemas.SessionEndIn,
    session: OpenSession,
    who: SignedIn,
    service: PartsOf,
    now: MachineNow,
    request: Request,
) -> None:
    """End one session, or all but this one."""
    prove(session, service, who, asked.password, request)
    if asked.session_id is not None:
        sessions.end_sessions(session, who.account_id, only=asked.session_id)
        service.rights_change(session, who.account_id)
    else:
        end_everywhere(session, service, who.account_id, but=request.cookies.get(service.cookie, ""))
    note(session, who, "sessions ended", now)


@router.put("/me/password", status_code=204)
def change_password(
    asked: schemas.PasswordIn,
    session: OpenSession,
    who: SignedIn,
    service: PartsOf,
    now: MachineNow,
    request: Request,
    response: Response,
) -> None:
    """Take a new password; every session ends, and this browser gets a new one."""
    account = prove(session, service, who, asked.current, request)
    has_two_factors = sessions.has_two_factors(session, request.cookies.get(service.cookie, ""), account.id, now=now)
    about = (account.name, account.login, *(one.name for one in identity.workshops(session, who.workshop_ids)))
    account.password_hash = new_password(asked.new, about=about)
    identity.spend_links(session, account.id, now=now)
    end_everywhere(session, service, who.account_id)
    device = request.headers.get("user-agent", "")
    token = sessions.open_session(session, account, now=now, device=device, with_two_factors=has_two_factors)
    service.set_cookie(response, token)
    note(session, who, "password changed", now)


@router.put("/me/login", status_code=204)
def change_login(
    asked: schemas.LoginIn, session: OpenSession, who: SignedIn, service: PartsOf, now: MachineNow, request: Request
) -> None:
    """Sign in with another e-mail address or phone number from now on."""
    account = prove(session, service, who, asked.password, request)
    login = checked_login(asked.login)
    taken = identity.account_by_login(session, login)
    if taken is not None and taken.id != account.id:
        msg = "there is already an account with this e-mail or phone number"
        raise ConflictError(msg)
    account.login = login
    end_everywhere(session, service, who.account_id, but=request.cookies.get(service.cookie, ""))
    note(session, who, "login changed", now)


def prove(session: OpenSession, service: Parts, who: Who, password: str, request: Request) -> Account:
    """Return the account of who asks, if that person knows its password."""
    tries = f"account {who.account_id} by {sessions.id_of(request.cookies.get(service.cookie, ''))}"
    with service.sign_in_tries.trying(tries):  # whoever guesses in one session locks its owner out of no other
        account = with_password(session, service, lambda among: among.get(Account, who.account_id), password)
    if account is None:
        logger.warning("password not shown", extra={"account": who.account_id, "host": host_of(request)})
        msg = "the password is not right"
        raise WrongProofError(msg)
    service.sign_in_tries.give_back(tries)
    return account


def note(session: OpenSession, who: Who, what: str, now: MachineNow) -> None:
    """Write down what a person did with the account, in each workshop where that person does more than look."""
    logger.info(what, extra={"account": who.account_id})
    for workshop_id in who.acts_in:
        audit.note(session, workshop_id, who=who.name, what=what, now=now)
