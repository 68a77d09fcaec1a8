"""Rules on the kiln: too hot, bolting, or losing its heat."""

from collections.abc import Collection, Mapping
from math import inf
from typing import Final

from service.core.deviations import target_end_c
from service.core.findings import OWN_CHOICE, Group, Severity
from service.core.firing import STEADY_C_PER_H, Firing
from service.core.fuels import STOKED
from service.core.ledger import Ledger
from service.core.probe import BIN_S
from service.core.schedule import Schedule
from service.core.schedule_watch import goes_down_by_plan
from service.core.standing import Turn

# A cone that is heated fast ends higher: at 150 °C/h up to 22 °C above its end point at 60 °C/h (Orton's chart). A hot
# chamber beyond that, and some more, is beyond what the cone can have been meant to need.
ABOVE_TARGET_C: Final = 30.0
TOO_HOT_SOURCE: Final = "own choice: 30 °C above the end point of the target cone at 60 °C/h (Orton's chart)"
# Without a target only what no stoneware needs, and elements and shelves suffer from. All own choice.
TOO_HOT_C: Final = {"electric": 1300.0, "lpg": 1350.0, "coal": 1350.0, "wood": 1350.0}
COOLER_AGAIN_C: Final = 10.0
TOO_HOT_FOR_S: Final = 120.0
# Between two stokings a blaze passes, and embers follow: where the shovel feeds the fire, the mean of an hour is
# judged. A mean needs no room for a flame's flicker: what no rate asks of a cone is enough.
EVENED_OVER_S: Final = 3600.0
EVENED_ABOVE_TARGET_C: Final = 22.0
EVENED_SOURCE: Final = (
    "mean of an hour; 22 °C above the target cone's end point at 60 °C/h, its most at 150 °C/h (Orton)"
)
COOLER_FOR_S: Final = 600.0

# How far a kiln may outrun, or sink faster than, what it can be meant to: stoking makes saw-teeth of 100-180 °C
# (recordings of wood fires), a badly tuned controller in a small kiln shoots up by 140 °C. All own choice.
OUTRUN_C: Final = {"electric": 100.0, "lpg": 100.0, "coal": 150.0, "wood": 150.0}
FALLEN_C: Final = {"electric": 40.0, "lpg": 40.0, "coal": 140.0, "wood": 140.0}
BOLTS_C_PER_H: Final = {"electric": 350.0, "lpg": 350.0, "coal": 250.0, "wood": 250.0}
BOLTS_TIMES_USUAL: Final = 2.0
USUAL_OVER_S: Final = 7200.0
BOLTS_ABOVE_C: Final = 300.0  # at the beginning there is no usual rate yet, and a cold kiln is quick
SINKS_C_PER_H: Final = 60.0
LOST_ABOVE_C: Final = 200.0  # fires go out and are lit again while drying
LOST_BELOW_TOP_C: Final = 80.0  # of the target cone, or of the plan
LOST_WITHOUT_TARGET_BELOW_C: Final = 700.0  # no ware is done there
SETTLED_FOR_S: Final = 600.0


def judge_too_hot(
    firing: Firing,
    stand: Mapping[str, float],
    felt_c: Mapping[str, float],
    now_s: float,
    *,
    fuel: str,
    target_cone: str | None,
    to: Ledger,
) -> None:
    """Say `over_temperature` when the hottest probe is above what the target cone, or any ware, can need.

    Of a stoked kiln it is the mean of its last hour, and nothing is said before an hour is known. `stand` is what the
    chamber probes show, `felt_c` what cones beside them feel [°C]: a probe in the flame may show more than a target
    that the ware has not reached.
    """
    is_stoked = fuel in STOKED
    limit_c, source = TOO_HOT_C[fuel], OWN_CHOICE
    hottest = max(stand, key=stand.__getitem__)
    if target_cone is not None:
        above_c, source = (EVENED_ABOVE_TARGET_C, EVENED_SOURCE) if is_stoked else (ABOVE_TARGET_C, TOO_HOT_SOURCE)
        hottest = max(felt_c, key=felt_c.__getitem__)
        limit_c = target_end_c(target_cone) + above_c + stand[hottest] - felt_c[hottest]
    level_c = _mean_of_an_hour_c(firing, now_s, stand[hottest]) if is_stoked else stand[hottest]
    standing = firing.over_temperature
    what = "mean_of_hour_c" if is_stoked else "highest_c"
    if level_c > max(limit_c, float(standing.evidence.get(what) or 0.0)):
        standing.evidence = {
            what: level_c,
            "limit_c": limit_c,
            "limit_source": source,
            "target_cone": target_cone,
        }
    turn = standing.look(
        now_s,
        is_so=level_c > limit_c,
        is_gone=level_c < limit_c - COOLER_AGAIN_C,
        after_s=TOO_HOT_FOR_S,
        until_s=COOLER_FOR_S,
    )
    to.follow(
        "too hot",
        standing,
        turn,
        kind="over_temperature",
        group=Group.KILN,
        advice_key="stop_the_fire",
        severity=Severity.CRITICAL,
    )


