"""What a bridge shall watch by itself while it cannot reach us: rough limits from what the kiln is meant to do."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Collection, Mapping
from itertools import pairwise
from typing import Any, Final, TypeVar

from firmware_bridge.wire import Limits
from service.core import cones
from service.core.probe import SILENT_S
from service.ingest.together import Together
from service.store.database import Database
from service.store.kilns import Meant, kilns_meant

logger = logging.getLogger(__name__)

REMEMBERED_S: Final = 60.0
MAX_REMEMBERED: Final = 10_000
WORKSHOPS_PER_QUERY: Final = 500
# Our choices, wide enough that an ordinary firing never reaches them: the service judges finer, the bridge only when
# nobody else can.
CONES_ABOVE: Final = 2
ABOVE_PLAN_C: Final = 50.0
TIMES_PLAN_RATE: Final = 2.0

ByKiln = Mapping[str, Limits]
T = TypeVar("T")


class HandedLimits:
    """The limits of workshops' kilns: asked of the database when a workshop is new, then for all once a minute."""

    def __init__(self, database: Database, *, remembered_s: float = REMEMBERED_S) -> None:
        self._database = database
        self._remembered_s = remembered_s
        self._known: dict[int, ByKiln] = {}
        self._workshops = Together(self._look_up)
        self._known_until_s = time.monotonic() + remembered_s

    def is_ready(self, workshop_id: int) -> bool:
        """Say whether the limits of a workshop are known, and not too old."""
        return workshop_id in self._known and time.monotonic() < self._known_until_s

    async def get_ready(self, workshop_id: int) -> None:
        """Ask for what is not known, or too old."""
        if workshop_id not in self._known:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            known = await _or_say_why(self._workshops.get(workshop_id))
            self._known.setdefault(workshop_id, known or {})  # if it could not be read, it is asked again in a minute
        elif time.monotonic() >= self._known_until_s:
            self._known_until_s = time.monotonic() + self._remembered_s
            self._known |= await _or_say_why(asyncio.to_thread(self._look_up, list(self._known))) or {}

    def of(self, workshop_id: int, kilns: Collection[str]) -> list[Limits] | None:
        """Return the limits of these kilns; None if nobody has said what they are meant to do."""
        known = self._known.get(workshop_id)  # none if all were forgotten meanwhile
        return ([known[kiln] for kiln in sorted(kilns) if kiln in known] or None) if known else None

    def _look_up(self, workshop_ids: Collection[int]) -> dict[int, ByKiln]:
        found: dict[int, dict[str, Limits]] = {workshop_id: {} for workshop_id in workshop_ids}
        in_order = sorted(found)
        with self._database.read() as session:
            for begin in range(0, len(in_order), WORKSHOPS_PER_QUERY):
                for meant in kilns_meant(session, in_order[begin : begin + WORKSHOPS_PER_QUERY]):
                    limits = _limits_or_say_why(meant)
                    if limits is not None:
                        found[meant.workshop_id][meant.kiln] = limits
        return dict(found)


async def _or_say_why(question: Awaitable[T]) -> T | None:
    """Return an answer of the database; whatever is wrong with it must not hold back a receipt."""
    try:
        return await question
    except Exception:
        logger.exception("limits not read")
        return None


def _limits_or_say_why(meant: Meant) -> Limits | None:
    """Return a kiln's limits; a plan that nobody can read must not hold back those of others."""
    try:
        return limits_of(meant)
    except (KeyError, TypeError, ValueError, ArithmeticError):
        logger.exception("limits not read", extra={"workshop": meant.workshop_id, "kiln": meant.kiln})
        return None


def limits_of(meant: Meant) -> Limits:
    """Return what is beyond anything the kiln's target cone and plan mean."""
    tops_c = [] if meant.target_cone is None else [_above_cone_c(meant.target_cone)]
    if meant.points is not None:
        tops_c.append(max(point["temp_c"] for point in meant.points) + ABOVE_PLAN_C)
    rate_c_per_h = TIMES_PLAN_RATE * _steepest_c_per_h(meant.points or [])
    return Limits(meant.kiln, over_c=max(tops_c), rate_c_per_h=rate_c_per_h or None, silent_s=SILENT_S)


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
