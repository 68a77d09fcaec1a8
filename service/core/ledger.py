"""The findings that still hold, and those that this step has changed."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final

from service.core.findings import Finding, Group, Severity
from service.core.standing import Evidence, Standing, Turn

BLIND: Final = ("sensor_silent", "thermocouple_open", "thermocouple_shorted")


@dataclass
class Ledger:
    """Open findings by slot: the name a rule gives to the one finding it can have open at a time.

    Examples
    --------
    >>> ledger = Ledger()
    >>> ledger.open("silent top", Finding("sensor_silent", Group.SENSOR, Severity.CRITICAL, "top", 10.0, None))
    >>> ledger.close("silent top", 500.0, {"silent_s": 490.0})
    >>> [finding.end_s for finding in ledger.take_news()]
    [None, 500.0]
    """

    standing: dict[str, Finding] = field(default_factory=dict)
    news: list[Finding] = field(default_factory=list)

    def has(self, slot: str) -> bool:
        """Say whether a finding is open in this slot."""
        return slot in self.standing

    def open(self, slot: str, finding: Finding) -> None:
        """Put a new finding in a slot, or change what is said of the one in it."""
        self.standing[slot] = finding
        self.news.append(finding)

    def close(self, slot: str, end_s: float, evidence: Evidence | None = None) -> None:
        """End the finding of a slot [s], with what was measured by then; nothing if there is none."""
        finding = self.standing.pop(slot, None)
        if finding is not None:
            end_s = max(end_s, finding.start_s)
            self.news.append(replace(finding, end_s=end_s, evidence={**finding.evidence, **(evidence or {})}))

    def follow(
        self,
        slot: str,
        standing: Standing,
        turn: Turn,
        *,
        kind: str,
        group: Group,
        advice_key: str,
        severity: Severity = Severity.WARNING,
    ) -> None:
        """Open or close a finding about the whole kiln as its standing condition turns."""
        if turn is Turn.OPENED and standing.since_s is not None:
            evidence = dict(standing.evidence)
            finding = Finding(kind, group, severity, None, standing.since_s, None, evidence, advice_key)
            self.open(slot, finding)
        if turn is Turn.CLOSED and standing.over_s is not None:
            self.close(slot, standing.over_s, dict(standing.evidence))
            standing.clear()

    def close_groups(self, groups: Collection[Group], end_s: float) -> None:
        """End every finding of some parts of the science [s]."""
        for slot in [slot for slot, finding in self.standing.items() if finding.group in groups]:
            self.close(slot, end_s)

    def close_firing(self, end_s: float) -> None:
        """End every finding that is about the firing and not about an instrument [s]."""
        self.close_groups([group for group in Group if group is not Group.SENSOR], end_s)

    def raise_silences(self) -> None:
        """Make critical what left the kiln without a probe while nothing was being fired."""
        for slot, finding in list(self.standing.items()):
            if finding.kind in BLIND and finding.severity is Severity.INFO:
                self.open(slot, replace(finding, severity=Severity.CRITICAL))

    def take_news(self) -> list[Finding]:
        """Return what has changed since the last call, in order."""
        news, self.news = self.news, []
        return news
