"""Passkeys: a phone or computer looks who holds it (finger, face, its own code) and signs; we keep its public key.

The two factors are the device and what it looked at. A challenge is signed once, within five minutes, for this very
site: whoever is lured to another one signs nothing that is of use here.
"""

import struct
from collections.abc import Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestationConveyancePreference,
    AttestationObject,
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from service.store import challenges
from service.store.models import Account, Passkey

MAX_PASSKEYS: Final = 20  # of an account
MAX_CREDENTIAL_BYTES: Final = 1023  # of the id (WebAuthn level 3, 5.8.3)
NAME: Final = "Canh Lò"
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ALGORITHMS: Final = frozenset({-7, -8, -257})  # ES256, Ed25519, RS256: what phones, keys and Windows have
# What the library raises over bytes that are not what they should be: it reads them as they come.
_DAMAGE: Final = (
    *(ValueError, TypeError, LookupError, AttributeError, AssertionError),
    *(ArithmeticError, RuntimeError, struct.error),
)


class PasskeySite:
    """The address that passkeys are bound to: browsers have them over https alone, and for a name, not a number."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        port = "" if parts.port in {None, DEFAULT_PORTS.get(parts.scheme)} else f":{parts.port}"
        self.origin = f"{parts.scheme}://{self.host}{port}"  # as browsers write it
        self.is_fit = (parts.scheme == "https" and not _is_number(self.host)) or self.host == "localhost"

    def check_fit(self) -> None:
        """Raise ConflictError where no browser would have a passkey."""
        if not self.is_fit:
            msg = f"a passkey needs https and a name; this service is reached at {self.origin} (CANHLO_PUBLIC_URL)"
            raise ConflictError(msg)

    @property
    def server(self) -> Fido2Server:
        """Return the library's side of it."""
        self.check_fit()
        relying = PublicKeyCredentialRpEntity(name=NAME, id=self.host)
        server = Fido2Server(relying, AttestationConveyancePreference.NONE, lambda origin: origin == self.origin)
        server.allowed_algorithms = [one for one in server.allowed_algorithms if one.alg in _ALGORITHMS]
        return server


def ask_for_new(session: Session, site: PasskeySite, account: Account, *, now: datetime) -> Mapping[str, Any]:
    """Return what a browser hands to a device that is to become a passkey of this account (WebAuthn's own form)."""
    own = passkeys_of(session, account.id)
    if len(own) >= MAX_PASSKEYS:
        msg = f"an account has {MAX_PASSKEYS} passkeys at most; remove one that is no longer used"
        raise ConflictError(msg)
    options, state = site.server.register_begin(
        PublicKeyCredentialUserEntity(id=_handle(account.id), name=account.login, display_name=account.name),
        [PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=one.credential_id) for one in own],
        ResidentKeyRequirement.REQUIRED,
        UserVerificationRequirement.REQUIRED,
    )
    challenges.keep(session, "passkey", options.public_key.challenge, account_id=account.id, state=state, now=now)
    return dict(dict(options)["publicKey"])


def add(
    session: Session,
    site: PasskeySite,
    account: Account,
    *,
    client_data: bytes,
    attestation: bytes,
    device: str,
    now: datetime,
) -> Passkey:
    """Keep the passkey that a device made; RefusedError if it is not what was asked for."""
    state = _spend(session, client_data, account.id, now)
    try:
        said = AuthenticatorAttestationResponse(
            client_data=CollectedClientData(client_data), attestation_object=AttestationObject(attestation)
        )
        made = site.server.register_complete(state, RegistrationResponse(raw_id=b"", response=said))
        credential = made.credential_data
        is_good = credential is not None and _is_key(credential.public_key)
    except _DAMAGE as error:
        raise _refusal(error) from error
    if credential is None or not is_good or len(credential.credential_id) > MAX_CREDENTIAL_BYTES:
        raise _refusal("its kind of key")
    if session.scalar(select(Passkey.id).where(Passkey.credential_id == credential.credential_id)) is not None:
        msg = "this device has a passkey here already"
        raise ConflictError(msg)
    passkey = Passkey(
        account_id=account.id,
        credential_id=credential.credential_id,
        credential=bytes(credential),
        signed_count=made.counter,
        device=device,
        created_at=now,
        used_at=None,
    )
    session.add(passkey)
    session.flush()
    return passkey


