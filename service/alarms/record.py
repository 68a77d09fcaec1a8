"""Writes down what findings and people do to alarms: state, audit and outbox rows, in the caller's one transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy.orm import Session

from service.alarms.lifecycle import (
    GATHER_FOR,
    JOINS_WITHIN,
    OF_ONE_CAUSE,
    REST_RINGS_AFTER,
    RINGS_APART,
    SAME_CAUSE_WITHIN,
    TAKEN_ON_FOR,
    Known,
    Seen,
    hold_before_ringing,
    reconcile,
    rest_before_ringing,
)
from service.core.findings import Group, Severity
from service.errors import RefusedError
from service.store import alarms as rows
from service.store.models import Alarm, AlarmEvent, Delivery, StoredFinding

# Somebody sleeps beside the phone: what is critical and nobody has taken on rings again, so long after each time.
RING_AGAIN_AFTER: Final = (timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=15))

What = Literal["opened", "acknowledged", "cleared", "delivered", "seen", "failed"]

_NO_SUCH_TOKEN: Final = "this alert cannot be answered any more: open the page to see the alarms as they are now"  # noqa: S105


def record(
    session: Session,
    findings: Sequence[StoredFinding],
    *,
    now: datetime,
    now_machine: datetime,
    lateness: timedelta,
    reached_at: datetime | None = None,
) -> list[int]:
    """Apply findings to the alarms, and return the ids of those that changed; for a part, the one that speaks for it.

    `now` is the time the findings live in, `now_machine` that of networks. A finding that was over more than
    `lateness` ago is shown and rings no phone. `reached_at` is where the readings end that the findings stand on: as
    long as that is more than `lateness` ago, phones wait a little, for the end may come with the readings that follow.
    """
    if not findings:
        return []
    by_id = {finding.id: finding for finding in findings}
    alarms = {alarm.finding_id: alarm for alarm in rows.alarms_of_findings(session, by_id)}
    changes = reconcile(
        [_seen(finding) for finding in findings],
        [Known(key, alarm.cleared_at is not None) for key, alarm in alarms.items()],
        now=now,
        lateness=lateness,
    )
    ring_at = now_machine + hold_before_ringing(now=now, reached_at=reached_at or now, lateness=lateness)
    for key in changes.to_open:
        alarms[key] = _open(session, by_id[key], now)
        _join(session, alarms[key])
    for key in changes.to_reopen:
        _reopen(alarms[key], now)
    for key in changes.to_clear:
        alarms[key].cleared_at = now
        note(alarms[key], "cleared", now)
        rows.withdraw_unrung(session, alarms[key].id, now=now_machine)
    session.flush()
    for key in changes.to_ring:
        if alarms[key].part_of_id is None:
            gather = GATHER_FOR if by_id[key].kind in OF_ONE_CAUSE else timedelta(0)
            rest = _rest(session, alarms[key], now=now, now_machine=now_machine)
            _ring(session, alarms[key], ring_at + max(gather, rest))
    for key in changes.late:
        rows.withdraw_deliveries(session, alarms[key].id)
    heads = {alarm.part_of_id or alarm.id for alarm in (alarms[key] for key in changes.all)}
    for key in changes.to_clear:
        heads |= {one.id for one in _hand_on(session, alarms[key], now_machine)}
    return sorted(heads)


def note_delivered(session: Session, delivery: Delivery, alarm: Alarm, *, now_machine: datetime) -> None:
    """Write down that a phone has rung, and when it is to ring again unless somebody takes the alarm on."""
    delivery.delivered_at, delivery.next_try_at = now_machine, None
    session.flush()
    rung = rows.count_delivered(session, alarm.id, delivery.subscription_id)
    is_waiting = alarm.acknowledged_at is None and alarm.cleared_at is None
    if is_waiting and alarm.finding.severity == Severity.CRITICAL.value and rung <= len(RING_AGAIN_AFTER):
        # A message of its own: the one on the phone can still be answered while this one is on its way.
        _put_out(session, alarm, delivery.subscription_id, now_machine + RING_AGAIN_AFTER[rung - 1])


def acknowledge(session: Session, workshop_ids: Collection[int], alarm_id: int, *, who: str, now: datetime) -> Alarm:
    """Write down who has taken the alarm on; what is not sent yet stays unsent. A second one changes nothing."""
    alarm = rows.get_alarm(session, workshop_ids, alarm_id)
    _acknowledge(session, alarm, who, now)
    return alarm


def alarm_of_token(session: Session, token: str) -> tuple[Alarm, str]:
    """Return the alarm that a phone's token is of, and the language of the person whose phone it is."""
    holder = _holder(session, token)
    return holder.alarm, holder.account.language


