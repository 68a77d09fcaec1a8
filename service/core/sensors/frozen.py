"""A value that stands still while the kiln must have moved."""

from collections.abc import Mapping
from typing import Final

from service.core.curve import rate_c_per_h
from service.core.findings import OWN_CHOICE, Finding, Group, Severity
from service.core.ledger import Ledger
from service.core.probe import RAILS_C, RATE_WINDOW_S, BinValue, Probe
from service.core.standing import Evidence

FROZEN: Final = ("thermocouple_frozen", "check_instrument")
OPEN: Final = ("thermocouple_open", "check_probe_wiring")
FROZEN_S: Final = 900.0  # own choice: long enough for another probe to show that the kiln moves
FROZEN_OTHER_MOVED_C: Final = 20.0  # own choice: what another probe moves by while this one does not in the least
# Below this a wet kiln boils at 100 °C, and the far end has not yet felt the fire: there it takes more to be sure.
FROZEN_HOT_C: Final = 150.0
FROZEN_OTHER_MOVED_COLD_C: Final = 60.0
FROZEN_ALONE_S: Final = 1200.0  # own choice
FROZEN_ALONE_EXPECTED_C: Final = 20.0  # own choice: what the slope before should have brought by then
# An instrument that shows whole degrees may honestly say the same for long in a hold; it needs another probe's witness.
FINE_RESOLUTION_C: Final = 0.5


def judge_frozen(
    name: str, probe: Probe, value: BinValue, others: Mapping[str, Probe], now_s: float, *, to: Ledger
) -> None:
    """Say `thermocouple_frozen` when exactly the same value is repeated while the kiln must have moved.

    Witnesses are another probe, or, for an instrument finer than 0.5 °C, the probe's own slope before it stopped. What
    stands still at the end of its scale is `thermocouple_open`: a kiln near there comes to it without a step.
    """
    if not to.standing and now_s - value.still_since_s < FROZEN_S:
        return
    slot = f"frozen {name}"
    if value.moved_s is not None:
        to.close(slot, value.moved_s)
    if to.has(slot):
        return
    evidence = _other_moved(probe, others, now_s) or _own_slope_stopped(probe, value, now_s)
    if evidence is not None:
        evidence |= {"value_c": probe.last_c, "limit_source": OWN_CHOICE}
        kind, advice_key = OPEN if probe.last_c in RAILS_C else FROZEN
        start_s = value.still_since_s
        to.open(slot, Finding(kind, Group.SENSOR, Severity.CRITICAL, name, start_s, None, evidence, advice_key))


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
    rate = rate_c_per_h(probe.trail.since(window[0], to_s=window[1]))
    if rate is None or abs(rate) * still_s / 3600 < FROZEN_ALONE_EXPECTED_C:
        return None
    return {
        "still_s": still_s,
        "rate_before_c_per_h": rate,
        "expected_c": abs(rate) * still_s / 3600,
        "expected_limit_c": FROZEN_ALONE_EXPECTED_C,
    }
