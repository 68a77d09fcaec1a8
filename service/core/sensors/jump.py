"""Steps faster than a kiln."""

from dataclasses import dataclass, field
from typing import Final

from service.core.findings import OWN_CHOICE, Finding, Group, Severity
from service.core.ledger import Ledger
from service.core.probe import BinValue, Step
from service.core.standing import Evidence

# A step is a fault when it is larger than a base, for noise, and a rate, for what a flame on a bare tip can do. Own
# choice, from recordings: a small electric kiln at full power makes 0.6 °C/s, a gas kiln at burner-off -0.6 °C/s. Solid
# fuel gets more: stoking with the door open.
STEP_BASE_C: Final = {"electric": 20.0, "lpg": 25.0, "coal": 40.0, "wood": 40.0}
STEP_RATE_C_PER_S: Final = {"electric": 2.0, "lpg": 2.0, "coal": 3.0, "wood": 3.0}
STEP_WITHIN_S: Final = 120.0  # a step over a longer silence is a gap, not a jump
JUMP_QUIET_S: Final = 600.0  # own choice: jumps closer together than this are one finding


@dataclass(slots=True)
class Jumps:
    """The jumps of one channel that make up its open finding."""

    last_s: float = 0.0
    count: int = 0
    worst: Evidence = field(default_factory=dict)


def judge_jump(
    name: str, jumps: Jumps, value: BinValue | None, now_s: float, *, fuel: str, is_firing: bool, to: Ledger
) -> None:
    """Say `thermocouple_jump` for steps faster than a kiln; it ends with the last of them, after ten quiet minutes.

    A frozen value that comes back to life is no jump.
    """
    if not to.standing and (value is None or not value.steps):
        return
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
