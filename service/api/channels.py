"""Channels of a kiln: what people call them and where they are; and the calibrations of their probes."""

from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Self

from fastapi import APIRouter, BackgroundTasks, Response
from pydantic import Field, StrictBool, model_validator

from service.api import schemas
from service.api.bounds import Moment
from service.api.deps import Looks, MachineNow, PartsOf, Session, SetsUp
from service.api.versions import Seen, locked_version, show, version_of
from service.errors import InvalidError
from service.lab.witness_cones import probe_calibrated
from service.store import audit, calibrations, kilns
from service.store.models import Calibration, Channel

router = APIRouter(tags=["channels"])

SAID = ("label", "place", "is_hidden")
Level = Annotated[float, Field(ge=-300, le=3000, allow_inf_nan=False)]
Delta = Annotated[float, Field(ge=-200, le=200, allow_inf_nan=False)]


class Place(StrEnum):
    """Where in a kiln a channel measures."""

    TOP = "top"
    MIDDLE = "middle"
    BOTTOM = "bottom"
    FRONT = "front"
    BACK = "back"
    FLUE = "flue"
    ROOM = "room"


class ChannelOut(schemas.Out):
    """`name` is what the bridge calls it and stays; `label` is what people do."""

    id: int
    kiln_id: int
    name: str
    unit: str
    label: str | None
    place: Place | None
    is_hidden: Annotated[bool, Field(description="from screens; the analysis goes on with it")]
    version: Annotated[str, Field(description="of what people may change, for `If-Match`")]


class ChannelChange(schemas.In):
    label: Annotated[str | None, Field(min_length=1, max_length=40)] = None
    place: Place | None = None
    is_hidden: StrictBool | None = None


class CorrectionPoint(schemas.Kept):
    """From a calibration: error = indicated - true."""

    indicated_c: Level
    error_c: Delta


class CalibrationIn(schemas.In):
    """What is taken from the readings from a moment on: a table, straight between its points, and an offset."""

    from_at: Moment
    points: Annotated[list[CorrectionPoint], Field(max_length=50, default_factory=list)]
    offset_c: Annotated[Delta, Field(description="added at the end: what a comparison on the kiln has shown")] = 0.0
    note: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="after")
    def _points_go_up(self) -> Self:
        if any(later.indicated_c <= earlier.indicated_c for earlier, later in pairwise(self.points)):
            msg = f"points must go up in indicated_c, but are {[one.indicated_c for one in self.points]}"
            raise InvalidError(msg)
        return self


class CalibrationOut(schemas.Out):
    id: int
    channel_id: int
    from_at: datetime
    points: list[CorrectionPoint]
    offset_c: float
    note: str
    made_by: str
    made_at: datetime


@router.get("/kilns/{kiln_id}/channels", response_model=list[ChannelOut])
def list_channels(kiln_id: schemas.Id, session: Session, who: Looks) -> list[ChannelOut]:
    """Return what is measured in a kiln."""
    kiln = kilns.get_kiln(session, who.workshop_ids, kiln_id)
    return [_out(one) for one in kilns.channels(session, [kiln.id])]


@router.get("/channels/{channel_id}", response_model=ChannelOut)
def read_channel(channel_id: schemas.Id, session: Session, who: Looks, response: Response) -> ChannelOut:
    """Return a channel."""
    found = _out(kilns.get_channel(session, who.workshop_ids, channel_id))
    show(response, found.version)
    return found


@router.patch("/channels/{channel_id}", response_model=ChannelOut)
def change_channel(
    channel_id: schemas.Id,
    asked: ChannelChange,
    session: Session,
    who: SetsUp,
    service: PartsOf,
    seen: Seen,
    now: MachineNow,
    after_reply: BackgroundTasks,
    response: Response,
) -> ChannelOut:
    """Change what is sent and leave the rest; null takes a label or a place away."""
    channel = kilns.get_channel(session, who.workshop_ids, channel_id)
    seen.check(locked_version(session, channel, *SAID))
    sent = asked.model_fields_set
    if "label" in sent:
        channel.label = asked.label
    if "place" in sent:
        channel.place = None if asked.place is None else asked.place.value
    if asked.is_hidden is not None:
        channel.is_hidden = asked.is_hidden
    changes = ", ".join(sorted(sent))
    audit.note(
        session,
        channel.workshop_id,
        who=who.name,
        what="channel changed",
        now=now,
        channel=channel.id,
        changes=changes,
    )
    kilns.get_kiln(session, [channel.workshop_id], channel.kiln_id).edited_at = now
    after_reply.add_task(service.monitor.tell, channel.kiln_id)
    found = _out(channel)
    show(response, found.version)
    return found


