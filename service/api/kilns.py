"""Kilns as they are now, their curve, and the plans they follow."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query

from service.api import schemas, views
from service.api.curves import Width, curve_out
from service.api.deps import Fires, Looks, MachineNow, Now, Parts, PartsOf, Session, SetsUp, own_workshop
from service.errors import InvalidError
from service.store import audit, kilns
from service.store.models import Kiln

router = APIRouter(tags=["kilns"])


@router.get("/kilns", response_model=list[schemas.KilnOut])
def list_kilns(session: Session, who: Looks, service: PartsOf, now: Now) -> list[schemas.KilnOut]:
    return _out(session, service, kilns.list_kilns(session, who.workshop_ids), now)


@router.post("/kilns", response_model=schemas.KilnOut, status_code=201)
def create_kiln(
    asked: schemas.KilnIn, session: Session, who: SetsUp, service: PartsOf, now: Now, machine_now: MachineNow
) -> schemas.KilnOut:
    kiln = kilns.create_kiln(
        session,
        own_workshop(who, asked.workshop_id),
        name=asked.name,
        key=asked.key or kilns.key_from_name(asked.name),
        fuel=asked.fuel.value,
    )
    kiln.target_cone = asked.target_cone
    audit.note(session, kiln.workshop_id, who=who.name, what="kiln made", now=machine_now, kiln=kiln.id, name=kiln.name)
    return _out(session, service, [kiln], now)[0]


@router.get("/kilns/{kiln_id}", response_model=schemas.KilnOut)
def read_kiln(kiln_id: schemas.Id, session: Session, who: Looks, service: PartsOf, now: Now) -> schemas.KilnOut:
    return _out(session, service, [kilns.get_kiln(session, who.workshop_ids, kiln_id)], now)[0]


@router.patch("/kilns/{kiln_id}", response_model=schemas.KilnOut)
def change_kiln(
    kiln_id: schemas.Id,
    asked: schemas.KilnChange,
    session: Session,
    who: Fires,
    service: PartsOf,
    now: Now,
    machine_now: MachineNow,
    after_reply: BackgroundTasks,
) -> schemas.KilnOut:
    """Change what is sent and leave the rest; null takes a target cone or a plan away."""
    kiln = kilns.get_kiln(session, who.workshop_ids, kiln_id)
    sent = asked.model_fields_set
    if "plan_id" in sent and asked.plan_id is not None:
        kilns.get_plan(session, kiln.workshop_id, asked.plan_id)
    for name in sent & {"target_cone", "plan_id"}:
        setattr(kiln, name, getattr(asked, name))
    if asked.name is not None:
        kiln.name = asked.name
    if asked.fuel is not None:
        kiln.fuel = asked.fuel.value
    if asked.ware is not None:
        kiln.ware = sorted(set(asked.ware))
    kiln.edited_at = machine_now
    changes = ", ".join(sorted(sent))
    audit.note(
        session, kiln.workshop_id, who=who.name, what="kiln changed", now=machine_now, kiln=kiln.id, changes=changes
    )
    after_reply.add_task(service.monitor.tell, kiln.id)
    return _out(session, service, [kiln], now)[0]


@router.get("/kilns/{kiln_id}/curve", response_model=schemas.CurveOut)
def read_curve(
    kiln_id: schemas.Id,
    session: Session,
    who: Looks,
    from_at: Annotated[datetime, Query()],
    to_at: Annotated[datetime, Query()],
    width: Width = 1000,
) -> schemas.CurveOut:
    """Return the readings of a stretch of time, thinned to a chart of `width` pixels, every extreme kept."""
    if from_at.tzinfo is None or to_at.tzinfo is None or not from_at < to_at <= from_at + timedelta(days=14):
        msg = "from_at and to_at carry their zone, from_at is earlier, and they are at most 14 days apart"
        raise InvalidError(msg)
    kiln = kilns.get_kiln(session, who.workshop_ids, kiln_id)
    return curve_out(session, kiln, from_at, to_at, width)


@router.get("/plans", response_model=list[schemas.PlanOut])
def list_plans(session: Session, who: Looks) -> list[schemas.PlanOut]:
    return [schemas.PlanOut.model_validate(plan) for plan in kilns.list_plans(session, who.workshop_ids)]


@router.post("/plans", response_model=schemas.PlanOut, status_code=201)
def create_plan(asked: schemas.PlanIn, session: Session, who: SetsUp) -> schemas.PlanOut:
    workshop_id = own_workshop(who, asked.workshop_id)
    points = [point.model_dump() for point in asked.points]
    return schemas.PlanOut.model_validate(kilns.create_plan(session, workshop_id, name=asked.name, points=points))


def _out(session: Session, service: Parts, found: Sequence[Kiln], now: datetime) -> list[schemas.KilnOut]:
    return views.kilns_out(found, service.monitor.live_kilns(session, found), now)
