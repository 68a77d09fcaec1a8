"""A stored firing looked at again: from its readings, as they are put right today."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from service.core.assess import AssessedFiring, assess_span
from service.core.firing import EndCause
from service.core.probe import BIN_S
from service.core.schedule import Schedule, from_corners
from service.core.watch import Watch
from service.core.witness import PRIOR
from service.errors import InvalidError
from service.series import history as series
from service.series.codec import DamagedError
from service.series.corrections import Corrections
from service.store import firings as firing_rows
from service.store.cone_offsets import offsets_of
from service.store.models import Firing, Kiln, Plan, StoredFinding

logger = logging.getLogger(__name__)

# What lies around a firing shows how it began and ended: a rise is known some minutes after it began, and that a kiln
# has cooled, by at most four hours below 150 °C.
BEFORE: Final = timedelta(hours=1)
AFTER: Final = timedelta(hours=4, minutes=30)
LONGEST: Final = timedelta(days=14)
# What is no conclusion from readings stays when they are looked at again.
NOT_FROM_READINGS: Final = ("bridge_silent",)
BINS_APART_S: Final = 7  # own choice: prime to 30, so that neighbours come far apart
_FIGURES: Final = ("peak_c", "cone_reached", "max_spread_c")


@dataclass(frozen=True)
class Change:
    """What another look at a firing has changed: its figures before and after, and findings by kind."""

    before: dict[str, Any]
    after: dict[str, Any]
    found: tuple[str, ...]
    withdrawn: tuple[str, ...]
    rows: tuple[StoredFinding, ...]  # that were written or withdrawn


def bins_from_s(workshop_id: int) -> float:
    """Return where the half minutes of a workshop's kilns begin.

    A village's workshops are judged in turn, not all at one moment; what happens to all kilns of one is said at once.
    """
    return workshop_id * BINS_APART_S % BIN_S


def watch_of(kiln: Kiln, firing: Firing | None) -> Watch:
    """Return what a kiln is watched for while this firing runs, or while none does."""
    return Watch(
        (firing or kiln).target_cone,
        kiln.fuel,
        offsets_of((firing or kiln).cone_offsets),
        ware=frozenset(kiln.ware),
        schedule=_schedule(firing.plan) if firing and firing.plan else None,
        bins_from_s=firing.bins_from_s if firing else bins_from_s(kiln.workshop_id),
        unlearnt=PRIOR,
    )


def _schedule(plan: Plan) -> Schedule | None:
    """Return what a firing is to follow; a plan that no kiln can follow keeps nobody from watching over the rest."""
    try:
        return from_corners([(point["time_s"], point["temp_c"]) for point in plan.points])
    except ValueError as error:
        logger.warning("a plan cannot be followed", extra={"plan_id": plan.id, "reason": str(error)})
        return None


def check_length(started_at: datetime, ended_at: datetime) -> None:
    """Refuse a firing that lasts no time, or longer than any: whoever looks at it reads all of it."""
    if not timedelta(0) < ended_at - started_at <= LONGEST:
        msg = (
            f"a firing from {started_at.isoformat()} to {ended_at.isoformat()} is none: it must end after it began, "
            f"within {LONGEST.days} days"
        )
        raise InvalidError(msg)


def look_again(
    session: Session,
    firing: Firing,
    *,
    started_at: datetime,
    ended_at: datetime,
    cause: EndCause,
    corrections: Corrections | None = None,
) -> AssessedFiring:
    """Return what a firing from one moment to another comes to; it takes seconds, and writes nothing.

    Raises
    ------
    InvalidError
        If it lasts no time, or longer than any firing.
    DamagedError
        If not all of its readings can be read: what was found in them when they came is worth more.
    """
    check_length(started_at, ended_at)
    recorded = series.read(
        session, firing.kiln_id, from_at=started_at - BEFORE, to_at=ended_at + AFTER, corrections=corrections
    )
    if recorded.damaged:
        msg = "some of its readings are damaged where they are stored: what was found in them when they came stays"
        raise DamagedError(msg)
    return assess_span(
        recorded.channels,
        watch_of(firing.kiln, firing),
        start_s=started_at.timestamp(),
        end_s=ended_at.timestamp(),
        cause=cause,
    )


def write_down(session: Session, firing: Firing, assessed: AssessedFiring, *, now: datetime) -> Change:
    """Write what another look came to, in the caller's transaction; findings that are no more are withdrawn."""
    before = {name: getattr(firing, name) for name in _FIGURES}
    if assessed.summary is not None:
        for name, value in firing_rows.summary_columns(assessed.summary).items():
            setattr(firing, name, value)
    stood = {_key(row): row for row in firing_rows.findings_of(session, firing.id)}
    said = assessed.findings
    if assessed.end_s is not None:
        said = [replace(one, end_s=assessed.end_s) if one.end_s is None else one for one in said]
    rows = firing_rows.save_findings(session, firing.kiln, firing.id, said)
    for row in rows:
        row.firing_id, row.withdrawn_at = firing.id, None
    kept = {_key(row) for row in rows}
    gone = [row for key, row in stood.items() if key not in kept and row.kind not in NOT_FROM_READINGS]
    for row in gone:
        row.withdrawn_at = now
        row.end_at = row.end_at or firing.ended_at or now
    session.flush()
    after = {name: getattr(firing, name) for name in _FIGURES}
    found = tuple(row.kind for row in rows if _key(row) not in stood)
    return Change(before, after, found, tuple(row.kind for row in gone), (*rows, *gone))


def _key(row: StoredFinding) -> tuple[str, str, datetime]:
    return row.kind, row.channel, row.start_at
