"""Findings by kiln, firing and kind, and what people who were there say of them."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session, selectinload

from service.errors import NotFoundError
from service.store.among import among
from service.store.models import StoredFinding


def list_findings(
    session: Session,
    workshop_ids: Collection[int],
    *,
    kiln_id: int | None = None,
    firing_id: int | None = None,
    kind: str | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> list[StoredFinding]:
    """Return findings, the one that began last first; with `before_id`, those that come after it in this order."""
    query = (
        select(StoredFinding)
        .where(among(StoredFinding.workshop_id, workshop_ids), StoredFinding.withdrawn_at.is_(None))
        .options(selectinload(StoredFinding.labelled))
    )
    said = {"kiln_id": kiln_id, "firing_id": firing_id, "kind": kind}
    for name, value in said.items():
        if value is not None:
            query = query.where(getattr(StoredFinding, name) == value)
    if before_id is not None:
        before = get_finding(session, workshop_ids, before_id)
        query = query.where(tuple_(StoredFinding.start_at, StoredFinding.id) < (before.start_at, before.id))
    return list(session.scalars(query.order_by(StoredFinding.start_at.desc(), StoredFinding.id.desc()).limit(limit)))


def get_finding(session: Session, workshop_ids: Collection[int], finding_id: int) -> StoredFinding:
    found = session.scalar(
        select(StoredFinding).where(StoredFinding.id == finding_id, among(StoredFinding.workshop_id, workshop_ids))
    )
    if found is None:
        msg = f"there is no finding {finding_id} in your workshops"
        raise NotFoundError(msg)
    return found


def judge(finding: StoredFinding, verdict: str | None, *, note: str, who: str, now: datetime) -> None:
    """Write what a person says of a finding; None takes it back."""
    said = verdict is not None
    finding.verdict = verdict
    finding.verdict_note, finding.verdict_by, finding.verdict_at = (note, who, now) if said else (None, None, None)
