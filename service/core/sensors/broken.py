"""Thermocouples that are open or shorted, and values that no kiln has: by the chip's word, or by the values alone."""

from dataclasses import dataclass, field
from typing import Final

from service.core.findings import OWN_CHOICE, Finding, Group, Severity
from service.core.ledger import Ledger
from service.core.probe import HIGHEST_C, LOWEST_C, STEP_C, BinValue, Probe
from service.core.sensors.jump import STEP_WITHIN_S, step_limit_c
from service.core.standing import Evidence

KINDS: Final = {
    "open": "thermocouple_open",
    "zero": "thermocouple_open",
    "full_scale": "thermocouple_open",
    "short_to_ground": "thermocouple_shorted",
    "short_to_supply": "thermocouple_shorted",
    "out_of_range": "implausible_value",
    "implausible": "implausible_value",
}
ADVICE: Final = {
    "thermocouple_open": "check_probe_wiring",
    "thermocouple_shorted": "check_for_short",
    "implausible_value": "check_instrument",
}
SWAPPED: Final = "swap_the_wires"
# Own choices. Twice in a row without a good reading between is broken, and so is four times in ten minutes: a wire that
# is about to part opens with the heat and closes again. One impossible value is said at once: nothing else explains it.
IN_A_ROW: Final = 2
INTERMITTENT: Final = 4
WITHIN_S: Final = 600.0
QUIET_S: Final = 120.0
# A short reads the temperature of the terminals: from a hot kiln to the room in one step. Own choice.
SHORT_FROM_C: Final = 150.0
SHORT_TO_C: Final = 60.0
SHORT_FOR_S: Final = 60.0
NEAR_JUNCTION_C: Final = 5.0  # where the terminals' temperature is known, it is that


@dataclass(slots=True)
class Broken:
    """What speaks against one probe: by kind, (first, last) fault of each bin [s]; and when it fell to the room's."""

    seen: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    fell_s: float | None = None
    fell_from_c: float = 0.0


def is_broken(name: str, ledger: Ledger) -> bool:
    """Say whether a channel is known to be open, shorted or beyond belief."""
    return bool(ledger.standing) and any(ledger.has(f"{kind} {name}") for kind in ADVICE)


def judge_faults(name: str, broken: Broken, probe: Probe, now_s: float, *, is_firing: bool, to: Ledger) -> None:
    """Say `thermocouple_open`, `thermocouple_shorted` and `implausible_value` from faults and impossible values.

    An input that never gave a good reading is not connected, which is no finding. A probe that sinks while the kiln is
    heated reads backwards, and hides the whole firing: that is said at once, whether one is seen or not.
    """
    if probe.last_s is None or not (probe.faults or broken.seen):
        return
    for kind in ADVICE:
        faults = [fault for fault in probe.faults if KINDS.get(fault[1]) == kind]
        seen = [one for one in broken.seen.get(kind, []) if one[1] > now_s - WITHIN_S]
        if faults:
            seen.append((faults[0][0], faults[-1][0]))
        slot = f"{kind} {name}"
        if to.has(slot) and (not seen or now_s - seen[-1][1] > QUIET_S) and broken.fell_s is None:
            to.close(slot, seen[-1][1] if seen else now_s)
            seen = []
        elif faults and not to.has(slot) and _is_enough(kind, seen, probe.last_s):
            evidence: Evidence = {"faults_seen": len(seen), "fault": faults[-1][1], "limit_source": OWN_CHOICE}
            if faults[-1][2] is not None:
                evidence |= {"value_c": faults[-1][2], "lowest_c": LOWEST_C, "highest_c": HIGHEST_C}
            if _has_sunk(faults[0][2], probe.last_c):
                _open(kind, name, seen[0][0], evidence, SWAPPED, is_firing=True, to=to)  # nobody sees that it fires
            else:
                _open(kind, name, seen[0][0], evidence, ADVICE[kind], is_firing=is_firing, to=to)
        if seen:
            broken.seen[kind] = seen
        else:
            broken.seen.pop(kind, None)


def judge_fall(
    name: str,
    broken: Broken,
    value: BinValue | None,
    junction_c: float | None,
    now_s: float,
    *,
    fuel: str,
    is_firing: bool,
    to: Ledger,
) -> None:
    """Say `thermocouple_shorted` when a hot probe reads the room's temperature from one reading to the next."""
    if value is None or not (value.steps or broken.fell_s is not None):
        return
    slot = f"thermocouple_shorted {name}"
    for step in value.steps:
        is_room = step.to_c <= SHORT_TO_C and (junction_c is None or abs(step.to_c - junction_c) <= NEAR_JUNCTION_C)
        is_fall = step.from_c >= SHORT_FROM_C and step.end_s - step.start_s <= STEP_WITHIN_S
        if is_room and is_fall and step.from_c - step.to_c > step_limit_c(step, fuel):
            broken.fell_s, broken.fell_from_c = step.end_s, step.from_c
    if broken.fell_s is None:
        return
    readings = zip(value.readings_s, value.readings_c, strict=True)
    back_s = next((time_s for time_s, at_c in readings if time_s > broken.fell_s and at_c > SHORT_TO_C), None)
    if back_s is not None:
        to.close(slot, back_s)
        broken.fell_s = None
    elif now_s - broken.fell_s >= SHORT_FOR_S and not to.has(slot):
        evidence: Evidence = {
            "from_c": broken.fell_from_c,
            "value_c": value.value_c,
            "room_limit_c": SHORT_TO_C,
            "limit_source": OWN_CHOICE,
        }
        advice_key = ADVICE["thermocouple_shorted"]
        _open("thermocouple_shorted", name, broken.fell_s, evidence, advice_key, is_firing=is_firing, to=to)


def _is_enough(kind: str, seen: list[tuple[float, float]], last_good_s: float) -> bool:
    if kind == "implausible_value":
        return True
    has_no_good_between = len(seen) >= IN_A_ROW and last_good_s < seen[-IN_A_ROW][1]
    return has_no_good_between or len(seen) >= INTERMITTENT


def _has_sunk(value_c: float | None, last_good_c: float) -> bool:
    """Say whether a probe came below all that air can be without a step: the two wires of it are swapped."""
    return value_c is not None and value_c <= LOWEST_C and last_good_c - value_c <= STEP_C


def _open(
    kind: str, name: str, start_s: float, evidence: Evidence, advice_key: str, *, is_firing: bool, to: Ledger
) -> None:
    serious = Severity.WARNING if kind == "implausible_value" else Severity.CRITICAL
    severity = serious if is_firing else Severity.INFO
    to.open(f"{kind} {name}", Finding(kind, Group.SENSOR, severity, name, start_s, None, evidence, advice_key))
