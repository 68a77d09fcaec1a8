from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from phone import Phone

from service.alarms.channels.web_push import WebPush, check_endpoint
from service.alarms.notice import GoneError, LaterError, Notice
from service.alarms.vapid import VapidKey
from service.errors import DeliveryError, InvalidError

NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
HOSTS = ("127.0.0.1", "fcm.googleapis.com", ".push.apple.com")


def notice_to(phone: Phone, endpoint: str | None = None) -> Notice:
    return Notice(endpoint or phone.endpoint, phone.p256dh, phone.auth, "alarm-7", b'{"title":"x"}')


@pytest.fixture
async def channel() -> AsyncIterator[WebPush]:
    key = VapidKey(ec.generate_private_key(ec.SECP256R1()))
    async with WebPush(key, hosts=HOSTS, contact="mailto:lan@example.org") as channel:
        yield channel


async def test_the_phone_reads_what_was_sent(channel: WebPush, phone: Phone) -> None:
    await channel.send(notice_to(phone), now=NOW)

    assert phone.pushes == [{"title": "x"}]
    headers = phone.headers[0]
    assert {name: headers[name] for name in ("TTL", "Urgency", "Topic", "Content-Encoding")} == {
        "TTL": "86400",
        "Urgency": "high",
        "Topic": "alarm-7",
        "Content-Encoding": "aes128gcm",
    }
    assert headers["Authorization"].startswith("vapid t=")


@pytest.mark.parametrize("status", [404, 410])
async def test_a_browser_that_is_gone_is_named_as_such(channel: WebPush, phone: Phone, status: int) -> None:
    phone.answer = status

    with pytest.raises(GoneError, match=str(status)):
        await channel.send(notice_to(phone), now=NOW)


@pytest.mark.parametrize(
    ("status", "retry_after", "wait"),
    [
        (429, "120", timedelta(minutes=2)),
        (503, "Wed, 01 Jul 2026 09:05:00 GMT", timedelta(minutes=5)),
        (503, "Wed, 01 Jul 2026 08:00:00 GMT", timedelta(0)),
        (500, "soon", timedelta(0)),
        (502, "", timedelta(0)),
        (401, "", timedelta(0)),  # our clock is off until somebody puts it right
        (403, "", timedelta(0)),
        (408, "", timedelta(0)),
        (429, "99999999999999999999", timedelta(0)),
        (429, "86400", timedelta(hours=1)),
    ],
)
async def test_a_busy_push_service_is_asked_again_when_it_says(
    channel: WebPush, phone: Phone, status: int, retry_after: str, wait: timedelta
) -> None:
    phone.answer, phone.answer_headers = status, {"Retry-After": retry_after}

    with pytest.raises(LaterError) as later:
        await channel.send(notice_to(phone), now=NOW)

    assert (later.value.retry, later.value.after) == (True, wait)


@pytest.mark.parametrize("status", [400, 413, 302])
async def test_a_refusal_is_not_tried_again(channel: WebPush, phone: Phone, status: int) -> None:
    phone.answer, phone.answer_headers = status, {"Location": "http://127.0.0.1:9/elsewhere"}

    with pytest.raises(DeliveryError) as refusal:
        await channel.send(notice_to(phone), now=NOW)

    assert refusal.value.retry is False


async def test_silence_is_tried_again(channel: WebPush, phone: Phone) -> None:
    with pytest.raises(DeliveryError) as silence:
        await channel.send(notice_to(phone, "http://127.0.0.1:9/nobody-listens"), now=NOW)

    assert silence.value.retry is True


async def test_a_key_that_is_none_is_not_tried_again(channel: WebPush, phone: Phone) -> None:
    notice = Notice(phone.endpoint, "AAAA", phone.auth, "alarm-7", b"{}")

    with pytest.raises(DeliveryError, match="cannot be pushed to") as refusal:
        await channel.send(notice, now=NOW)

    assert refusal.value.retry is False


async def test_a_host_that_is_no_longer_listed_gets_nothing(channel: WebPush, phone: Phone) -> None:
    with pytest.raises(DeliveryError, match="no push service known here") as refusal:
        await channel.send(notice_to(phone, "https://push.elsewhere.example/1"), now=NOW)

    assert refusal.value.retry is False


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://fcm.googleapis.com/fcm/send/x", "https://fcm.googleapis.com"),
        ("https://fcm.googleapis.com:443/x", "https://fcm.googleapis.com:443"),
        ("https://api.push.apple.com/x", "https://api.push.apple.com"),
        ("http://127.0.0.1:8700/x", "http://127.0.0.1:8700"),
    ],
)
def test_known_push_services_are_taken(url: str, origin: str) -> None:
    assert check_endpoint(url, HOSTS) == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com@192.168.1.1/x",
        "https://user@fcm.googleapis.com/x",
        "https://fcm.googleapis.com.example.org/x",
        "https://push.apple.com.evil/x",
        "https://xpush.apple.com/x",
        "https://192.168.1.1/x",
        "https://[::1]/x",
        "https://[::1/x",
        "https://fcm.googleapis.com:port/x",
        "http://localhost/x",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "//fcm.googleapis.com/x",
        "",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(InvalidError):
        check_endpoint(url, HOSTS)


def test_this_machine_must_be_listed_to_be_called() -> None:
    with pytest.raises(InvalidError):
        check_endpoint("http://127.0.0.1:8700/x", HOSTS[1:])
