"""Accounts: the first one, signing in and out, and who I am."""

import logging
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Final

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session as OrmSession

from service.api import schemas
from service.api.deps import (
    Entering,
    Language,
    MachineNow,
    OpenSession,
    Parts,
    PartsOf,
    Session,
    SignedIn,
    SignedOutError,
    host_of,
)
from service.errors import ConflictError, FactorNeededError, RefusedError
from service.store import audit, identity, passkeys, sessions
from service.store.logins import checked_login, masked, normal_login
from service.store.models import Account
from service.store.passwords import hash_password, is_outdated, new_password, verify_password
from service.store.who import Who

VERSION: Final = version("canhlo")  # read from a file

router = APIRouter(tags=["identity"])
logger = logging.getLogger(__name__)


@router.post("/setup", response_model=schemas.MeOut, status_code=201)
def set_up(
    asked: schemas.SetupIn,
    session: OpenSession,
    service: PartsOf,
    now: MachineNow,
    request: Request,
    response: Response,
) -> schemas.MeOut:
    """Make the first account and its workshop; the link that the service printed is spent by it."""
    if identity.has_accounts(session):
        msg = "there is an account already: sign in"
        raise ConflictError(msg)
    if identity.use_link(session, asked.token, now=now) is not None:
        msg = "this link signs somebody in; it cannot make the first account"
        raise RefusedError(msg)
    account = identity.create_account(
        session,
        name=asked.name,
        login=checked_login(asked.login),
        password_hash=new_password(asked.password, about=(asked.name, asked.login, asked.workshop_name)),
        language=asked.language,
        now=now,
    )
    identity.create_workshop(session, name=asked.workshop_name, owner=account, now=now)
    return signed_in(session, service, account, now, request, response)


@router.post("/session", response_model=schemas.MeOut)
def sign_in(
    asked: schemas.SignInIn,
    session: OpenSession,
    service: PartsOf,
    now: MachineNow,
    request: Request,
    response: Response,
) -> schemas.MeOut:
    """Sign in with an e-mail address or phone number and a password; too many tries have to wait."""
    host, login = host_of(request), normal_login(asked.login)
    find = partial(identity.account_by_login, login=asked.login)
    with (
        service.host_tries.trying(host),
        service.sign_in_tries.trying(f"{login} from {host}"),
        service.login_tries.trying(login),
    ):
        account = with_password(session, service, find, asked.password)
    if account is None:
        logger.warning("sign-in refused", extra={"login": masked(login), "host": host})
        msg = "the e-mail, phone number or password is not right"
        raise SignedOutError(msg)
    service.sign_in_tries.give_back(f"{login} from {host}")
    service.login_tries.give_back(login)
    refuse_one_factor(session, service, account)
    if is_outdated(account.password_hash):
        account.password_hash = hash_password(asked.password)
    return signed_in(session, service, account, now, request, response)


@router.post("/session/link", response_model=schemas.MeOut)
def sign_in_by_link(
    asked: schemas.LinkInIn, service: PartsOf, now: MachineNow, request: Request, response: Response
) -> schemas.MeOut:
    """Sign in with a link that works once; whoever has forgotten the password sets a new one with it.

    Where a passkey is asked for, the new password is set, and nobody is signed in by the link alone.
    """
    with service.pairing_tries.trying(host_of(request)), service.database.write() as session:
        account = identity.use_link(session, asked.token, now=now)
        if account is None:
            msg = "this link makes the first account; it signs nobody in"
            raise RefusedError(msg)
        if asked.new_password is None:
            refuse_one_factor(session, service, account)
        else:
            account.password_hash = new_password(asked.new_password, about=(account.name, account.login))
            identity.spend_links(session, account.id, now=now)
            end_everywhere(session, service, account.id)
        if not _needs_passkey(session, service, account):
            return signed_in(session, service, account, now, request, response)
    msg = "the new password is set; sign in with the passkey of this account now"
    raise FactorNeededError(msg)


