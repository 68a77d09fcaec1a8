"""Random secrets: in clear only where they are given out, stored as their hash."""

import hashlib


def hash_secret(secret: str) -> bytes:
    """Return what is stored of a random secret; it has 128 bits or more, so a fast hash is enough."""
    return hash_bytes(secret.encode())


def hash_bytes(secret: bytes) -> bytes:
    """Return the same of a secret that is no text."""
    return hashlib.sha256(secret).digest()
