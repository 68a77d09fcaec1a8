"""The loop that seals: every kiln once an hour, spread evenly, so that no second has much of it."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.clock import Clock
from service.counters import SEALED_BLOCKS, SEALING_FAILURES
from service.series.seal import seal
from service.store.database import Database
from service.store.leases import Duty, LeaseLostError, WholeVillage
from service.store.models import Kiln

logger = logging.getLogger(__name__)

ROUND_LASTS: Final = timedelta(hours=1)
SEAL_AFTER: Final = timedelta(minutes=10)  # what a network holds up mostly comes within that, and need not be merged
_LOOK_EVERY_S: Final = 1.0
_MOST_AT_A_LOOK: Final = 20


class Sealer:
    """Goes round all kilns, and seals those that this process watches."""

    def __init__(self, database: Database, clock: Clock, duty: Duty | None = None) -> None:
        self._database = database
        self._clock = clock
        self._duty = duty or WholeVillage()
        self._kilns: list[tuple[int, int]] = []  # with the workshop of each
        self._done = 0
        self._round_began: datetime | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.step, self._clock.now())
            except Exception:  # the database is away: what is to be sealed waits in it
                logger.exception("readings could not be sealed")
                SEALING_FAILURES.inc()
            await asyncio.sleep(_LOOK_EVERY_S)

    def step(self, now: datetime) -> None:
        """Seal the kilns whose turn has come by now."""
        if self._round_began is None or (now - self._round_began >= ROUND_LASTS and self._done == len(self._kilns)):
            with self._database.read() as session:
                found = session.execute(select(Kiln.id, Kiln.workshop_id).order_by(Kiln.id))
                self._kilns = [(row.id, row.workshop_id) for row in found]
            self._round_began, self._done = now, 0
        share = min((now - self._round_began) / ROUND_LASTS, 1.0)
        due = min(int(share * len(self._kilns)), self._done + _MOST_AT_A_LOOK)
        for kiln_id, workshop_id in self._kilns[self._done : due]:
            if self._duty.is_ours(workshop_id):
                self._seal(kiln_id, workshop_id, now - SEAL_AFTER)
        self._done = max(self._done, due)

    def _seal(self, kiln_id: int, workshop_id: int, received_before: datetime) -> None:
        def check(session: Session) -> None:
            self._duty.check(session, [workshop_id])

        try:
            while sealed := seal(self._database, kiln_id, received_before=received_before, check=check):
                SEALED_BLOCKS.inc(sealed)
        except LeaseLostError as error:
            logger.warning("a kiln is sealed elsewhere by now", extra={"kiln_id": kiln_id, "reason": str(error)})
        except Exception:
            # The blocks stay where they are, and are tried again an hour later.
            logger.exception("a kiln's readings could not be sealed", extra={"kiln_id": kiln_id})
            SEALING_FAILURES.inc()
