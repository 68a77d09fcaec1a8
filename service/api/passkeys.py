"""Passkeys: signing in with a phone's finger or face, and which devices may."""

from typing import Any

from fastapi import APIRouter, Request, Response

from service.api import passkey_forms as forms
from service.api import schemas
from service.api.account import note, prove
from service.api.deps import Entering, MachineNow, OpenSession, Parts, PartsOf, SignedIn, host_of
from service.api.identity import end_everywhere, signed_in
from service.errors import InvalidError
from service.store import alarms, passkeys, sessions
from service.store.models import Account
from service.store.who import Who

router = APIRouter(tags=["passkeys"])


@router.post("/session/passkey/challenge", response_model=forms.ChallengeOut)
def ask_for_passkey(session: OpenSession, service: PartsOf, now: MachineNow, request: Request) -> dict[str, Any]:
    """Return what a device is to sign within five minutes, to sign its holder in."""
    service.host_tries.spend(host_of(request))
    return {"options": passkeys.ask(session, service.passkey_site, now=now)}


@router.post("/session/passkey", response_model=schemas.MeOut)
def sign_in_by_passkey(
    asked: forms.PasskeySignInIn,
    session: OpenSession,
    service: PartsOf,
    now: MachineNow,
    request: Request,
    response: Response,
) -> schemas.MeOut:
    """Sign in with what a device signed, once it had seen who holds it."""
    service.host_tries.spend(host_of(request))
    account = passkeys.who_signed(
        session,
        service.passkey_site,
        credential_id=asked.credential_id,
        client_data=asked.client_data,
        authenticator_data=asked.authenticator_data,
        signature=asked.signature,
        now=now,
    )
    return signed_in(session, service, account, now, request, response, with_two_factors=True)


@router.get("/me/passkeys", response_model=forms.PasskeysOut)
def list_passkeys(session: OpenSession, service: PartsOf, who: Entering) -> forms.PasskeysOut:
    """Return the devices that sign one in, and whether a password still does."""
    return _told(session, service, who)


@router.post("/me/passkeys/challenge", response_model=forms.ChallengeOut)
def ask_for_new_passkey(
    asked: schemas.ProofIn, session: OpenSession, service: PartsOf, who: Entering, now: MachineNow, request: Request
) -> dict[str, Any]:
    """Return what a device is to make a passkey from, within five minutes."""
    account = prove(session, service, who, asked.password, request)
    return {"options": passkeys.ask_for_new(session, service.passkey_site, account, now=now)}


@router.post("/me/passkeys", response_model=forms.PasskeysOut, status_code=201)
def add_passkey(
    asked: forms.NewPasskeyIn, session: OpenSession, service: PartsOf, who: Entering, now: MachineNow, request: Request
) -> forms.PasskeysOut:
    """Keep the passkey that a device made; this session counts as one of two factors from now on."""
    passkeys.add(
        session,
        service.passkey_site,
        session.get_one(Account, who.account_id),
        client_data=asked.client_data,
        attestation=asked.attestation,
        device=sessions.device_name(request.headers.get("user-agent", "")),
        now=now,
    )
    sessions.strengthen(session, request.cookies.get(service.cookie, ""))
    note(session, who, "passkey made", now)
    return _told(session, service, who)


@router.post("/me/passkeys/remove", response_model=forms.PasskeysOut)
def remove_passkey(
    asked: forms.PasskeyEndIn, session: OpenSession, service: PartsOf, who: SignedIn, now: MachineNow, request: Request
) -> forms.PasskeysOut:
    """Let a device sign one in no more, as when it is lost; every other session ends, for one may be on it."""
    account = prove(session, service, who, asked.password, request)
    passkeys.remove(session, account, asked.passkey_id)
    end_everywhere(session, service, account.id, but=request.cookies.get(service.cookie, ""))
    alarms.forget_subscriptions(session, account.id)
    note(session, who, "passkey removed", now)
    return _told(session, service, who)


@router.put("/me/two-factors", response_model=forms.PasskeysOut)
def choose_two_factors(
    asked: forms.TwoFactorsIn, session: OpenSession, service: PartsOf, who: SignedIn, now: MachineNow, request: Request
) -> forms.PasskeysOut:
    """Choose whether a password alone signs one in; where it no longer does, sessions begun with it end."""
    account = prove(session, service, who, asked.password, request)
    this = request.cookies.get(service.cookie, "")
    is_strong = passkeys.has_one(session, account.id) and sessions.has_two_factors(session, this, account.id, now=now)
    if asked.are_wanted and not is_strong:
        msg = "make a passkey here, or sign in with one first: else the password would still make the first one"
        raise InvalidError(msg)
    account.wants_two_factors = asked.are_wanted
    if asked.are_wanted:
        end_everywhere(session, service, account.id, but=this)
    note(session, who, "passkey asked for" if asked.are_wanted else "password enough again", now)
    return _told(session, service, who)


def _told(session: OpenSession, service: Parts, who: Who) -> forms.PasskeysOut:
    return forms.PasskeysOut(
        are_offered=service.passkey_site.is_fit,
        are_required=service.needs_two_factors,
        are_wanted=session.get_one(Account, who.account_id).wants_two_factors,
        passkeys=[forms.PasskeyOut.model_validate(one) for one in passkeys.passkeys_of(session, who.account_id)],
    )
