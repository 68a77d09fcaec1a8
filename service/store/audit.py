"""What was done by whom in a workshop: only ever added to, each entry sealed with the one before it."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from service.store.models import AuditEntry

_CHAIN_LOCK: Final = 0x6C6F67  # with a workshop's number, any that nothing else in the database locks
_BEGINNING: Final = b""


def note(
    session: Session, workshop_id: int, *, who: str, what: str, now: datetime, **details: str | int | None
) -> AuditEntry:
    """Write an entry in the transaction of what it tells of. Secrets have no place in it."""
    if session.get_bind().dialect.name == "postgresql":  # two entries at once would both follow the same one
        session.connection().execute(
            text("SELECT pg_advisory_xact_lock(:lock, :workshop)"), {"lock": _CHAIN_LOCK, "workshop": workshop_id}
        )
    newest = _entries(workshop_id).order_by(AuditEntry.id.desc()).limit(1)
    before = session.scalar(newest)
    entry = AuditEntry(workshop_id=workshop_id, at=now, who=who, what=what, details=details)
    entry.seal = _seal(before.seal if before else _BEGINNING, entry)
    session.add(entry)
    session.flush()
    return entry


def first_broken(session: Session, workshop_id: int) -> AuditEntry | None:
    """Return the first entry that does not follow from the one before it; None if the chain holds."""
    before = _BEGINNING
    for entry in session.scalars(_entries(workshop_id).order_by(AuditEntry.id)):
        if entry.seal != _seal(before, entry):
            return entry
        before = entry.seal
    return None


def count(session: Session, workshop_id: int) -> int:
    """Return how many entries a workshop has."""
    return session.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.workshop_id == workshop_id)) or 0


def newest(session: Session, workshop_id: int, *, before_id: int | None, limit: int) -> list[AuditEntry]:
    """Return entries, newest first; with `before_id`, those before that one."""
    query = _entries(workshop_id)
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    return list(session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)))


def _entries(workshop_id: int) -> Select[AuditEntry]:
    return select(AuditEntry).where(AuditEntry.workshop_id == workshop_id)


def _seal(before: bytes, entry: AuditEntry) -> bytes:
    told: Mapping[str, Any] = {
        "workshop": entry.workshop_id,
        "at": entry.at.astimezone(UTC).isoformat(),
        "who": entry.who,
        "what": entry.what,
        "details": entry.details,
    }
    return hashlib.sha256(before + json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).digest()