def acknowledge_by_token(session: Session, token: str, *, now: datetime) -> tuple[Alarm, str]:
    """Acknowledge for the person whose phone got this token; return the alarm and that person's language."""
    holder = _holder(session, token)
    _acknowledge(session, holder.alarm, holder.account.name, now)
    return holder.alarm, holder.account.language


def mark_seen(session: Session, token: str, *, now: datetime) -> None:
    """Write down that a phone has shown the push; once for each delivery."""
    holder = _holder(session, token)
    if holder.delivery.seen_at is None:
        holder.delivery.seen_at = now
        note(holder.alarm, "seen", now, holder.account.name)
        session.flush()


def note(alarm: Alarm, what: What, at: datetime, who: str | None = None) -> None:
    """Add to the audit of an alarm."""
    alarm.events.append(AlarmEvent(workshop_id=alarm.workshop_id, at=at, what=what, who=who))


def _holder(session: Session, token: str) -> rows.TokenHolder:
    holder = rows.token_holder(session, token)
    if holder is None:
        raise RefusedError(_NO_SUCH_TOKEN)
    return holder


def _seen(finding: StoredFinding) -> Seen:
    return Seen(finding.id, finding.kind, Severity(finding.severity), finding.end_at)


def _open(session: Session, finding: StoredFinding, now: datetime) -> Alarm:
    alarm = Alarm(workshop_id=finding.workshop_id, finding=finding, opened_at=now)
    session.add(alarm)
    note(alarm, "opened", now)
    return alarm


def _join(session: Session, alarm: Alarm) -> None:
    """Make an alarm part of the one that rings for the same cause, if there is one."""
    finding = alarm.finding
    if finding.kind not in OF_ONE_CAUSE:
        return
    session.flush()
    head = rows.head_of_cause(session, alarm, within=SAME_CAUSE_WITHIN, opened_within=JOINS_WITHIN)
    if head is not None:
        head.parts.append(alarm)
        alarm.acknowledged_at, alarm.acknowledged_by = head.acknowledged_at, head.acknowledged_by
        session.flush()


def _rest(session: Session, alarm: Alarm, *, now: datetime, now_machine: datetime) -> timedelta:
    """Return how long an alarm waits before it rings because it is of an instrument or a link that comes and goes."""
    finding = alarm.finding
    if finding.group != Group.SENSOR.value and finding.kind not in OF_ONE_CAUSE:
        return timedelta(0)
    rung_at, acknowledged_at = rows.last_time(session, alarm, within=TAKEN_ON_FOR + RINGS_APART)
    return rest_before_ringing(
        since_rung=None if rung_at is None else now_machine - rung_at,
        since_acknowledged=None if acknowledged_at is None else now - acknowledged_at,
    )


def _hand_on(session: Session, alarm: Alarm, now_machine: datetime) -> list[Alarm]:
    """When an alarm is over and parts of it are not, the first of these speaks for the rest; return it."""
    rest = [part for part in alarm.parts if part.cleared_at is None]
    if not rest:
        return []
    head = rest[0]
    for part in rest:
        alarm.parts.remove(part)
    head.parts.extend(rest[1:])
    session.flush()
    if head.acknowledged_at is None:
        _ring(session, head, now_machine + REST_RINGS_AFTER)
    return [head]


def _reopen(alarm: Alarm, now: datetime) -> None:
    """Ask anew: what was acknowledged was the time before."""
    alarm.cleared_at = alarm.acknowledged_at = alarm.acknowledged_by = None
    note(alarm, "opened", now)


def _ring(session: Session, alarm: Alarm, at: datetime) -> None:
    for subscription in rows.subscriptions_of_workshop(session, alarm.workshop_id):
        _put_out(session, alarm, subscription.id, at)
    session.flush()


def _put_out(session: Session, alarm: Alarm, subscription_id: int, at: datetime) -> None:
    session.add(
        Delivery(workshop_id=alarm.workshop_id, alarm_id=alarm.id, subscription_id=subscription_id, next_try_at=at)
    )


def _acknowledge(session: Session, alarm: Alarm, who: str, now: datetime) -> None:
    if rows.acknowledge_once(session, alarm, who=who, now=now):
        note(alarm, "acknowledged", now, who)
        rows.withdraw_deliveries(session, alarm.id)
        session.flush()
    for part in alarm.parts:
        _acknowledge(session, part, who, now)
