"""The curve of a stored firing as people compare it: one temperature for the chamber, once a minute."""

from datetime import datetime
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from service.core.segments import Segment, segments
from service.core.series import FloatArray
from service.series import blocks as series
from service.store.models import Firing

MINUTE_S: Final = 60.0


def chamber_curve(session: Session, firing: Firing, *, now: datetime) -> tuple[FloatArray, FloatArray]:
    """Return Unix times [s] and the mean of the probes [°C] for every minute in which all that ever spoke speak."""
    found = series.read(session, firing.kiln_id, from_at=firing.started_at, to_at=firing.ended_at or now)
    by_probe = [_by_minute(samples.time_s, samples.value) for samples in found.values() if len(samples.time_s)]
    if not by_probe:
        return np.empty(0), np.empty(0)
    shared = set.intersection(*(set(minutes) for minutes in by_probe))
    minutes = np.array(sorted(shared))
    means = np.array([np.mean([probe[minute] for probe in by_probe]) for minute in minutes])
    return (minutes + 0.5) * MINUTE_S, means


def _by_minute(time_s: FloatArray, value: FloatArray) -> dict[int, float]:
    good = np.isfinite(value)
    minute = (time_s[good] // MINUTE_S).astype(np.int64)
    unique, inverse = np.unique(minute, return_inverse=True)
    mean = np.bincount(inverse, weights=value[good]) / np.bincount(inverse)
    return dict(zip(unique.tolist(), mean.tolist(), strict=True))


def segments_of(session: Session, firing: Firing, *, now: datetime) -> list[Segment]:
    """Return the ramps, holds and coolings of a firing, in order."""
    time_s, temp_c = chamber_curve(session, firing, now=now)
    return segments(time_s, temp_c) if len(time_s) else []
