"""Web Push (RFC 8030): hands an encrypted message to the push service of a person's browser."""

import asyncio
import os
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Self
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from service.alarms.notice import GoneError, LaterError, Notice
from service.alarms.vapid import VapidKey
from service.alarms.web_push_crypto import SALT_SIZE, encrypt, from_base64url, vapid_header
from service.errors import DeliveryError, InvalidError

KEEP_FOR: Final = timedelta(hours=24)  # how long the push service keeps it for a phone that is off
ANSWER_WITHIN_S: Final = 15.0
LONGEST_RETRY_AFTER: Final = timedelta(hours=1)

_THIS_MACHINE: Final = "127.0.0.1"
_GONE: Final = (404, 410)
# It may pass: our clock is far off until it is put right (401, 403), they are slow (408) or we too quick (429).
_PASSING: Final = (401, 403, 408, 429)
_SERVER_ERRORS: Final = 500


class WebPush:
    """A channel; use it as a context, which holds the connections."""

    def __init__(self, key: VapidKey, *, hosts: Collection[str], contact: str) -> None:
        self._key = key.private_key
        self._hosts = hosts
        self._contact = contact
        self._client = httpx.AsyncClient(timeout=ANSWER_WITHIN_S)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._client.aclose()

    async def send(self, notice: Notice, *, now: datetime) -> None:
        request = self._request(notice, now)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                response = await self._client.send(request)
        except (httpx.HTTPError, TimeoutError) as error:
            msg = f"{request.url.host} did not answer: {error!r}"
            raise DeliveryError(msg, retry=True) from error
        _check(response, now)

    def _request(self, notice: Notice, now: datetime) -> httpx.Request:
        try:
            origin = check_endpoint(notice.endpoint, self._hosts)
            body = encrypt(
                notice.payload,
                from_base64url(notice.p256dh),
                from_base64url(notice.auth),
                salt=os.urandom(SALT_SIZE),
                private_key=ec.generate_private_key(ec.SECP256R1()),
            )
        except (InvalidError, ValueError) as error:
            msg = f"the subscription cannot be pushed to: {error}"
            raise DeliveryError(msg, retry=False) from error
        headers = {
            "Authorization": vapid_header(self._key, audience=origin, contact=self._contact, now=now),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(KEEP_FOR.total_seconds())),
            "Urgency": "high",
            "Topic": notice.topic,
        }
        return self._client.build_request("POST", notice.endpoint, content=body, headers=headers)


def check_endpoint(url: str, hosts: Collection[str]) -> str:
    """Return the origin of a push endpoint; refuse one that is not of a push service we know.

    The address comes from a browser, and the service calls it: any other host could be one behind our own doors.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        msg = f"the push endpoint is no address: {error}"
        raise InvalidError(msg) from error
    is_own = host == _THIS_MACHINE and parts.scheme == "http"
    if parts.username is not None or not (is_own or (parts.scheme == "https" and port in (None, 443))):
        msg = f"a push endpoint is an https address on the usual port, not {parts.scheme}://{parts.netloc}"
        raise InvalidError(msg)
    if not any(host.endswith(known) if known.startswith(".") else host == known for known in hosts):
        msg = f"{host} is no push service known here; the operator lists them in CANHLO_PUSH_HOSTS"
        raise InvalidError(msg)
    return f"{parts.scheme}://{parts.netloc}"


def _check(response: httpx.Response, now: datetime) -> None:
    status = response.status_code
    if response.is_success:
        return
    msg = f"{response.url.host} answered {status}: {response.text[:200]}"
    if status in _GONE:
        raise GoneError(msg)
    if status not in _PASSING and status < _SERVER_ERRORS:
        raise DeliveryError(msg, retry=False)
    raise LaterError(msg, after=_retry_after(response.headers.get("Retry-After", ""), now))


def _retry_after(value: str, now: datetime) -> timedelta:
    """Return how long the service asks to be left alone: it says seconds, or a date, or nothing."""
    try:
        asked = timedelta(seconds=int(value)) if value.isdecimal() else _at(value) - now
    except (ValueError, OverflowError):
        return timedelta(0)
    return max(timedelta(0), min(asked, LONGEST_RETRY_AFTER))


def _at(http_date: str) -> datetime:
    at = parsedate_to_datetime(http_date)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
