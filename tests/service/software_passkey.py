"""A passkey in software: what a phone does once it has seen its holder's finger."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_bytes
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

FLAG = AuthenticatorData.FLAG


@dataclass
class SoftwarePasskey:
    """One key for one site; `is_verified` is whether it looked who holds it."""

    origin: str
    is_verified: bool = True
    count: int = 0
    credential_id: bytes = field(default_factory=lambda: token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: dict[str, Any]) -> dict[str, str]:
        """Return the body of `POST /me/passkeys`."""
        public = ES256.from_cryptography_key(self.key.public_key())
        made = AttestedCredentialData.create(b"\0" * 16, self.credential_id, public)
        data = AuthenticatorData.create(self._site(options["rp"]["id"]), self._flags() | FLAG.AT, self.count, made)
        said = self._client_data("webauthn.create", options)
        return {
            "client_data": websafe_encode(said),
            "attestation": websafe_encode(AttestationObject.create("none", data, {})),
        }

    def sign(self, options: dict[str, Any]) -> dict[str, str]:
        """Return the body of `POST /session/passkey`."""
        data = AuthenticatorData.create(self._site(options["rpId"]), self._flags(), self.count)
        said = self._client_data("webauthn.get", options)
        signature = self.key.sign(data + said.hash, ec.ECDSA(hashes.SHA256()))
        return {
            "credential_id": websafe_encode(self.credential_id),
            "client_data": websafe_encode(said),
            "authenticator_data": websafe_encode(data),
            "signature": websafe_encode(signature),
        }

    def _client_data(self, what: str, options: dict[str, Any]) -> CollectedClientData:
        return CollectedClientData.create(what, websafe_decode(options["challenge"]), self.origin)

    def _flags(self) -> FLAG:
        return FLAG.UP | (FLAG.UV if self.is_verified else FLAG(0))

    def _site(self, host: str) -> bytes:
        return sha256(host.encode()).digest()


def with_origin(body: dict[str, str], origin: str) -> dict[str, str]:
    """Return what a device signed as if it had been signed at another site."""
    said = json.loads(websafe_decode(body["client_data"])) | {"origin": origin}
    return body | {"client_data": websafe_encode(json.dumps(said).encode())}
