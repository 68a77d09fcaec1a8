"""The curve of a stored firing as people compare it: one temperature for the chamber, once a minute."""

from datetime import datetime

from sqlalchemy.orm import Session

from service.core.chamber import chamber_curve
from service.core.segments import Segment, segments
from service.core.series import FloatArray
from service.lab.chamber import chamber_of
from service.store.models import Firing


def curve_of(session: Session, firing: Firing, *, now: datetime) -> tuple[FloatArray, FloatArray]:
    """Return Unix times [s] and the chamber's temperature [°C] for every minute that is known."""
    to_at = firing.ended_at or now
    return chamber_curve(chamber_of(session, firing.kiln_id, from_at=firing.started_at, to_at=to_at))


def segments_of(session: Session, firing: Firing, *, now: datetime) -> list[Segment]:
    """Return the ramps, holds and coolings of a firing, in order."""
    return segments(*curve_of(session, firing, now=now))
