"""Curves for charts: readings of a stretch of time, thinned to what a screen can show."""

from datetime import datetime
from typing import Annotated, Final

import numpy as np
from fastapi import Query
from sqlalchemy.orm import Session

from service.api import schemas
from service.core.curve import thin_min_max
from service.series import history as series
from service.store import kilns
from service.store.models import Kiln

GAP_S: Final = 300.0  # a chart does not draw a line over more than this without a reading

Width = Annotated[int, Query(ge=50, le=4000)]


def curve_out(session: Session, kiln: Kiln, from_at: datetime, to_at: datetime, width: int) -> schemas.CurveOut:
    found, step_s = series.read_for_chart(session, kiln.id, from_at=from_at, to_at=to_at, width=width)
    gap_s = max(GAP_S, 2 * step_s)
    drawn = []
    for channel in kilns.channels(session, [kiln.id]):
        if channel.name not in found:
            continue
        samples = found[channel.name]
        time_s, value_c = thin_min_max(samples.time_s, samples.value, width, gap_s=gap_s)
        drawn.append(
            schemas.CurveChannel(
                channel_id=channel.id, name=channel.name, time_s=time_s.tolist(), value_c=nullable(value_c)
            )
        )
    return schemas.CurveOut(kiln_id=kiln.id, from_at=from_at, to_at=to_at, channels=drawn)


def nullable(values: np.ndarray) -> list[float | None]:
    """Return numbers for JSON, which has no NaN: a gap is null."""
    return [None if np.isnan(value) else float(value) for value in values]
