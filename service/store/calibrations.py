"""Calibrations: what is known to be wrong with a probe, from when on."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import ConflictError, FullError, NotFoundError
from service.store.among import among
from service.store.models import Calibration, Channel

MOST_OF_A_CHANNEL = 200


def calibrations(session: Session, channel_ids: Collection[int]) -> list[Calibration]:
    """Return the calibrations of channels, those of each in order of time."""
    query = select(Calibration).where(Calibration.channel_id.in_(channel_ids))
    return list(session.scalars(query.order_by(Calibration.channel_id, Calibration.from_at)))


def of_kilns(session: Session, kiln_ids: Collection[int]) -> list[tuple[int, str, Calibration]]:
    """Return (kiln, channel's name, calibration), those of each channel in order of time."""
    query = (
        select(Channel.kiln_id, Channel.name, Calibration)
        .join(Channel, Channel.id == Calibration.channel_id)
        .where(Channel.kiln_id.in_(kiln_ids))
        .order_by(Calibration.channel_id, Calibration.from_at)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def get_calibration(session: Session, workshop_ids: Collection[int], calibration_id: int) -> Calibration:
    found = session.scalar(
        select(Calibration).where(Calibration.id == calibration_id, among(Calibration.workshop_id, workshop_ids))
    )
    if found is None:
        msg = f"there is no calibration {calibration_id} in your workshops"
        raise NotFoundError(msg)
    return found


def add_calibration(
    session: Session,
    channel: Channel,
    *,
    from_at: datetime,
    points: list[list[float]],
    offset_c: float,
    note: str,
    made_by: str,
    now: datetime,
) -> Calibration:
    """Write a calibration; a channel has one for each moment from which one holds."""
    known = calibrations(session, [channel.id])
    if len(known) >= MOST_OF_A_CHANNEL:
        msg = f"a channel has at most {MOST_OF_A_CHANNEL} calibrations; remove one that was wrong"
        raise FullError(msg)
    if any(one.from_at == from_at for one in known):
        msg = f"{channel.name} has a calibration that holds from {from_at.isoformat()} already; remove that one first"
        raise ConflictError(msg)
    made = Calibration(
        workshop_id=channel.workshop_id,
        channel_id=channel.id,
        from_at=from_at,
        points=points,
        offset_c=offset_c,
        note=note,
        made_by=made_by,
        made_at=now,
    )
    session.add(made)
    session.flush()
    return made
