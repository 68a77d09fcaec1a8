"""Kilns as they are now, and their curve."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, BackgroundTasks, Query, Response
from fastapi.responses import StreamingResponse

from service.api import schemas, views
from service.api.bounds import Moment
from service.api.curves import Width, curve_response
from service.api.deps import Fires, Looks, MachineNow, Now, Parts, PartsOf, Session, SetsUp, own_workshop
from service.api.files import AsTaken, Form, Place, file_response
from service.api.versions import Seen, locked_version, show
from service.archive.hand_out import hand_out_readings
from service.errors import ConflictError, InvalidError, RefusedError
from service.lab.condition import condition_of
from service.store import audit, firings, kilns, plans
from service.store.models import Kiln
from service.store.roles import Action
from service.store.who import Who

router = APIRouter(tags=["kilns"])

LONGEST_CURVE: Final = timedelta(days=3660)
LONGEST_FILE: Final = timedelta(days=3)  # every reading of it is in memory at once


@router.get("/kilns", response_model=list[schemas.KilnOut])
def list_kilns(
    session: Session, who: Looks, service: PartsOf, now: Now, retired: bool = False, cones: bool = True
) -> Response:
    """Return the kilns in use, as they are now; with `retired`, those out of use as well.

    A whole village is much to read: without `cones` those of each probe are left out, and the next one stays.
    """
    found = kilns.list_edited(session, who.workshop_ids, with_retired=retired)
    ids = [kiln_id for kiln_id, _ in found]
    events = service.hub.events
    events.learn(found, lambda new: kilns.kilns_said(session, new))
    body = events.list_of(ids, service.monitor.live_kilns(session, ids), now, with_cones=cones)
    return Response(body, media_type="application/json")


@router.post("/kilns", response_model=schemas.KilnOut, status_code=201)
def create_kiln(
    asked: schemas.KilnIn,
    session: Session,
    who: SetsUp,
    service: PartsOf,
    now: Now,
    machine_now: MachineNow,
    after_reply: BackgroundTasks,
) -> schemas.KilnOut:
    """Make a kiln; its key, which bridges call it by, follows from its name if none is said."""
    kiln = kilns.create_kiln(
        session,
        own_workshop(who, asked.workshop_id),
        name=asked.name,
        key=asked.key or kilns.key_from_name(asked.name),
        fuel=asked.fuel.value,
    )
    kiln.target_cone = asked.target_cone
    audit.note(session, kiln.workshop_id, who=who.name, what="kiln made", now=machine_now, kiln=kiln.id, name=kiln.name)
    after_reply.add_task(service.monitor.tell, kiln.id)
    return _out(session, service, [kiln], now)[0]


@router.get("/kilns/{kiln_id}", response_model=schemas.KilnOut)
def read_kiln(
    kiln_id: schemas.Id, session: Session, who: Looks, service: PartsOf, now: Now, response: Response
) -> schemas.KilnOut:
    """Return a kiln as it is now."""
    found = _out(session, service, [kilns.get_kiln(session, who.workshop_ids, kiln_id)], now)[0]
    show(response, found.version)
    return found


@router.patch("/kilns/{kiln_id}", response_model=schemas.KilnOut)
def change_kiln(
    kiln_id: schemas.Id,
    asked: schemas.KilnChange,
    session: Session,
    who: Fires,
    service: PartsOf,
    seen: Seen,
    now: Now,
    machine_now: MachineNow,
    after_reply: BackgroundTasks,
    response: Response,
) -> schemas.KilnOut:
    """Change what is sent and leave the rest; null takes a target cone or a plan away.

    The cone and the plan are those of the firing that runs as well, for people change their minds in the middle of one.
    """
    kiln = kilns.get_kiln(session, who.workshop_ids, kiln_id)
    seen.check(locked_version(session, kiln, *views.KILN_SAID))
    sent = asked.model_fields_set
    if asked.is_retired is not None:
        _retire(session, who, kiln, machine_now if asked.is_retired else None)
    if "plan_id" in sent and asked.plan_id is not None:
        plans.get_plan(session, kiln.workshop_id, asked.plan_id)
    running = firings.running_firing(session, kiln.id)
    for name in sent & {"target_cone", "plan_id"}:
        for one in filter(None, (kiln, running)):
            setattr(one, name, getattr(asked, name))
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
    found = _out(session, service, [kiln], now)[0]
    show(response, found.version)
    return found


@router.get("/kilns/{kiln_id}/curve", response_model=schemas.CurveOut)
def read_curve(
    kiln_id: schemas.Id,
    session: Session,
    who: Looks,
    from_at: Annotated[Moment, Query()],
    to_at: Annotated[Moment, Query()],
    width: Width = 1000,
) -> Response:
    """Return the readings of a stretch of time, thinned to a chart of `width` pixels, every extreme kept."""
    _check_stretch(from_at, to_at, LONGEST_CURVE)
    kiln = kilns.get_kiln(session, who.workshop_ids, kiln_id)
    return curve_response(session, kiln, from_at, to_at, width)


@router.get("/kilns/{kiln_id}/file", response_class=StreamingResponse)
def read_file(
    kiln_id: schemas.Id,
    session: Session,
    who: Looks,
    from_at: Annotated[Moment, Query()],
    to_at: Annotated[Moment, Query()],
    _place: Place,
    form: Form = "csv",
    as_taken: AsTaken = False,
) -> StreamingResponse:
    """Hand out every reading of a stretch of time, fired or not: the plain log, Parquet or JSON."""
    _check_stretch(from_at, to_at, LONGEST_FILE)
    kiln = kilns.get_kiln(session, who.workshop_ids, kiln_id)
    handed = hand_out_readings(session, kiln, from_at=from_at, to_at=to_at, is_as_taken=as_taken)
    return file_response(handed, form)


@router.get("/kilns/{kiln_id}/condition", response_model=schemas.ConditionOut)
def read_condition(kiln_id: schemas.Id, session: Session, who: Looks) -> schemas.ConditionOut:
    """Say what past firings show of a kiln: the highest rate it can do, if it grows slower, if its probes go astray."""
    return views.condition_out(condition_of(session, kilns.get_kiln(session, who.workshop_ids, kiln_id)))


def _check_stretch(from_at: datetime, to_at: datetime, longest: timedelta) -> None:
    if not from_at < to_at <= from_at + longest:
        msg = f"from_at is earlier than to_at, and they are at most {longest.days} days apart"
        raise InvalidError(msg)


def _retire(session: Session, who: Who, kiln: Kiln, at: datetime | None) -> None:
    if kiln.workshop_id not in who.where_may(Action.SET_UP):
        msg = "only who may set up kilns takes one out of use (set_up); the workshop's owner can change that"
        raise RefusedError(msg)
    if at is not None and firings.running_firing(session, kiln.id) is not None:
        msg = f"{kiln.name} is being fired; end the firing before you take the kiln out of use"
        raise ConflictError(msg)
    kiln.retired_at = at if at is None or kiln.retired_at is None else kiln.retired_at


def _out(session: Session, service: Parts, found: Sequence[Kiln], now: datetime) -> list[schemas.KilnOut]:
    return views.kilns_out(found, service.monitor.live_kilns(session, [kiln.id for kiln in found]), now)
