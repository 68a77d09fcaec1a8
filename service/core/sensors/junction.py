"""The cold junction: the other end of every thermocouple, at the instrument."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from service.core.findings import OWN_CHOICE, Finding, Group, Severity
from service.core.ledger import Ledger
from service.core.probe import BinValue
from service.core.sensors.jump import STEP_WITHIN_S, step_limit_c
from service.core.standing import Evidence, Standing, Turn

JUNCTIONS: Final = ("cold_junction", "board")  # channels whose names begin so
# Terminals stand beside a kiln, not in it: outside this they are in trouble or misread. Own choice.
COLDEST_C: Final = -10.0
HOTTEST_C: Final = 85.0
STEP_LIMIT_C: Final = 10.0  # a terminal block has mass
ODD_FOR_S: Final = 60.0
# All probes of one instrument step by the same, in one reading, when its cold junction fails. Own choices; the rate is
# above what any kiln does to two probes alike.
COMMON_STEP_C: Final = 15.0
COMMON_RATE_C_PER_S: Final = 0.3
COMMON_WITHIN_C: Final = 8.0
# ... between readings that are close together: within a minute an opened door cools a probe by 40 °C and goes on, and
# burners that are turned off cool all of them alike. Own choice: half a minute, and some come late.
CLOSE_S: Final = 35.0
# Uncompensated, a probe in a cold kiln reads near 0 °C where the room is warm. Own choice.
ROOM_C: Final = (15.0, 60.0)
BELOW_ROOM_C: Final = 12.0
COLD_FOR_S: Final = 600.0
AGREE_C: Final = 4.0

KIND: Final = "cold_junction_fault"


def judge_junction(name: str, odd: Standing, value: BinValue | None, now_s: float, *, to: Ledger) -> None:
    """Say `cold_junction_fault` of a cold junction that reads what no terminal block can be."""
    if value is None or not name.startswith(JUNCTIONS):
        return
    slot = f"{KIND} {name}"
    for step in value.steps:
        size_c = abs(step.to_c - step.from_c)
        if size_c > STEP_LIMIT_C and step.end_s - step.start_s <= STEP_WITHIN_S and not odd.is_open:
            odd.since_s, odd.is_open, odd.over_s = step.end_s, True, None
            _open(slot, name, step.end_s, {"step_c": step.to_c - step.from_c, "step_limit_c": STEP_LIMIT_C}, to=to)
    is_odd = not COLDEST_C <= value.value_c <= HOTTEST_C
    turn = odd.look(now_s, is_so=is_odd, is_gone=not is_odd, after_s=ODD_FOR_S, until_s=COLD_FOR_S)
    if turn is Turn.OPENED and odd.since_s is not None:
        evidence: Evidence = {"value_c": value.value_c, "lowest_c": COLDEST_C, "highest_c": HOTTEST_C}
        _open(slot, name, odd.since_s, evidence, to=to)
    if turn is Turn.CLOSED and odd.over_s is not None:
        to.close(slot, odd.over_s)
        odd.clear()


def judge_common_step(values: Mapping[str, BinValue | None], *, to: Ledger) -> None:
    """Say `cold_junction_fault` of the kiln when all its probes step by the same at once; it is over at once, too."""
    said = [value for value in values.values() if value is not None]
    if len(said) < 2 or not all(value.steps for value in said):
        return
    steps = [max(value.steps, key=lambda step: abs(step.to_c - step.from_c)) for value in said]
    sizes_c = [step.to_c - step.from_c for step in steps]
    lasted_s = max(step.end_s for step in steps) - min(step.start_s for step in steps)
    limit_c = COMMON_STEP_C + COMMON_RATE_C_PER_S * lasted_s
    is_common = max(sizes_c) - min(sizes_c) <= COMMON_WITHIN_C and lasted_s <= CLOSE_S
    if is_common and min(abs(size_c) for size_c in sizes_c) > limit_c and (min(sizes_c) > 0) == (max(sizes_c) > 0):
        start_s = min(step.start_s for step in steps)
        mean_c = sum(sizes_c) / len(sizes_c)
        _open(KIND, None, start_s, {"step_c": mean_c, "step_limit_c": limit_c, "probes": len(steps)}, to=to)
        to.close(KIND, max(step.end_s for step in steps))


def judge_lone_step(values: Mapping[str, BinValue | None], fuel: str, *, to: Ledger) -> None:
    """Say `cold_junction_fault`, at even odds, of a probe that steps by a room's worth while no other stirs."""
    steps = [(name, step) for name, value in values.items() if value is not None for step in value.steps]
    if len(values) < 2 or len(steps) != 1:
        return
    name, step = steps[0]
    size_c, lasted_s = step.to_c - step.from_c, step.end_s - step.start_s
    limit_c = COMMON_STEP_C + COMMON_RATE_C_PER_S * lasted_s
    if lasted_s <= CLOSE_S and limit_c < abs(size_c) <= step_limit_c(step, fuel):
        evidence: Evidence = {"step_c": size_c, "step_limit_c": limit_c}
        _open(f"{KIND} {name} step", name, step.start_s, evidence, to=to, probability=0.5)
        to.close(f"{KIND} {name} step", step.end_s)


def judge_uncompensated(
    cold: Mapping[str, Standing], values: Mapping[str, BinValue], junction_c: float | None, now_s: float, *, to: Ledger
) -> None:
    """Say `cold_junction_fault` of a probe that is far below the room while the kiln is cold.

    The room is the instrument's cold junction, or else what the other probes agree on.
    """
    levels_c = {name: value.value_c for name, value in values.items()}
    is_cold = all(level_c <= ROOM_C[1] for level_c in levels_c.values())
    for name, level_c in levels_c.items():
        slot, standing = f"{KIND} {name}", cold[name]
        room_c = _others_c(name, levels_c) if junction_c is None else junction_c
        is_low = is_cold and room_c is not None and ROOM_C[0] <= room_c <= ROOM_C[1] and level_c < room_c - BELOW_ROOM_C
        turn = standing.look(now_s, is_so=is_low, is_gone=not is_low, after_s=COLD_FOR_S, until_s=COLD_FOR_S)
        if turn is Turn.OPENED and standing.since_s is not None:
            _open(slot, name, standing.since_s, {"value_c": level_c, "room_c": room_c}, to=to, probability=0.7)
        if turn is Turn.CLOSED and standing.over_s is not None:
            to.close(slot, standing.over_s)
            standing.clear()


def _others_c(name: str, levels_c: Mapping[str, float]) -> float | None:
    others = sorted(level_c for other, level_c in levels_c.items() if other != name)
    agree = len(others) >= 2 and all(high - low <= AGREE_C for low, high in pairwise(others))
    return others[0] if agree else None


def _open(
    slot: str, name: str | None, start_s: float, evidence: Evidence, *, to: Ledger, probability: float | None = None
) -> None:
    evidence = {**evidence, "limit_source": OWN_CHOICE}
    finding = Finding(
        KIND, Group.SENSOR, Severity.WARNING, name, start_s, None, evidence, "check_cold_junction", probability
    )
    to.open(slot, finding)
