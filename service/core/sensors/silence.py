"""A probe that gives no good reading any more."""

from service.core.findings import OWN_CHOICE, Finding, Group, Severity
from service.core.ledger import Ledger
from service.core.probe import INTERVALS_KNOWN, BinValue, Probe
from service.core.standing import Evidence


def judge_silence(
    name: str,
    probe: Probe,
    value: BinValue | None,
    now_s: float,
    *,
    is_firing: bool,
    is_explained: bool,
    to: Ledger,
) -> None:
    """Say `sensor_silent` after 300 s or three usual intervals without a good reading, from the last to the next.

    A channel of which only a few readings ever came has no usual interval yet and is not connected, which is no
    finding; nor is a silence that another finding explains.
    """
    slot = f"silent {name}"
    before = value.before if value is not None else None if probe.last_s is None else (probe.last_s, probe.last_c)
    if before is None or len(probe.intervals_s) < INTERVALS_KNOWN:
        return
    since_s, last_c = before
    until_s = now_s if value is None else value.first_s
    if until_s - since_s > probe.silent_s and not to.has(slot) and not is_explained:
        evidence: Evidence = {"last_value_c": last_c, "silent_limit_s": probe.silent_s, "limit_source": OWN_CHOICE}
        severity = Severity.CRITICAL if is_firing else Severity.INFO
        finding = Finding("sensor_silent", Group.SENSOR, severity, name, since_s, None, evidence, "check_probe_wiring")
        to.open(slot, finding)
    if value is not None:
        to.close(slot, value.first_s, {"silent_s": value.first_s - since_s})
