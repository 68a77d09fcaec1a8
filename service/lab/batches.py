"""Batches: what was loaded in a firing, and what came out."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import InvalidError, NotFoundError
from service.store.among import among
from service.store.models import Batch, Firing


def batches_of(session: Session, firing_ids: Collection[int]) -> list[Batch]:
    return list(session.scalars(select(Batch).where(Batch.firing_id.in_(firing_ids)).order_by(Batch.id)))


def get_batch(session: Session, workshop_ids: Collection[int], batch_id: int) -> Batch:
    found = session.scalar(select(Batch).where(Batch.id == batch_id, among(Batch.workshop_id, workshop_ids)))
    if found is None:
        msg = f"there is no batch {batch_id} in your workshops"
        raise NotFoundError(msg)
    return found


def save_batch(session: Session, firing: Firing, batch: Batch | None, values: Mapping[str, Any]) -> Batch:
    """Write a batch; more pieces cannot come out than were loaded."""
    out = sum(outcome["count"] for outcome in values["outcomes"])
    if out > values["pieces_loaded"]:
        msg = f"{out} pieces came out, but only {values['pieces_loaded']} were loaded"
        raise InvalidError(msg)
    if batch is None:
        batch = Batch(workshop_id=firing.workshop_id, firing_id=firing.id)
        session.add(batch)
    for name, value in values.items():
        setattr(batch, name, value)
    session.flush()
    return batch


def count_grades(batches: Collection[Batch]) -> Counter[str]:
    """Return the pieces loaded (`loaded`) and those that came out in each grade."""
    total: Counter[str] = Counter(loaded=sum(batch.pieces_loaded for batch in batches))
    for batch in batches:
        for outcome in batch.outcomes:
            total[outcome["grade"]] += outcome["count"]
    return total
