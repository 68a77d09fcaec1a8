"""Plans: the firings that operators mean to follow. A firing keeps the plan that it was fired by."""

from collections.abc import Collection
from datetime import datetime
from itertools import pairwise
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from service.core.schedule import from_corners
from service.errors import FullError, ImpossiblePlanError, InvalidError, NotFoundError
from service.store.among import among
from service.store.models import Firing, Kiln, Plan

MOST_PLANS: Final = 500  # of a workshop, those that are offered


def list_plans(session: Session, workshop_ids: Collection[int]) -> list[Plan]:
    query = select(Plan).where(among(Plan.workshop_id, workshop_ids), Plan.removed_at.is_(None))
    return list(session.scalars(query.order_by(Plan.name, Plan.id)))


def find_plan(session: Session, workshop_ids: Collection[int], plan_id: int) -> Plan:
    query = select(Plan).where(Plan.id == plan_id, among(Plan.workshop_id, workshop_ids), Plan.removed_at.is_(None))
    found = session.scalar(query)
    if found is None:
        msg = f"there is no plan {plan_id} in your workshops"
        raise NotFoundError(msg)
    return found


def get_plan(session: Session, workshop_id: int, plan_id: int) -> Plan:
    """Return a plan of this very workshop: a person of two workshops must not mix them up."""
    return find_plan(session, [workshop_id], plan_id)


def create_plan(session: Session, workshop_id: int, *, name: str, points: list[dict[str, float]]) -> Plan:
    _check(points)
    known = select(func.count()).where(Plan.workshop_id == workshop_id, Plan.removed_at.is_(None))
    if (session.scalar(known.select_from(Plan)) or 0) >= MOST_PLANS:
        msg = f"a workshop has at most {MOST_PLANS} plans; remove some that nobody follows any more"
        raise FullError(msg)
    plan = Plan(workshop_id=workshop_id, name=name, points=points)
    session.add(plan)
    session.flush()
    return plan


def change_plan(session: Session, plan: Plan, *, name: str, points: list[dict[str, float]], now: datetime) -> Plan:
    """Return the plan as changed: a new one in its place if a firing was fired by it, which keeps the old one."""
    _check(points)
    if session.scalar(select(Firing.id).where(Firing.plan_id == plan.id).limit(1)) is None:
        plan.name, plan.points = name, points
        session.flush()
        return plan
    plan.removed_at = now
    session.flush()
    made = create_plan(session, plan.workshop_id, name=name, points=points)
    session.execute(update(Kiln).where(Kiln.plan_id == plan.id).values(plan_id=made.id))
    return made


def remove_plan(session: Session, plan: Plan, *, now: datetime) -> None:
    """Offer a plan no more; kilns stop following it, and firings keep it."""
    session.execute(update(Kiln).where(Kiln.plan_id == plan.id).values(plan_id=None))
    plan.removed_at = now
    session.flush()


def _check(points: list[dict[str, float]]) -> None:
    times = [point["time_s"] for point in points]
    if times[0] != 0 or any(later <= earlier for earlier, later in pairwise(times)):
        msg = f"a plan begins at 0 s and its times grow, but these are {times}"
        raise InvalidError(msg)
    try:
        from_corners([(point["time_s"], point["temp_c"]) for point in points])
    except ValueError as error:
        msg = f"no kiln can follow this plan: {error}"
        raise ImpossiblePlanError(msg) from error
