import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from phone import Phone
from sqlalchemy import delete
from village import MACHINE, NOW, Village

from service.alarms import record
from service.alarms.channels.web_push import WebPush
from service.alarms.notice import LaterError, Notice
from service.alarms.outbox import CLAIMED_FOR, MAX_ATTEMPTS, Outbox, send_test, wait_before_retry
from service.alarms.vapid import VapidKey
from service.errors import DeliveryError, NotFoundError, RefusedError
from service.store import kilns
from service.store.alarms import ClaimedDelivery
from service.store.database import Database
from service.store.models import Delivery, Membership, PushSubscription

LATER = MACHINE + CLAIMED_FOR + timedelta(seconds=1)


class Fake:
    """A channel that keeps what it is given, and fails as it is told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.sent: list[Notice] = []

    async def send(self, notice: Notice, *, now: object) -> None:
        self.sent.append(notice)
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure


class PowerCut(BaseException):
    pass


@pytest.fixture
async def push() -> AsyncIterator[WebPush]:
    key = VapidKey(ec.generate_private_key(ec.SECP256R1()))
    async with WebPush(key, hosts=["127.0.0.1"], contact="mailto:lan@example.org") as channel:
        yield channel


async def test_from_a_finding_to_a_phone_and_back(
    database: Database, village: Village, phone: Phone, push: WebPush
) -> None:
    village.subscribe(phone.endpoint, **phone.keys)
    (alarm,) = village.see()

    tried = await Outbox(database, push).step(now=NOW, now_machine=MACHINE)
    (message,) = phone.pushes
    with database.write() as session:
        record.mark_seen(session, message["seen_token"], now=NOW)
        record.acknowledge_by_token(session, message["ack_token"], now=NOW)

    assert tried == 1
    assert message["title"] == "Lò 2: lò không lên nhiệt"
    assert message["tag"] == phone.headers[0]["Topic"] == f"alarm-{alarm.id}"
    assert message["url"] == f"/acknowledge#{message['ack_token']}"
    assert (message["ack_label"], message["actions"]) == ("Đã nhận", True)
    assert [what for what, _ in village.audit(alarm.id)] == ["opened", "delivered", "seen", "acknowledged"]
    assert village.alarm(alarm.id).acknowledged_by == "Lan"
    with database.read() as session:
        assert session.get_one(PushSubscription, 1).last_delivered_at == MACHINE


async def test_a_push_calls_a_probe_as_its_people_do(database: Database, village: Village) -> None:
    with database.write() as session:
        kiln = kilns.get_kiln(session, [village.workshop_id], village.kiln_id)
        kilns.add_channel(session, kiln, "top", "c").label = "can gần cửa lò"
    village.subscribe("https://push.example/lan")
    village.see(kind="thermocouple_open")
    channel = Fake()

    await Outbox(database, channel).step(now=NOW, now_machine=MACHINE)

    assert json.loads(channel.sent[0].payload)["title"] == "Lò 2: can gần cửa lò đứt mạch"


async def test_each_person_reads_in_their_own_language(database: Database, village: Village) -> None:
    hoa_id, workshop_id = village.add_workshop("Hoa", "en")
    village.subscribe("https://push.example/hoa", account_id=hoa_id)
    village.workshop_id = workshop_id
    village.see()
    channel = Fake()

    await Outbox(database, channel).step(now=NOW, now_machine=MACHINE)

    assert b"the kiln is not getting hotter" in channel.sent[0].payload


async def test_what_was_sent_is_not_sent_again(database: Database, village: Village) -> None:
    village.subscribe("https://push.example/1")
    village.see(severity="warning")
    channel = Fake()
    outbox = Outbox(database, channel)

    assert await outbox.step(now=NOW, now_machine=MACHINE) == 1
    assert await outbox.step(now=NOW, now_machine=MACHINE + timedelta(days=1)) == 0
    assert len(channel.sent) == 1


def minutes_rung(outbox: Outbox, channel: Fake) -> Callable[[range], Awaitable[list[int]]]:
    async def rung(minutes: range) -> list[int]:
        found = []
        for minute in minutes:
            before = len(channel.sent)
            await outbox.step(now=NOW, now_machine=MACHINE + timedelta(minutes=minute))
            found += [minute] * (len(channel.sent) - before)
        return found

    return rung


async def test_what_is_critical_rings_again_while_nobody_takes_it_on(database: Database, village: Village) -> None:
    village.subscribe("https://push.example/1")
    (alarm,) = village.see()
    channel = Fake()
    rung = minutes_rung(Outbox(database, channel), channel)

    assert await rung(range(120)) == [0, 5, 15, 30]
    assert village.audit(alarm.id) == [("opened", None), *[("delivered", "Lan")] * 4]


@pytest.mark.parametrize("how", ["acknowledged", "cleared"])
async def test_it_rings_no_more_once_somebody_takes_it_on_or_it_is_over(
    database: Database, village: Village, how: str
) -> None:
    village.subscribe("https://push.example/1")
    (alarm,) = village.see()
    channel = Fake()
    rung = minutes_rung(Outbox(database, channel), channel)

    assert await rung(range(10)) == [0, 5]
    if how == "cleared":
        village.see(ended=timedelta(0), later=timedelta(minutes=9))
    else:
        first = json.loads(channel.sent[0].payload)["ack_token"]  # of the message that is still on the phone
        with database.write() as session:
            record.acknowledge_by_token(session, first, now=NOW)
    assert await rung(range(10, 120)) == []
    assert village.audit(alarm.id)[-1][0] == how


async def test_a_clock_that_was_ahead_does_not_hold_back_what_waits(database: Database, village: Village) -> None:
    village.subscribe("https://push.example/1")
    village.see(later=timedelta(hours=7))  # by a clock that is then put right
    channel = Fake()

    await Outbox(database, Fake(DeliveryError("no network", retry=True))).step(
        now=NOW, now_machine=MACHINE + timedelta(hours=7)
    )
    await Outbox(database, channel).step(now=NOW, now_machine=MACHINE)

    assert len(channel.sent) == 1


async def test_who_has_left_the_workshop_hears_of_its_alarms_no_more(database: Database, village: Village) -> None:
    village.subscribe("https://push.example/1")
    village.see()
    with database.write() as session:
        session.execute(delete(Membership).where(Membership.account_id == village.lan_id))
    channel = Fake()

    await Outbox(database, channel).step(now=NOW, now_machine=MACHINE)

    assert channel.sent == []
    assert village.deliveries()[0].next_try_at is None


async def test_what_cannot_be_written_down_of_one_delivery_does_not_touch_the_others(
    database: Database, village: Village, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        village.subscribe(f"https://push.example/{number}")
    village.see()
    outbox, settle = Outbox(database, Fake()), Outbox._settle

    def fail_of_the_first(self: Outbox, claimed: ClaimedDelivery, *rest: Any) -> str:
        if claimed.delivery.id == 1:
            raise ZeroDivisionError
        return settle(self, claimed, *rest)

    monkeypatch.setattr(Outbox, "_settle", fail_of_the_first)
    assert await outbox.step(now=NOW, now_machine=MACHINE) == 3

    assert [one.delivered_at for one in village.deliveries()[:3]] == [None, MACHINE, MACHINE]
    assert "could not be written down" in caplog.text


async def test_a_power_cut_between_sending_and_writing_gives_the_work_back(
    database: Database, village: Village
) -> None:
    village.subscribe("https://push.example/1")
    village.see()
    channel = Fake()

    with pytest.raises(BaseExceptionGroup):
        await Outbox(database, Fake(PowerCut())).step(now=NOW, now_machine=MACHINE)
    while_claimed = await Outbox(database, channel).step(now=NOW, now_machine=MACHINE + CLAIMED_FOR)
    after = await Outbox(database, channel).step(now=NOW, now_machine=LATER)

    assert (while_claimed, after, len(channel.sent)) == (0, 1, 1)


async def test_two_outboxes_share_the_work_and_repeat_none(
    database: Database, village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.alarms.outbox.AT_ONCE", 8)
    for number in range(12):
        village.subscribe(f"https://push.example/{number}")
    village.see()
    channel = Fake()
    outboxes = [Outbox(database, channel), Outbox(database, channel), Outbox(database, channel)]

    tried = await asyncio.gather(*(one.step(now=NOW, now_machine=MACHINE) for one in outboxes))

    endpoints = [notice.endpoint for notice in channel.sent]
    assert sum(tried) == len(endpoints) == len(set(endpoints)) == 12


async def test_a_push_service_that_was_down_gets_it_when_it_is_up(
    database: Database, village: Village, phone: Phone, push: WebPush
) -> None:
    village.subscribe(phone.endpoint, **phone.keys)
    (alarm,) = village.see()
    outbox = Outbox(database, push)
    phone.answer = 503

    await outbox.step(now=NOW, now_machine=MACHINE)
    at_once = await outbox.step(now=NOW, now_machine=MACHINE + timedelta(seconds=4))
    phone.answer = 201
    after_five_seconds = await outbox.step(now=NOW, now_machine=MACHINE + timedelta(seconds=5))

    assert (at_once, after_five_seconds, len(phone.pushes)) == (0, 1, 1)
    assert village.audit(alarm.id) == [("opened", None), ("delivered", "Lan")]


async def test_only_the_newest_push_of_a_delivery_can_answer(database: Database, village: Village) -> None:
    village.subscribe("https://push.example/1")
    village.see()
    tokens = []
    for attempt in range(2):
        with database.write() as session:
            (claimed,) = record.rows.claim_deliveries(
                session, now=MACHINE + attempt * 2 * CLAIMED_FOR, until=MACHINE, over_before=NOW, limit=5
            )
        tokens.append(claimed.token)

    with database.write() as session, pytest.raises(RefusedError):
        record.acknowledge_by_token(session, tokens[0], now=NOW)
    with database.write() as session:
        assert record.acknowledge_by_token(session, tokens[1], now=NOW)


async def test_what_was_over_long_before_it_could_be_sent_rings_nobody(database: Database, village: Village) -> None:
    village.subscribe("https://push.example/1")
    village.see()
    away, channel = Fake(DeliveryError("no network", retry=True)), Fake()
    await Outbox(database, away).step(now=NOW, now_machine=MACHINE)
    village.see(ended=timedelta(0))

    soon = await Outbox(database, away).step(now=NOW + timedelta(minutes=10), now_machine=LATER)
    late = await Outbox(database, channel).step(now=NOW + timedelta(minutes=16), now_machine=LATER + CLAIMED_FOR * 2)

    assert (soon, late, len(away.sent), channel.sent) == (1, 0, 2, [])
    assert json.loads(away.sent[-1].payload)["is_over"] is True
    assert village.deliveries()[0].next_try_at is None


async def test_a_verdict_on_the_ware_is_told_when_the_firing_is_long_over(database: Database, village: Village) -> None:
    village.subscribe("https://push.example/1")
    village.see(kind="underfired", group="defect")
    village.see(kind="underfired", group="defect", ended=timedelta(0))
    channel = Fake()

    await Outbox(database, channel).step(now=NOW + timedelta(hours=8), now_machine=LATER)

    assert json.loads(channel.sent[0].payload)["is_over"] is False


async def test_why_a_phone_does_not_ring_is_logged_at_once(
    database: Database, village: Village, phone: Phone, push: WebPush, caplog: pytest.LogCaptureFixture
) -> None:
    village.subscribe(phone.endpoint, **phone.keys)
    village.see()
    phone.answer = 403

    for seconds in (0, 10, 30):
        await Outbox(database, push).step(now=NOW, now_machine=MACHINE + timedelta(seconds=seconds))

    told = [vars(one)["reason"] for one in caplog.records if one.message == "alert not delivered yet"]
    assert told == ["127.0.0.1 answered 403: "]


async def test_a_browser_that_is_gone_is_forgotten(
    database: Database, village: Village, phone: Phone, push: WebPush
) -> None:
    village.subscribe(phone.endpoint, **phone.keys)
    (alarm,) = village.see()
    phone.answer = 410

    await Outbox(database, push).step(now=NOW, now_machine=MACHINE)

    assert [village.count(table) for table in (PushSubscription, Delivery)] == [0, 0]
    assert village.audit(alarm.id) == [("opened", None), ("failed", "Lan")]


async def test_it_gives_up_after_a_day(database: Database, village: Village) -> None:
    village.subscribe("https://push.example/1")
    (alarm,) = village.see()
    outbox = Outbox(database, Fake(DeliveryError("down", retry=True)))
    with database.write() as session:
        session.get_one(Delivery, 1).attempts = MAX_ATTEMPTS - 1

    await outbox.step(now=NOW, now_machine=MACHINE)

    assert village.deliveries()[0].next_try_at is None
    assert village.audit(alarm.id) == [("opened", None), ("failed", "Lan")]


async def test_an_alarm_acknowledged_while_it_was_sent_is_not_tried_again(database: Database, village: Village) -> None:
    village.subscribe("https://push.example/1")
    (alarm,) = village.see()

    class Slow(Fake):
        async def send(self, notice: Notice, *, now: object) -> None:
            with database.write() as session:
                record.acknowledge(session, [village.workshop_id], alarm.id, who="Minh", now=NOW)
            raise DeliveryError("down", retry=True)

    await Outbox(database, Slow()).step(now=NOW, now_machine=MACHINE)

    assert village.deliveries()[0].next_try_at is None


async def test_a_message_that_breaks_the_channel_does_not_hold_up_the_others(
    database: Database, village: Village, caplog: pytest.LogCaptureFixture
) -> None:
    village.subscribe("https://push.example/1")
    village.subscribe("https://push.example/2")
    village.see()

    class Broken(Fake):
        async def send(self, notice: Notice, *, now: object) -> None:
            if notice.endpoint.endswith("/1"):
                raise ZeroDivisionError
            await super().send(notice, now=now)

    await Outbox(database, Broken()).step(now=NOW, now_machine=MACHINE)

    first, second, _again = village.deliveries()
    assert (first.delivered_at, first.next_try_at) == (None, MACHINE + timedelta(seconds=5))
    assert second.delivered_at == MACHINE
    assert caplog.messages == ["delivery failed", "alert not delivered yet"]


async def test_it_sends_by_itself_when_woken(database: Database, village: Village) -> None:
    sent = asyncio.Event()

    class Telling(Fake):
        async def send(self, notice: Notice, *, now: object) -> None:
            sent.set()

    village.subscribe("https://push.example/1")
    outbox = Outbox(database, Telling())
    running = asyncio.create_task(outbox.run())
    await asyncio.to_thread(village.see)
    outbox.wake()

    await asyncio.wait_for(sent.wait(), 5)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.get_running_loop().shutdown_default_executor()


def test_waiting_grows_and_obeys_the_push_service() -> None:
    down = DeliveryError("down", retry=True)
    busy = LaterError("busy", after=timedelta(minutes=2))

    assert [wait_before_retry(attempts, down).total_seconds() for attempts in (1, 2, 3, 8, 150)] == [
        5,
        10,
        20,
        60,
        60,
    ]
    assert wait_before_retry(1, busy) == timedelta(minutes=2)
    assert sum((wait_before_retry(n, down) for n in range(1, MAX_ATTEMPTS)), timedelta()) > timedelta(hours=23)


async def test_a_test_push_says_that_nothing_is_to_be_done(
    database: Database, village: Village, phone: Phone, push: WebPush
) -> None:
    mine = village.subscribe(phone.endpoint, **phone.keys)

    tested = await send_test(database, push, village.lan_id, mine.id, language="vi", now=MACHINE)

    assert tested.last_delivered_at == MACHINE
    assert phone.pushes[0]["actions"] is False
    assert "ack_token" not in phone.pushes[0]


async def test_a_test_push_to_a_browser_that_is_gone_forgets_it(
    database: Database, village: Village, phone: Phone, push: WebPush
) -> None:
    mine = village.subscribe(phone.endpoint, **phone.keys)
    phone.answer = 410

    with pytest.raises(DeliveryError):
        await send_test(database, push, village.lan_id, mine.id, language="vi", now=MACHINE)

    assert village.count(PushSubscription) == 0


async def test_nobody_tests_the_phone_of_another(database: Database, village: Village) -> None:
    hoa_id, _ = village.add_workshop("Hoa", "en")
    mine = village.subscribe("https://push.example/1")

    with pytest.raises(NotFoundError):
        await send_test(database, Fake(), hoa_id, mine.id, language="en", now=MACHINE)