def _mean_of_an_hour_c(firing: Firing, now_s: float, hottest_c: float) -> float:
    """Return the mean of the hottest probe over the last hour, minus infinity while none is known [°C]."""
    heights = firing.last_hour
    heights.add(now_s, hottest_c, keep_s=EVENED_OVER_S)
    is_known = now_s - heights.time_s[0] > 0.9 * EVENED_OVER_S
    return sum(heights.value) / len(heights) if is_known else -inf


def judge_runaway(firing: Firing, rates: Collection[float], now_s: float, *, fuel: str, to: Ledger) -> None:
    """Say `runaway` when the chamber has outrun, by `OUTRUN_C`, twice its usual rate and any that is meant.

    `rates` are those of the chamber probes that read now [°C/h]; the usual one is their running mean over two hours.
    """
    if not rates:
        return
    rate = sum(rates) / len(rates)
    usual = firing.usual_rate_c_per_h
    limit = max(BOLTS_C_PER_H[fuel], BOLTS_TIMES_USUAL * usual)
    if rate < limit or firing.hottest_c >= firing.peak_c:  # what was lost may be made good as fast as one can
        firing.outrun_c = max(0.0, firing.outrun_c + (rate - limit) * BIN_S / 3600)
    if not firing.outrun_c:
        firing.usual_rate_c_per_h += (max(rate, 0.0) - usual) * BIN_S / USUAL_OVER_S
    standing = firing.runaway
    if firing.outrun_c >= OUTRUN_C[fuel] and rate > float(standing.evidence.get("rate_c_per_h") or 0.0):
        standing.evidence = {
            "rate_c_per_h": rate,
            "rate_limit_c_per_h": limit,
            "usual_rate_c_per_h": usual,
            "outrun_c": firing.outrun_c,
            "outrun_limit_c": OUTRUN_C[fuel],
            "limit_source": OWN_CHOICE,
            "at_c": firing.hottest_c,
        }
    turn = standing.look(
        now_s,
        is_so=firing.outrun_c >= OUTRUN_C[fuel] and firing.hottest_c >= BOLTS_ABOVE_C,
        is_gone=rate < limit / 2,
        after_s=0.0,
        until_s=SETTLED_FOR_S,
    )
    if turn is Turn.CLOSED:
        firing.outrun_c = 0.0
    to.follow(
        "runaway",
        standing,
        turn,
        kind="runaway",
        group=Group.KILN,
        advice_key="stop_the_fire",
        severity=Severity.CRITICAL,
    )


def judge_heat_lost(
    firing: Firing,
    rates: Collection[float],
    now_s: float,
    *,
    fuel: str,
    target_cone: str | None,
    schedule: Schedule | None,
    to: Ledger,
) -> None:
    """Say `heat_lost` when the chamber has sunk by `FALLEN_C` more than at 60 °C/h, well before the top.

    The top is the target cone's, else the schedule's. Without either only below 700 °C and with a fire: an electric
    kiln may be meant to end anywhere. `rates` are those of the chamber probes that read now [°C/h].
    """
    if not rates:
        return
    rate = sum(rates) / len(rates)
    is_before_top = LOST_ABOVE_C <= firing.peak_c < _lost_below_c(fuel, target_cone, schedule)
    is_meant = firing.is_over_the_top or goes_down_by_plan(firing.following, schedule)
    firing.fallen_c = max(0.0, firing.fallen_c - (rate + SINKS_C_PER_H) * BIN_S / 3600)
    if is_meant or not is_before_top:
        firing.fallen_c = 0.0
    standing = firing.heat_lost
    if firing.fallen_c >= FALLEN_C[fuel] and -rate > float(standing.evidence.get("fall_c_per_h") or 0.0):
        standing.evidence = {
            "fall_c_per_h": -rate,
            "peak_c": firing.peak_c,
            "at_c": firing.hottest_c,
            "fall_limit_c": FALLEN_C[fuel],
            "fall_limit_c_per_h": SINKS_C_PER_H,
            "limit_source": OWN_CHOICE,
            "target_cone": target_cone,
        }
    turn = standing.look(
        now_s,
        is_so=firing.fallen_c >= FALLEN_C[fuel],
        is_gone=rate > STEADY_C_PER_H,
        after_s=0.0,
        until_s=SETTLED_FOR_S,
    )
    if turn is Turn.CLOSED:
        firing.fallen_c = 0.0
    to.follow(
        "heat lost",
        standing,
        turn,
        kind="heat_lost",
        group=Group.KILN,
        advice_key="check_the_flame",
        severity=Severity.CRITICAL,
    )


def _lost_below_c(fuel: str, target_cone: str | None, schedule: Schedule | None) -> float:
    """Return below which peak a kiln that sinks has not been where it was to go [°C]."""
    if target_cone is not None:
        return target_end_c(target_cone) - LOST_BELOW_TOP_C
    if schedule is not None:
        return schedule.steps[schedule.top].target_c - LOST_BELOW_TOP_C
    return 0.0 if fuel == "electric" else LOST_WITHOUT_TARGET_BELOW_C
