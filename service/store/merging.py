"""Two firings of a kiln that were one: the later becomes a part of the earlier, until somebody undoes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.core.firing import EndCause
from service.errors import ConflictError
from service.store.models import Batch, Firing, StoredFinding

# What a look at the two as one writes anew in a finding that it makes too.
_WRITTEN_ANEW: Final = ("severity", "probability", "evidence", "advice_key")


def check_whole(firing: Firing) -> None:
    """Refuse to have something said of what is a part of another firing: nobody would see it there."""
    if firing.merged_into_id is not None:
        msg = f"firing {firing.number} is a part of another one; say it of that one, or undo the merge first"
        raise ConflictError(msg)


def check_mergeable(session: Session, first: Firing, second: Firing) -> None:
    """Refuse what cannot be one firing: of two kilns, with another between them, or merged already."""
    if first.kiln_id != second.kiln_id:
        msg = f"firing {first.number} and firing {second.number} are of two kilns; only firings of one kiln can be one"
        raise ConflictError(msg)
    if first.merged_into_id is not None or second.merged_into_id is not None:
        msg = "one of these firings is a part of another one already; look at that one"
        raise ConflictError(msg)
    if first.started_at >= second.started_at or first.ended_at is None:
        msg = f"firing {second.number} did not begin after firing {first.number} had ended; say the earlier one first"
        raise ConflictError(msg)
    between = session.scalar(
        select(Firing).where(
            Firing.kiln_id == first.kiln_id,
            Firing.merged_into_id.is_(None),
            Firing.started_at > first.started_at,
            Firing.started_at < second.started_at,
        )
    )
    if between is not None:
        msg = f"firing {between.number} lies between them; make that one a part of firing {first.number} first"
        raise ConflictError(msg)


def merge(session: Session, first: Firing, second: Firing, *, now: datetime) -> None:
    """Make the later firing a part of the earlier; what it had, its batches and findings, is the earlier one's."""
    found = list(session.scalars(select(StoredFinding).where(StoredFinding.firing_id == second.id)))
    second.before_merge = {
        "ended_at": None if first.ended_at is None else first.ended_at.isoformat(),
        "end_cause": first.end_cause,
        "is_running": second.ended_at is None,
        "batches": list(session.scalars(select(Batch.id).where(Batch.firing_id == second.id))),
        "findings": [one.id for one in found],
        "said": [_said(one) for one in found],
    }
    first.witness_cones = [*(first.witness_cones or ()), *(second.witness_cones or ())] or None
    ended_at, end_cause = second.ended_at, second.end_cause
    second.merged_into_id = first.id
    second.ended_at, second.end_cause = ended_at or now, end_cause or EndCause.OPERATOR.value
    session.flush()  # of one kiln only one firing may run, at every moment
    first.ended_at, first.end_cause, first.end_asked_at = ended_at, end_cause, second.end_asked_at
    session.flush()
    _move(session, second.before_merge, of=second, to=first)


def last_part(session: Session, firing: Firing) -> Firing:
    """Return the part that was made one with a firing last."""
    query = select(Firing).where(Firing.merged_into_id == firing.id).order_by(Firing.started_at.desc()).limit(1)
    found = session.scalar(query)
    if found is None:
        msg = f"firing {firing.number} has no parts: it was not merged with another"
        raise ConflictError(msg)
    return found


def parts_of(session: Session, firing: Firing) -> list[Firing]:
    return list(session.scalars(select(Firing).where(Firing.merged_into_id == firing.id).order_by(Firing.started_at)))


def take_apart(session: Session, firing: Firing, part: Firing) -> None:
    """Undo a merge: both are again what they were, but for when the later one ended if that was after it.

    What was found in the earlier one is found again by who takes them apart, and so is that of a later one which ran on
    and has ended; while it runs, its watch finds it.
    """
    before = part.before_merge or {}
    ended_at, end_cause = firing.ended_at, firing.end_cause
    firing.ended_at = datetime.fromisoformat(before["ended_at"])
    firing.end_cause = before["end_cause"]
    cones = list(firing.witness_cones or ())
    for one in part.witness_cones or ():
        if one in cones:
            cones.remove(one)
    firing.witness_cones = cones or None
    session.flush()
    if before["is_running"]:
        part.ended_at, part.end_cause = ended_at, end_cause
    part.merged_into_id, part.before_merge = None, None
    session.flush()
    _move(session, before, of=firing, to=part)
    for said in before.get("said", []):
        _say_again(session, said, went_on=before["is_running"])
    session.flush()


def _move(session: Session, moved: dict[str, Any], *, of: Firing, to: Firing) -> None:
    """Give over what is one's still: on SQLite the number of what was removed may be another's by now."""
    for table, numbers in ((Batch, moved["batches"]), (StoredFinding, moved["findings"])):
        session.execute(update(table).where(table.id.in_(numbers), table.firing_id == of.id).values(firing_id=to.id))


def _said(finding: StoredFinding) -> dict[str, Any]:
    """Return what a finding says; what people say of it stays, whatever a look makes of it."""
    times = {
        name: at and at.isoformat() for name, at in (("end_at", finding.end_at), ("withdrawn_at", finding.withdrawn_at))
    }
    return {"id": finding.id, **times, **{name: getattr(finding, name) for name in _WRITTEN_ANEW}}


def _say_again(session: Session, said: Mapping[str, Any], *, went_on: bool) -> None:
    """Let a finding say what it said before the merge; of a firing that went on, only if a look has withdrawn it."""
    row = session.scalars(select(StoredFinding).where(StoredFinding.id == said["id"])).one()
    if went_on and row.withdrawn_at is None:
        return
    for name in _WRITTEN_ANEW:
        setattr(row, name, said[name])
    row.end_at = datetime.fromisoformat(said["end_at"]) if said["end_at"] else row.end_at
    row.withdrawn_at = said["withdrawn_at"] and datetime.fromisoformat(said["withdrawn_at"])
