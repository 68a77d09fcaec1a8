"""Readings put right by the calibrations of their probes; what is stored stays as the instrument sent it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from service.core.calibration import Correction
from service.core.probe import RAILS_C
from service.core.series import Chunk, Samples
from service.store import calibrations
from service.store.models import Calibration

# What instruments say of a broken wire is no temperature, and is known by being just that.
_NO_HEAT_C: Final = sorted(rail_c for rail_c in RAILS_C if not 0.0 < rail_c < 1300.0)


@dataclass(frozen=True)
class Corrections:
    """The corrections of one kiln: for each channel (from when, what), in order of time [s]."""

    of_channel: Mapping[str, Sequence[tuple[float, Correction]]] = field(default_factory=dict)

    def apply(self, channels: Mapping[str, Samples]) -> dict[str, Samples]:
        """Return readings by channel, each put right by what holds at its time."""
        return {
            name: _corrected(samples, self.of_channel[name]) if name in self.of_channel else samples
            for name, samples in channels.items()
        }

    def on(self, chunk: Chunk) -> Chunk:
        """Return what came in, put right."""
        if not self.of_channel.keys() & chunk.channels.keys():
            return chunk
        return replace(chunk, channels=self.apply(chunk.channels))

    def version(self) -> str:
        """Name all of them together: another set has another name."""
        return ",".join(f"{name}:{one.version}" for name, many in sorted(self.of_channel.items()) for _, one in many)


def corrections_of(session: Session, kiln_ids: Collection[int]) -> dict[int, Corrections]:
    """Return the corrections of several kilns, an empty set for one that needs none."""
    found: defaultdict[int, defaultdict[str, list[tuple[float, Correction]]]] = defaultdict(lambda: defaultdict(list))
    for kiln_id, name, one in calibrations.of_kilns(session, kiln_ids):
        found[kiln_id][name].append((one.from_at.timestamp(), correction_of(one)))
    return {kiln_id: Corrections(dict(found[kiln_id]) if kiln_id in found else {}) for kiln_id in kiln_ids}


def correction_of(row: Calibration) -> Correction:
    """Return a calibration as the science takes it."""
    points = tuple((float(at_c), float(error_c)) for at_c, error_c in row.points)
    return Correction(f"{row.id}", points=points, offset_c=row.offset_c)


def _corrected(samples: Samples, corrections: Sequence[tuple[float, Correction]]) -> Samples:
    which = np.searchsorted([from_s for from_s, _ in corrections], samples.time_s, side="right") - 1
    value = samples.value.copy()
    for index, (_, correction) in enumerate(corrections):
        chosen = which == index
        if chosen.any():
            value[chosen] = correction.apply(samples.where(chosen)).value
    is_stuck = np.isin(samples.value, _NO_HEAT_C)
    value[is_stuck] = samples.value[is_stuck]
    return replace(samples, value=value)
