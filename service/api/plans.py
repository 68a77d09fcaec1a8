"""Plans: written, changed, taken away, and read from the schedule files of other systems."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from service.api import schemas, views
from service.api.deps import Looks, MachineNow, Session, SetsUp, own_workshop
from service.api.versions import Seen, locked_version, show
from service.core.schedule import Schedule
from service.errors import InvalidError
from service.importers.schedules.read import schedules_of
from service.store import audit, plans

router = APIRouter(tags=["plans"])

MOST_CORNERS = 100


class PlanChange(schemas.In):
    """The plan as it is to be from now on."""

    name: schemas.Name
    points: Annotated[list[schemas.PlanPoint], Field(min_length=2, max_length=MOST_CORNERS)]


class ScheduleFileIn(schemas.In):
    """A schedule file as text, and what it may not say itself."""

    workshop_id: schemas.Id
    file_name: Annotated[str, Field(min_length=1, max_length=120)]
    content: Annotated[str, Field(min_length=1, max_length=1_000_000, description="the file's text")]
    unit: Annotated[Literal["c", "f"] | None, Field(description="of its temperatures, if the file does not say")] = None
    name: Annotated[str | None, Field(max_length=80, description="which schedule, if the file holds several")] = None


@router.get("/plans", response_model=list[schemas.PlanOut])
def list_plans(session: Session, who: Looks) -> list[schemas.PlanOut]:
    """Return the plans that a kiln can follow, by name."""
    return [views.plan_out(plan) for plan in plans.list_plans(session, who.workshop_ids)]


@router.post("/plans", response_model=schemas.PlanOut, status_code=201)
def create_plan(asked: schemas.PlanIn, session: Session, who: SetsUp, now: MachineNow) -> schemas.PlanOut:
    """Write a plan by its corners; it begins at 0 s."""
    workshop_id = own_workshop(who, asked.workshop_id)
    points = [point.model_dump() for point in asked.points]
    plan = plans.create_plan(session, workshop_id, name=asked.name, points=points)
    audit.note(session, workshop_id, who=who.name, what="plan made", now=now, plan=plan.id, name=plan.name)
    return views.plan_out(plan)


@router.post("/plan-files", response_model=list[schemas.PlanOut], status_code=201)
def import_plans(asked: ScheduleFileIn, session: Session, who: SetsUp, now: MachineNow) -> list[schemas.PlanOut]:
    """Read a schedule file of any known system into plans; a file that names no unit is refused until one is said."""
    workshop_id = own_workshop(who, asked.workshop_id)
    found = schedules_of(asked.content.encode("utf-8", errors="replace"), asked.unit, file_name=asked.file_name)
    chosen = [one for one in found if asked.name is None or one.name == asked.name]
    if not chosen:
        names = ", ".join(one.name for one in found[:20])
        msg = f"{asked.file_name} holds no schedule called {asked.name!r}; it holds: {names}"
        raise InvalidError(msg)
    made = [
        plans.create_plan(session, workshop_id, name=_name(one, asked.file_name), points=_points(one)) for one in chosen
    ]
    audit.note(session, workshop_id, who=who.name, what="plans read from a file", now=now, file=asked.file_name)
    return [views.plan_out(plan) for plan in made]


@router.get("/plans/{plan_id}", response_model=schemas.PlanOut)
def read_plan(plan_id: schemas.Id, session: Session, who: Looks, response: Response) -> schemas.PlanOut:
    """Return a plan."""
    found = views.plan_out(plans.find_plan(session, who.workshop_ids, plan_id))
    show(response, found.version)
    return found


@router.put("/plans/{plan_id}", response_model=schemas.PlanOut)
def change_plan(
    plan_id: schemas.Id,
    asked: PlanChange,
    session: Session,
    who: SetsUp,
    seen: Seen,
    now: MachineNow,
    response: Response,
) -> schemas.PlanOut:
    """Change a plan. Firings keep the one that they were fired by: the changed one may then have another id."""
    plan = plans.find_plan(session, who.workshop_ids, plan_id)
    seen.check(locked_version(session, plan, *views.PLAN_SAID))
    points = [point.model_dump() for point in asked.points]
    changed = views.plan_out(plans.change_plan(session, plan, name=asked.name, points=points, now=now))
    audit.note(session, plan.workshop_id, who=who.name, what="plan changed", now=now, plan=plan.id, now_is=changed.id)
    show(response, changed.version)
    return changed


@router.delete("/plans/{plan_id}", status_code=204)
def remove_plan(plan_id: schemas.Id, session: Session, who: SetsUp, seen: Seen, now: MachineNow) -> None:
    """Offer a plan no more; kilns stop following it, and firings keep it."""
    plan = plans.find_plan(session, who.workshop_ids, plan_id)
    seen.check(locked_version(session, plan, *views.PLAN_SAID))
    plans.remove_plan(session, plan, now=now)
    audit.note(session, plan.workshop_id, who=who.name, what="plan removed", now=now, plan=plan.id, name=plan.name)


def _name(schedule: Schedule, file_name: str) -> str:
    return (schedule.name or file_name.rpartition(".")[0] or file_name)[:80]


def _points(schedule: Schedule) -> list[dict[str, float]]:
    time_s, temp_c = schedule.corners()
    if len(time_s) > MOST_CORNERS:
        msg = f"{schedule.name or 'the schedule'} has {len(time_s)} corners; a plan has at most {MOST_CORNERS}"
        raise InvalidError(msg)
    return [
        {"time_s": round(at_s, 1), "temp_c": round(at_c, 1)}
        for at_s, at_c in zip(time_s.tolist(), temp_c.tolist(), strict=True)
    ]
