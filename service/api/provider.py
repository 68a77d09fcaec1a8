"""Signing in through the identity provider that the service is told of, and tying an account to it."""

import secrets
from typing import Final

from fastapi import APIRouter, Request, Response

from service.api import oidc, schemas
from service.api import provider_forms as forms
from service.api.account import note, prove
from service.api.deps import MachineNow, OpenSession, Parts, PartsOf, SignedIn, host_of
from service.api.identity import refuse_one_factor, signed_in
from service.errors import NotFoundError, RefusedError, TooLateError
from service.store import challenges, providers, sessions
from service.store.challenges import CHALLENGE_LASTS

router = APIRouter(tags=["provider"])
COOKIE: Final = "-way"  # behind the name of the session's cookie


@router.get("/session/provider", response_model=forms.ProviderOut)
def read_provider(service: PartsOf) -> forms.ProviderOut:
    """Return what the identity provider is called here; null if there is none."""
    return forms.ProviderOut(name=service.provider.name if service.provider else None)


@router.post("/session/provider/begin", response_model=forms.WayOut)
def begin_with_provider(service: PartsOf, now: MachineNow, request: Request, response: Response) -> forms.WayOut:
    """Return where the browser goes to sign in; it comes back within five minutes."""
    service.host_tries.spend(host_of(request))
    return _begun(service, now, response, None)


@router.post("/session/provider", response_model=schemas.MeOut)
def sign_in_by_provider(
    asked: forms.ReturnIn, service: PartsOf, now: MachineNow, request: Request, response: Response
) -> schemas.MeOut:
    """Sign in as whom the provider has seen; an account that was to be tied to that identity is tied to it first."""
    service.host_tries.spend(host_of(request))
    secret = _secret(service, request)
    if not secrets.compare_digest(oidc.state_of(secret).encode(), asked.state.encode()):
        msg = "this sign-in was begun in another browser, or longer than five minutes ago; begin again"
        raise TooLateError(msg)
    with service.database.write() as session:
        to_tie, _ = challenges.spend(session, "provider", asked.state.encode(), now=now)
    who = _provider(service).identity(secret, asked.code)
    response.delete_cookie(service.cookie + COOKIE, path="/", secure=service.is_https, httponly=True)
    with service.database.write() as session:
        this = request.cookies.get(service.cookie, "")
        if to_tie is not None:
            _tie(session, service, to_tie, this, who, now)
        account = providers.account_of(session, who.issuer, who.subject)
        has_two_factors = who.has_two_factors or sessions.has_two_factors(session, this, account.id, now=now)
        if not has_two_factors:
            refuse_one_factor(session, service, account)
        return signed_in(session, service, account, now, request, response, with_two_factors=has_two_factors)


@router.get("/me/provider", response_model=forms.TiedOut)
def read_tie(session: OpenSession, service: PartsOf, who: SignedIn) -> forms.TiedOut:
    """Return who one is at the provider; null if the account is not tied to it, or there is no provider."""
    if service.provider is None:
        return forms.TiedOut(name=None, known_as=None)
    tied = providers.identity_of(session, who.account_id, service.provider.issuer)
    return forms.TiedOut(name=service.provider.name, known_as=tied.known_as if tied else None)


@router.post("/me/provider/begin", response_model=forms.WayOut)
def begin_to_tie(
    asked: schemas.ProofIn, service: PartsOf, who: SignedIn, now: MachineNow, request: Request, response: Response
) -> forms.WayOut:
    """Return where the browser goes for the identity that is to sign this account in from then on."""
    with service.database.write() as session:
        prove(session, service, who, asked.password, request)
    return _begun(service, now, response, who.account_id)


@router.post("/me/provider/untie", status_code=204)
def untie(
    asked: schemas.ProofIn, session: OpenSession, service: PartsOf, who: SignedIn, now: MachineNow, request: Request
) -> None:
    """Let the provider sign this account in no more."""
    account = prove(session, service, who, asked.password, request)
    providers.untie(session, account.id)
    note(session, who, "identity untied", now)


def _tie(
    session: OpenSession, service: Parts, account_id: int, token: str, who: oidc.Identity, now: MachineNow
) -> None:
    """Tie an identity to the account for which it was fetched, if that one is still signed in here."""
    owner = sessions.who_is(session, token, now=now, all_need_two=service.needs_two_factors)
    if owner is None or owner.account_id != account_id or owner.lacks_factor:
        msg = "sign in again, then tie the identity: the account is no longer signed in here"
        raise RefusedError(msg)
    providers.tie(session, account_id, who.issuer, who.subject, known_as=who.known_as, now=now)
    note(session, owner, "identity tied", now)


def _begun(service: Parts, now: MachineNow, response: Response, account_id: int | None) -> forms.WayOut:
    secret = secrets.token_bytes(32)
    way = _provider(service).address(secret)  # it may ask the provider first: not while others wait to write
    with service.database.write() as session:
        state = oidc.state_of(secret).encode()
        challenges.keep(session, "provider", state, account_id=account_id, state={}, now=now)
    response.set_cookie(
        service.cookie + COOKIE,
        secret.hex(),
        max_age=int(CHALLENGE_LASTS.total_seconds()),
        path="/",
        secure=service.is_https,
        httponly=True,
        samesite="lax",
    )
    return forms.WayOut(url=way)


def _secret(service: Parts, request: Request) -> bytes:
    try:
        return bytes.fromhex(request.cookies.get(service.cookie + COOKIE, ""))
    except ValueError:
        return b""


def _provider(service: Parts) -> oidc.Provider:
    if service.provider is None:
        msg = "this service knows no identity provider (CANHLO_PROVIDER)"
        raise NotFoundError(msg)
    return service.provider
