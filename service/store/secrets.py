"""Random secrets: in clear only where they are given out, stored as their hash."""

import hashlib


def hash_secret(secret: str) -> bytes:
    """Return what is stored of a random secret; it has 128 bits or more, so a fast hash is enough."""
    return hashlib.sha256(secret.encode()).digest()
