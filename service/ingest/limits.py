"""What a bridge shall watch by itself while it cannot reach us: rough limits from what the kiln is meant to do."""

import asyncio
import logging
import random
import time
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any, Final

from firmware_bridge.wire import Limits
from service.core import cones
from service.core.probe import SILENT_S
from service.store.database import Database
from service.store.kilns import kilns_with_a_meaning
from service.store.models import Kiln, Plan

logger = logging.getLogger(__name__)

REMEMBERED_S: Final = 60.0  # and down to half of it, so that a village's bridges do not all ask at one moment
MAX_REMEMBERED: Final = 10_000
# Our choices, wide enough that an ordinary firing never reaches them: the service judges finer, the bridge only when
# nobody else can.
CONES_ABOVE: Final = 2
ABOVE_PLAN_C: Final = 50.0
TIMES_PLAN_RATE: Final = 2.0


class HandedLimits:
    """The limits of a workshop's kilns, asked of the database once a minute or so."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, tuple[float, Mapping[str, Limits]]] = {}

    async def of(self, workshop_id: int, kilns: Collection[str]) -> list[Limits] | None:
        """Return the limits of these kilns; None if nobody has said what they are meant to do."""
        found = self._known.get(workshop_id)
        if found is None or found[0] <= time.monotonic():
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            until_s = time.monotonic() + REMEMBERED_S * random.uniform(0.5, 1.0)  # noqa: S311 - nobody gains by guessing
            found = (until_s, await self._ask(workshop_id))
            self._known[workshop_id] = found
        return [found[1][kiln] for kiln in sorted(kilns) if kiln in found[1]] or None

    async def _ask(self, workshop_id: int) -> Mapping[str, Limits]:
        """Return what the database has; whatever is wrong with it must not hold back a receipt."""
        try:
            return await asyncio.to_thread(self._look_up, workshop_id)
        except Exception:
            logger.exception("limits not read", extra={"workshop": workshop_id})
            return {}

    def _look_up(self, workshop_id: int) -> dict[str, Limits]:
        with self._database.read() as session:
            all_limits = [limits_of(kiln, plan) for kiln, plan in kilns_with_a_meaning(session, workshop_id)]
        return {limits.kiln: limits for limits in all_limits if limits is not None}


def limits_of(kiln: Kiln, plan: Plan | None) -> Limits | None:
    """Return what is beyond anything the kiln's target cone and plan mean; None if it has neither."""
    tops_c = ([_above_cone_c(kiln.target_cone)] if kiln.target_cone is not None else []) + (
        [max(point["temp_c"] for point in plan.points) + ABOVE_PLAN_C] if plan is not None else []
    )
    if not tops_c:
        return None
    rate_c_per_h = TIMES_PLAN_RATE * _steepest_c_per_h(plan.points) if plan is not None else 0.0
    return Limits(kiln.key, over_c=max(tops_c), rate_c_per_h=rate_c_per_h or None, silent_s=SILENT_S)


def _above_cone_c(target: str) -> float:
    """Return where the cone some steps above the target goes down when fired fast (Orton's chart)."""
    above = cones.table()[min(cones.index_of(target) + CONES_ABOVE, len(cones.table()) - 1)]
    return max(above.end_c.values())


def _steepest_c_per_h(points: list[dict[str, Any]]) -> float:
    climbs = [
        (after["temp_c"] - before["temp_c"]) / (after["time_s"] - before["time_s"]) * 3600
        for before, after in pairwise(points)
    ]
    return max(0.0, *climbs) if climbs else 0.0
