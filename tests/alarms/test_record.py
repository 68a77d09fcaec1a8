from datetime import timedelta

import pytest
from sqlalchemy import select
from village import MACHINE, NOW, Village

from service.alarms import record
from service.api.views import alarm_out
from service.errors import NotFoundError, RefusedError
from service.store import alarms
from service.store.models import Alarm, AlarmEvent, Delivery, StoredFinding

CLAIM = {"now": MACHINE, "until": MACHINE + timedelta(seconds=60), "over_before": NOW, "limit": 10}


MINUTE = timedelta(minutes=1)


class PowerCutError(Exception):
    pass


def record_and_lose_power(village: Village) -> None:
    with village.database.write() as session:
        village.save_and_record(session)
        raise PowerCutError


def claim_token(village: Village) -> str:
    with village.database.write() as session:
        (claimed,) = alarms.claim_deliveries(session, **CLAIM)
    return claimed.token


def test_a_finding_becomes_an_alarm_and_a_delivery_for_every_device_of_the_workshop(village: Village) -> None:
    hoa_id, _ = village.add_workshop("Hoa", "en")
    village.subscribe("https://push.example/1")
    village.subscribe("https://push.example/2")
    village.subscribe("https://push.example/of-another-workshop", account_id=hoa_id)

    (alarm,) = village.see()

    assert village.audit(alarm.id) == [("opened", None)]
    assert (alarm.opened_at, alarm.acknowledged_at, alarm.cleared_at) == (NOW, None, None)
    assert [one.next_try_at for one in village.deliveries()] == [MACHINE, MACHINE]


def test_the_same_finding_again_changes_nothing(village: Village) -> None:
    village.subscribe("https://push.example/1")
    village.see()

    assert village.see() == []
    assert [village.count(table) for table in (Alarm, AlarmEvent, Delivery)] == [1, 1, 1]


def test_a_finding_to_know_is_no_alarm(village: Village) -> None:
    assert village.see(severity="info") == []


def test_an_alarm_that_cleared_is_open_until_somebody_has_acknowledged_it(village: Village) -> None:
    village.see()
    (alarm,) = village.see(ended=timedelta(0))

    with village.database.write() as session:
        before = alarms.list_alarms(session, [village.workshop_id], only_open=True)
        record.acknowledge(session, [village.workshop_id], alarm.id, who="Lan", now=NOW)
        after = alarms.list_alarms(session, [village.workshop_id], only_open=True)

    assert [one.id for one in before] == [alarm.id]
    assert after == []
    assert village.audit(alarm.id) == [("opened", None), ("cleared", None), ("acknowledged", "Lan")]


def test_what_was_over_long_ago_is_shown_and_sent_to_nobody(village: Village) -> None:
    village.subscribe("https://push.example/1")

    (alarm,) = village.see(started=timedelta(hours=3), ended=timedelta(hours=2))

    assert village.audit(alarm.id) == [("opened", None), ("cleared", None)]
    assert village.count(Delivery) == 0


def test_history_that_comes_in_pieces_is_withdrawn_before_it_rings(village: Village) -> None:
    village.subscribe("https://push.example/1")
    started = timedelta(hours=8)

    village.see(started=started, reached_at=NOW - timedelta(hours=6))
    (held,) = village.deliveries()
    village.see(started=started, ended=timedelta(hours=5), reached_at=NOW)
    (withdrawn,) = village.deliveries()

    assert held.next_try_at == MACHINE + timedelta(seconds=72)
    assert withdrawn.next_try_at is None


def test_what_holds_again_asks_and_rings_again(village: Village) -> None:
    village.subscribe("https://push.example/1")
    (alarm,) = village.see()
    with village.database.write() as session:
        record.acknowledge(session, [village.workshop_id], alarm.id, who="Lan", now=NOW)
    village.see(ended=timedelta(0))

    (again,) = village.see()

    assert (again.id, again.acknowledged_at, again.cleared_at) == (alarm.id, None, None)
    assert [one.next_try_at for one in village.deliveries()] == [None, MACHINE]


def rung(village: Village) -> None:
    """Let the phone have rung for all that was put out."""
    with village.database.write() as session:
        for delivery in session.scalars(select(Delivery).where(Delivery.next_try_at.is_not(None))):
            delivery.delivered_at, delivery.next_try_at = delivery.next_try_at, None


def minutes_to_ring(village: Village) -> list[float]:
    return [(one.next_try_at - MACHINE) / MINUTE for one in village.deliveries() if one.next_try_at is not None]


