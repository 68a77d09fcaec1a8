"""What of a whole firing may tell how its ware comes out: one number for each way in which ware is lost."""

from collections.abc import Collection, Mapping
from math import exp
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from service.core import cones
from service.core.chamber import MINUTE_S, chamber_curve
from service.core.defect_rules import Rule, rules
from service.core.defect_watch import ware_lag_s
from service.core.defects import guard_of
from service.core.heat_work import heat_work
from service.core.series import FloatArray, Samples

RATE_MIN: Final = 10  # as long as the live watch looks back for a rate
GAP_MIN: Final = 20.0  # over a longer silence nobody knows how fast the kiln went
RIPE_C: Final = 900.0  # from here on ware keeps what it got


def features(
    probes: Mapping[str, Samples],
    *,
    fuel: str = "lpg",
    target_cone: str | None = None,
    ware: Collection[str] = (),
    cone_offset_c: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Return the features of one firing, NaN where the recording does not tell.

    Parameters
    ----------
    probes : mapping
        Readings of the chamber's probes from the firing's start to its end. [°C]
    fuel : str
        What the kiln burns.
    target_cone : str or None
        What it was to reach.
    ware : collection of str
        What is known of the ware; rules that are not for it give NaN.
    cone_offset_c : mapping or None
        As in `Watch`. [°C]

    Returns
    -------
    dict
        For each rule on the ware, ``<kind>_ratio``: how many times the kiln went beyond the strictest limit that holds,
        for as long as the rule asks, at the worst probe. ``spread_ripe_c``: how far apart the probes were above 900 °C
        [°C]. With a target, ``target_ln`` and ``guard_ln``: the logarithm of the heat work of the target cone where it
        was least, and of the next whole cone above it where it was most; 0 is down.

    Examples
    --------
    >>> hours = np.arange(0, 20, 1 / 60)
    >>> curve = np.interp(hours, [0, 8, 9, 12], [25, 1000, 1000, 100])
    >>> found = features({"top": Samples(hours * 3600, curve)})
    >>> round(found["dunting_quartz_ratio"], 1)
    5.8
    """
    curves = {name: chamber_curve({name: one}) for name, one in probes.items()}
    curves = {name: curve for name, curve in curves.items() if len(curve[0]) > RATE_MIN}
    of_ware = [(time_s, _ware_c(time_s, temp_c, fuel)) for time_s, temp_c in curves.values()]
    found = {
        f"{rule.kind}_ratio": _worst_ratio(rule, list(curves.values()) if rule.is_slower else of_ware, ware)
        for rule in rules()
    }
    found["spread_ripe_c"] = _spread_ripe_c(list(curves.values()))
    if target_cone is not None:
        target = cones.index_of(target_cone)
        guard = guard_of(target)
        offset_c = cone_offset_c or {}
        work = [
            np.log(np.maximum(heat_work(time_s, temp_c + offset_c.get(name, 0.0)), 1e-12))
            for name, (time_s, temp_c) in curves.items()
        ]
        found["target_ln"] = min((float(done[target]) for done in work), default=np.nan)
        found["guard_ln"] = max((float(done[guard]) for done in work), default=np.nan) if guard else np.nan
    return found


def _ware_c(time_s: FloatArray, temp_c: FloatArray, fuel: str) -> FloatArray:
    """Return the temperature of the ware beside a probe [°C]."""
    ware_c = np.empty_like(temp_c)
    ware_c[0] = own_c = float(temp_c[0])
    for index, (lasted_s, at_c) in enumerate(zip(np.diff(time_s).tolist(), temp_c[1:].tolist(), strict=True), start=1):
        own_c = at_c + (own_c - at_c) * exp(-lasted_s / ware_lag_s(fuel, own_c))
        ware_c[index] = own_c
    return ware_c


def _worst_ratio(rule: Rule, by_probe: Collection[tuple[FloatArray, FloatArray]], ware: Collection[str]) -> float:
    if not rule.holds(ware):
        return float("nan")
    return max((_ratio(rule, *curve, ware) for curve in by_probe), default=float("nan"))


def _ratio(rule: Rule, time_s: FloatArray, temp_c: FloatArray, ware: Collection[str]) -> float:
    """Return how far one probe was beyond a rule for as long as it asks; 0 if it never was within the window."""
    lasted_s = time_s[RATE_MIN:] - time_s[:-RATE_MIN]
    rate = (temp_c[RATE_MIN:] - temp_c[:-RATE_MIN]) / lasted_s * 3600
    at_c, top = temp_c[RATE_MIN:], int(temp_c.argmax())
    is_way = np.arange(RATE_MIN, len(temp_c)) > top
    if rule.way == "heating":
        is_way, rate = ~is_way, rate
    else:
        rate = -rate
    low_c, high_c = rule.window_c
    is_known = lasted_s <= GAP_MIN * MINUTE_S
    ratio = np.zeros(len(rate))
    for limit in rule.holds(ware):
        counts = is_way & is_known & (at_c >= low_c) & (at_c <= min(high_c, limit.to_c)) & (rate > 0)
        beyond = limit.rate_c_per_h / np.maximum(rate, 1e-9) if rule.is_slower else rate / limit.rate_c_per_h
        ratio = np.maximum(ratio, np.where(counts, beyond, 0.0))
    lasts = max(1, round(rule.for_s / MINUTE_S))
    return float(sliding_window_view(ratio, lasts).min(axis=1).max()) if len(ratio) >= lasts else 0.0


def _spread_ripe_c(by_probe: Collection[tuple[FloatArray, FloatArray]]) -> float:
    """Return how far apart the probes were above 900 °C, but for the widest tenth of the time."""
    if len(by_probe) < 2:
        return float("nan")
    start_s = max(time_s[0] for time_s, _ in by_probe)
    end_s = min(time_s[-1] for time_s, _ in by_probe)
    at_s = np.arange(start_s, end_s, MINUTE_S)
    levels = np.array([np.interp(at_s, *curve) for curve in by_probe])
    ripe = levels[:, levels.max(axis=0, initial=0.0) >= RIPE_C] if len(at_s) else levels
    return float(np.quantile(np.ptp(ripe, axis=0), 0.9)) if ripe.size else float("nan")
