"""Rules on the kiln: how it strays from an even, steady firing."""

from typing import Final

from service.core import cones
from service.core.findings import Finding, Group, Severity
from service.core.firing import Firing, Phase
from service.core.fuels import STOKED
from service.core.ledger import Ledger
from service.core.probe import SILENT_S
from service.core.spread import Spread
from service.core.standing import Evidence

# Neighbour cones are 18 °C apart (median of Orton's chart at 60 °C/h). One cone between top and bottom is usual (Orton,
# through the Glazecalc guide), more is to act upon: said at two cones, once it is hot enough for the ware to keep it.
RIPE_C: Final = 900.0
RIPE_SPREAD_C: Final = 36.0
RIPE_SOURCE: Final = "two cones: Orton's chart at 60 °C/h, median distance 18 °C; one cone is usual (Orton)"
RAW_SPREAD_C: Final = 100.0  # own choice: below 900 °C probes differ widely in every fuel kiln, and it evens out
COOLING_SPREAD_C: Final = 50.0  # own choice: air comes in at one end
QUARTZ_SPREAD_C: Final = 27.0
QUARTZ_SPREAD_SOURCE: Final = "digitalfire.com, temperature 30: one side at 573, the other at 600 °C cracks"
QUARTZ_WINDOW_C: Final = (500.0, 650.0)
OWN_CHOICE: Final = "own choice"
UNEVEN_FOR_S: Final = 600.0
EVEN_SHARE: Final = 0.8  # of the limit: below this the spread is gone
EVEN_FOR_S: Final = 300.0

# Without a set-point a hold is only a stall where nobody holds: hot, and well below the target cone, or for very long.
# Potters hold to dry, at quartz, to reduce, and at the top; solid fuel goes in saw-teeth of an hour or two, so it is
# the record that must stand still. All own choice.
STALL_ABOVE_C: Final = 700.0
STALL_BELOW_TARGET_C: Final = 50.0
STALL_RECORD_C: Final = 5.0
STALL_S: Final = {"electric": 3600.0, "lpg": 3600.0, "coal": 9000.0, "wood": 9000.0}
STALL_NO_TARGET_S: Final = {"electric": 10800.0, "lpg": 10800.0, "coal": 18000.0, "wood": 18000.0}


def judge_uneven(firing: Firing, spread: Spread | None, now_s: float, *, fuel: str, to: Ledger) -> None:
    """Say `uneven_heating` when probes differ by more than the limit for ten minutes; heating and cooling apart."""
    is_cooling = firing.is_over_the_top or (firing.phase is Phase.COOLING and fuel not in STOKED)
    limit_c, source = _spread_limit(spread, is_cooling=is_cooling)
    for standing, is_its_phase, phase in (
        (firing.uneven_heating, not is_cooling, "heating"),
        (firing.uneven_cooling, is_cooling, "cooling"),
    ):
        spread_c = spread.spread_c if spread and is_its_phase else 0.0
        largest_c = spread.largest_c if spread and is_its_phase else 0.0
        if spread and largest_c > max(limit_c, float(standing.evidence.get("spread_c") or 0.0)):
            standing.evidence = {
                "spread_c": largest_c,
                "spread_limit_c": limit_c,
                "limit_source": source,
                "hot_channel": spread.hot,
                "cold_channel": spread.cold,
                "at_c": spread.hot_c,
                "worst_after_s": now_s - (standing.since_s or now_s),
                "phase": phase,
            }
        turn = standing.look(
            now_s,
            is_so=spread_c > limit_c,
            is_gone=spread_c < EVEN_SHARE * limit_c,
            after_s=UNEVEN_FOR_S,
            until_s=EVEN_FOR_S,
        )
        advice = "even_out_heat" if phase == "heating" else "close_the_kiln_while_cooling"
        to.follow(f"uneven {phase}", standing, turn, kind="uneven_heating", group=Group.KILN, advice_key=advice)


def _spread_limit(spread: Spread | None, *, is_cooling: bool) -> tuple[float, str]:
    if spread is None:
        return RAW_SPREAD_C, OWN_CHOICE
    if not is_cooling:
        return (RIPE_SPREAD_C, RIPE_SOURCE) if spread.hot_c >= RIPE_C else (RAW_SPREAD_C, OWN_CHOICE)
    low_c, high_c = QUARTZ_WINDOW_C
    if spread.cold_c <= high_c and spread.hot_c >= low_c:
        return QUARTZ_SPREAD_C, QUARTZ_SPREAD_SOURCE
    return COOLING_SPREAD_C, OWN_CHOICE


def judge_stalled(
    firing: Firing, now_s: float, *, fuel: str, target_cone: str | None, is_meant: bool, to: Ledger
) -> None:
    """Say `stalled` when the chamber reaches no new height for long, hot and well below the target.

    Time without readings does not count, nor does a stand that `is_meant`.
    """
    if is_meant or firing.hottest_c >= firing.record_c + STALL_RECORD_C or now_s - firing.judged_s > SILENT_S:
        firing.record_c, firing.record_s = firing.hottest_c, now_s
        to.close("stalled", now_s)
    firing.judged_s = now_s
    if firing.is_over_the_top:
        to.close("stalled", now_s)
        return
    below_c = float("inf") if target_cone is None else target_end_c(target_cone) - STALL_BELOW_TARGET_C
    limit_s = (STALL_NO_TARGET_S if target_cone is None else STALL_S)[fuel]
    is_long = now_s - firing.record_s >= limit_s and firing.phase is not Phase.COOLING
    if to.has("stalled") or not is_long or not STALL_ABOVE_C <= firing.record_c <= below_c:
        return
    evidence: Evidence = {
        "highest_c": firing.record_c,
        "rise_limit_c": STALL_RECORD_C,
        "no_rise_s": now_s - firing.record_s,
        "no_rise_limit_s": limit_s,
        "limit_source": OWN_CHOICE,
        "target_cone": target_cone,
    }
    finding = Finding(
        "stalled", Group.KILN, Severity.WARNING, None, firing.record_s, None, evidence, "check_fuel_and_draught"
    )
    to.open("stalled", finding)


def target_end_c(target_cone: str) -> float:
    """Return the end point of a cone at 60 °C/h [°C].

    Examples
    --------
    >>> target_end_c("6")
    1222.0
    """
    return cones.table()[cones.index_of(target_cone)].end_c[60.0]
