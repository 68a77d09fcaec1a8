"""How far each sink has got: a mark for what arrives, and what it is owed of what was sealed before it took it.

A block waits for the sinks until it is sealed, and no longer; whatever a sink has not taken then becomes a debt, in the
same transaction. A debt is a stretch of one kiln's month, so a sink that is down for a year costs a row a month.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from service.store.models import Gathering, OwedToSink, Sink, StoredBlock
from service.store.months import month_of

CLAIM_LASTS: Final = timedelta(seconds=60)
_LONGEST_FAILURE: Final = 300
_ENTRY_LOCK: Final = 0x6B6E  # any number that nothing else in the database locks


class Stretch(NamedTuple):
    """A time of one kiln, [from_ms, to_ms]."""

    kiln_id: int
    workshop_id: int
    from_ms: int
    to_ms: int


@dataclass(frozen=True)
class Lag:
    """What a sink has not taken yet."""

    blocks: int  # that have come since; what was sealed of them is owed
    oldest_at: datetime | None  # when the oldest of those blocks came in
    owed: int  # kiln-months of which something is owed

    def seconds(self, now: datetime) -> float:
        """Return for how long the oldest block has waited."""
        return 0.0 if self.oldest_at is None else max(0.0, (now - self.oldest_at).total_seconds())


def enter(session: Session, name: str) -> Sink:
    """Return a sink; a new one has taken nothing yet, and `is_listed` says that it does not know its debts."""
    found = session.get(Sink, name)
    if found is None:
        hold_entries(session)
        found = session.get(Sink, name)
    if found is None:
        gathered_id = session.scalar(select(func.max(Gathering.upto_id))) or 0
        found = Sink(name=name, block_id=0, is_listed=False, gathered_id=gathered_id)
        session.add(found)
        session.flush()
    return found


def hold_entries(session: Session) -> None:
    """Let no sink be entered until this transaction ends; of SQLite's there is only one that writes."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({_ENTRY_LOCK})"))


def every(session: Session) -> list[Sink]:
    return list(session.scalars(select(Sink).order_by(Sink.name)))


def forget(session: Session, name: str) -> bool:
    """Forget a sink and all that it is owed; return whether there was one."""
    session.execute(delete(OwedToSink).where(OwedToSink.sink_name == name))
    return session.execute(delete(Sink).where(Sink.name == name).returning(Sink.name)).one_or_none() is not None


def claim(session: Session, name: str, who: str, *, now: datetime) -> bool:
    """Take a sink for one process, for a minute; return whether it is taken. Times here are the machine's."""
    taken = session.execute(
        update(Sink)
        .where(Sink.name == name, or_(Sink.claimed_by == who, Sink.claimed_until.is_(None), Sink.claimed_until < now))
        .values(claimed_by=who, claimed_until=now + CLAIM_LASTS)
        .returning(Sink.name)
    )
    return taken.one_or_none() is not None


def release(session: Session, name: str, who: str) -> None:
    session.execute(
        update(Sink).where(Sink.name == name, Sink.claimed_by == who).values(claimed_by=None, claimed_until=None)
    )


def advance(session: Session, name: str, *, to_id: int, now: datetime) -> None:
    """Move the mark on, unless somebody else has moved it further."""
    which = Sink.name == name, Sink.block_id < to_id
    session.execute(update(Sink).where(*which).values(block_id=to_id, sent_at=now))


def note_success(session: Session, name: str) -> None:
    session.execute(update(Sink).where(Sink.name == name).values(failure=None, failed_at=None))


def note_failure(session: Session, name: str, failure: str, *, now: datetime) -> None:
    values = {"failure": failure[:_LONGEST_FAILURE], "failed_at": func.coalesce(Sink.failed_at, now)}
    session.execute(update(Sink).where(Sink.name == name).values(**values))


def behind(session: Session, block_id: int) -> list[tuple[str, int, int]]:
    """Return the sinks that may lack a block up to and with one: their names, marks, and what was gathered before."""
    lacks = or_(Sink.block_id < block_id, Sink.gathered_id > 0)
    found = session.execute(select(Sink.name, Sink.block_id, Sink.gathered_id).where(lacks))
    return [(name, block_id, gathered_id) for name, block_id, gathered_id in found]


def taken_by_all(session: Session) -> int:
    """Return the block up to which every sink has taken all; without any sink, one beyond all blocks."""
    mark = session.scalar(select(func.min(Sink.block_id)))
    return 2**62 if mark is None else mark


def owe(session: Session, name: str, stretch: Stretch) -> None:
    """Add a stretch, which lies within one month, to what a sink is owed."""
    month = month_of(stretch.from_ms)
    row = session.get(OwedToSink, (name, stretch.kiln_id, month), with_for_update=True)  # it may be paid just now
    if row is None:
        row = OwedToSink(
            sink_name=name,
            kiln_id=stretch.kiln_id,
            month=month,
            workshop_id=stretch.workshop_id,
            from_ms=stretch.from_ms,
            to_ms=stretch.to_ms,
            next_ms=stretch.from_ms,
            changes=0,
        )
        session.add(row)
    else:
        row.from_ms = min(row.from_ms, stretch.from_ms)
        row.next_ms = min(row.next_ms, stretch.from_ms)
        row.to_ms = max(row.to_ms, stretch.to_ms)
        row.changes += 1
    session.flush()


def owed(session: Session, name: str, *, limit: int) -> list[OwedToSink]:
    """Return what a sink is owed, the newest month first: it is what people look at."""
    query = select(OwedToSink).where(OwedToSink.sink_name == name)
    return list(session.scalars(query.order_by(OwedToSink.month.desc(), OwedToSink.kiln_id).limit(limit)))


def pay(session: Session, debt: OwedToSink, *, upto_ms: int) -> None:
    """Note that a debt is paid before `upto_ms`, unless it has grown meanwhile: then that part is sent again."""
    which = (
        OwedToSink.sink_name == debt.sink_name,
        OwedToSink.kiln_id == debt.kiln_id,
        OwedToSink.month == debt.month,
        OwedToSink.changes == debt.changes,
    )
    if upto_ms > debt.to_ms:
        session.execute(delete(OwedToSink).where(*which))
    else:
        session.execute(update(OwedToSink).where(*which).values(next_ms=upto_ms))


def is_listed(session: Session, name: str) -> bool:
    """Return whether a sink is known, and all that it is owed: one that is not may lack anything."""
    return bool(session.scalar(select(Sink.is_listed).where(Sink.name == name)))


def is_owed(session: Session, name: str, kiln_id: int, from_ms: int, to_ms: int) -> bool:
    """Return whether a sink may lack sealed readings of a kiln between two times."""
    owing = select(OwedToSink.month).where(
        OwedToSink.sink_name == name,
        OwedToSink.kiln_id == kiln_id,
        OwedToSink.from_ms <= to_ms,
        OwedToSink.to_ms >= from_ms,
    )
    return not is_listed(session, name) or session.scalar(owing.limit(1)) is not None


def lag(session: Session, name: str, block_id: int) -> Lag:
    """Return how far a sink is behind that has taken every block up to and with one."""
    newest_id = session.scalar(select(func.max(StoredBlock.id))) or 0  # counting would go through all of them
    oldest = select(StoredBlock.received_at).where(StoredBlock.id > block_id).order_by(StoredBlock.id).limit(1)
    owing = select(func.count()).where(OwedToSink.sink_name == name)
    return Lag(max(0, newest_id - block_id), session.scalar(oldest), session.scalar(owing) or 0)
