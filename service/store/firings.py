"""Firings and the findings of each."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Select, func, or_, select, tuple_
from sqlalchemy.orm import Session, selectinload

from service.core.findings import Finding
from service.core.firing import ConeProgress, EndCause, Summary
from service.errors import NotFoundError
from service.store.among import among
from service.store.cone_offsets import known_for
from service.store.leases import in_slots
from service.store.models import Firing, Kiln, StoredFinding

SUMMARY: Final = ("peak_c", "peak_at", "cone_reached", "max_spread_c", "cones")
_OWN_END: Final = (EndCause.OPERATOR.value, EndCause.COOLED.value)


def list_firings(
    session: Session,
    workshop_ids: Collection[int],
    *,
    kiln_id: int | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> list[Firing]:
    """Return firings, the one that began last first; with `before_id`, those that come after it in this order."""
    query = select(Firing).where(among(Firing.workshop_id, workshop_ids), Firing.merged_into_id.is_(None))
    if kiln_id is not None:
        query = query.where(Firing.kiln_id == kiln_id)
    if before_id is not None:
        before = get_firing(session, workshop_ids, before_id)
        query = query.where(tuple_(Firing.started_at, Firing.id) < (before.started_at, before.id))
    return list(session.scalars(query.order_by(Firing.started_at.desc(), Firing.id.desc()).limit(limit)))


def overlapping_firing(
    session: Session, kiln_id: int, from_at: datetime, to_at: datetime, *, but_id: int | None = None
) -> Firing | None:
    """Return a firing of the kiln, other than `but_id`, that shares time with [from_at, to_at], if there is one."""
    shares = (Firing.started_at <= to_at) & (func.coalesce(Firing.ended_at, to_at) >= from_at)
    mine = (Firing.kiln_id == kiln_id, Firing.merged_into_id.is_(None), Firing.id.is_distinct_from(but_id))
    return session.scalar(select(Firing).where(*mine, shares).limit(1))


def get_firing(session: Session, workshop_ids: Collection[int], firing_id: int) -> Firing:
    found = session.scalar(select(Firing).where(Firing.id == firing_id, among(Firing.workshop_id, workshop_ids)))
    if found is None:
        msg = f"there is no firing {firing_id} in your workshops"
        raise NotFoundError(msg)
    return found


def running_firing(session: Session, kiln_id: int) -> Firing | None:
    return session.scalar(select(Firing).where(Firing.kiln_id == kiln_id, Firing.ended_at.is_(None)))


def start_firing(session: Session, kiln: Kiln, *, started_at: datetime, bins_from_s: float = 0.0) -> Firing:
    meant = {"target_cone": kiln.target_cone, "plan_id": kiln.plan_id}
    firing = add_firing(session, kiln, started_at=started_at, bins_from_s=bins_from_s, **meant)
    firing.cone_offsets = known_for(kiln.cone_offsets, firing.number)
    return firing


def add_firing(session: Session, kiln: Kiln, **values: Any) -> Firing:
    """Write a firing under the kiln's next number."""
    last = session.scalar(select(func.max(Firing.number)).where(Firing.kiln_id == kiln.id)) or 0
    firing = Firing(workshop_id=kiln.workshop_id, kiln=kiln, number=last + 1, **values)
    session.add(firing)
    session.flush()
    return firing


def running_firings(session: Session, kiln_ids: Collection[int]) -> dict[int, Firing]:
    """Return the running firings by kiln."""
    found = session.scalars(select(Firing).where(Firing.kiln_id.in_(kiln_ids), Firing.ended_at.is_(None)))
    return {firing.kiln_id: firing for firing in found}


def kilns_firing(session: Session, slots: Collection[int] | None) -> list[int]:
    """Return the kilns of some slots in which a firing runs."""
    runs = (Firing.ended_at.is_(None), in_slots(Firing.workshop_id, slots))
    return list(session.scalars(select(Firing.kiln_id).where(*runs)))


def finished_firings(session: Session, kiln_id: int, *, target_cone: str | None, limit: int) -> list[Firing]:
    """Return a kiln's firings for this target that came to their own end, newest first."""
    query = _finished(kiln_id).where(Firing.target_cone.is_not_distinct_from(target_cone))
    return list(session.scalars(query.order_by(Firing.started_at.desc()).limit(limit)))


def newest_finished(session: Session, kiln_id: int, *, limit: int) -> list[Firing]:
    """Return a kiln's firings that came to their own end, whatever they were for, newest first."""
    return list(session.scalars(_finished(kiln_id).order_by(Firing.started_at.desc()).limit(limit)))


def _finished(kiln_id: int) -> Select[Firing]:
    return select(Firing).where(
        Firing.kiln_id == kiln_id, Firing.merged_into_id.is_(None), Firing.end_cause.in_(_OWN_END)
    )


def ask_to_end(firing: Firing, *, now: datetime, machine_now: datetime) -> None:
    """Note that its operator ends a firing; whoever watches the kiln does so. One that has ended stays as it is."""
    if firing.ended_at is None and firing.end_asked_at is None:
        firing.end_asked_at = now
        firing.kiln.edited_at = machine_now


def findings_of(session: Session, firing_id: int) -> list[StoredFinding]:
    return list(
        session.scalars(
            select(StoredFinding)
            .where(StoredFinding.firing_id == firing_id, StoredFinding.withdrawn_at.is_(None))
            .order_by(StoredFinding.start_at, StoredFinding.id)
            .options(selectinload(StoredFinding.labelled))
        )
    )


def findings_between(
    session: Session, kiln_id: int, kinds: Collection[str], *, from_at: datetime, to_at: datetime
) -> list[StoredFinding]:
    """Return what of these kinds was said of a kiln between two moments, in whichever firing or none."""
    return list(
        session.scalars(
            select(StoredFinding).where(
                StoredFinding.kiln_id == kiln_id,
                StoredFinding.kind.in_(kinds),
                StoredFinding.withdrawn_at.is_(None),
                StoredFinding.start_at < to_at,
                or_(StoredFinding.end_at.is_(None), StoredFinding.end_at > from_at),
            )
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
    start_at = _utc(finding.start_s)
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
    row.end_at = None if finding.end_s is None else _utc(finding.end_s)
    row.probability = finding.probability
    row.evidence = dict(finding.evidence)
    row.advice_key = finding.advice_key
    row.withdrawn_at = None
    session.flush()
    return row


def summary_columns(summary: Summary) -> dict[str, Any]:
    """Return what a firing has come to, as the table holds it."""
    return {
        "peak_c": summary.peak_c,
        "peak_at": _utc(summary.peak_s),
        "cone_reached": summary.cone_reached,
        "max_spread_c": summary.max_spread_c,
        "cones": [_cone_json(cone) for cone in summary.cones],
    }


def _cone_json(cone: ConeProgress) -> dict[str, Any]:
    down_at = None if cone.down_s is None else _utc(cone.down_s).isoformat()
    return {"channel": cone.channel, "cone": cone.cone, "progress": cone.progress, "down_at": down_at}


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
