"""Which kilns this process watches: all of them, or those of the workshops whose slots it holds by lease."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from sqlalchemy.orm import Session

from service.monitor.leases import Leases
from service.monitor.watched import Watched
from service.store.leases import slot_of

KILNS_HANDED_OVER_AT_ONCE: Final = 200


@dataclass(frozen=True)
class Moved:
    """The slots held now, with the epoch of each; those that went since, and those that came."""

    held: Mapping[int, int]
    lost: set[int]
    gained: set[int]


class Share:
    """The part of the kilns that is ours, as the watch last went by its leases; without leases, all of them."""

    def __init__(self, leases: Leases | None) -> None:
        self._leases = leases
        self._held: Mapping[int, int] = {}

    @property
    def is_sure(self) -> bool:
        """Say whether nobody else can have begun to watch what is ours."""
        return self._leases is None or self._leases.is_sure

    @property
    def has_others(self) -> bool:
        """Say whether other processes store readings too."""
        return self._leases is not None and bool(self._leases.others)

    @property
    def slots(self) -> Collection[int] | None:
        """Return the slots of workshops whose kilns this process watches; None are all."""
        return None if self._leases is None else self._held.keys()

    def is_ours(self, workshop_id: int) -> bool:
        return self._leases is None or slot_of(workshop_id) in self._held

    def moved(self) -> "Moved":
        """Return what has changed since the watch last settled."""
        held = self._leases.held if self._leases is not None else {}
        lost = {slot for slot, epoch in self._held.items() if held.get(slot) != epoch}
        return Moved(held, lost, {slot for slot, epoch in held.items() if self._held.get(slot) != epoch})

    def settle(self, moved: "Moved") -> None:
        """Go by this from now on."""
        self._held = moved.held

    def too_many(self, kilns: Collection[Watched]) -> list[int]:
        """Return slots to be left to others now: as many as make up a transaction that does not take long."""
        surplus = sorted(self._leases.surplus) if self._leases is not None else []
        if not surplus:
            return []
        count = Counter(slot_of(watched.now.workshop_id) for watched in kilns)
        come_to = accumulate(count[slot] for slot in surplus)
        few = [slot for slot, upto in zip(surplus, come_to, strict=True) if upto <= KILNS_HANDED_OVER_AT_ONCE]
        return few or surplus[:1]

    def check(self, session: Session, kilns: Collection[Watched]) -> None:
        """Raise LeaseLostError, and let the transaction fail, if any of these kilns is watched elsewhere by now."""
        if self._leases is not None:
            self._leases.check(session, {watched.now.workshop_id for watched in kilns}, self._held)

    @contextmanager
    def giving_up(self, slots: Collection[int], kilns: Sequence[Watched]) -> Iterator[Session]:
        """Open the transaction that leaves slots with these kilns to others, for what is to be written before."""
        if self._leases is None:
            msg = "without leases there is nobody to leave kilns to"
            raise RuntimeError(msg)
        with self._leases.giving_up(slots) as session:
            self.check(session, kilns)
            yield session
        self._held = {slot: epoch for slot, epoch in self._held.items() if slot not in slots}
