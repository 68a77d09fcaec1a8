"""Batches, and firings side by side."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from service.api import schemas
from service.api.deps import Looks, MachineNow, Now, Records, Session
from service.api.versions import Seen, locked_version, version_of
from service.lab import batches
from service.lab.comparison import compare
from service.store import audit, firings
from service.store.merging import check_whole
from service.store.models import Batch
from service.store.roles import Action
from service.store.who import Who

router = APIRouter(tags=["batches"])

SAID = ("ware", "pieces_loaded", "note", "outcomes")


@router.get("/firings/{firing_id}/batches", response_model=list[schemas.BatchOut])
def list_batches(firing_id: schemas.Id, session: Session, who: Looks) -> list[schemas.BatchOut]:
    """Return what was in a firing, and what came out."""
    firing = firings.get_firing(session, who.workshop_ids, firing_id)
    # Who writes down what came out sends a batch back as a whole, with its note.
    with_note = who.reads_notes(firing.workshop_id) or Action.RECORD in who.grants[firing.workshop_id]
    return [_out(one, with_note=with_note) for one in batches.batches_of(session, [firing.id])]


@router.post("/firings/{firing_id}/batches", response_model=schemas.BatchOut, status_code=201)
def create_batch(
    firing_id: schemas.Id, asked: schemas.BatchIn, session: Session, who: Records, now: MachineNow
) -> schemas.BatchOut:
    """Write down ware that was put in a firing, and what came out of it."""
    firing = firings.get_firing(session, who.workshop_ids, firing_id)
    check_whole(firing)
    made = batches.save_batch(session, firing, None, asked.model_dump(mode="json"))
    _noted(session, who, "batch made", made, now)
    return _out(made, with_note=True)


@router.put("/batches/{batch_id}", response_model=schemas.BatchOut)
def change_batch(
    batch_id: schemas.Id, asked: schemas.BatchIn, session: Session, who: Records, seen: Seen, now: MachineNow
) -> schemas.BatchOut:
    """Write a batch anew."""
    batch = batches.get_batch(session, who.workshop_ids, batch_id)
    seen.check(locked_version(session, batch, *SAID))
    firing = firings.get_firing(session, who.workshop_ids, batch.firing_id)
    changed = batches.save_batch(session, firing, batch, asked.model_dump(mode="json"))
    _noted(session, who, "batch changed", changed, now)
    return _out(changed, with_note=True)


@router.delete("/batches/{batch_id}", status_code=204)
def delete_batch(batch_id: schemas.Id, session: Session, who: Records, seen: Seen, now: MachineNow) -> None:
    """Remove a batch."""
    batch = batches.get_batch(session, who.workshop_ids, batch_id)
    seen.check(locked_version(session, batch, *SAID))
    _noted(session, who, "batch removed", batch, now)
    session.delete(batch)


@router.get("/comparison", response_model=schemas.ComparisonOut)
def read_comparison(
    session: Session,
    who: Looks,
    now: Now,
    firing: Annotated[list[schemas.Id], Query(min_length=1, max_length=8)],
    align: Literal["time", "temperature"] = "time",
) -> schemas.ComparisonOut:
    """Put up to eight firings over one another, with a table of what differs."""
    chosen = [firings.get_firing(session, who.workshop_ids, firing_id) for firing_id in dict.fromkeys(firing)]
    found = compare(session, chosen, by_temperature=align == "temperature", now=now)
    return schemas.ComparisonOut.model_validate({"align": align, **found}, from_attributes=True)


def _out(batch: Batch, *, with_note: bool) -> schemas.BatchOut:
    return schemas.BatchOut(
        id=batch.id,
        firing_id=batch.firing_id,
        ware=batch.ware,
        pieces_loaded=batch.pieces_loaded,
        note=batch.note if with_note else "",
        outcomes=batch.outcomes,
        version=version_of(batch, *SAID),
    )


def _noted(session: Session, who: Who, what: str, batch: Batch, now: MachineNow) -> None:
    pieces = ", ".join(f"{grade} {count}" for grade, count in batches.count_grades([batch]).items())
    told: dict[str, str | int] = {"firing": batch.firing_id, "batch": batch.id, "name": batch.ware, "pieces": pieces}
    audit.note(session, batch.workshop_id, who=who.name, what=what, now=now, **told)
