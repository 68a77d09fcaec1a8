"""What Web Push asks of a sender: encryption for one browser (RFC 8291) and a signature of our own (RFC 8292)."""

import base64
import json
import struct
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD_SIZE: Final = 4096
# A push service takes 4096 bytes: the header with our key is 86 of them, the tag and the padding mark 17.
MAX_PLAINTEXT: Final = 3993
SALT_SIZE: Final = 16
VAPID_LASTS: Final = timedelta(hours=12)  # RFC 8292 allows 24 h; clocks differ

_CURVE: Final = ec.SECP256R1()
_HEADER: Final = struct.Struct("!16sLB")
_LAST_RECORD: Final = b"\x02"


def encrypt(
    plaintext: bytes, p256dh: bytes, auth: bytes, *, salt: bytes, private_key: ec.EllipticCurvePrivateKey
) -> bytes:
    """Return the body of a push that only the browser with this public key and secret can read.

    `salt` and `private_key` are new for every message. A key that is no point of the curve raises ValueError.
    """
    if len(plaintext) > MAX_PLAINTEXT:
        msg = f"a push holds {MAX_PLAINTEXT} bytes, but plaintext has {len(plaintext)}"
        raise ValueError(msg)
    browser_key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, p256dh)
    sender = raw_public_key(private_key)
    key, nonce = _keys(private_key.exchange(ec.ECDH(), browser_key), auth, salt, browser=p256dh, sender=sender)
    record = AESGCM(key).encrypt(nonce, plaintext + _LAST_RECORD, None)
    return _HEADER.pack(salt, RECORD_SIZE, len(sender)) + sender + record


def decrypt(body: bytes, private_key: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """Return what a browser with this key reads; a body that is not for it raises ValueError."""
    try:
        salt, _record_size, key_size = _HEADER.unpack_from(body)
        sender, record = body[_HEADER.size :][:key_size], body[_HEADER.size + key_size :]
        secret = private_key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, sender))
        key, nonce = _keys(secret, auth, salt, browser=raw_public_key(private_key), sender=sender)
        return AESGCM(key).decrypt(nonce, record, None).rstrip(b"\x00").removesuffix(_LAST_RECORD)
    except (struct.error, ValueError, InvalidTag) as error:
        msg = f"{len(body)} bytes are no push for this key"
        raise ValueError(msg) from error


def vapid_header(private_key: ec.EllipticCurvePrivateKey, *, audience: str, contact: str, now: datetime) -> str:
    """Return the Authorization header that says who pushes, to the push service at `audience` (an origin)."""
    claims = {"aud": audience, "exp": int((now + VAPID_LASTS).timestamp()), "sub": contact}
    signed = f"{_segment({'typ': 'JWT', 'alg': 'ES256'})}.{_segment(claims)}"
    r, s = decode_dss_signature(private_key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    signature = base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={signed}.{signature}, k={base64url(raw_public_key(private_key))}"


def raw_public_key(private_key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public half as 65 bytes, the form that browsers and the header use."""
    return private_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _keys(secret: bytes, auth: bytes, salt: bytes, *, browser: bytes, sender: bytes) -> tuple[bytes, bytes]:
    shared = _derive(secret, auth, b"WebPush: info\x00" + browser + sender, 32)
    key = _derive(shared, salt, b"Content-Encoding: aes128gcm\x00", 16)
    return key, _derive(shared, salt, b"Content-Encoding: nonce\x00", 12)


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def _segment(part: Mapping[str, object]) -> str:
    return base64url(json.dumps(part, separators=(",", ":")).encode())
