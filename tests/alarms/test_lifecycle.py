from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from service.alarms.lifecycle import (
    LONGEST_HOLD,
    Changes,
    Known,
    Seen,
    asks_for_a_person,
    hold_before_ringing,
    reconcile,
)
from service.core.findings import Severity

NOW = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
LATENESS = timedelta(minutes=15)


def seen(key: int = 1, *, kind: str = "stalled", severity: str = "warning", ended: timedelta | None = None) -> Seen:
    return Seen(key, kind, Severity(severity), None if ended is None else NOW - ended)


def changes(findings: list[Seen], alarms: list[Known]) -> Changes:
    return reconcile(findings, alarms, now=NOW, lateness=LATENESS)


def test_a_finding_opens_one_alarm_and_rings() -> None:
    found = changes([seen(), seen()], [])

    assert found == Changes(to_open=(1,))
    assert found.to_ring == {1}


def test_what_is_known_opens_nothing() -> None:
    assert changes([seen()], [Known(1, is_cleared=False)]) == Changes()


def test_a_finding_that_got_its_end_clears_its_alarm() -> None:
    assert changes([seen(ended=timedelta(0))], [Known(1, is_cleared=False)]) == Changes(to_clear=(1,))


def test_what_was_over_when_first_seen_opens_and_clears_and_rings() -> None:
    found = changes([seen(ended=timedelta(minutes=1))], [])

    assert (found.to_open, found.to_clear, found.to_ring) == ((1,), (1,), {1})


def test_what_was_over_long_ago_is_shown_and_rings_nobody() -> None:
    found = changes([seen(ended=timedelta(hours=3))], [])

    assert (found.to_open, found.to_clear, found.to_ring) == ((1,), (1,), frozenset())


def test_what_holds_again_after_its_end_asks_again() -> None:
    found = changes([seen()], [Known(1, is_cleared=True)])

    assert found == Changes(to_reopen=(1,))
    assert found.to_ring == {1}


@pytest.mark.parametrize(
    ("kind", "severity", "asks"),
    [
        ("stalled", "critical", True),
        ("stalled", "info", False),
        ("duplicate_readings", "warning", False),
        ("a_kind_of_tomorrow", "warning", True),
    ],
)
def test_policy_says_which_findings_ask_for_a_person(kind: str, severity: str, asks: bool) -> None:
    assert asks_for_a_person(kind, Severity(severity)) is asks


def test_a_finding_that_became_serious_opens_its_alarm_then() -> None:
    assert changes([seen(severity="info"), seen(severity="warning")], []) == Changes(to_open=(1,))


@pytest.mark.parametrize(
    ("behind", "hold"),
    [
        (timedelta(minutes=15), timedelta(0)),
        (timedelta(hours=1), timedelta(seconds=12)),
        (timedelta(days=365), LONGEST_HOLD),
        (timedelta(hours=-8), timedelta(0)),
    ],
)
def test_phones_wait_while_the_readings_are_history(behind: timedelta, hold: timedelta) -> None:
    assert hold_before_ringing(now=NOW, reached_at=NOW - behind, lateness=LATENESS) == hold


class Life(RuleBasedStateMachine):
    """Findings begin and end, are said again, and people acknowledge, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.findings: dict[int, Seen] = {}
        self.cleared: dict[int, bool] = {}
        self.acknowledged: set[int] = set()
        self.opened: list[int] = []

    @rule(key=st.integers(0, 3), severity=st.sampled_from(Severity))
    def begin(self, key: int, severity: Severity) -> None:
        self.findings[key] = Seen(key, "stalled", severity, None)
        self.apply()

    @rule(key=st.integers(0, 3), minutes_ago=st.integers(0, 60))
    def end(self, key: int, minutes_ago: int) -> None:
        before = self.findings.get(key, seen(key))
        self.findings[key] = Seen(key, before.kind, before.severity, NOW - timedelta(minutes=minutes_ago))
        self.apply()

    @rule()
    def acknowledge_all(self) -> None:
        self.acknowledged |= set(self.cleared)

    def apply(self) -> None:
        found = self.reconciled()
        self.opened += found.to_open
        self.acknowledged -= set(found.to_reopen)
        self.cleared |= dict.fromkeys((*found.to_open, *found.to_reopen), False)
        self.cleared |= dict.fromkeys(found.to_clear, True)

    def reconciled(self) -> Changes:
        known = [Known(key, is_cleared) for key, is_cleared in self.cleared.items()]
        return changes(list(self.findings.values()), known)

    @invariant()
    def the_same_findings_again_change_nothing(self) -> None:
        assert self.reconciled() == Changes()

    @invariant()
    def one_finding_is_one_alarm(self) -> None:
        assert len(self.opened) == len(set(self.opened)) == len(self.cleared)

    @invariant()
    def an_alarm_holds_exactly_as_long_as_its_finding(self) -> None:
        assert all(is_cleared == (self.findings[key].ended_at is not None) for key, is_cleared in self.cleared.items())

    @invariant()
    def what_asks_for_a_person_has_an_alarm(self) -> None:
        asking = {key for key, one in self.findings.items() if one.severity is not Severity.INFO}
        assert asking <= set(self.cleared)

    @invariant()
    def nobody_has_acknowledged_what_was_not_opened(self) -> None:
        assert self.acknowledged <= set(self.cleared)


TestLife = Life.TestCase