def test_a_loose_wire_rings_now_and_then_and_not_at_every_touch(village: Village) -> None:
    village.subscribe("https://push.example/1")
    village.see(kind="thermocouple_open", started=timedelta(minutes=30))
    rung(village)
    village.see(kind="thermocouple_open", started=timedelta(minutes=30), ended=timedelta(0))

    village.see(kind="thermocouple_open", started=timedelta(minutes=20), later=4 * MINUTE)
    again = minutes_to_ring(village)
    village.see(kind="thermocouple_open", started=timedelta(minutes=20), ended=timedelta(minutes=1), later=5 * MINUTE)
    over = minutes_to_ring(village)
    village.see(kind="thermocouple_open", started=timedelta(minutes=10), later=16 * MINUTE)

    assert (again, over, minutes_to_ring(village)) == ([15], [], [16])


def test_a_loose_wire_that_somebody_knows_of_rings_when_it_stays_broken(village: Village) -> None:
    village.subscribe("https://push.example/1")
    (alarm,) = village.see(kind="thermocouple_open", started=timedelta(minutes=50))
    rung(village)
    with village.database.write() as session:
        record.acknowledge(session, [village.workshop_id], alarm.id, who="Lan", now=NOW - timedelta(minutes=40))
    village.see(kind="thermocouple_open", started=timedelta(minutes=50), ended=timedelta(minutes=30))

    village.see(kind="thermocouple_open", later=40 * MINUTE)
    village.see(kind="thermocouple_open", channel="bottom", later=40 * MINUTE)

    assert minutes_to_ring(village) == [55, 40]  # another probe is another matter


def test_what_is_wrong_with_the_fire_rings_every_time(village: Village) -> None:
    village.subscribe("https://push.example/1")
    village.see(kind="over_temperature", group="kiln", started=timedelta(minutes=30))
    rung(village)
    village.see(kind="over_temperature", group="kiln", started=timedelta(minutes=30), ended=timedelta(0))

    village.see(kind="over_temperature", group="kiln", later=2 * MINUTE)

    assert minutes_to_ring(village) == [2]


@pytest.mark.parametrize(("group", "is_asked"), [("kiln", False), ("defect", True)])
def test_what_is_over_asks_nobody_to_act_but_a_verdict_on_the_ware_does(
    village: Village, group: str, is_asked: bool
) -> None:
    (alarm,) = village.see(kind="underfired", group=group)
    with village.database.write() as session:
        session.get_one(StoredFinding, alarm.finding_id).advice_key = "check_witness_cones"
    village.see(kind="underfired", group=group, ended=timedelta(0))

    with village.database.read() as session:
        said = alarm_out(session.get_one(Alarm, alarm.id), "vi", now=NOW)

    assert said.state == "cleared"
    assert bool(said.words.advice) is is_asked


def test_the_first_to_acknowledge_stays_and_nothing_more_is_sent(village: Village) -> None:
    village.subscribe("https://push.example/1")
    (alarm,) = village.see()

    with village.database.write() as session:
        record.acknowledge(session, [village.workshop_id], alarm.id, who="Lan", now=NOW)
    with village.database.write() as session:
        second = record.acknowledge(
            session, [village.workshop_id], alarm.id, who="Minh", now=NOW + timedelta(minutes=1)
        )

    assert (second.acknowledged_by, second.acknowledged_at) == ("Lan", NOW)
    assert village.audit(alarm.id) == [("opened", None), ("acknowledged", "Lan")]
    assert village.deliveries()[0].next_try_at is None


def test_an_alarm_of_another_workshop_does_not_exist(village: Village) -> None:
    _, other_id = village.add_workshop("Hoa", "en")
    (alarm,) = village.see()

    with village.database.write() as session, pytest.raises(NotFoundError):
        record.acknowledge(session, [other_id], alarm.id, who="Hoa", now=NOW)


def test_the_token_of_a_push_acknowledges_for_its_owner(village: Village) -> None:
    village.subscribe("https://push.example/1")
    village.see()
    token = claim_token(village)

    with village.database.write() as session:
        alarm, language = record.acknowledge_by_token(session, token, now=NOW)

    assert (alarm.acknowledged_by, language) == ("Lan", "vi")


def test_an_unknown_token_is_refused(village: Village) -> None:
    with village.database.write() as session, pytest.raises(RefusedError, match="open the page"):
        record.acknowledge_by_token(session, "guessed", now=NOW)
    with village.database.write() as session, pytest.raises(RefusedError, match="open the page"):
        record.mark_seen(session, "guessed", now=NOW)


def test_a_phone_is_seen_once(village: Village) -> None:
    village.subscribe("https://push.example/1")
    (alarm,) = village.see()
    token = claim_token(village)

    for _ in range(2):
        with village.database.write() as session:
            record.mark_seen(session, token, now=NOW)

    assert village.audit(alarm.id) == [("opened", None), ("seen", "Lan")]
    assert village.deliveries()[0].seen_at == NOW


def test_nothing_is_written_when_the_transaction_fails(village: Village) -> None:
    village.subscribe("https://push.example/1")

    with pytest.raises(PowerCutError):
        record_and_lose_power(village)

    assert [village.count(table) for table in (Alarm, AlarmEvent, Delivery)] == [0, 0, 0]
