"""Who sends lines: a bridge by its token, or a program by an API token that may set kilns up."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Final

from service.errors import RefusedError, ServiceError
from service.ingest.admission import LOOK_EVERY_S, MAX_REMEMBERED, Admission
from service.store import api_tokens
from service.store.database import Database
from service.store.identity import BridgeIdentity, bridge_of_lines
from service.store.roles import Action
from service.store.secrets import hash_secret

_SCHEMES: Final = frozenset({"token", "bearer"})


class ForbiddenError(ServiceError):
    """The token is known, and may not do this."""

    code = "forbidden"


class Senders:
    """Admits senders of lines by the header `Authorization: Token ...`; the workshop comes from here alone."""

    def __init__(self, database: Database, bridges: Admission) -> None:
        self._database = database
        self._bridges = bridges
        self._known: dict[bytes, tuple[float, BridgeIdentity]] = {}

    async def admit(self, authorization: str) -> BridgeIdentity:
        """Return as which bridge the sender's readings are stored.

        Raises
        ------
        RefusedError
            Without a token that is known.
        ForbiddenError
            If it is known and may not send readings.
        """
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() not in _SCHEMES or not token:
            msg = "no token; wanted a header `Authorization: Token ...`"
            raise RefusedError(msg)
        if not token.startswith(api_tokens.PREFIX):
            return await self._bridges.admit(f"Bearer {token}")
        key = hash_secret(token)
        ends_s, sender = self._known.get(key, (0.0, None))
        if sender is None or ends_s < time.monotonic():
            sender = await asyncio.to_thread(self._look_up, token)
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[key] = time.monotonic() + LOOK_EVERY_S, sender
        return sender

    def _look_up(self, token: str) -> BridgeIdentity:
        now = datetime.now(UTC)
        with self._database.read() as session:  # who is nobody keeps nobody from writing
            who = api_tokens.who_has(session, token, now=now)
        if who is None or who.token_id is None:
            msg = "this token is unknown, revoked or has ended"
            raise RefusedError(msg)
        may = who.where_may(Action.SET_UP)
        if not may:
            msg = "this token may not send readings: it wants scope `write`, made by an owner or a technician"
            raise ForbiddenError(msg)
        with self._database.write() as session:
            api_tokens.used(session, who.token_id, now=now)
            return bridge_of_lines(session, next(iter(may)), now=now)
