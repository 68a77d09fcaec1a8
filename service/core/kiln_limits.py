"""Rules on the kiln: too hot, bolting, or losing its heat."""

from collections.abc import Collection
from typing import Final

from service.core.deviations import target_end_c
from service.core.findings import OWN_CHOICE, Group, Severity
from service.core.firing import STEADY_C_PER_H, Firing
from service.core.ledger import Ledger
from service.core.probe import BIN_S
from service.core.standing import Turn

# A cone that is heated fast ends higher: at 150 °C/h up to 22 °C above its end point at 60 °C/h (Orton's chart). A hot
# chamber beyond that, and some more, is beyond what the cone can have been meant to need.
ABOVE_TARGET_C: Final = 30.0
TOO_HOT_SOURCE: Final = "own choice: 30 °C above the end point of the target cone at 60 °C/h (Orton's chart)"
# Without a target only what no stoneware needs, and elements and shelves suffer from. All own choice.
TOO_HOT_C: Final = {"electric": 1300.0, "lpg": 1350.0, "coal": 1350.0, "wood": 1350.0}
COOLER_AGAIN_C: Final = 10.0
TOO_HOT_FOR_S: Final = {"electric": 120.0, "lpg": 120.0, "coal": 3600.0, "wood": 3600.0}  # a blaze passes
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
LOST_BELOW_TARGET_C: Final = 80.0
LOST_WITHOUT_TARGET_BELOW_C: Final = 700.0  # no ware is done there
SETTLED_FOR_S: Final = 600.0


def judge_too_hot(firing: Firing, now_s: float, *, fuel: str, target_cone: str | None, to: Ledger) -> None:
    """Say `over_temperature` when the hottest probe is above what the target cone, or any ware, can need."""
    limit_c = TOO_HOT_C[fuel] if target_cone is None else target_end_c(target_cone) + ABOVE_TARGET_C
    standing = firing.over_temperature
    if firing.hottest_c > max(limit_c, float(standing.evidence.get("highest_c") or 0.0)):
        standing.evidence = {
            "highest_c": firing.hottest_c,
            "limit_c": limit_c,
            "limit_source": OWN_CHOICE if target_cone is None else TOO_HOT_SOURCE,
            "target_cone": target_cone,
        }
    turn = standing.look(
        now_s,
        is_so=firing.hottest_c > limit_c,
        is_gone=firing.hottest_c < limit_c - COOLER_AGAIN_C,
        after_s=TOO_HOT_FOR_S[fuel],
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
    firing: Firing, rates: Collection[float], now_s: float, *, fuel: str, target_cone: str | None, to: Ledger
) -> None:
    """Say `heat_lost` when the chamber has sunk by `FALLEN_C` more than at 60 °C/h, well before the top.

    Without a target cone only below 700 °C and with a fire: an electric kiln may be meant to end anywhere. `rates` are
    those of the chamber probes that read now [°C/h].
    """
    if not rates:
        return
    rate = sum(rates) / len(rates)
    top_c = LOST_WITHOUT_TARGET_BELOW_C * (fuel != "electric")
    if target_cone is not None:
        top_c = target_end_c(target_cone) - LOST_BELOW_TARGET_C
    is_before_top = LOST_ABOVE_C <= firing.peak_c < top_c and not firing.is_over_the_top
    firing.fallen_c = max(0.0, firing.fallen_c - (rate + SINKS_C_PER_H) * BIN_S / 3600) if is_before_top else 0.0
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
