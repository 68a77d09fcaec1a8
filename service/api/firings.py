"""Firings: what happened, when, and what the heat did."""

import time
from typing import Annotated, Final

from fastapi import APIRouter, BackgroundTasks, Query, Request, Response
from fastapi.responses import StreamingResponse

from service.analysis.again import LONGEST
from service.api import schemas, views
from service.api.curves import Width, curve_response
from service.api.deps import Fires, Follows, Language, Looks, MachineNow, Now, PartsOf, Session
from service.api.files import AsTaken, Form, Place, file_response
from service.api.paging import link_next
from service.api.versions import Seen, locked_version, show
from service.archive.hand_out import hand_out
from service.errors import InvalidError
from service.lab.ahead import forecast_of
from service.lab.curve import segments_of
from service.store import audit, firings, plans
from service.store.merging import check_whole
from service.store.models import Firing
from service.store.tenancy import confine
from service.store.who import Who

router = APIRouter(tags=["firings"])

# The process that watches the kiln ends its firing; another one hears of it within a second.
END_WITHIN_S: Final = 4.0
ASK_AGAIN_S: Final = 0.05


@router.get("/firings", response_model=list[schemas.FiringOut])
def list_firings(
    session: Session,
    who: Looks,
    kiln_id: schemas.Id | None = None,
    before_id: schemas.Id | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    *,
    request: Request,
    response: Response,
) -> list[schemas.FiringOut]:
    """Return firings, newest first."""
    found = firings.list_firings(session, who.workshop_ids, kiln_id=kiln_id, before_id=before_id, limit=limit)
    link_next(request, response, found, limit)
    return [views.firing_out(firing, with_note=who.reads_notes(firing.workshop_id)) for firing in found]


@router.get("/firings/{firing_id}", response_model=schemas.FiringDetail)
def read_firing(
    firing_id: schemas.Id, session: Session, who: Looks, language: Language, now: Now, response: Response
) -> schemas.FiringDetail:
    """Return a firing with its segments, cones and findings."""
    found = detail_out(session, who, firings.get_firing(session, who.workshop_ids, firing_id), language, now)
    show(response, found.version)
    return found


@router.patch("/firings/{firing_id}", response_model=schemas.FiringDetail)
def change_firing(
    firing_id: schemas.Id,
    asked: schemas.FiringChange,
    session: Session,
    who: Fires,
    service: PartsOf,
    language: Language,
    seen: Seen,
    now: Now,
    machine_now: MachineNow,
    after_reply: BackgroundTasks,
    response: Response,
) -> schemas.FiringDetail:
    """Change what is sent and leave the rest; null takes a target cone, a plan or the fuel used away."""
    firing = firings.get_firing(session, who.workshop_ids, firing_id)
    seen.check(locked_version(session, firing, *views.FIRING_SAID))
    check_whole(firing)
    sent = asked.model_fields_set
    if "plan_id" in sent:
        plan = None if asked.plan_id is None else plans.get_plan(session, firing.workshop_id, asked.plan_id)
        firing.plan = plan
    if "target_cone" in sent:
        firing.target_cone = asked.target_cone
    if asked.note is not None:
        firing.note = asked.note
    if "fuel_used" in sent:
        used = asked.fuel_used
        firing.fuel_amount, firing.fuel_unit = (None, None) if used is None else (used.amount, used.unit.value)
    firing.kiln.edited_at = machine_now
    session.flush()
    changes = ", ".join(sorted(sent))
    audit.note(
        session,
        firing.workshop_id,
        who=who.name,
        what="firing changed",
        now=machine_now,
        firing=firing.id,
        changes=changes,
    )
    after_reply.add_task(service.monitor.tell, firing.kiln_id)
    found = detail_out(session, who, firing, language, now)
    show(response, found.version)
    return found


@router.post("/firings/{firing_id}/end", response_model=schemas.FiringDetail)
def end_firing(
    firing_id: schemas.Id, who: Fires, service: PartsOf, language: Language, now: Now, machine_now: MachineNow
) -> schemas.FiringDetail:
    """End a firing because its operator says so; one that has ended stays as it is."""
    with service.database.write() as session:
        confine(session, who.workshop_ids)
        firing = firings.get_firing(session, who.workshop_ids, firing_id)
        if firing.ended_at is None:
            audit.note(
                session, firing.workshop_id, who=who.name, what="firing ended", now=machine_now, firing=firing.id
            )
        firings.ask_to_end(firing, now=now, machine_now=machine_now)
    service.monitor.attend()
    deadline_s = time.monotonic() + END_WITHIN_S
    while True:
        with service.database.read() as session:
            confine(session, who.workshop_ids)
            firing = firings.get_firing(session, who.workshop_ids, firing_id)
            if firing.ended_at is not None or time.monotonic() > deadline_s:
                return detail_out(session, who, firing, language, now)
        time.sleep(ASK_AGAIN_S)


@router.get("/firings/{firing_id}/curve", response_model=schemas.CurveOut)
def read_curve(firing_id: schemas.Id, session: Session, who: Looks, now: Now, width: Width = 1000) -> Response:
    """Return the readings of a firing, thinned to a chart of `width` pixels, every extreme kept."""
    firing = firings.get_firing(session, who.workshop_ids, firing_id)
    return curve_response(session, firing.kiln, firing.started_at, firing.ended_at or now, width)


@router.get("/firings/{firing_id}/file", response_class=StreamingResponse)
def read_file(
    firing_id: schemas.Id,
    session: Session,
    who: Looks,
    now: Now,
    _place: Place,
    form: Form = "csv",
    as_taken: AsTaken = False,
) -> StreamingResponse:
    """Hand out a firing with every reading: the plain log, Parquet, or JSON with what was found in it."""
    firing = firings.get_firing(session, who.workshop_ids, firing_id)
    if (firing.ended_at or now) - firing.started_at > LONGEST:  # every reading of it is in memory at once
        msg = f"firing {firing.number} is longer than {LONGEST.days} days; ask for its kiln's readings, days at a time"
        raise InvalidError(msg)
    with_note = who.reads_notes(firing.workshop_id)
    return file_response(hand_out(session, firing, now=now, with_note=with_note, is_as_taken=as_taken), form)


@router.get("/firings/{firing_id}/forecast", response_model=schemas.ForecastOut)
def read_forecast(firing_id: schemas.Id, session: Session, who: Follows, now: Now) -> schemas.ForecastOut:
    """Say how a running firing will go on; one that has ended is a conflict."""
    return views.forecast_out(forecast_of(session, firings.get_firing(session, who.workshop_ids, firing_id), now=now))


def detail_out(session: Session, who: Who, firing: Firing, language: Language, now: Now) -> schemas.FiringDetail:
    segments = [
        schemas.SegmentOut(
            kind=segment.kind,
            start_at=views.utc(segment.start_s),
            end_at=views.utc(segment.end_s),
            from_c=segment.from_c,
            to_c=segment.to_c,
            rate_c_per_h=segment.rate_c_per_h,
        )
        for segment in segments_of(session, firing, now=now)
    ]
    return views.firing_detail(session, firing, segments, language, with_notes=who.reads_notes(firing.workshop_id))
