"""Which process watches which kilns: slots of workshops, each held by one process of all that share a database.

A process is alive as long as it renews; what a dead one holds is free to the others. A slot's epoch counts how often it
was claimed: whoever writes for a kiln proves first, in the same transaction, that it still holds what it held.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, text, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.errors import ServiceError
from service.store.models import Lease, ServiceProcess

# A workshop's kilns stay together: what falls silent together is one alarm, which one process alone can see. So many
# slots can be shared evenly by 2, 3, 4, 5, 6 or 8 processes.
SLOTS: Final = 120
_APART: Final = 73  # shares no divisor with `SLOTS`: workshops that follow one another come to slots far apart
LASTS: Final = timedelta(seconds=4)
# A process that stands still in the middle of a transaction keeps its locks no longer than this.
_STILL_AT_MOST: Final = "5s"
_FORGOTTEN_AFTER: Final = timedelta(minutes=10)


class LeaseLostError(ServiceError):
    """Another process watches these kilns by now: what this one concluded of them is not to be written."""

    code = "lease_lost"


class Duty(Protocol):
    """What this process has to do with which workshops."""

    def is_ours(self, workshop_id: int) -> bool:
        """Say whether this process watches the kilns of a workshop, as far as it knows."""

    def check(self, session: Session, workshop_ids: Collection[int]) -> None:
        """Make sure of it until the transaction ends; raise LeaseLostError if it is not so."""


class WholeVillage:
    """The duty of a process that is alone."""

    def is_ours(self, workshop_id: int) -> bool:
        return True

    def check(self, session: Session, workshop_ids: Collection[int]) -> None:
        return


@dataclass(frozen=True)
class Standing:
    """How a process stands after it has renewed: its slots with their epochs, and those it has too many."""

    held: Mapping[int, int]
    surplus: frozenset[int]
    others: Mapping[str, frozenset[int]]  # the workshops that people look at through the other processes


def slot_of(workshop_id: int) -> int:
    """Return the slot of a workshop."""
    return workshop_id * _APART % SLOTS


def in_slots(workshop_id: ColumnElement[int] | Any, slots: Collection[int] | None) -> ColumnElement[bool]:
    """Return the condition that a workshop is in some slots; None are all."""
    return true() if slots is None or len(slots) == SLOTS else (workshop_id * _APART % SLOTS).in_(slots)


def fair_share(alive: Collection[str], me: str) -> int:
    """Return how many slots a process shall hold: the shares of all come to exactly `SLOTS`."""
    everybody = sorted({*alive, me})
    return SLOTS // len(everybody) + (everybody.index(me) < SLOTS % len(everybody))


def database_now(session: Session) -> datetime:
    """Return what time the database has: the one clock that all processes share."""
    now: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return now


def renew(session: Session, me: str, *, now: datetime, follows: Collection[int] = ()) -> Standing:
    """Say that a process lives, and claim what it lacks of its share."""
    _live_on(session, me, now, follows)
    others = {
        row.id: frozenset(row.follows)
        for row in session.scalars(select(ServiceProcess).where(ServiceProcess.expires_at > now))
        if row.id != me
    }
    leases = session.execute(select(Lease.slot, Lease.holder, Lease.epoch)).all()
    if len(leases) < SLOTS:
        _make_slots(session)
    held = {row.slot: row.epoch for row in leases if row.holder == me}
    wanted = fair_share(others, me)
    if len(held) < wanted:
        held |= _claim(session, me, {*others, me}, wanted - len(held))
    return Standing(held, frozenset(sorted(held)[wanted:]), others)


def give_up(session: Session, me: str, slots: Collection[int]) -> None:
    """Leave slots to the others."""
    session.execute(update(Lease).where(Lease.holder == me, Lease.slot.in_(slots)).values(holder=None))


def leave(session: Session, me: str) -> None:
    """Leave all slots to the others, at the end."""
    session.execute(update(Lease).where(Lease.holder == me).values(holder=None))
    session.execute(delete(ServiceProcess).where(ServiceProcess.id == me))


def check(session: Session, me: str, held: Mapping[int, int]) -> None:
    """Keep others from claiming these slots until the transaction ends; raise LeaseLostError if one has."""
    end_when_still(session)
    query = select(Lease.slot, Lease.epoch).where(Lease.holder == me, Lease.slot.in_(held))
    found = {row.slot: row.epoch for row in session.execute(query.with_for_update(read=True))}
    if found != held:
        msg = f"slots {sorted(held.items() - found.items())} (slot, epoch) are with another process by now"
        raise LeaseLostError(msg)


def end_when_still(session: Session) -> None:
    """Let the database end this transaction, with its locks, if the process stands still in the middle of it."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(
            text("SELECT set_config('idle_in_transaction_session_timeout', :at_most, true)"),
            {"at_most": _STILL_AT_MOST},
        )


def _live_on(session: Session, me: str, now: datetime, follows: Collection[int]) -> None:
    session.execute(delete(ServiceProcess).where(ServiceProcess.expires_at < now - _FORGOTTEN_AFTER))
    row = {"id": me, "expires_at": now + LASTS, "follows": sorted(follows)}
    done = session.execute(update(ServiceProcess).where(ServiceProcess.id == me).values(row))
    if not done.rowcount:  # type: ignore[attr-defined]
        session.execute(insert(ServiceProcess).values(row))


def _make_slots(session: Session) -> None:
    on_dialect = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows = [{"slot": slot, "epoch": 0} for slot in range(SLOTS)]
    session.execute(on_dialect(Lease).values(rows).on_conflict_do_nothing())


def _claim(session: Session, me: str, alive: Collection[str], number: int) -> dict[int, int]:
    """Take what is free; what others are about to take, or are writing for, is passed over."""
    is_free = or_(Lease.holder.is_(None), Lease.holder.not_in(alive))
    free = select(Lease.slot).where(is_free).order_by(Lease.slot).limit(number).with_for_update(skip_locked=True)
    claimed = session.execute(
        update(Lease)
        .where(Lease.slot.in_(session.scalars(free).all()))
        .values(holder=me, epoch=Lease.epoch + 1)
        .returning(Lease.slot, Lease.epoch)
    )
    return {row.slot: row.epoch for row in claimed}
