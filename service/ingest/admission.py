"""Which bridge a token stands for; asked of the database once in a few seconds for each token."""

import asyncio
import time
from typing import Final

from service.errors import RefusedError
from service.store.database import Database
from service.store.identity import BridgeIdentity, bridge_of_token, hash_secret

REMEMBERED_S: Final = 5.0  # so long may a revoked token still be taken
MAX_REMEMBERED: Final = 10_000


class Admission:
    """Admits bridges by their bearer token. The workshop comes from here, never from the body."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[bytes, tuple[float, BridgeIdentity]] = {}

    async def admit(self, authorization: str) -> BridgeIdentity:
        """Return who sends; raise RefusedError without a token that is known and not revoked."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            msg = "no token; wanted a header `Authorization: Bearer ...`"
            raise RefusedError(msg)
        key = hash_secret(token)
        found = self._known.get(key)
        if found is not None and found[0] > time.monotonic():
            return found[1]
        bridge = await asyncio.to_thread(self._look_up, token)
        if bridge is None:
            self._known.pop(key, None)
            msg = "this token is unknown or was revoked; pair the bridge again with a new code"
            raise RefusedError(msg)
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[key] = (time.monotonic() + REMEMBERED_S, bridge)
        return bridge

    def _look_up(self, token: str) -> BridgeIdentity | None:
        with self._database.read() as session:
            return bridge_of_token(session, token)
