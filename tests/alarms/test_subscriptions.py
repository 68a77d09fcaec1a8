import pytest
from village import MACHINE, Village

from service.errors import FullError, NotFoundError
from service.store import alarms
from service.store.models import Delivery, PushSubscription


def test_a_browser_that_comes_again_has_its_keys_renewed(village: Village) -> None:
    first = village.subscribe("https://push.example/1", p256dh="old")
    second = village.subscribe("https://push.example/1", p256dh="new")

    assert (second.id, second.p256dh) == (first.id, "new")
    assert village.count(PushSubscription) == 1


def test_what_waits_for_one_person_is_not_sent_to_the_next_on_that_browser(village: Village) -> None:
    village.subscribe("https://push.example/1")
    village.see()
    hoa_id, _ = village.add_workshop("Hoa", "en")

    village.subscribe("https://push.example/1", account_id=hoa_id)

    assert village.count(Delivery) == 0
    with village.database.read() as session:
        assert alarms.subscriptions(session, village.lan_id) == []
        assert len(alarms.subscriptions(session, hoa_id)) == 1


def test_an_account_has_a_bounded_number_of_devices(village: Village) -> None:
    for number in range(alarms.MAX_SUBSCRIPTIONS_PER_ACCOUNT):
        village.subscribe(f"https://push.example/{number}")

    with pytest.raises(FullError):
        village.subscribe("https://push.example/one-more")
    assert village.subscribe("https://push.example/0").created_at == MACHINE


def test_nobody_unsubscribes_the_phone_of_another(village: Village) -> None:
    hoa_id, _ = village.add_workshop("Hoa", "en")
    mine = village.subscribe("https://push.example/1")

    with village.database.write() as session, pytest.raises(NotFoundError):
        alarms.unsubscribe(session, hoa_id, mine.id)
    with village.database.write() as session:
        alarms.unsubscribe(session, village.lan_id, mine.id)
    assert village.count(PushSubscription) == 0
