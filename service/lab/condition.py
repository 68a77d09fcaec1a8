"""What a kiln can still do, and whether it grows slower: learnt from its stored firings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from service.core.ageing import Ageing, ageing, rates_at
from service.core.kiln_model import HighestRate, highest_rate_c_per_h, learn
from service.core.probe_history import Drift
from service.core.series import Samples
from service.lab.chamber import believed
from service.lab.witness_cones import drifts_of
from service.series import history as series
from service.store import firings
from service.store.models import Firing, Kiln

FIRINGS: Final = 40  # own choice: some months of a kiln that is fired twice a week
PIXELS: Final = 500  # of a drawing: what is rolled up is fine enough for rates over 80 °C
LEVELS_C: Final = np.arange(300.0, 1301.0, 100.0)


@dataclass(frozen=True)
class Condition:
    """From how many firings it was learnt, the trend over months, and the highest rate at each level [°C].

    `drifts` are of the probes that had witness cones in at least five firings.
    """

    firings: int
    change: Ageing | None
    highest: Mapping[float, HighestRate]
    drifts: Mapping[str, Drift]


def condition_of(session: Session, kiln: Kiln) -> Condition:
    """Return what a kiln's firings that came to their own end, the newest forty, say of it."""
    past = [(one, channels) for one in _past(session, kiln) if (channels := _chamber(session, one))]
    history = [(one.started_at.timestamp(), rates_at(channels, LEVELS_C)) for one, channels in past]
    model = learn([channels for _, channels in past], fuel=kiln.fuel)
    highest = {} if model is None else {at_c: highest_rate_c_per_h(model, at_c) for at_c in LEVELS_C.tolist()}
    shown = {at_c: rate for at_c, rate in highest.items() if rate is not None}
    return Condition(len(past), ageing(history), shown, drifts_of(session, kiln))


def _past(session: Session, kiln: Kiln) -> Sequence[Firing]:
    return firings.newest_finished(session, kiln.id, limit=FIRINGS)


def _chamber(session: Session, firing: Firing) -> dict[str, Samples]:
    if firing.ended_at is None:
        return {}
    from_at, to_at = firing.started_at, firing.ended_at
    drawn, step_s = series.read_for_chart(session, firing.kiln_id, from_at=from_at, to_at=to_at, width=PIXELS)
    return believed(session, firing.kiln_id, drawn.channels, from_at=from_at, to_at=to_at, step_s=step_s)
