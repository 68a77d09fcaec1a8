"""Keeps this process's leases: a thread of its own renews them, however long a look at the kilns takes."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from sqlalchemy.orm import Session

from service.counters import LEASE_FAILURES, LEASES_HELD
from service.store import leases as rows
from service.store.database import Database
from service.store.leases import LASTS, LeaseLostError, Standing, slot_of

logger = logging.getLogger(__name__)

RENEW_EVERY_S: Final = 0.5
_NOTHING: Final = Standing({}, frozenset(), {})


class Leases:
    """The duty of a process that shares the kilns with others on one PostgreSQL database."""

    def __init__(self, database: Database, follows: Callable[[], Collection[int]] = tuple) -> None:
        self.me = secrets.token_hex(8)
        self._database = database
        self._follows = follows
        self._standing = _NOTHING
        self._sure_until_s = 0.0  # by the machine's monotonic time; before anybody else may claim what is held
        self._turn = threading.Lock()
        self._wake = threading.Event()
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and leave everything to the others."""
        self._is_ending = True
        self._wake.set()
        self._thread.join()
        try:
            with self._database.write() as session:
                rows.leave(session, self.me)
        except Exception:
            logger.exception("the leases could not be given up; they end by themselves")
        self._standing, self._sure_until_s = replace(self._standing, held={}), 0.0

    def wake(self) -> None:
        """Look now at what there is to claim; called from any thread."""
        self._wake.set()

    @property
    def is_sure(self) -> bool:
        """Say whether nobody can have claimed what is held, for it was renewed not long ago."""
        return time.monotonic() < self._sure_until_s

    @property
    def held(self) -> Mapping[int, int]:
        """Return the slots held, with the epoch of each."""
        return self._standing.held

    @property
    def surplus(self) -> frozenset[int]:
        """Return the slots held beyond a fair share, which are to be left to others."""
        return self._standing.surplus & self._standing.held.keys()

    @property
    def others(self) -> Mapping[str, frozenset[int]]:
        """Return the other processes, and which workshops people look at through them."""
        return self._standing.others

    def is_ours(self, workshop_id: int) -> bool:
        return self.is_sure and slot_of(workshop_id) in self._standing.held

    def check(self, session: Session, workshop_ids: Collection[int], epochs: Mapping[int, int] | None = None) -> None:
        """Raise LeaseLostError if any of these workshops is not ours now, or was another's since these epochs."""
        held = self._standing.held if epochs is None else epochs
        wanted = {slot_of(workshop_id) for workshop_id in workshop_ids}
        try:
            rows.check(session, self.me, {slot: held.get(slot, -1) for slot in wanted})
        except LeaseLostError:
            self._sure_until_s = 0.0
            self._wake.set()
            raise

    @contextmanager
    def giving_up(self, slots: Collection[int]) -> Iterator[Session]:
        """Open the transaction that leaves slots to others, for what is to be written before."""
        with self._turn:
            with self._database.write() as session:
                yield session
                rows.give_up(session, self.me, slots)
            held = {slot: epoch for slot, epoch in self._standing.held.items() if slot not in slots}
            self._standing = replace(self._standing, held=held)

    def renew(self) -> None:
        """Renew what is held and claim what is lacking, once."""
        with self._turn:
            began_s = time.monotonic()
            with self._database.write() as session:
                rows.end_when_still(session)
                standing = rows.renew(session, self.me, now=rows.database_now(session), follows=self._follows())
            self._standing, self._sure_until_s = standing, began_s + LASTS.total_seconds()
            LEASES_HELD.set(len(standing.held))

    def _run(self) -> None:
        while not self._is_ending:
            self._wake.clear()
            try:
                self.renew()
            except Exception:
                logger.exception("the leases could not be renewed")
                LEASE_FAILURES.inc()
            self._wake.wait(RENEW_EVERY_S)
