"""Alarms, the browsers they are pushed to, and the outbox between them."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select, tuple_, update
from sqlalchemy.orm import Session, aliased, defaultload

from service.core.findings import Group
from service.errors import FullError, NotFoundError
from service.store.among import among
from service.store.models import (
    Account,
    Alarm,
    Delivery,
    Membership,
    PushSubscription,
    StoredFinding,
    Workshop,
)
from service.store.roles import Action, roles_that
from service.store.secrets import hash_secret

MAX_SUBSCRIPTIONS_PER_ACCOUNT: Final = 20
CLOCK_SET_BACK: Final = timedelta(hours=2)  # nothing waits so long: what is later was written by a clock that was ahead
_WITH_LABELS: Final = defaultload(Alarm.finding).selectinload(StoredFinding.labelled)  # which its words name


@dataclass(frozen=True)
class ClaimedDelivery:
    """A delivery that one worker may try, with all that its message is made from. The token is in clear only here."""

    token: str = field(repr=False)
    delivery: Delivery
    alarm: Alarm
    subscription: PushSubscription
    account: Account
    workshop_name: str  # "" for whoever has only this one


@dataclass(frozen=True)
class TokenHolder:
    """Whom a push's token stands for."""

    delivery: Delivery
    alarm: Alarm
    account: Account


# --- alarms ----------------------------------------------------------------------------------------------------------


def list_alarms(
    session: Session,
    workshop_ids: Collection[int],
    *,
    only_open: bool = False,
    before_id: int | None = None,
    limit: int = 100,
) -> list[Alarm]:
    """Return alarms, newest first, parts with the one that speaks for them; open is what holds or is unacknowledged."""
    query = (
        select(Alarm).where(among(Alarm.workshop_id, workshop_ids), Alarm.part_of_id.is_(None)).options(_WITH_LABELS)
    )
    if only_open:
        query = query.where(_is_open())
    if before_id is not None:
        before = get_alarm(session, workshop_ids, before_id)
        query = query.where(tuple_(Alarm.opened_at, Alarm.id) < (before.opened_at, before.id))
    return list(session.scalars(query.order_by(Alarm.opened_at.desc(), Alarm.id.desc()).limit(limit)))


