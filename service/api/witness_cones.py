"""Witness cones: how those beside the probes stood after a firing, and what they have taught of a kiln."""

from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Response
from pydantic import Field

from service.api import schemas
from service.api.deps import Looks, MachineNow, PartsOf, Records, Session
from service.api.versions import Seen, locked_version, show, version_of
from service.lab.witness_cones import write_down
from service.store import audit, firings, kilns
from service.store.models import Firing

router = APIRouter(tags=["batches"])

SAID = ("witness_cones",)


class WitnessConesIn(schemas.In):
    cones: Annotated[list[schemas.WitnessCone], Field(max_length=60)]


class WitnessConeOut(schemas.WitnessCone):
    """A cone as it was seen; `progress` is what the probe beside it had made of the heat, 1 is down."""

    progress: float | None


class WitnessConesOut(schemas.Out):
    firing_id: int
    cones: list[WitnessConeOut]
    version: Annotated[str, Field(description="of what people may change, for `If-Match`")]


class ConeOffsetOut(schemas.Out):
    """What the cones of some firings have taught: cones beside this probe feel `mean_c` more than it shows."""

    channel: str
    mean_c: float
    sd_c: Annotated[float, Field(description="how sure that is: one standard deviation [°C]")]
    firings: int


@router.get("/firings/{firing_id}/witness-cones", response_model=WitnessConesOut)
def read_witness_cones(firing_id: schemas.Id, session: Session, who: Looks, response: Response) -> WitnessConesOut:
    """Return how the cones beside the probes stood after a firing."""
    return _shown(firings.get_firing(session, who.workshop_ids, firing_id), response)


@router.put("/firings/{firing_id}/witness-cones", response_model=WitnessConesOut)
def write_witness_cones(
    firing_id: schemas.Id,
    asked: WitnessConesIn,
    session: Session,
    who: Records,
    service: PartsOf,
    seen: Seen,
    now: MachineNow,
    after_reply: BackgroundTasks,
    response: Response,
) -> WitnessConesOut:
    """Write down how the cones stood, all that there were; the kiln's next firings are judged by what they teach."""
    firing = firings.get_firing(session, who.workshop_ids, firing_id)
    seen.check(locked_version(session, firing, *SAID))
    write_down(session, firing, [one.model_dump(mode="json") for one in asked.cones])
    firing.kiln.edited_at = now
    told = ", ".join(f"{one.channel} {one.cone} {one.seen}" for one in asked.cones)
    audit.note(
        session, firing.workshop_id, who=who.name, what="witness cones", now=now, firing=firing.id, cones=told[:500]
    )
    after_reply.add_task(service.monitor.tell, firing.kiln_id)
    return _shown(firing, response)


@router.get("/kilns/{kiln_id}/cone-offsets", response_model=list[ConeOffsetOut])
def list_cone_offsets(kiln_id: schemas.Id, session: Session, who: Looks) -> list[ConeOffsetOut]:
    """Return what witness cones have taught of a kiln, by its probes; before any, a kiln's cones may be 12 °C off."""
    kiln = kilns.get_kiln(session, who.workshop_ids, kiln_id)
    return [
        ConeOffsetOut(channel=name, mean_c=one["mean_c"], sd_c=one["sd_c"], firings=one["firings"])
        for name, one in sorted(kiln.cone_offsets.items())
    ]


def _shown(firing: Firing, response: Response) -> WitnessConesOut:
    done = {(one["channel"], one["cone"]): one["progress"] for one in firing.cones}
    said: list[dict[str, Any]] = firing.witness_cones or []
    cones = [WitnessConeOut(**one, progress=done.get((one["channel"], one["cone"]))) for one in said]
    found = WitnessConesOut(firing_id=firing.id, cones=cones, version=version_of(firing, *SAID))
    show(response, found.version)
    return found
