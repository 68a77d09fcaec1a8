"""The rules on the ware, watched as the firing goes: what the curve may have done to it.

Ware does not follow a probe at once: while it is cold, air alone brings it heat, and a hand on a burner moves the
chamber by 30 °C up and down; where fire is fed by the shovel, the chamber goes up and down by 100-180 °C between
stokings. So the ware is taken to follow its probe late, and its own rate is judged.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import exp
from typing import Final

from service.core.defect_rules import Limit, Rule, rules_for
from service.core.findings import Group, Severity
from service.core.firing import Firing
from service.core.fuels import STOKED
from service.core.heat_work import ZERO_C_K
from service.core.ledger import Ledger
from service.core.spread import Spread
from service.core.standing import Evidence, Standing, Turn

# Ware of 15 kg/m², 1 kJ/(kg K), in still air: own choice. What glows brings heat quicker.
LAG_IN_AIR_S: Final = 1500.0
IN_AIR_W_PER_M2_K: Final = 10.0
GLOW_W_PER_M2_K4: Final = 4 * 0.5 * 5.670374e-8  # of radiation between grey walls and ware, by the cube of its K
LAG_STOKED_S: Final = 3600.0  # own choice: about the time between two stokings
# Limits are published for ware that is most at risk; a kiln just beyond one is told so, and rings nobody. Own choice.
SERIOUS_RATIO: Final = 1.5
CALM_SHARE: Final = 0.8  # of the limit: within this the kiln is calm again. Own choice
CALM_S: Final = 900.0  # own choice: so that switching elements makes one finding, not five


def judge_defects(
    firing: Firing,
    stand: Mapping[str, float],
    rates: Mapping[str, float],
    spread: Spread | None,
    now_s: float,
    *,
    fuel: str,
    ware: frozenset[str],
    to: Ledger,
) -> None:
    """Say what the rate of the kiln may have done to the ware, rule by rule.

    Parameters
    ----------
    stand, rates : mapping
        Values and rates of the chamber probes that read now, by channel. [°C], [°C/h]
    ware : frozenset of str
        What is known of the ware, of `defect_rules.WARE`.
    """
    of_ware = _of_ware(firing, stand, rates, fuel, now_s)
    for rule, limits in rules_for(ware):
        at, going = (stand, rates) if rule.is_slower else of_ware
        _judge(rule, limits, firing, at, going, spread, now_s, to)


def ware_lag_s(fuel: str, temp_c: float) -> float:
    """Return how late ware follows the probe beside it [s].

    Examples
    --------
    >>> [round(ware_lag_s("lpg", temp_c) / 60) for temp_c in (20.0, 120.0, 600.0, 1000.0)]
    [19, 15, 3, 1]
    """
    if fuel in STOKED:
        return LAG_STOKED_S
    return LAG_IN_AIR_S / (1.0 + GLOW_W_PER_M2_K4 * (temp_c + ZERO_C_K) ** 3 / IN_AIR_W_PER_M2_K)


def _of_ware(
    firing: Firing, stand: Mapping[str, float], rates: Mapping[str, float], fuel: str, now_s: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Return where the ware stands beside each probe, and how fast it goes [°C], [°C/h]."""
    going: dict[str, float] = {}
    for name in rates:
        before_s, ware_c = firing.ware.get(name, (now_s, stand[name]))
        lag_s = ware_lag_s(fuel, ware_c)
        ware_c = stand[name] + (ware_c - stand[name]) * exp((before_s - now_s) / lag_s)
        firing.ware[name] = now_s, ware_c
        going[name] = (stand[name] - ware_c) / lag_s * 3600
    return {name: firing.ware[name][1] for name in rates}, going


