"""Firings side by side: curves on one axis, and a table of what differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from sqlalchemy.orm import Session

from service.core.curve import drawn_gap_s, thin_min_max
from service.core.series import FloatArray
from service.lab.batches import batches_of, count_grades
from service.lab.chamber import missed_the_top
from service.lab.curve import curve_of
from service.store.models import Firing

WIDTH: Final = 600
GAP_S: Final = 300.0
RATE_WINDOW_S: Final = 600.0
HOLD_WITHIN_C: Final = 10.0  # own choice: as far as a hand-driven kiln wanders while its potter calls it a hold
QUARTZ_C: Final = (623.0, 523.0)  # 573 °C, where quartz inverts, and 50 °C to either side


@dataclass(frozen=True)
class Curve:
    """The chamber's temperature (mean of its probes, °C) once a minute, in s since the firing began."""

    time_s: FloatArray
    temp_c: FloatArray


def compare(session: Session, chosen: Sequence[Firing], *, by_temperature: bool, now: datetime) -> Mapping[str, Any]:
    """Return the curves and the table, in the order of `chosen`."""
    batches = batches_of(session, [firing.id for firing in chosen])
    curves, rows = [], []
    # Heat work is told of one cone: that of another says nothing beside it.
    meant = {firing.target_cone or firing.cone_reached for firing in chosen}
    cone = meant.pop() if len(meant) == 1 else None
    for firing in chosen:
        label = f"{firing.kiln.name} · {firing.number}"
        curve = _read(session, firing, now)
        x, y = rate_by_temperature(curve) if by_temperature else _by_time(curve)
        curves.append({"firing_id": firing.id, "label": label, "x": x.tolist(), "y": _nullable(y)})
        grades = count_grades([batch for batch in batches if batch.firing_id == firing.id])
        rows.append(
            {
                "firing_id": firing.id,
                "label": label,
                "started_at": firing.started_at,
                "duration_h": ((firing.ended_at or now) - firing.started_at).total_seconds() / 3600,
                "heat_work": None if cone is None else _heat_work(session, firing, cone),
                "heat_work_cone": cone,
                **_figures(firing, curve),
                "pieces_loaded": grades["loaded"],
                **{f"pieces_{grade}": grades[grade] for grade in ("first", "second", "refire", "reject")},
                "witness_cones": firing.witness_cones or [],
            }
        )
    return {
        "x_label": "temp_c" if by_temperature else "hours",
        "y_label": "rate_c_per_h" if by_temperature else "temp_c",
        "curves": curves,
        "firings": rows,
    }


def _read(session: Session, firing: Firing, now: datetime) -> Curve:
    time_s, temp_c = curve_of(session, firing, now=now)
    return Curve(time_s - firing.started_at.timestamp(), temp_c)


def _by_time(curve: Curve) -> tuple[FloatArray, FloatArray]:
    time_s, temp_c = thin_min_max(curve.time_s, curve.temp_c, WIDTH, gap_s=_gap_s(curve.time_s))
    return time_s / 3600, temp_c


def rate_by_temperature(curve: Curve) -> tuple[FloatArray, FloatArray]:
    """Return °C/h on the way up against °C, every 10 °C: how fast each firing went through the same heat."""
    temp_c = np.arange(50.0, _peak(curve), 10.0)
    reached_s = np.array([_reached_s(curve, level) for level in temp_c])
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.gradient(temp_c, reached_s) * 3600 if len(temp_c) > 1 else np.full(len(temp_c), np.nan)
    return temp_c, np.where(np.isfinite(rate), rate, np.nan)


def _heat_work(session: Session, firing: Firing, cone: str) -> float | None:
    """Return the heat work of a cone where it is least, by the probes that saw the top, or by all if none did."""
    missed = missed_the_top(session, firing)
    done = {one["channel"]: one["progress"] for one in firing.cones if one["cone"] == cone}
    seen = [progress for channel, progress in done.items() if channel not in missed]
    return min(seen or done.values(), default=None)


def _figures(firing: Firing, curve: Curve) -> dict[str, Any]:
    """Return what the table says of a curve; None where the recording does not reach."""
    return {
        "peak_c": firing.peak_c,
        "cone_reached": firing.cone_reached,
        "rate_to_600_c_per_h": rate_between(curve, 100.0, 600.0),
        "rate_600_to_1000_c_per_h": rate_between(curve, 600.0, 1000.0),
        "rate_above_1000_c_per_h": rate_between(curve, 1000.0, _peak(curve) - HOLD_WITHIN_C),
        "hold_min": hold_s(curve) / 60 if len(curve.time_s) else None,
        "cooling_through_573_c_per_h": cooling_rate(curve, *QUARTZ_C),
        "max_spread_c": firing.max_spread_c,
    }


def rate_between(curve: Curve, from_c: float, to_c: float) -> float | None:
    """Return the mean °C/h on the way up between two temperatures; None if the curve does not pass both."""
    if to_c <= from_c or not len(curve.temp_c) or curve.temp_c[0] > from_c:
        return None
    start_s, end_s = _reached_s(curve, from_c), _reached_s(curve, to_c)
    return None if not end_s > start_s else (to_c - from_c) / (end_s - start_s) * 3600


def cooling_rate(curve: Curve, from_c: float, to_c: float) -> float | None:
    """Return the mean °C/h (positive) on the way down after the peak; None if the curve does not pass both."""
    if not len(curve.temp_c):
        return None
    top = int(np.argmax(curve.temp_c))
    falling = Curve(curve.time_s[top:], -curve.temp_c[top:])
    return rate_between(falling, -from_c, -to_c)


def hold_s(curve: Curve) -> float:
    """Return how long the chamber stayed within 10 °C of its peak; time without readings does not count."""
    near = curve.temp_c >= _peak(curve) - HOLD_WITHIN_C
    step_s = np.diff(curve.time_s)
    return float(np.sum(step_s[(near[1:] & near[:-1]) & (step_s <= _gap_s(curve.time_s))]))


def _gap_s(time_s: FloatArray) -> float:
    """Return how far apart two readings are when nothing is known in between [s]."""
    return drawn_gap_s(time_s, least_s=GAP_S)


def _reached_s(curve: Curve, level_c: float) -> float:
    """Return when a level was first reached, between samples by a straight line; NaN if never."""
    above = np.flatnonzero(curve.temp_c >= level_c)
    if not len(above):
        return float("nan")
    index = int(above[0])
    if index == 0:
        return float(curve.time_s[0])
    low, high = curve.temp_c[index - 1], curve.temp_c[index]
    return float(
        curve.time_s[index - 1] + (level_c - low) / (high - low) * (curve.time_s[index] - curve.time_s[index - 1])
    )


def _peak(curve: Curve) -> float:
    return float(np.max(curve.temp_c, initial=0.0))


def _nullable(values: FloatArray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
