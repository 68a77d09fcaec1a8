"""Firings and the findings of each."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core.findings import Finding
from service.core.firing import EndCause
from service.errors import NotFoundError
from service.store.models import Firing, Kiln, StoredFinding

_OWN_END: Final = (EndCause.OPERATOR.value, EndCause.COOLED.value)


def list_firings(
    session: Session,
    workshop_ids: Collection[int],
    *,
    kiln_id: int | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> list[Firing]:
    query = select(Firing).where(Firing.workshop_id.in_(workshop_ids))
    if kiln_id is not None:
        query = query.where(Firing.kiln_id == kiln_id)
    if before_id is not None:
        query = query.where(Firing.id < before_id)
    return list(session.scalars(query.order_by(Firing.id.desc()).limit(limit)))


def get_firing(session: Session, workshop_ids: Collection[int], firing_id: int) -> Firing:
    found = session.scalar(select(Firing).where(Firing.id == firing_id, Firing.workshop_id.in_(workshop_ids)))
    if found is None:
        msg = f"there is no firing {firing_id} in your workshops"
        raise NotFoundError(msg)
    return found


def running_firing(session: Session, kiln_id: int) -> Firing | None:
    return session.scalar(select(Firing).where(Firing.kiln_id == kiln_id, Firing.ended_at.is_(None)))


def start_firing(session: Session, kiln: Kiln, *, started_at: datetime) -> Firing:
    last = session.scalar(select(func.max(Firing.number)).where(Firing.kiln_id == kiln.id)) or 0
    firing = Firing(
        workshop_id=kiln.workshop_id,
        kiln=kiln,
        number=last + 1,
        started_at=started_at,
        target_cone=kiln.target_cone,
        plan_id=kiln.plan_id,
    )
    session.add(firing)
    session.flush()
    return firing


def running_firings(session: Session, kiln_ids: Collection[int]) -> dict[int, Firing]:
    """Return the running firings by kiln."""
    found = session.scalars(select(Firing).where(Firing.kiln_id.in_(kiln_ids), Firing.ended_at.is_(None)))
    return {firing.kiln_id: firing for firing in found}


def kilns_firing(session: Session) -> list[int]:
    return list(session.scalars(select(Firing.kiln_id).where(Firing.ended_at.is_(None))))


def finished_firings(session: Session, kiln_id: int, *, target_cone: str | None, limit: int) -> list[Firing]:
    """Return a kiln's firings for this target that came to their own end, newest first."""
    query = select(Firing).where(
        Firing.kiln_id == kiln_id, Firing.end_cause.in_(_OWN_END), Firing.target_cone.is_not_distinct_from(target_cone)
    )
    return list(session.scalars(query.order_by(Firing.id.desc()).limit(limit)))


def ask_to_end(firing: Firing, *, now: datetime, machine_now: datetime) -> None:
    """Note that its operator ends a firing; whoever watches the kiln does so. One that has ended stays as it is."""
    if firing.ended_at is None and firing.end_asked_at is None:
        firing.end_asked_at = now
        firing.kiln.edited_at = machine_now


def findings_of(session: Session, firing_id: int) -> list[StoredFinding]:
    return list(
        session.scalars(
            select(StoredFinding).where(StoredFinding.firing_id == firing_id).order_by(StoredFinding.start_at)
        )
    )


def open_findings(session: Session, kiln_ids: Collection[int], kind: str) -> list[StoredFinding]:
    return list(
        session.scalars(
            select(StoredFinding).where(
                StoredFinding.kiln_id.in_(kiln_ids), StoredFinding.kind == kind, StoredFinding.end_at.is_(None)
            )
        )
    )


def save_findings(
    session: Session, kiln: Kiln, firing_id: int | None, findings: Sequence[Finding]
) -> list[StoredFinding]:
    """Write what is new and what changed; a finding is known by its kind, channel and start."""
    return [_save(session, kiln, firing_id, finding) for finding in findings]


def _save(session: Session, kiln: Kiln, firing_id: int | None, finding: Finding) -> StoredFinding:
    start_at = datetime.fromtimestamp(finding.start_s, UTC)
    row = session.scalar(
        select(StoredFinding).where(
            StoredFinding.kiln_id == kiln.id,
            StoredFinding.kind == finding.kind,
            StoredFinding.channel == (finding.channel or ""),
            StoredFinding.start_at == start_at,
        )
    )
    if row is None:
        row = StoredFinding(
            workshop_id=kiln.workshop_id,
            kiln_id=kiln.id,
            firing_id=firing_id,
            kind=finding.kind,
            group=finding.group.value,
            channel=finding.channel or "",
            start_at=start_at,
        )
        session.add(row)
    row.severity = finding.severity.value
    row.end_at = None if finding.end_s is None else datetime.fromtimestamp(finding.end_s, UTC)
    row.probability = finding.probability
    row.evidence = dict(finding.evidence)
    row.advice_key = finding.advice_key
    session.flush()
    return row
