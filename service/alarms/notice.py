"""What is handed to a channel: for whom, and the text, in that person's language."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from service.alarms.wording import phrase, words
from service.errors import DeliveryError
from service.store.alarms import ClaimedDelivery
from service.store.models import PushSubscription


@dataclass(frozen=True)
class Notice:
    """One message to one browser. A new one with the same topic takes the place of one that still waits."""

    endpoint: str
    p256dh: str
    auth: str
    topic: str
    payload: bytes = field(repr=False)  # it carries a token


class Channel(Protocol):
    async def send(self, notice: Notice, *, now: datetime) -> None:
        """Hand the notice over, or raise DeliveryError; `now` is the machine's."""


class GoneError(DeliveryError):
    """The browser does not take pushes any more: the subscription is of no further use."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry=False)


class LaterError(DeliveryError):
    """The push service says when to try again."""

    def __init__(self, message: str, *, after: timedelta) -> None:
        super().__init__(message, retry=True)
        self.after = after


ALARMS_PAGE: Final = "/alarms"
ONE_ALARM: Final = "/acknowledge#"  # and the token, which so is in no server's log
MOST_KILNS_NAMED: Final = 2


def alarm_notice(claimed: ClaimedDelivery, *, now: datetime) -> Notice:
    alarm, finding, language = claimed.alarm, claimed.alarm.finding, claimed.account.language
    text = words(
        finding.kind,
        advice_key=finding.advice_key,
        channel=finding.channel or None,
        evidence=finding.evidence,
        start_at=finding.start_at,
        end_at=finding.end_at,
        language=language,
        now=now,
        parts=alarm.also_at,
        labels=finding.labels,
    )
    kilns = list(dict.fromkeys([finding.kiln.name, *(kiln for kiln, _ in alarm.also_at)]))
    names = ", ".join(kilns[:MOST_KILNS_NAMED]) + (" …" if len(kilns) > MOST_KILNS_NAMED else "")
    where = f"{claimed.workshop_name} · {names}" if claimed.workshop_name else names
    title = f"{where}: {text.title[:1].lower()}{text.title[1:]}"
    tag = f"alarm-{alarm.id}"
    payload = {
        "title": phrase("over", language).format(title=title) if alarm.is_past else title,
        "body": " ".join(filter(None, (text.detail, "" if alarm.is_past else text.advice))),
        "at": finding.start_at.isoformat(),
        "since": phrase("since", language),
        "is_over": alarm.is_past,
        "tag": tag,
        "url": f"{ONE_ALARM}{claimed.token}",
        "ack_token": claimed.token,
        "seen_token": claimed.token,
        "ack_label": phrase("acknowledge", language),
        "actions": True,
    }
    return _notice(claimed.subscription, tag, payload)


def trial_notice(subscription: PushSubscription, language: str) -> Notice:
    payload = {
        "title": phrase("test_title", language),
        "body": phrase("test_body", language),
        "tag": "test",
        "url": ALARMS_PAGE,
        "actions": False,
    }
    return _notice(subscription, "test", payload)


def _notice(subscription: PushSubscription, topic: str, payload: Mapping[str, object]) -> Notice:
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return Notice(subscription.endpoint, subscription.p256dh, subscription.auth, topic, body)
