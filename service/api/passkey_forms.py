"""What is sent and told of passkeys; what the browser and the device say has WebAuthn's own form."""

import base64
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import EncodedBytes, Field, StrictBool, WithJsonSchema

from service.api.schemas import Id, In, Out, ProofIn

_LETTER: Final = "[A-Za-z0-9_-]"
_WEBSAFE: Final = f"^({_LETTER}{{4}})*({_LETTER}{{2,3}})?$"


class _Websafe:
    """Bytes as WebAuthn writes them in JSON: base64url without padding."""

    @classmethod
    def decode(cls, data: bytes) -> bytes:
        return base64.urlsafe_b64decode(data + b"=" * (-len(data) % 4))

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    @classmethod
    def get_json_format(cls) -> str:
        return "base64url"


def _form(most: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": _WEBSAFE, "maxLength": most})


Little = Annotated[bytes, Field(max_length=1400), EncodedBytes(encoder=_Websafe), _form(1400)]
Some = Annotated[bytes, Field(max_length=5000), EncodedBytes(encoder=_Websafe), _form(5000)]
Much = Annotated[bytes, Field(max_length=20_000), EncodedBytes(encoder=_Websafe), _form(20_000)]


class ChallengeOut(Out):
    """What the page hands to `navigator.credentials` (`PublicKeyCredential...OptionsJSON`)."""

    options: dict[str, Any]


class NewPasskeyIn(In):
    """What a device says that has made a passkey (`AuthenticatorAttestationResponse`)."""

    client_data: Some
    attestation: Much


class PasskeySignInIn(In):
    """What a device says that has signed (`AuthenticatorAssertionResponse`)."""

    credential_id: Little
    client_data: Some
    authenticator_data: Some
    signature: Little


class PasskeyOut(Out):
    """A device that signs one in; `device` is what its browser called itself when the passkey was made."""

    id: int
    device: str
    created_at: datetime
    used_at: datetime | None


class PasskeysOut(Out):
    """Whether a passkey can be had here, and is asked for: of all by the service, or by this person's own wish."""

    are_offered: bool
    are_required: bool
    are_wanted: bool
    passkeys: list[PasskeyOut]


class PasskeyEndIn(ProofIn):
    passkey_id: Id


class TwoFactorsIn(ProofIn):
    are_wanted: StrictBool
