"""What the science says of one kiln: findings, each with its interval, evidence and advice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

OWN_CHOICE: Final = "own choice"  # where a limit comes from that nobody has published


class Group(StrEnum):
    """Which part of the science speaks."""

    SENSOR = "sensor"
    SCHEDULE = "schedule"
    KILN = "kiln"
    DEFECT = "defect"


class Severity(StrEnum):
    """How much a finding matters: to know, to look at, to act on now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Finding:
    """One thing that was, or is, so on one kiln between two times.

    Parameters
    ----------
    kind : str
        One of the names of the contract, such as ``sensor_silent``.
    group, severity
        Which part of the science speaks, and how much it matters.
    channel : str or None
        The channel it is about; None is the kiln as a whole.
    start_s, end_s : float, float or None
        Unix time; `end_s` is None while it still holds. [s]
    evidence : mapping
        Measured values and limits, names with units; `"limit_source"` names where a limit comes from.
    advice_key : str
        Names the advice text; the words are not the science's.
    probability : float or None
        How sure, 0..1; None where nothing honest can be said.
    """

    kind: str
    group: Group
    severity: Severity
    channel: str | None
    start_s: float
    end_s: float | None
    evidence: Mapping[str, float | str | None] = field(default_factory=dict)
    advice_key: str = ""
    probability: float | None = None

    @property
    def key(self) -> tuple[str, str | None, float]:
        """What makes two findings the same one seen at two moments: kind, channel and start."""
        return (self.kind, self.channel, self.start_s)
