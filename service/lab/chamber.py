"""What a chamber's probes have said, but for what findings call impossible or doubtful."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from service.core.kiln import OUTSIDE
from service.core.sensors import DOUBTFUL
from service.core.series import Samples
from service.series import history as series
from service.store import firings
from service.store.models import Firing, StoredFinding

# What keeps a probe from having shown the heat of a firing's top, if it is said of the hours about it.
_UNSEEN: Final = (*DOUBTFUL, "sensor_silent")
_ABOUT_THE_TOP: Final = timedelta(hours=1)  # own choice: a cone bends in the last 100 °C, of which an hour is most


def chamber_of(session: Session, kiln_id: int, *, from_at: datetime, to_at: datetime) -> dict[str, Samples]:
    """Return what the chamber's probes said between two moments, but for what is not to be believed."""
    found = series.read(session, kiln_id, from_at=from_at, to_at=to_at).channels
    return believed(session, kiln_id, found, from_at=from_at, to_at=to_at)


def believed(
    session: Session,
    kiln_id: int,
    channels: Mapping[str, Samples],
    *,
    from_at: datetime,
    to_at: datetime,
    step_s: float = 0.0,
) -> dict[str, Samples]:
    """Return what is to be believed of the chamber's probes; what is rolled up is so in steps of `step_s`."""
    doubts = firings.findings_between(session, kiln_id, DOUBTFUL, from_at=from_at, to_at=to_at)
    found = {
        name: _without(one, [doubt for doubt in doubts if doubt.channel == name], step_s)
        for name, one in channels.items()
        if not name.startswith(OUTSIDE)
    }
    return {name: one for name, one in found.items() if np.isfinite(one.value).any()}


def missed_the_top(session: Session, firing: Firing) -> set[str]:
    """Return the channels that were silent or not to be believed about the top of a firing."""
    if firing.peak_at is None:
        return set()
    from_at, to_at = firing.peak_at - _ABOUT_THE_TOP, firing.peak_at + _ABOUT_THE_TOP
    doubts = firings.findings_between(session, firing.kiln_id, _UNSEEN, from_at=from_at, to_at=to_at)
    return {doubt.channel for doubt in doubts}


def _without(samples: Samples, doubts: Sequence[StoredFinding], step_s: float) -> Samples:
    value = samples.value.copy()
    for doubt in doubts:
        is_over = samples.time_s > (np.inf if doubt.end_at is None else doubt.end_at.timestamp() + step_s)
        value[(samples.time_s >= doubt.start_at.timestamp() - step_s) & ~is_over] = np.nan
    return Samples(samples.time_s, value)