@router.delete("/session", status_code=204)
def sign_out(session: OpenSession, service: PartsOf, request: Request, response: Response) -> None:
    """End the session, for whoever kept its cookie too."""
    account_id = sessions.close_session(session, request.cookies.get(service.cookie, ""))
    if account_id is not None:
        service.rights_change(session, account_id)
        logger.info("signed out", extra={"account": account_id, "host": host_of(request)})
    response.delete_cookie(service.cookie, path="/", secure=service.is_https, httponly=True)
    response.headers["clear-site-data"] = '"cache"'


@router.get("/me", response_model=schemas.MeOut)
def read_me(session: Session, service: PartsOf, who: Entering, language: Language) -> schemas.MeOut:
    """Return who is signed in, and what that person may do where."""
    return me_out(session, service, who, language)


@router.patch("/me", response_model=schemas.MeOut)
def change_me(asked: schemas.MeIn, session: Session, service: PartsOf, who: SignedIn) -> schemas.MeOut:
    """Choose the language of the page and of alerts."""
    account = session.get_one(Account, who.account_id)
    account.language = asked.language
    return me_out(session, service, who, asked.language)


def with_password(
    session: OpenSession, service: Parts, find: Callable[[OrmSession], Account | None], password: str
) -> Account | None:
    """Return the account that is found, if this is its password.

    It takes a while, in which the request's own session must not be begun: on SQLite it would keep all others from
    writing, bridges too.
    """
    with service.database.read() as reading:
        account = find(reading)
        stored = account.password_hash if account is not None else None
    if not verify_password(stored, password):
        return None
    account = find(session)
    return account if account is not None and account.password_hash == stored else None


def _needs_passkey(session: OpenSession, service: Parts, account: Account) -> bool:
    """Say whether two factors are needed, and the other one is there to be shown."""
    return (service.needs_two_factors or account.wants_two_factors) and passkeys.has_one(session, account.id)


def refuse_one_factor(session: OpenSession, service: Parts, account: Account) -> None:
    """Refuse what is one factor where two are needed, and the other one is there to be shown."""
    if _needs_passkey(session, service, account):
        logger.warning("a password alone was shown where a passkey is asked for", extra={"account": account.id})
        msg = "sign in with the passkey of this account; one that is lost is forgotten by whoever runs the service"
        raise FactorNeededError(msg)


def signed_in(
    session: OpenSession,
    service: Parts,
    account: Account,
    now: MachineNow,
    request: Request,
    response: Response,
    *,
    with_two_factors: bool = False,
) -> schemas.MeOut:
    """Open a session with a token of its own; whichever this browser had before ends."""
    sessions.close_session(session, request.cookies.get(service.cookie, ""))
    device = request.headers.get("user-agent", "")
    token = sessions.open_session(session, account, now=now, device=device, with_two_factors=with_two_factors)
    service.set_cookie(response, token)
    who = sessions.who_is(session, token, now=now, all_need_two=service.needs_two_factors)
    assert who is not None  # noqa: S101 - opened just now
    logger.info("signed in", extra={"account": account.id, "host": host_of(request)})
    for workshop_id in who.acts_in:
        audit.note(session, workshop_id, who=who.name, what="signed in", now=now)
    return me_out(session, service, who, account.language)


def end_everywhere(session: OpenSession, service: Parts, account_id: int, *, but: str = "") -> int:
    """End the sessions of an account, with their live streams, but for the one of a token; return how many."""
    ended = sessions.end_sessions(session, account_id, but=but)
    service.rights_change(session, account_id)
    return ended


def me_out(session: OpenSession, service: Parts, who: Who, language: str) -> schemas.MeOut:
    """Return who somebody is, and what that person may do where."""
    return schemas.MeOut.model_validate(
        {
            "name": who.name,
            "login": who.login,
            "lacks_factor": who.lacks_factor,
            "language": language,
            "workshops": [
                {"id": one.id, "name": one.name, "may": sorted(who.grants[one.id])}
                for one in identity.workshops(session, who.workshop_ids)
            ],
            "now_at": service.clock.now(),
            "clock_rate": service.clock.rate,
            "vapid_public_key": service.vapid.public_key,
            "version": VERSION,
        },
        from_attributes=True,
    )