def ask(session: Session, site: PasskeySite, *, now: datetime) -> Mapping[str, Any]:
    """Return what a browser hands to a device that is to sign somebody in, whoever that is (WebAuthn's own form)."""
    options, state = site.server.authenticate_begin(user_verification=UserVerificationRequirement.REQUIRED)
    challenges.keep(session, "passkey", options.public_key.challenge, account_id=None, state=state, now=now)
    return dict(dict(options)["publicKey"])


def who_signed(
    session: Session,
    site: PasskeySite,
    *,
    credential_id: bytes,
    client_data: bytes,
    authenticator_data: bytes,
    signature: bytes,
    now: datetime,
) -> Account:
    """Return whose passkey signed the challenge; RefusedError if it is nobody's, or not as it was asked for."""
    state = _spend(session, client_data, None, now)
    passkey = session.scalar(select(Passkey).where(Passkey.credential_id == credential_id))
    if passkey is None:
        msg = "this passkey is not known here: it was removed, or made for another service"
        raise RefusedError(msg)
    try:
        said = AuthenticatorAssertionResponse(
            client_data=CollectedClientData(client_data),
            authenticator_data=AuthenticatorData(authenticator_data),
            signature=signature,
        )
        answer = AuthenticationResponse(raw_id=credential_id, response=said)
        site.server.authenticate_complete(state, [AttestedCredentialData(passkey.credential)], answer)
        count = said.authenticator_data.counter
    except _DAMAGE as error:
        raise _refusal(error) from error
    if count <= passkey.signed_count and (count or passkey.signed_count):
        msg = "this passkey has signed more often than it says: somebody may have a copy; sign in with another"
        raise RefusedError(msg)
    passkey.signed_count, passkey.used_at = count, now
    return session.get_one(Account, passkey.account_id)


def passkeys_of(session: Session, account_id: int) -> list[Passkey]:
    return list(session.scalars(select(Passkey).where(Passkey.account_id == account_id).order_by(Passkey.id)))


def has_one(session: Session, account_id: int) -> bool:
    return session.scalar(select(Passkey.id).where(Passkey.account_id == account_id).limit(1)) is not None


def remove(session: Session, account: Account, passkey_id: int) -> None:
    """Let a passkey sign nobody in any more; without any left, the account no longer asks for one."""
    passkey = session.get(Passkey, passkey_id)
    if passkey is None or passkey.account_id != account.id:
        msg = f"there is no passkey {passkey_id} of yours"
        raise NotFoundError(msg)
    session.delete(passkey)
    session.flush()
    account.wants_two_factors = account.wants_two_factors and has_one(session, account.id)


def forget_all(session: Session, account: Account) -> int:
    """Let no passkey of an account work any more; return how many there were."""
    ended = session.execute(delete(Passkey).where(Passkey.account_id == account.id).returning(Passkey.id)).all()
    account.wants_two_factors = False
    return len(ended)


def _spend(session: Session, client_data: bytes, account_id: int | None, now: datetime) -> dict[str, Any]:
    """Return the state of the challenge that was signed, if it was for this account (None: to sign somebody in)."""
    try:
        challenge = CollectedClientData(client_data).challenge
    except _DAMAGE as error:
        msg = "client_data is not what a browser says of a passkey"
        raise InvalidError(msg) from error
    whose, state = challenges.spend(session, "passkey", challenge, now=now)
    if whose != account_id:
        msg = "this was asked of somebody else, or for something else"
        raise RefusedError(msg)
    return state


def _is_key(key: CoseKey) -> bool:
    """Say whether a key can check a signature, as half of one cannot: the library reads what is cut off as it is."""
    try:
        key.verify(b"", b"")
    except InvalidSignature:
        return key.get(3) in _ALGORITHMS
    return False


def _refusal(why: object) -> RefusedError:
    return RefusedError(f"the passkey did not answer as it was asked to ({why}); try again")


def _handle(account_id: int) -> bytes:
    return account_id.to_bytes(8)


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
