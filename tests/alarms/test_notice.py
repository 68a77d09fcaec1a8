import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from firings import OVERFIRED, UNDERFIRED

from service.alarms.notice import Notice, alarm_notice, trial_notice
from service.alarms.wording import LANGUAGES
from service.core.findings import Finding
from service.store.alarms import ClaimedDelivery
from service.store.models import Account, Alarm, Delivery, Kiln, PushSubscription, StoredFinding

NOW = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
BROWSER = PushSubscription(endpoint="https://push.example/1", p256dh="k", auth="a")


def stored(finding: Finding, kiln_name: str) -> StoredFinding:
    return StoredFinding(
        kind=finding.kind,
        channel=finding.channel or "",
        start_at=NOW,
        end_at=None,
        evidence=dict(finding.evidence),
        advice_key=finding.advice_key,
        kiln=Kiln(name=kiln_name),
    )


def notice_of(
    finding: Finding,
    *,
    language: str = "vi",
    kiln_name: str = "Lò 2",
    parts: Sequence[str] = (),
    workshop_name: str = "",
    cleared_at: datetime | None = None,
) -> Notice:
    alarm = Alarm(id=123456789, finding=stored(finding, kiln_name), cleared_at=cleared_at)
    alarm.finding.end_at = cleared_at
    alarm.parts = [Alarm(finding=stored(finding, one)) for one in parts]
    claimed = ClaimedDelivery("t" * 43, Delivery(), alarm, BROWSER, Account(language=language), workshop_name)
    return alarm_notice(claimed, now=NOW + timedelta(minutes=20))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("finding", [*UNDERFIRED, *OVERFIRED], ids=lambda one: one.kind)
def test_a_message_fits_into_a_push_with_the_longest_name_of_a_kiln(finding: Finding, language: str) -> None:
    notice = notice_of(finding, language=language, kiln_name="ỗ" * 80, workshop_name="ỗ" * 80)

    assert len(notice.payload) < 3500
    assert len(notice.topic) <= 32


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_for_many_kilns_fits_into_a_push(language: str) -> None:
    silent = next(one for one in UNDERFIRED if one.kind == "sensor_silent")

    notice = notice_of(silent, language=language, kiln_name="ỗ" * 80, parts=[f"ồ{number}" * 26 for number in range(40)])

    assert len(notice.payload) < 3500


def test_what_failed_together_is_told_together() -> None:
    silent = next(one for one in UNDERFIRED if one.kind == "sensor_silent")

    message = json.loads(notice_of(silent, language="vi", kiln_name="Lò 1", parts=["Lò 1", "Lò 2"]).payload)

    assert message["title"] == "Lò 1, Lò 2: mất tín hiệu 3 can nhiệt cùng lúc"
    assert "Lò 2 (can trên)" in message["body"]
    assert "hỏng một chỗ chung" in message["body"]


def test_the_message_names_the_kiln_then_what_is_so_then_what_to_do() -> None:
    stalled = next(one for one in UNDERFIRED if one.kind == "stalled")

    message = json.loads(notice_of(stalled, language="vi", kiln_name="Lò 2").payload)

    assert message["title"] == "Lò 2: lò không lên nhiệt"
    assert "không lên quá" in message["body"]
    assert message["body"].endswith("để thoáng rồi mới mồi lại.")


def test_what_is_over_is_told_as_over_and_calls_nobody_to_the_kiln() -> None:
    stalled = next(one for one in UNDERFIRED if one.kind == "stalled")

    message = json.loads(notice_of(stalled, cleared_at=NOW + timedelta(minutes=10)).payload)

    assert message["title"] == "Đã qua: Lò 2: lò không lên nhiệt"
    assert message["body"].startswith("Suốt 10 phút không lên quá")
    assert "mồi" not in message["body"]
    assert (message["at"], message["is_over"]) == (NOW.isoformat(), True)


def test_how_long_it_has_lasted_is_told_as_of_now_each_time() -> None:
    stalled = next(one for one in UNDERFIRED if one.kind == "stalled")

    message = json.loads(notice_of(stalled).payload)

    assert message["body"].startswith("Đã 20 phút không lên quá")
    assert (message["at"], message["is_over"]) == (NOW.isoformat(), False)


def test_whoever_serves_several_workshops_is_told_which() -> None:
    stalled = next(one for one in UNDERFIRED if one.kind == "stalled")

    message = json.loads(notice_of(stalled, workshop_name="Xưởng Lan").payload)

    assert message["title"] == "Xưởng Lan · Lò 2: lò không lên nhiệt"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_trial_cannot_be_acknowledged(language: str) -> None:
    message = json.loads(trial_notice(BROWSER, language).payload)

    assert {"ack_token", "seen_token", "ack_label"}.isdisjoint(message)


def test_a_token_stays_out_of_logs() -> None:
    stalled = next(one for one in UNDERFIRED if one.kind == "stalled")

    assert "t" * 43 not in repr(notice_of(stalled, language="vi", kiln_name="Lò 2"))
