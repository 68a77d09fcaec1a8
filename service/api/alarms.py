"""Alarms: what asks for a person, acknowledged with one tap; and the phones they are sent to."""

from typing import Annotated, Literal

from fastapi import APIRouter, BackgroundTasks, Query, Request, Response

from service.alarms import record
from service.alarms.channels.web_push import check_endpoint
from service.alarms.outbox import send_test
from service.api import problems, schemas, views
from service.api.deps import Fires, Follows, Language, MachineNow, Now, OpenSession, PartsOf, Session, SignedIn
from service.api.paging import link_next
from service.store import alarms
from service.store.models import PushSubscription

router = APIRouter(tags=["alarms"])


@router.get("/alarms", response_model=list[schemas.AlarmOut])
def list_alarms(
    session: Session,
    who: Follows,
    language: Language,
    now: Now,
    state: Literal["open", "all"] = "open",
    before_id: schemas.Id | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    *,
    request: Request,
    response: Response,
) -> list[schemas.AlarmOut]:
    """Return alarms, newest first; open are those that still hold or that nobody has acknowledged."""
    found = alarms.list_alarms(session, who.workshop_ids, only_open=state == "open", before_id=before_id, limit=limit)
    link_next(request, response, found, limit)
    return [views.alarm_out(alarm, language, now=now) for alarm in found]


@router.post("/alarms/{alarm_id}/acknowledge", response_model=schemas.AlarmOut)
def acknowledge(
    alarm_id: schemas.Id,
    session: Session,
    who: Fires,
    service: PartsOf,
    language: Language,
    now: Now,
    after_reply: BackgroundTasks,
) -> schemas.AlarmOut:
    """Say that somebody takes care of an alarm: nobody else is called for it."""
    alarm = record.acknowledge(session, who.workshop_ids, alarm_id, who=who.name, now=now)
    after_reply.add_task(service.monitor.tell, alarm.finding.kiln_id, (alarm.id,))
    return views.alarm_out(alarm, language, now=now)


@router.post("/acknowledge", response_model=schemas.AlarmOut)
def acknowledge_from_push(
    asked: schemas.TokenAcknowledgeIn, session: OpenSession, service: PartsOf, now: Now, after_reply: BackgroundTasks
) -> schemas.AlarmOut:
    """Acknowledge with the token that came in the push: a tap is enough, without signing in."""
    alarm, language = record.acknowledge_by_token(session, asked.token, now=now)
    after_reply.add_task(service.monitor.tell, alarm.finding.kiln_id, (alarm.id,))
    return views.alarm_out(alarm, language, now=now)


@router.post("/acknowledge/look", response_model=schemas.AlarmOut)
def look_from_push(asked: schemas.TokenAcknowledgeIn, session: OpenSession, now: Now) -> schemas.AlarmOut:
    """Return the alarm that a push was of, as it is now, without signing in: what one is asked to take on."""
    alarm, language = record.alarm_of_token(session, asked.token)
    return views.alarm_out(alarm, language, now=now)


@router.post("/pushes/seen", status_code=204)
def push_seen(asked: schemas.TokenAcknowledgeIn, session: OpenSession, now: Now) -> None:
    """Take the phone's word that it has shown the push: the push service's own answer does not say so."""
    record.mark_seen(session, asked.token, now=now)


@router.get("/push-subscriptions", response_model=list[schemas.PushSubscriptionOut])
def list_subscriptions(session: Session, who: SignedIn) -> list[PushSubscription]:
    """Return the browsers that alerts are pushed to, of who asks."""
    return alarms.subscriptions(session, who.account_id)


@router.post("/push-subscriptions", response_model=schemas.PushSubscriptionOut, status_code=201)
def subscribe(
    asked: schemas.PushSubscriptionIn, session: Session, who: SignedIn, service: PartsOf, now: MachineNow
) -> PushSubscription:
    """Have alerts pushed to a browser."""
    check_endpoint(asked.endpoint, service.settings.push_hosts)
    return alarms.subscribe(
        session,
        who.account_id,
        endpoint=asked.endpoint,
        p256dh=asked.keys.p256dh,
        auth=asked.keys.auth,
        device=asked.device,
        now=now,
    )


@router.delete("/push-subscriptions/{subscription_id}", status_code=204)
def unsubscribe(subscription_id: schemas.Id, session: Session, who: SignedIn) -> None:
    """Push no more alerts to a browser."""
    alarms.unsubscribe(session, who.account_id, subscription_id)


@router.post(
    "/push-subscriptions/{subscription_id}/test",
    response_model=schemas.PushSubscriptionOut,
    responses={502: {**problems.RESPONSES["4XX"], "description": "The push service did not take it, and why"}},
)
async def test_subscription(
    subscription_id: schemas.Id, who: SignedIn, service: PartsOf, language: Language, now: MachineNow
) -> PushSubscription:
    """Send a test alert at once, and say how it went."""
    return await send_test(service.database, service.push, who.account_id, subscription_id, language=language, now=now)