def _judge(
    rule: Rule,
    limits: tuple[Limit, ...],
    firing: Firing,
    stand: Mapping[str, float],
    rates: Mapping[str, float],
    spread: Spread | None,
    now_s: float,
    to: Ledger,
) -> None:
    standing = firing.defects.get(rule.kind)
    inside = _inside(rule, firing, stand, rates)
    if standing is None:
        if not inside:
            return
        standing = firing.defects[rule.kind] = Standing()
    name, rate, limit = _worst(rule, limits, stand, inside)
    ratio = _ratio(rule, rate, limit)
    if limit is not None and ratio > max(1.0, float(standing.evidence.get("limit_ratio") or 0.0)):
        standing.evidence = {
            "rate_c_per_h": rate,
            "rate_limit_c_per_h": limit.rate_c_per_h,
            "limit_source": limit.source,
            "limit_ratio": ratio,
            "window_from_c": rule.window_c[0] if rule.way == "heating" else limit.to_c,
            "window_to_c": limit.to_c if rule.way == "heating" else rule.window_c[0],
            "fastest_channel": name,
            "at_c": stand[name],
            "worst_after_s": now_s - (standing.since_s or now_s),
            **_others(limits, limit, stand[name]),
            **_spread_evidence(rule, spread),
        }
    turn = standing.look(now_s, is_so=ratio > 1.0, is_gone=ratio < CALM_SHARE, after_s=rule.for_s, until_s=CALM_S)
    serious = firing.defects.setdefault(f"{rule.kind} serious", Standing())
    is_serious = limit is not None and limit.severity is not Severity.INFO and ratio > SERIOUS_RATIO
    became = serious.look(now_s, is_so=is_serious, is_gone=ratio < 1.0, after_s=rule.for_s, until_s=CALM_S)
    if became is Turn.CLOSED:
        serious.clear()
    severity = Severity.WARNING if serious.is_open else Severity.INFO
    to.follow(
        rule.kind, standing, turn, kind=rule.kind, group=Group.DEFECT, advice_key=rule.advice_key, severity=severity
    )
    said = to.standing.get(rule.kind)
    if said is not None and became is Turn.OPENED and turn is not Turn.OPENED:
        to.open(rule.kind, replace(said, severity=severity, evidence=dict(standing.evidence)))


def _inside(rule: Rule, firing: Firing, stand: Mapping[str, float], rates: Mapping[str, float]) -> dict[str, float]:
    """Return how fast the probes within the window go the rule's way, by channel [°C/h]."""
    if (rule.way == "cooling") != firing.is_over_the_top:
        return {}
    low_c, high_c = rule.window_c
    sign = 1.0 if rule.way == "heating" else -1.0
    return {name: sign * rate for name, rate in rates.items() if low_c <= stand[name] <= high_c}


def _worst(
    rule: Rule, limits: tuple[Limit, ...], stand: Mapping[str, float], inside: Mapping[str, float]
) -> tuple[str, float, Limit | None]:
    """Return the probe that is furthest beyond a limit that holds where it stands, its rate and that limit."""
    found = [(name, rate, limit) for name, rate in inside.items() for limit in limits if stand[name] <= limit.to_c]
    return max(
        found,
        key=lambda one: (_ratio(rule, one[1], one[2]), one[2].severity is not Severity.INFO),
        default=("", 0.0, None),
    )


def _ratio(rule: Rule, rate_c_per_h: float, limit: Limit | None) -> float:
    """Return how many times the rate is beyond the limit, below 1 if it keeps it."""
    if limit is None or rate_c_per_h <= 0.0:
        return 0.0
    ratio = rate_c_per_h / limit.rate_c_per_h
    return 1.0 / ratio if rule.is_slower else ratio


def _others(limits: tuple[Limit, ...], limit: Limit, at_c: float) -> Evidence:
    """Return the next limit that holds there too, where sources differ."""
    other = next((one for one in limits if one.rate_c_per_h != limit.rate_c_per_h and at_c <= one.to_c), None)
    if other is None:
        return {}
    return {"other_limit_c_per_h": other.rate_c_per_h, "other_limit_source": other.source}


def _spread_evidence(rule: Rule, spread: Spread | None) -> Evidence:
    if spread is None or rule.spread_c is None:
        return {}
    return {
        "spread_c": spread.spread_c,
        "spread_limit_c": rule.spread_c,
        "spread_limit_source": rule.spread_source,
    }
