"""How a stored firing will go on, by its plan or by the firings of the same kiln before it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from service.core.firing import FALLEN_C
from service.core.forecast import Forecast, PastFiring, forecast, gridded, nothing, past_firing
from service.core.schedule import FULL_C_PER_H, from_corners
from service.errors import ConflictError
from service.lab.chamber import chamber_of
from service.store import firings
from service.store.cone_offsets import offsets_of
from service.store.models import Firing

PAST_FIRINGS: Final = 5
SHORTEST_S: Final = 1800.0  # own choice: before, there is no pace to go by


def forecast_of(session: Session, firing: Firing, *, now: datetime) -> Forecast:
    """Return how a running firing will go on; its basis is ``nothing`` while it begins and once its top is behind.

    The firings that it is compared with are the last five that were over by themselves and had the same target cone.
    """
    if firing.ended_at is not None:
        msg = f"firing {firing.id} has ended: only a running one has a forecast"
        raise ConflictError(msg)
    history = chamber_of(session, firing.kiln_id, from_at=firing.started_at, to_at=now)
    if not history:
        return nothing()
    temp_c = gridded(history)[1]
    fuel = firing.kiln.fuel
    first_s = min(float(one.time_s.min()) for one in history.values())
    last_s = max(float(one.time_s.max()) for one in history.values())
    if last_s - first_s < SHORTEST_S or temp_c[-1] < temp_c.max() - FALLEN_C[fuel]:
        return nothing()
    schedule = None if firing.plan is None else _schedule(firing.plan.points)
    past = [] if schedule else _past(session, firing)
    above_c = {channel: offset.mean_c for channel, offset in offsets_of(firing.cone_offsets).items()}
    return forecast(history, past=past, schedule=schedule, target_cone=firing.target_cone, fuel=fuel, above_c=above_c)


def _past(session: Session, firing: Firing) -> list[PastFiring]:
    alike = firings.finished_firings(session, firing.kiln_id, target_cone=firing.target_cone, limit=PAST_FIRINGS)
    found = (
        chamber_of(session, one.kiln_id, from_at=one.started_at, to_at=one.ended_at or one.started_at) for one in alike
    )
    return [past_firing(channels) for channels in found if channels]


def _schedule(points: Sequence[Mapping[str, float]]) -> list[tuple[float, float, float]]:
    """Return the steps of a plan up to its top: rate [°C/h], target [°C] and hold [s]."""
    schedule = from_corners([(point["time_s"], point["temp_c"]) for point in points])
    return [
        (step.rate_c_per_h or FULL_C_PER_H, step.target_c, step.hold_s) for step in schedule.steps[: schedule.top + 1]
    ]
