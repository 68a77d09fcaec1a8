"""Rules on the ware by its cone: whether it got the heat that was meant for it."""

from collections.abc import Mapping
from math import hypot
from typing import Final

import numpy as np

from service.core import cones
from service.core.deviations import target_end_c
from service.core.findings import Finding, Group, Severity
from service.core.firing import SHOWN_FROM, Firing
from service.core.heat_work import per_e_fold_c
from service.core.ledger import Ledger
from service.core.standing import Evidence
from service.core.watch import Watch

# The cone model is off by up to 3.8 °C at the chart's rates, so ware is called underfired only beyond that.
MODEL_ERROR_C: Final = 4.0
# Up to here clay gives off its bound water (450-700 °C): what went no further was dried or candled. Own choice.
RAW_BELOW_C: Final = 700.0
MODEL_SOURCE: Final = "largest error of the cone model against Orton's chart: 3.8 °C"
# Heat work that the recording did not see does not count if it began this far below the target.
SEEN_FROM_BELOW_TARGET_C: Final = 200.0


def judge_cone(firing: Firing, channels: list[str], watch: Watch, now_s: float, *, to: Ledger) -> None:
    """Say `overfired` as soon as the guard cone is down anywhere, `underfired` when the top is past without the target.

    The guard cone is the next whole number hotter than the target. `channels` are the chamber probes that read now.
    What witness cones have taught of a probe is not sure, and that doubt is left to the ware. What was only candled
    has no top yet, and a kiln that climbs past the top it had is not underfired, or not yet.
    """
    for slot in ("overfired", "underfired"):
        if to.has(slot) and to.standing[slot].evidence["target_cone"] != watch.target_cone:
            to.close(slot, now_s)  # of a target that was put right
    if watch.target_cone is None:
        return
    target, end_c = cones.index_of(watch.target_cone), target_end_c(watch.target_cone)
    doubt_c = {name: watch.offset_of(name).sd_c for name in firing.works}
    _judge_guard(firing, target, doubt_c, to)
    is_seen = firing.start_c <= end_c - SEEN_FROM_BELOW_TARGET_C and not firing.is_top_unseen
    if not channels or not is_seen:
        return
    said = to.standing.get("underfired")
    if said is not None and firing.peak_s > said.start_s:
        to.close("underfired", now_s)
        said = None
    is_fired = firing.peak_c >= min(RAW_BELOW_C, end_c - SEEN_FROM_BELOW_TARGET_C)
    if said is None and not (firing.is_over_the_top and is_fired):
        return
    missing_c = {name: short_c(target, float(firing.works[name].done[target])) for name in channels}
    limit_c = {name: hypot(MODEL_ERROR_C, doubt_c[name]) for name in channels}
    name = max(channels, key=lambda one: missing_c[one] - limit_c[one])
    if missing_c[name] <= limit_c[name]:
        to.close("underfired", now_s)
    elif said is None:
        heat_work = float(firing.works[name].done[target])
        has_begun = heat_work >= SHOWN_FROM  # the logarithm of next to no heat work says nothing of what is left
        at_least_c = short_c(target, SHOWN_FROM)
        evidence: Evidence = {
            "target_cone": watch.target_cone,
            "heat_work": heat_work,
            "short_by_c": missing_c[name] if has_begun else max(end_c - firing.peak_c, at_least_c),
            "short_by_limit_c": limit_c[name],
            "limit_source": MODEL_SOURCE,
            "peak_c": firing.peak_c,
        }
        finding = Finding(
            "underfired", Group.DEFECT, Severity.WARNING, None, firing.peak_s, None, evidence, "check_witness_cones"
        )
        to.open("underfired", finding)


def _judge_guard(firing: Firing, target: int, doubt_c: Mapping[str, float], to: Ledger) -> None:
    guard = guard_of(target)
    if guard is None or to.has("overfired"):
        return
    down = {
        name: work.down_s[guard]
        for name, work in firing.works.items()
        if work.down_s[guard] is not None and _past_c(guard, float(work.done[guard])) >= doubt_c[name]
    }
    if not down:
        return
    name, down_s = min(down.items(), key=lambda item: item[1] or 0.0)
    evidence: Evidence = {
        "target_cone": cones.names()[target],
        "guard_cone": cones.names()[guard],
        "hottest_channel": name,
        "peak_c": firing.peak_c,
        "limit_source": "the guard cone, next above the target, is down by heat work",
    }
    start_s = down_s or firing.peak_s
    finding = Finding("overfired", Group.DEFECT, Severity.CRITICAL, None, start_s, None, evidence, "end_the_heating")
    to.open("overfired", finding)


def guard_of(target: int) -> int | None:
    """Return the next hotter cone of a whole number, None above the last.

    Examples
    --------
    >>> cones.names()[guard_of(cones.index_of("5"))]
    '6'
    """
    names = cones.names()
    return next((index for index in range(target + 1, len(names)) if not names[index].endswith(".5")), None)


def _past_c(cone: int, heat_work: float) -> float:
    return per_e_fold_c(cone) * float(np.log(heat_work))


def short_c(cone: int, heat_work: float) -> float:
    """Return how much further a kiln on a 60 °C/h ramp would have to go to bring the cone down [°C]; 0 if it is down.

    Parameters
    ----------
    cone : int
        Place of the cone in the table.
    heat_work : float
        H of that cone.

    Examples
    --------
    >>> round(short_c(cones.index_of("6"), 0.8), 1)
    5.9
    >>> short_c(cones.index_of("6"), 1.2)
    0.0
    """
    return max(0.0, -_past_c(cone, max(heat_work, 1e-9)))