@router.get("/channels/{channel_id}/calibrations", response_model=list[CalibrationOut])
def list_calibrations(channel_id: schemas.Id, session: Session, who: Looks) -> list[CalibrationOut]:
    """Return the calibrations of a channel, in the order in which they hold."""
    channel = kilns.get_channel(session, who.workshop_ids, channel_id)
    with_note = who.reads_notes(channel.workshop_id)
    return [_calibration(one, with_note=with_note) for one in calibrations.calibrations(session, [channel.id])]


@router.post("/channels/{channel_id}/calibrations", response_model=CalibrationOut, status_code=201)
def add_calibration(
    channel_id: schemas.Id,
    asked: CalibrationIn,
    session: Session,
    who: SetsUp,
    service: PartsOf,
    now: MachineNow,
    after_reply: BackgroundTasks,
) -> CalibrationOut:
    """Say what is wrong with a probe from a moment on; curves show it at once, firings when they are recomputed."""
    channel = kilns.get_channel(session, who.workshop_ids, channel_id)
    if channel.unit != "c":
        msg = f"{channel.name} is measured in {channel.unit}; only temperatures (c) have calibrations"
        raise InvalidError(msg)
    made = calibrations.add_calibration(
        session,
        channel,
        from_at=asked.from_at,
        points=[[one.indicated_c, one.error_c] for one in asked.points],
        offset_c=asked.offset_c,
        note=asked.note,
        made_by=who.name,
        now=now,
    )
    _noted(session, channel, "calibration made", who.name, made, now)
    after_reply.add_task(service.monitor.tell, channel.kiln_id)
    return _calibration(made, with_note=True)


@router.delete("/calibrations/{calibration_id}", status_code=204)
def remove_calibration(
    calibration_id: schemas.Id,
    session: Session,
    who: SetsUp,
    service: PartsOf,
    now: MachineNow,
    after_reply: BackgroundTasks,
) -> None:
    """Take back a calibration that was wrong; the one before it holds again."""
    found = calibrations.get_calibration(session, who.workshop_ids, calibration_id)
    channel = kilns.get_channel(session, who.workshop_ids, found.channel_id)
    session.delete(found)
    _noted(session, channel, "calibration removed", who.name, found, now)
    after_reply.add_task(service.monitor.tell, channel.kiln_id)


def _noted(session: Session, channel: Channel, what: str, who: str, one: Calibration, now: MachineNow) -> None:
    kiln = kilns.get_kiln(session, [channel.workshop_id], channel.kiln_id)
    kiln.edited_at = now
    probe_calibrated(session, kiln, channel.name)
    told = {"from": one.from_at.isoformat(), "offset_c": f"{one.offset_c:g}"}
    audit.note(session, channel.workshop_id, who=who, what=what, now=now, channel=channel.id, **told)


def _out(channel: Channel) -> ChannelOut:
    return ChannelOut(
        id=channel.id,
        kiln_id=channel.kiln_id,
        name=channel.name,
        unit=channel.unit,
        label=channel.label,
        place=None if channel.place is None else Place(channel.place),
        is_hidden=channel.is_hidden,
        version=version_of(channel, *SAID),
    )


def _calibration(one: Calibration, *, with_note: bool) -> CalibrationOut:
    return CalibrationOut(
        id=one.id,
        channel_id=one.channel_id,
        from_at=one.from_at,
        points=[CorrectionPoint(indicated_c=at_c, error_c=error_c) for at_c, error_c in one.points],
        offset_c=one.offset_c,
        note=one.note if with_note else "",
        made_by=one.made_by,
        made_at=one.made_at,
    )
