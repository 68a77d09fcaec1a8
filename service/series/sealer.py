"""The loop that seals: every kiln once an hour, spread evenly, so that no second has much of it."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from service.clock import Clock
from service.counters import SEALED_BLOCKS, SEALING_FAILURES
from service.series.seal import seal
from service.store.database import Database
from service.store.models import Kiln

logger = logging.getLogger(__name__)

ROUND_LASTS: Final = timedelta(hours=1)
SEAL_AFTER: Final = timedelta(minutes=10)  # what a network holds up mostly comes within that, and need not be merged
_LOOK_EVERY_S: Final = 1.0
_MOST_AT_A_LOOK: Final = 20


class Sealer:
    """Goes round all kilns."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._kiln_ids: list[int] = []
        self._done = 0
        self._round_began: datetime | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await asyncio.to_thread(self.step, self._clock.now())
            await asyncio.sleep(_LOOK_EVERY_S)

    def step(self, now: datetime) -> None:
        """Seal the kilns whose turn has come by now."""
        if self._round_began is None or (now - self._round_began >= ROUND_LASTS and self._done == len(self._kiln_ids)):
            with self._database.read() as session:
                self._kiln_ids = list(session.scalars(select(Kiln.id).order_by(Kiln.id)))
            self._round_began, self._done = now, 0
        share = min((now - self._round_began) / ROUND_LASTS, 1.0)
        due = min(int(share * len(self._kiln_ids)), self._done + _MOST_AT_A_LOOK)
        for kiln_id in self._kiln_ids[self._done : due]:
            self._seal(kiln_id, now - SEAL_AFTER)
        self._done = max(self._done, due)

    def _seal(self, kiln_id: int, received_before: datetime) -> None:
        try:
            while sealed := seal(self._database, kiln_id, received_before=received_before):
                SEALED_BLOCKS.inc(sealed)
        except Exception:
            # The blocks stay where they are, and are tried again an hour later.
            logger.exception("a kiln's readings could not be sealed", extra={"kiln_id": kiln_id})
            SEALING_FAILURES.inc()
