"""The loop that gathers and seals: each kiln when its analysis is saved, and once an hour; no second has much of it."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.clock import Clock
from service.counters import SEALED_READINGS, SEALING_FAILURES
from service.series.at_hand import AtHand
from service.series.gather import clear_shelves, gather
from service.series.seal import NEVER, seal
from service.store.database import Database
from service.store.leases import Duty, LeaseLostError, WholeVillage
from service.store.models import Kiln

logger = logging.getLogger(__name__)

GATHER_EVERY: Final = timedelta(minutes=10)  # what nobody said was ready, such as logs that were brought in
SEAL_EVERY: Final = timedelta(hours=1)
SEAL_AFTER: Final = timedelta(minutes=10)  # what a network holds up mostly comes within that, and need not be merged
UNWATCHED_AFTER: Final = timedelta(hours=3)  # what the watch has not taken in by then is not kept waiting for it
_LOOK_EVERY_S: Final = 1.0
_CLEARS_FOR_S: Final = 0.5
_MOST_GATHERED_AT_A_LOOK: Final = 100
_MOST_SEALED_AT_A_LOOK: Final = 20


@dataclass
class _Round:
    """Kilns in turn, spread over the time that a round lasts."""

    lasts: timedelta
    most: int
    began: datetime | None = None
    kilns: list[tuple[int, int]] = field(default_factory=list)  # with the workshop of each
    done: int = 0

    def due(self, now: datetime, every: Callable[[], list[tuple[int, int]]]) -> list[tuple[int, int]]:
        """Return the kilns whose turn has come by now."""
        is_over = self.began is not None and now - self.began >= self.lasts and self.done == len(self.kilns)
        if self.began is None or is_over or now < self.began:  # the clock was set back
            self.began, self.kilns, self.done = now, every(), 0
        share = min((now - self.began) / self.lasts, 1.0)
        begin, self.done = self.done, max(self.done, min(int(share * len(self.kilns)), self.done + self.most))
        return self.kilns[begin : self.done]


class Sealer:
    """Goes round all kilns, and gathers and seals those that this process watches."""

    def __init__(self, database: Database, clock: Clock, duty: Duty | None = None) -> None:
        self._database = database
        self._clock = clock
        self._duty = duty or WholeVillage()
        self._gathering = _Round(GATHER_EVERY, _MOST_GATHERED_AT_A_LOOK)
        self._sealing = _Round(SEAL_EVERY, _MOST_SEALED_AT_A_LOOK)
        self.at_hand = AtHand()
        self._saved: dict[int, int] = {}
        self._lock = threading.Lock()
        self._began: datetime | None = None

    def saved(self, kilns: Iterable[tuple[int, int]]) -> None:
        """Hear whose analyses, with their workshops, were just saved, so that what they took in may be gathered."""
        with self._lock:
            self._saved.update(kilns)

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
        """Gather and seal the kilns whose turn has come by now, and take away what nobody needs any more."""
        self._began = self._began or now
        unwatched_after = self._clock.span(UNWATCHED_AFTER.total_seconds())
        unwatched_before = now - unwatched_after if now - self._began >= unwatched_after else NEVER
        kilns = self._next_saved() | dict(self._gathering.due(now, self._every))
        self._gather(self._ours(kilns.items()), unwatched_before)
        until_s = time.monotonic() + _CLEARS_FOR_S
        while clear_shelves(self._database) and time.monotonic() < until_s:
            pass
        for kiln_id, workshop_id in self._ours(self._sealing.due(now, self._every)):
            self._seal(kiln_id, workshop_id, now - SEAL_AFTER, unwatched_before)

    def _next_saved(self) -> dict[int, int]:
        with self._lock:
            some = dict(islice(self._saved.items(), _MOST_GATHERED_AT_A_LOOK))
            for kiln_id in some:
                del self._saved[kiln_id]
            return some

    def _every(self) -> list[tuple[int, int]]:
        with self._database.read() as session:
            found = session.execute(select(Kiln.id, Kiln.workshop_id).order_by(Kiln.id))
            return [(row.id, row.workshop_id) for row in found]

    def _ours(self, kilns: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        return [(kiln_id, workshop_id) for kiln_id, workshop_id in kilns if self._duty.is_ours(workshop_id)]

    def _gather(self, kilns: Sequence[tuple[int, int]], unwatched_before: datetime) -> None:
        """Gather some kilns; if that fails, each by itself, so that none holds up another."""
        check = partial(self._duty.check, workshop_ids={workshop_id for _, workshop_id in kilns})
        try:
            if kilns:
                gather(
                    self._database,
                    [kiln for kiln, _ in kilns],
                    unwatched_before=unwatched_before,
                    check=check,
                    at_hand=self.at_hand,
                )
        except LeaseLostError as error:
            logger.warning("kilns are gathered elsewhere by now", extra={"reason": str(error)})
        except Exception:
            if len(kilns) == 1:
                logger.exception("a kiln's blocks could not be gathered", extra={"kiln_id": kilns[0][0]})
                SEALING_FAILURES.inc()
            else:
                for one in kilns:
                    self._gather([one], unwatched_before)

    def _seal(self, kiln_id: int, workshop_id: int, received_before: datetime, unwatched_before: datetime) -> None:
        def check(session: Session) -> None:
            self._duty.check(session, [workshop_id])

        try:
            while sealed := seal(
                self._database,
                kiln_id,
                received_before=received_before,
                unwatched_before=unwatched_before,
                check=check,
            ):
                SEALED_READINGS.inc(sealed)
        except LeaseLostError as error:
            logger.warning("a kiln is sealed elsewhere by now", extra={"kiln_id": kiln_id, "reason": str(error)})
        except Exception:
            # The blocks stay where they are, and are tried again an hour later.
            logger.exception("a kiln's readings could not be sealed", extra={"kiln_id": kiln_id})
            SEALING_FAILURES.inc()
