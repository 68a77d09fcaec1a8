"""Curves for charts: readings of a stretch of time, thinned to what a screen can show."""

from datetime import UTC, datetime
from typing import Annotated, Final

import numpy as np
import orjson
from fastapi import Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from service.core.curve import drawn_gap_s, thin_min_max
from service.series import history as series
from service.store import kilns
from service.store.models import Kiln
from service.store.tenancy import confine

GAP_S: Final = 300.0  # a chart does not draw a line over more than this without a reading, unless that is usual

# Tens of thousands of numbers, straight from their arrays: as objects of Python they would be all over the memory.
_AS_NUMBERS: Final = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z

Width = Annotated[int, Query(ge=50, le=4000)]


def curve_response(session: Session, kiln: Kiln, from_at: datetime, to_at: datetime, width: int) -> Response:
    """Answer with a kiln's curve, thinned to `width` pixels, as `schemas.CurveOut` describes it."""
    confine(session, [kiln.workshop_id])  # nothing else is asked for: quicker than as somebody of a thousand workshops
    recorded, step_s = series.read_for_chart(session, kiln.id, from_at=from_at, to_at=to_at, width=width)
    is_rolled_up = step_s > series.USUAL_INTERVAL_S  # then there are two points a step
    drawn = []
    for channel in kilns.channels(session, [kiln.id]):
        samples = recorded.channels.get(channel.name)
        if samples is not None:
            gap_s = drawn_gap_s(samples.time_s[:: 1 + is_rolled_up], least_s=max(GAP_S, 2 * step_s))
            time_s, value_c = thin_min_max(samples.time_s, samples.value, width, gap_s=gap_s, has_ends=not is_rolled_up)
            drawn.append({"channel_id": channel.id, "name": channel.name, "time_s": time_s, "value_c": value_c})
    damaged = [
        {"from_at": _at(one.from_ms), "to_at": _at(one.to_ms + 1), "step_s": one.step_ms and one.step_ms / 1000}
        for one in recorded.damaged
    ]
    curve = {"kiln_id": kiln.id, "from_at": from_at, "to_at": to_at, "channels": drawn, "damaged": damaged}
    return Response(orjson.dumps(curve, option=_AS_NUMBERS), media_type="application/json")


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def nullable(values: np.ndarray) -> list[float | None]:
    """Return numbers for JSON, which has no NaN: a gap is null."""
    return [None if np.isnan(value) else float(value) for value in values]
