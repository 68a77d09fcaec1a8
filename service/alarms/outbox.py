"""Sends what the alarms have put out to be sent: claims it, tries, and writes down how it went."""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from service.alarms.lifecycle import LATE_AFTER
from service.alarms.notice import Channel, GoneError, LaterError, alarm_notice, trial_notice
from service.alarms.record import note, note_delivered
from service.clock import Clock
from service.counters import DELIVERIES
from service.errors import DeliveryError
from service.store import alarms as rows
from service.store.alarms import ClaimedDelivery
from service.store.database import Database
from service.store.models import PushSubscription

logger = logging.getLogger(__name__)

AT_ONCE: Final = 100  # of a push service that does not answer, so many wait for 15 s, and the others for them
CLAIMED_FOR: Final = timedelta(seconds=60)  # longer than a round takes: a channel answers or gives up within 15 s
FIRST_RETRY_S: Final = 5
LONGEST_RETRY_S: Final = 60  # whoever was cut off from the Internet hears of it within a minute of its return
MAX_ATTEMPTS: Final = 1450  # five seconds doubled up to a minute, and so on for a day
LOOK_EVERY_S: Final = 1.0

_MACHINE_CLOCK: Final = Clock()


class Outbox:
    """One worker; several on the same database share the work."""

    def __init__(self, database: Database, channel: Channel, clock: Clock = _MACHINE_CLOCK) -> None:
        self._database = database
        self._channel = channel
        self._clock = clock
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Say that there is something to send; called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Work until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            try:
                while await self.step(now=self._clock.now(), now_machine=datetime.now(UTC)):
                    pass
            except Exception:
                logger.exception("outbox failed")
                DELIVERIES.labels("error").inc()
            with contextlib.suppress(TimeoutError):  # not wait_for: on Python 3.11 it can swallow a cancellation
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wake.wait()
            self._wake.clear()

    async def step(self, *, now: datetime, now_machine: datetime) -> int:
        """Try what is due, and return how much that was; `now` goes into the audit, networks have `now_machine`."""
        claimed = await asyncio.to_thread(self._claim, now, now_machine)
        async with asyncio.TaskGroup() as sends:
            for one in claimed:
                sends.create_task(self._deliver(one, now, now_machine))
        return len(claimed)

    def _claim(self, now: datetime, now_machine: datetime) -> list[ClaimedDelivery]:
        with self._database.write() as session:
            return rows.claim_deliveries(
                session,
                now=now_machine,
                until=now_machine + CLAIMED_FOR,
                over_before=now - LATE_AFTER,
                limit=AT_ONCE,
            )

    async def _deliver(self, claimed: ClaimedDelivery, now: datetime, now_machine: datetime) -> None:
        failure: DeliveryError | None = None
        try:
            await self._channel.send(alarm_notice(claimed, now=now), now=now_machine)
        except DeliveryError as error:
            failure = error
        except Exception as error:  # one message must not keep the others from their phones
            logger.exception("delivery failed", extra={"delivery": claimed.delivery.id})
            failure = DeliveryError(repr(error), retry=True)
        try:
            result = await asyncio.to_thread(self._settle, claimed, failure, now, now_machine)
        except Exception:  # it is due again when its claim ends; the others are to be written down all the same
            logger.exception("how a delivery went could not be written down", extra={"delivery": claimed.delivery.id})
            result = "error"
        DELIVERIES.labels(result).inc()

    def _settle(
        self, claimed: ClaimedDelivery, failure: DeliveryError | None, now: datetime, now_machine: datetime
    ) -> str:
        """Write down how it went and return it in a word; an alarm acknowledged in between is not tried again."""
        with self._database.write() as session:
            delivery = rows.still_claimed(session, claimed)
            if delivery is None:
                return "lost"
            delivery.claimed_until = None
            if failure is not None and failure.retry and delivery.attempts < MAX_ATTEMPTS:
                if delivery.next_try_at is not None:
                    delivery.next_try_at = now_machine + wait_before_retry(delivery.attempts, failure)
                if delivery.attempts == 1:
                    logger.warning("alert not delivered yet", extra={"delivery": delivery.id, "reason": str(failure)})
                return "retry"
            alarm = rows.get_alarm(session, [delivery.workshop_id], delivery.alarm_id)
            if failure is None:
                note_delivered(session, delivery, alarm, now_machine=now_machine)
                rows.get_subscription(
                    session, claimed.account.id, delivery.subscription_id
                ).last_delivered_at = now_machine
                note(alarm, "delivered", now, claimed.account.name)
                return "delivered"
            delivery.next_try_at = None
            note(alarm, "failed", now, claimed.account.name)
            logger.warning("alert not delivered", extra={"delivery": delivery.id, "reason": str(failure)})
            if isinstance(failure, GoneError):
                rows.remove_subscription(session, delivery.subscription_id)
                return "gone"
            return "failed"


def wait_before_retry(attempts: int, failure: DeliveryError) -> timedelta:
    """Return how long to wait after so many attempts: ever longer, and never shorter than we were asked to."""
    own = timedelta(seconds=min(FIRST_RETRY_S * 2 ** (attempts - 1), LONGEST_RETRY_S))
    return max(own, failure.after) if isinstance(failure, LaterError) else own


async def send_test(
    database: Database, channel: Channel, account_id: int, subscription_id: int, *, language: str, now: datetime
) -> PushSubscription:
    """Send a test to a person's own browser at once; raise DeliveryError if it did not work."""

    def read() -> PushSubscription:
        with database.read() as session:
            return rows.get_subscription(session, account_id, subscription_id)

    def forget() -> None:
        with database.write() as session:
            rows.remove_subscription(session, subscription_id)

    def write() -> PushSubscription:
        with database.write() as session:
            row = rows.get_subscription(session, account_id, subscription_id)
            row.last_delivered_at = now
            return row

    subscription = await asyncio.to_thread(read)
    try:
        await channel.send(trial_notice(subscription, language), now=now)
    except GoneError:
        await asyncio.to_thread(forget)
        raise
    return await asyncio.to_thread(write)
