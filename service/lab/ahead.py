"""How a stored firing will go on, by its plan or by the firings of the same kiln before it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from service.core.firing import FALLEN_C
from service.core.forecast import Forecast, PastFiring, forecast, gridded, nothing, past_firing
from service.core.kiln import OUTSIDE
from service.core.schedule import FULL_C_PER_H, from_corners
from service.core.sensors import DOUBTFUL
from service.core.series import Samples
from service.errors import ConflictError
from service.series import history as series
from service.store import firings
from service.store.models import Firing, StoredFinding

PAST_FIRINGS: Final = 5
SHORTEST_S: Final = 1800.0  # own choice: before, there is no pace to go by


def forecast_of(session: Session, firing: Firing, *, now: datetime) -> Forecast:
    """Return how a running firing will go on; its basis is ``nothing`` while it begins and once its top is behind.

    The firings that it is compared with are the last five that were over by themselves and had the same target cone.
    """
    if firing.ended_at is not None:
        msg = f"firing {firing.id} has ended: only a running one has a forecast"
        raise ConflictError(msg)
    history = _chamber(session, firing, firing.started_at, now)
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
    return forecast(history, past=past, schedule=schedule, target_cone=firing.target_cone, fuel=fuel)


def _past(session: Session, firing: Firing) -> list[PastFiring]:
    alike = firings.finished_firings(session, firing.kiln_id, target_cone=firing.target_cone, limit=PAST_FIRINGS)
    found = (_chamber(session, one, one.started_at, one.ended_at or one.started_at) for one in alike)
    return [past_firing(channels) for channels in found if channels]


def _chamber(session: Session, firing: Firing, from_at: datetime, to_at: datetime) -> Mapping[str, Samples]:
    """Return what the chamber's probes said, but for what is not to be believed."""
    found = series.read(session, firing.kiln_id, from_at=from_at, to_at=to_at).channels
    doubts = firings.findings_between(session, firing.kiln_id, DOUBTFUL, from_at=from_at, to_at=to_at)
    believed = {
        name: _without(one, [doubt for doubt in doubts if doubt.channel == name])
        for name, one in found.items()
        if not name.startswith(OUTSIDE)
    }
    return {name: one for name, one in believed.items() if np.isfinite(one.value).any()}


def _without(samples: Samples, doubts: Sequence[StoredFinding]) -> Samples:
    value = samples.value.copy()
    for doubt in doubts:
        is_over = samples.time_s > (np.inf if doubt.end_at is None else doubt.end_at.timestamp())
        value[(samples.time_s >= doubt.start_at.timestamp()) & ~is_over] = np.nan
    return Samples(samples.time_s, value)


def _schedule(points: Sequence[Mapping[str, float]]) -> list[tuple[float, float, float]]:
    """Return the steps of a plan up to its top: rate [°C/h], target [°C] and hold [s]."""
    schedule = from_corners([(point["time_s"], point["temp_c"]) for point in points])
    return [
        (step.rate_c_per_h or FULL_C_PER_H, step.target_c, step.hold_s) for step in schedule.steps[: schedule.top + 1]
    ]
