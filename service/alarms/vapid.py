"""The key that names this service to push services; browsers bind their subscriptions to it, so it is kept."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from service.alarms.web_push_crypto import base64url, raw_public_key


@dataclass(frozen=True)
class VapidKey:
    private_key: ec.EllipticCurvePrivateKey

    @property
    def public_key(self) -> str:
        """Return what a browser's PushManager takes as `applicationServerKey`."""
        return base64url(raw_public_key(self.private_key))

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Return the key kept at `path`; the first time, make one that only its owner can read."""
        if not path.exists():
            _write(path, ec.generate_private_key(ec.SECP256R1()))
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            msg = f"{path} must hold a P-256 private key, but holds another kind"
            raise ValueError(msg)  # noqa: TRY004 - it is the file that is wrong
        return cls(key)


def _write(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A temporary file is its owner's alone (0600), and a power cut leaves a whole key or none.
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as draft:
        draft.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        draft.flush()
        os.fsync(draft.fileno())
    Path(draft.name).replace(path)
