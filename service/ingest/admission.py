"""Which bridge a token stands for; asked of the database once in a few seconds for each token."""

import asyncio
import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from service.errors import RefusedError
from service.ingest.together import Together
from service.store.database import Database
from service.store.identity import (
    BridgeIdentity,
    bridges_of_tokens,
    good_tokens,
    next_tokens,
    take_next_token,
)
from service.store.secrets import hash_secret

LOOK_EVERY_S: Final = 5.0  # so long may a revoked token still be taken
MAX_REMEMBERED: Final = 50_000


class Admission:
    """Admits bridges by their bearer token. The workshop comes from here, never from the body."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[bytes, BridgeIdentity] = {}
        self._bridges = Together(self._look_up)
        self._looked_s = time.monotonic()
        self._looking = asyncio.Lock()

    def known(self, authorization: str) -> BridgeIdentity | None:
        """Return who sends, if that can be said without asking the database."""
        if time.monotonic() - self._looked_s > LOOK_EVERY_S:
            return None
        token = _token(authorization)
        return self._known.get(hash_secret(token)) if token else None

    async def admit(self, authorization: str) -> BridgeIdentity:
        """Return who sends; raise RefusedError without a token that is known and not revoked."""
        token = _token(authorization)
        if not token:
            msg = "no token; wanted a header `Authorization: Bearer ...`"
            raise RefusedError(msg)
        if time.monotonic() - self._looked_s > LOOK_EVERY_S:
            await self._forget_ended()
        key = hash_secret(token)
        bridge = self._known.get(key) or await self._bridges.get(key)
        if bridge is None:
            msg = "this token is unknown or was revoked; pair the bridge again with a new code"
            raise RefusedError(msg)
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[key] = bridge
        return bridge

    async def _forget_ended(self) -> None:
        """Forget the tokens that are good no more: one question for all of them, in which no clock has a say."""
        async with self._looking:
            looked_s = time.monotonic()
            if looked_s - self._looked_s <= LOOK_EVERY_S:
                return
            good = await asyncio.to_thread(self._good, {bridge.bridge_id for bridge in self._known.values()})
            self._known = {key: bridge for key, bridge in self._known.items() if key in good}
            self._looked_s = looked_s

    def _look_up(self, keys: Collection[bytes]) -> dict[bytes, BridgeIdentity]:
        with self._database.read() as session:
            found = bridges_of_tokens(session, keys)
            shown = next_tokens(session, found.keys())
        if shown:
            with self._database.write() as session:
                for key in shown:
                    take_next_token(session, key, now=datetime.now(UTC))
        return found

    def _good(self, bridge_ids: Collection[int]) -> set[bytes]:
        with self._database.read() as session:
            return good_tokens(session, bridge_ids)


def _token(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    return token if scheme.lower() == "bearer" else ""
