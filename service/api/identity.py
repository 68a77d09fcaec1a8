"""Accounts: the first one, signing in and out, and who I am."""

from importlib.metadata import version

from fastapi import APIRouter, Request, Response

from service.api import schemas
from service.api.deps import Language, MachineNow, OpenSession, Parts, PartsOf, Session, SignedIn, SignedOutError
from service.errors import ConflictError, RefusedError
from service.store import audit, identity
from service.store.models import Account
from service.store.passwords import hash_password, verify_password
from service.store.who import Who

router = APIRouter(tags=["identity"])


@router.post("/setup", response_model=schemas.MeOut, status_code=201)
def set_up(
    asked: schemas.SetupIn, session: OpenSession, service: PartsOf, now: MachineNow, response: Response
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
        login=asked.login,
        password_hash=hash_password(asked.password),
        language=asked.language,
        now=now,
    )
    identity.create_workshop(session, name=asked.workshop_name, owner=account, now=now)
    return signed_in(session, service, account, now, response)


@router.post("/session", response_model=schemas.MeOut)
def sign_in(
    asked: schemas.SignInIn,
    session: OpenSession,
    service: PartsOf,
    now: MachineNow,
    request: Request,
    response: Response,
) -> schemas.MeOut:
    service.sign_in_tries.spend(f"login {identity.normal_login(asked.login)}")
    service.sign_in_tries.spend(f"host {request.client.host if request.client else ''}")
    account = identity.account_by_login(session, asked.login)
    if not verify_password(account.password_hash if account else None, asked.password) or account is None:
        msg = "the e-mail, phone number or password is not right"
        raise SignedOutError(msg)
    return signed_in(session, service, account, now, response)


@router.post("/session/link", response_model=schemas.MeOut)
def sign_in_by_link(
    asked: schemas.LinkIn, session: OpenSession, service: PartsOf, now: MachineNow, response: Response
) -> schemas.MeOut:
    account = identity.use_link(session, asked.token, now=now)
    if account is None:
        msg = "this link makes the first account; it signs nobody in"
        raise RefusedError(msg)
    return signed_in(session, service, account, now, response)


@router.delete("/session", status_code=204)
def sign_out(session: OpenSession, service: PartsOf, request: Request, response: Response) -> None:
    identity.close_session(session, request.cookies.get(service.cookie, ""))
    response.delete_cookie(service.cookie, path="/", secure=service.is_https, httponly=True)


@router.get("/me", response_model=schemas.MeOut)
def read_me(session: Session, service: PartsOf, who: SignedIn, language: Language) -> schemas.MeOut:
    return _me(session, service, who, language)


@router.patch("/me", response_model=schemas.MeOut)
def change_me(asked: schemas.MeIn, session: Session, service: PartsOf, who: SignedIn) -> schemas.MeOut:
    account = session.get_one(Account, who.account_id)
    account.language = asked.language
    return _me(session, service, who, asked.language)


def signed_in(
    session: OpenSession, service: Parts, account: Account, now: MachineNow, response: Response
) -> schemas.MeOut:
    token = identity.open_session(session, account, now=now)
    service.set_cookie(response, token)
    who = identity.who_is(session, token, now=now)
    assert who is not None  # noqa: S101 - opened just now
    for workshop_id in who.workshop_ids:
        audit.note(session, workshop_id, who=who.name, what="signed in", now=now)
    return _me(session, service, who, account.language)


def _me(session: OpenSession, service: Parts, who: Who, language: str) -> schemas.MeOut:
    return schemas.MeOut.model_validate(
        {
            "name": who.name,
            "login": who.login,
            "language": language,
            "workshops": [
                {"id": one.id, "name": one.name, "may": sorted(who.grants[one.id])}
                for one in identity.workshops(session, who.workshop_ids)
            ],
            "now_at": service.clock.now(),
            "clock_rate": service.clock.rate,
            "vapid_public_key": service.vapid.public_key,
            "version": version("canhlo"),
        },
        from_attributes=True,
    )
