"""Rules on single probes: what a kiln cannot have done, the instrument did."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from service.core.curve import rate_c_per_h
from service.core.findings import Finding, Group, Severity
from service.core.ledger import Ledger
from service.core.probe import RATE_WINDOW_S, SILENT_S, BinValue, Probe, Step
from service.core.standing import Evidence

OWN_CHOICE: Final = "own choice"

FROZEN_S: Final = 900.0  # own choice: long enough for another probe to show that the kiln moves
FROZEN_OTHER_MOVED_C: Final = 20.0  # own choice: what another probe moves by while this one does not in the least
# Below this a wet kiln boils at 100 °C, and the far end has not yet felt the fire: there it takes more to be sure.
FROZEN_HOT_C: Final = 150.0
FROZEN_OTHER_MOVED_COLD_C: Final = 60.0
FROZEN_ALONE_S: Final = 1200.0  # own choice
FROZEN_ALONE_EXPECTED_C: Final = 20.0  # own choice: what the slope before should have brought by then
# An instrument that shows whole degrees may honestly say the same for long in a hold; it needs another probe's witness.
FINE_RESOLUTION_C: Final = 0.5

# A step is a fault when it is larger than a base, for noise, and a rate, for what a flame on a bare tip can do. Own
# choice, from recordings: a small electric kiln at full power makes 0.6 °C/s, a gas kiln at burner-off -0.6 °C/s. Solid
# fuel gets more: stoking with the door open.
STEP_BASE_C: Final = {"electric": 20.0, "lpg": 25.0, "coal": 40.0, "wood": 40.0}
STEP_RATE_C_PER_S: Final = {"electric": 2.0, "lpg": 2.0, "coal": 3.0, "wood": 3.0}
STEP_WITHIN_S: Final = 120.0  # a step over a longer silence is a gap, not a jump
JUMP_QUIET_S: Final = 600.0  # own choice: jumps closer together than this are one finding


@dataclass
class Jumps:
    """The jumps of one channel that make up its open finding."""

    last_s: float = 0.0
    count: int = 0
    worst: Evidence = field(default_factory=dict)


def judge_silence(
    name: str, probe: Probe, value: BinValue | None, now_s: float, *, is_firing: bool, to: Ledger
) -> None:
    """Say `sensor_silent` after 300 s without a good reading; it runs from the last reading to the next.

    A channel that never gave a good reading is not connected, which is no finding.
    """
    slot = f"silent {name}"
    before = value.before if value is not None else None if probe.last_s is None else (probe.last_s, probe.last_c)
    if before is None:
        return
    since_s, last_c = before
    until_s = now_s if value is None else value.first_s
    if until_s - since_s > SILENT_S and not to.has(slot):
        evidence: Evidence = {"last_value_c": last_c, "silent_limit_s": SILENT_S, "limit_source": OWN_CHOICE}
        severity = Severity.CRITICAL if is_firing else Severity.INFO
        finding = Finding("sensor_silent", Group.SENSOR, severity, name, since_s, None, evidence, "check_probe_wiring")
        to.open(slot, finding)
    if value is not None:
        to.close(slot, value.first_s, {"silent_s": value.first_s - since_s})


def judge_frozen(
    name: str, probe: Probe, value: BinValue, others: Mapping[str, Probe], now_s: float, *, to: Ledger
) -> None:
    """Say `thermocouple_frozen` when exactly the same value is repeated while the kiln must have moved.

    Witnesses are another probe, or, for an instrument finer than 0.5 °C, the probe's own slope before it stopped.
    """
    slot = f"frozen {name}"
    if value.moved_s is not None:
        to.close(slot, value.moved_s)
    if to.has(slot):
        return
    evidence = _other_moved(probe, others, now_s) or _own_slope_stopped(probe, value, now_s)
    if evidence is not None:
        evidence |= {"value_c": probe.last_c, "limit_source": OWN_CHOICE}
        start_s = value.still_since_s
        finding = Finding(
            "thermocouple_frozen", Group.SENSOR, Severity.CRITICAL, name, start_s, None, evidence, "check_instrument"
        )
        to.open(slot, finding)


def _other_moved(probe: Probe, others: Mapping[str, Probe], now_s: float) -> Evidence | None:
    still_s = now_s - probe.still_since_s
    if still_s < FROZEN_S:
        return None
    moved = {name: other.moved_c(now_s, FROZEN_S) for name, other in others.items() if other is not probe}
    name, moved_c = max(
        ((name, by_c) for name, by_c in moved.items() if by_c is not None),
        key=lambda item: abs(item[1]),
        default=("", 0.0),
    )
    limit_c = FROZEN_OTHER_MOVED_C if probe.last_c >= FROZEN_HOT_C else FROZEN_OTHER_MOVED_COLD_C
    if abs(moved_c) < limit_c:
        return None
    return {
        "still_s": still_s,
        "other_channel": name,
        "other_moved_c": moved_c,
        "other_moved_limit_c": limit_c,
    }


def _own_slope_stopped(probe: Probe, value: BinValue, now_s: float) -> Evidence | None:
    still_s = now_s - value.still_since_s
    is_fine = probe.resolution_c is not None and probe.resolution_c < FINE_RESOLUTION_C
    if still_s < FROZEN_ALONE_S or not is_fine:
        return None
    window = (value.still_since_s - RATE_WINDOW_S, value.still_since_s)
    rate = rate_c_per_h([point for point in probe.trail if window[0] <= point[0] <= window[1]])
    if rate is None or abs(rate) * still_s / 3600 < FROZEN_ALONE_EXPECTED_C:
        return None
    return {
        "still_s": still_s,
        "rate_before_c_per_h": rate,
        "expected_c": abs(rate) * still_s / 3600,
        "expected_limit_c": FROZEN_ALONE_EXPECTED_C,
    }


def judge_jump(
    name: str, jumps: Jumps, value: BinValue | None, now_s: float, *, fuel: str, is_firing: bool, to: Ledger
) -> None:
    """Say `thermocouple_jump` for steps faster than a kiln; it ends with the last of them, after ten quiet minutes.

    A frozen value that comes back to life is no jump.
    """
    slot = f"jump {name}"
    for step in value.steps if value else ():
        limit_c = step_limit_c(step, fuel)
        is_gap = step.end_s - step.start_s > STEP_WITHIN_S
        is_thaw = to.has(f"frozen {name}") and value is not None and step.end_s == value.moved_s
        if is_gap or is_thaw or abs(step.to_c - step.from_c) <= limit_c:
            continue
        if not to.has(slot):
            jumps.count, jumps.worst = 0, {}
        jumps.count, jumps.last_s = jumps.count + 1, step.end_s
        if abs(step.to_c - step.from_c) > abs(float(jumps.worst.get("step_c") or 0.0)):
            jumps.worst = _jump_evidence(step, limit_c)
        if not to.has(slot):
            severity = Severity.WARNING if is_firing else Severity.INFO
            start_s = step.start_s
            finding = Finding(
                "thermocouple_jump", Group.SENSOR, severity, name, start_s, None, jumps.worst, "check_probe_wiring"
            )
            to.open(slot, finding)
    if to.has(slot) and now_s - jumps.last_s >= JUMP_QUIET_S:
        to.close(slot, jumps.last_s, {**jumps.worst, "jumps": jumps.count})


def step_limit_c(step: Step, fuel: str) -> float:
    """Return the largest step that a kiln of this fuel can make in the time between two readings [°C].

    Examples
    --------
    >>> step_limit_c(Step(0.0, 5.0, 600.0, 640.0), "electric")
    30.0
    """
    return STEP_BASE_C[fuel] + STEP_RATE_C_PER_S[fuel] * (step.end_s - step.start_s)


def _jump_evidence(step: Step, limit_c: float) -> Evidence:
    return {
        "step_c": step.to_c - step.from_c,
        "step_limit_c": limit_c,
        "limit_source": OWN_CHOICE,
        "from_c": step.from_c,
        "to_c": step.to_c,
        "step_s": step.end_s - step.start_s,
    }