def count_open(session: Session, kiln_ids: Collection[int]) -> dict[int, int]:
    """Return how many open alarms each kiln has, of those that have any: what one alarm speaks for is one."""
    spoken = func.count(func.distinct(func.coalesce(Alarm.part_of_id, Alarm.id)))
    query = (
        select(StoredFinding.kiln_id, spoken)
        .join(Alarm, StoredFinding.id == Alarm.finding_id)
        .where(StoredFinding.kiln_id.in_(kiln_ids), _is_open())
        .group_by(StoredFinding.kiln_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def get_alarm(session: Session, workshop_ids: Collection[int], alarm_id: int) -> Alarm:
    found = session.scalar(select(Alarm).where(Alarm.id == alarm_id, among(Alarm.workshop_id, workshop_ids)))
    if found is None:
        msg = f"there is no alarm {alarm_id} in your workshops"
        raise NotFoundError(msg)
    return found


def alarms_of_findings(session: Session, finding_ids: Collection[int]) -> list[Alarm]:
    return list(session.scalars(select(Alarm).where(Alarm.finding_id.in_(finding_ids))))


def head_of_cause(session: Session, alarm: Alarm, *, within: timedelta, opened_within: timedelta) -> Alarm | None:
    """Return the workshop's alarm of the same kind that began at the same time, and still holds if this one does.

    It was opened not long before this one.
    """
    finding = alarm.finding
    query = (
        select(Alarm)
        .join(StoredFinding, StoredFinding.id == Alarm.finding_id)
        .where(
            Alarm.workshop_id == alarm.workshop_id,
            Alarm.id != alarm.id,
            Alarm.part_of_id.is_(None),
            Alarm.opened_at >= alarm.opened_at - opened_within,
            StoredFinding.kind == finding.kind,
            StoredFinding.start_at.between(finding.start_at - within, finding.start_at + within),
        )
    )
    if finding.end_at is None:
        query = query.where(Alarm.cleared_at.is_(None))
    return session.scalar(query.order_by(Alarm.id).limit(1))


def last_time(session: Session, alarm: Alarm, *, within: timedelta) -> tuple[datetime | None, datetime | None]:
    """Return when alarms of the same kind and channel, not over long before, last rang and were last acknowledged."""
    finding = alarm.finding
    query = (
        select(func.max(Delivery.delivered_at), func.max(Alarm.acknowledged_at))
        .select_from(Alarm)
        .join(StoredFinding, StoredFinding.id == Alarm.finding_id)
        .outerjoin(Delivery, Delivery.alarm_id == Alarm.id)
        .where(
            StoredFinding.kiln_id == finding.kiln_id,
            StoredFinding.kind == finding.kind,
            StoredFinding.channel == finding.channel,
            Alarm.id != alarm.id,
            or_(Alarm.cleared_at.is_(None), Alarm.cleared_at >= alarm.opened_at - within),
        )
    )
    rung_at, acknowledged_at = session.execute(query).one()
    return rung_at, acknowledged_at


def acknowledge_once(session: Session, alarm: Alarm, *, who: str, now: datetime) -> bool:
    """Return whether it was this call that acknowledged the alarm: the first one stays, whoever comes after."""
    first = session.scalar(
        update(Alarm)
        .where(Alarm.id == alarm.id, Alarm.acknowledged_at.is_(None))
        .values(acknowledged_at=now, acknowledged_by=who)
        .returning(Alarm.id)
    )
    session.refresh(alarm)
    return first is not None


def _is_open() -> ColumnElement[bool]:
    return or_(Alarm.cleared_at.is_(None), Alarm.acknowledged_at.is_(None))


# --- browsers that pushes go to --------------------------------------------------------------------------------------


def subscriptions(session: Session, account_id: int) -> list[PushSubscription]:
    query = select(PushSubscription).where(PushSubscription.account_id == account_id)
    return list(session.scalars(query.order_by(PushSubscription.id)))


def subscriptions_of_workshop(session: Session, workshop_id: int) -> list[PushSubscription]:
    """Return the browsers of those who are to hear of its alarms."""
    query = select(PushSubscription).join(Membership, Membership.account_id == PushSubscription.account_id)
    reached = (Membership.workshop_id == workshop_id, Membership.role.in_(roles_that(Action.FOLLOW)))
    return list(session.scalars(query.where(*reached).order_by(PushSubscription.id)))


def get_subscription(session: Session, account_id: int, subscription_id: int) -> PushSubscription:
    found = session.scalar(
        select(PushSubscription).where(
            PushSubscription.id == subscription_id, PushSubscription.account_id == account_id
        )
    )
    if found is None:
        msg = f"there is no push subscription {subscription_id} of yours"
        raise NotFoundError(msg)
    return found


def subscribe(
    session: Session, account_id: int, *, endpoint: str, p256dh: str, auth: str, device: str, now: datetime
) -> PushSubscription:
    """Remember a browser; one that comes again has its keys and name renewed.

    A browser that now belongs to another person starts anew: what waits for the person before is not for the next.
    """
    row = session.scalar(select(PushSubscription).where(PushSubscription.endpoint == endpoint))
    if row is not None and row.account_id != account_id:
        remove_subscription(session, row.id)
        row = None
    if row is None:
        if len(subscriptions(session, account_id)) >= MAX_SUBSCRIPTIONS_PER_ACCOUNT:
            msg = f"an account has at most {MAX_SUBSCRIPTIONS_PER_ACCOUNT} devices: remove one that is no longer used"
            raise FullError(msg)
        row = PushSubscription(account_id=account_id, endpoint=endpoint, created_at=now)
        session.add(row)
    row.p256dh, row.auth, row.device = p256dh, auth, device
    session.flush()
    return row


def unsubscribe(session: Session, account_id: int, subscription_id: int) -> None:
    remove_subscription(session, get_subscription(session, account_id, subscription_id).id)


def remove_subscription(session: Session, subscription_id: int) -> None:
    """Forget a browser, and with it what waits to be sent there."""
    session.execute(delete(PushSubscription).where(PushSubscription.id == subscription_id))


def forget_subscriptions(session: Session, account_id: int) -> None:
    """Ring no browser of a person any more, as when a phone is lost: which of them was on it, nobody knows."""
    session.execute(delete(PushSubscription).where(PushSubscription.account_id == account_id))


# --- the outbox ------------------------------------------------------------------------------------------------------


def claim_deliveries(
    session: Session, *, now: datetime, until: datetime, over_before: datetime, limit: int
) -> list[ClaimedDelivery]:
    """Take what is due for one worker until a moment: if nothing is heard of it by then, it is due again.

    What is of an alarm that was over before a moment, and of who has left the workshop since, is left unsent; a verdict
    on the ware is told however late.
    """
    far_off = now + CLOCK_SET_BACK
    is_free = or_(Delivery.claimed_until.is_(None), Delivery.claimed_until < now, Delivery.claimed_until > far_off)
    is_due = and_(or_(Delivery.next_try_at <= now, Delivery.next_try_at > far_off), is_free)
    first_due = select(Delivery.id).where(is_due).order_by(Delivery.next_try_at, Delivery.id).limit(limit)
    claimed = session.scalars(
        update(Delivery)
        .where(Delivery.id.in_(first_due), is_due)
        .values(claimed_until=until, attempts=Delivery.attempts + 1)
        .returning(Delivery.id)
    ).all()
    found = session.execute(
        select(Delivery, Alarm, PushSubscription, Account, case((_has_several(), Workshop.name), else_=""))
        .join(Alarm, Alarm.id == Delivery.alarm_id)
        .join(StoredFinding, StoredFinding.id == Alarm.finding_id)
        .join(Workshop, Workshop.id == Alarm.workshop_id)
        .join(PushSubscription, PushSubscription.id == Delivery.subscription_id)
        .join(Account, Account.id == PushSubscription.account_id)
        .join(Membership, (Membership.account_id == Account.id) & (Membership.workshop_id == Alarm.workshop_id))
        .where(
            Delivery.id.in_(claimed),
            Membership.role.in_(roles_that(Action.FOLLOW)),
            or_(
                Alarm.cleared_at.is_(None),
                Alarm.cleared_at >= over_before,
                StoredFinding.group == Group.DEFECT.value,
            ),
        )
        .order_by(Delivery.id)
        .options(_WITH_LABELS)
    ).all()
    unwanted = set(claimed) - {delivery.id for delivery, *_ in found}
    session.execute(update(Delivery).where(Delivery.id.in_(unwanted)).values(next_try_at=None))
    return [_with_new_token(session, *row) for row in found]


def _has_several() -> ColumnElement[bool]:
    """Say whether a person is of more than one workshop."""
    others = aliased(Membership)
    return select(func.count()).where(others.account_id == Account.id).scalar_subquery() > 1


def still_claimed(session: Session, claimed: ClaimedDelivery) -> Delivery | None:
    """Return the delivery if nobody else has claimed it since: every claim has a token of its own."""
    return session.scalar(
        select(Delivery)
        .where(Delivery.id == claimed.delivery.id, Delivery.token_hash == hash_secret(claimed.token))
        .with_for_update()
    )


def count_delivered(session: Session, alarm_id: int, subscription_id: int) -> int:
    """Return how often a phone has rung for an alarm."""
    of_phone = (Delivery.alarm_id == alarm_id, Delivery.subscription_id == subscription_id)
    rung = select(func.count()).select_from(Delivery).where(*of_phone, Delivery.delivered_at.is_not(None))
    return session.scalar(rung) or 0


def withdraw_deliveries(session: Session, alarm_id: int) -> None:
    """Leave unsent what has not been sent of an alarm."""
    session.execute(update(Delivery).where(Delivery.alarm_id == alarm_id).values(next_try_at=None))


def withdraw_every_delivery(session: Session) -> None:
    """Leave unsent all that has not been sent: in a copy, it was to ring when that was made."""
    session.execute(update(Delivery).where(Delivery.next_try_at.is_not(None)).values(next_try_at=None))


def withdraw_unrung(session: Session, alarm_id: int, *, now: datetime) -> None:
    """Leave unsent what was to ring only later."""
    waits = (Delivery.alarm_id == alarm_id, Delivery.attempts == 0, Delivery.next_try_at > now)
    session.execute(update(Delivery).where(*waits).values(next_try_at=None))


def token_holder(session: Session, token: str) -> TokenHolder | None:
    """Return whom a push's token stands for; nobody, if the person has left the workshop since."""
    found = session.execute(
        select(Delivery, Alarm, Account)
        .join(Alarm, Alarm.id == Delivery.alarm_id)
        .join(PushSubscription, PushSubscription.id == Delivery.subscription_id)
        .join(Account, Account.id == PushSubscription.account_id)
        .join(Membership, (Membership.account_id == Account.id) & (Membership.workshop_id == Alarm.workshop_id))
        .where(Delivery.token_hash == hash_secret(token), Membership.role.in_(roles_that(Action.FIRE)))
    ).one_or_none()
    return None if found is None else TokenHolder(*found)


def _with_new_token(
    session: Session,
    delivery: Delivery,
    alarm: Alarm,
    subscription: PushSubscription,
    account: Account,
    workshop_name: str,
) -> ClaimedDelivery:
    token = secrets.token_urlsafe(32)
    delivery.token_hash = hash_secret(token)
    session.flush()
    return ClaimedDelivery(token, delivery, alarm, subscription, account, workshop_name)
