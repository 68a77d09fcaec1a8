"""`Idempotency-Key`: who asks twice with the same key gets the same answer, and nothing is done twice.

A phone on a bad network does not know whether its request arrived. The answer is kept for a day under the key that the
caller chose, of which only a hash is stored; it may hold secrets, so it is encrypted with the key itself.
"""

import asyncio
import hashlib
import json
import os
import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from tempfile import SpooledTemporaryFile
from typing import IO, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api import problems
from service.api.deps import Parts, known
from service.api.guard import LOGS
from service.api.headers import API_PATH
from service.api.limits import receiving_log
from service.errors import ServiceError
from service.store import stored_answers
from service.store.database import Database
from service.store.roles import Action
from service.store.stored_answers import Asked
from service.store.who import Who

KEPT_FOR: Final = timedelta(hours=24)
ANSWERED_WITHIN: Final = timedelta(minutes=2)  # a log may be read for a hundred seconds
MOST_BYTES: Final = 500_000  # a longer answer is not kept, and its key is free again
MOST_IN_MEMORY: Final = 1_000_000  # of a body that is looked at before it is passed on: a log is longer
PIECE_BYTES: Final = 65_536
_KEY: Final = re.compile(r"[\x21-\x7e]{8,200}")
_NONCE_BYTES: Final = 12
_IN_WORK: Final = "a request with this Idempotency-Key is being answered; ask again in a second"
_OTHER: Final = "this Idempotency-Key was used for another request; every request has its own"
_LESS: Final = "what was answered with this Idempotency-Key was for somebody who may do more than you may by now"
_UNKNOWN: Final = "a request with this Idempotency-Key began, and nobody knows how it ended: look, then use a new key"


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Once:
    """Stands before the routes: only POST, only with a key, only for those who are known."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive) if scope["type"] == "http" else None
        key = None if request is None else request.headers.get("idempotency-key")
        if request is None or key is None or request.method != "POST" or not request.url.path.startswith(API_PATH):
            await self._app(scope, receive, send)
            return
        if _KEY.fullmatch(key) is None:
            refusal = "an Idempotency-Key has from 8 to 200 visible ASCII characters, such as a UUID"
            await problems.problem(400, "invalid", "invalid", refusal)(scope, receive, send)
            return
        service: Parts = request.app.state.parts
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        shown = token.strip() if scheme.lower() == "bearer" else None
        is_log = LOGS.fullmatch(request.url.path) is not None
        try:
            who = await asyncio.to_thread(known, request, service, shown, datetime.now(UTC))
            if who is None or (is_log and not who.where_may(Action.SET_UP)):
                answer = None  # the routes refuse it, and a log before any of it is read
            else:
                answer = await self._answer(request, key, who, is_log=is_log)
        except ServiceError as error:
            await (await problems.expected(request, error))(scope, receive, send)
            return
        except problems.UNREACHABLE as error:
            await (await problems.away(request, error))(scope, receive, send)
            return
        if answer is None:
            await self._app(scope, receive, send)
        else:
            await _send(answer, send)

    async def _answer(self, request: Request, key: str, who: Who, *, is_log: bool) -> _Answer:
        service: Parts = request.app.state.parts
        service.count_request(who)  # the routes count it once more, and do not see what is answered here
        with receiving_log() if is_log else nullcontext(), SpooledTemporaryFile(MOST_IN_MEMORY) as body:
            digest = hashlib.blake2b()
            async for piece in request.stream():
                digest.update(piece)
                body.write(piece)
            # With the key in it, for a body may hold a password, and its hash alone could be guessed at.
            said = _hash(b"asked", key.encode(), _said(request, who), digest.digest())
            asked = Asked(who.account_id, _hash(b"key", key.encode()), said)
            answer = await asyncio.to_thread(_begin, service.database, asked, key, who)
            if answer is None:
                body.seek(0)
                parts: list[Message] = []
                try:
                    await self._ask(request.scope, body, parts)
                except Exception:
                    if not parts:  # what fails once it is answered was done
                        await asyncio.to_thread(_give_up, service.database, asked)
                    raise
                answer = _answer_of(parts)
                await asyncio.to_thread(_end, service.database, asked, key, who, answer)
        return answer

    async def _ask(self, scope: Scope, body: IO[bytes], parts: list[Message]) -> None:
        """Let the routes answer, and gather what they say."""
        has_come = False

        async def receive() -> Message:
            nonlocal has_come
            if has_come:
                await asyncio.Event().wait()  # nothing more comes
            piece = body.read(PIECE_BYTES)
            has_come = len(piece) < PIECE_BYTES
            return {"type": "http.request", "body": piece, "more_body": not has_come}

        async def gather(message: Message) -> None:
            parts.append(message)

        await self._app(scope, receive, gather)


def _answer_of(parts: list[Message]) -> _Answer:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in parts[0]["headers"]]
    return _Answer(parts[0]["status"], headers, b"".join(part.get("body", b"") for part in parts[1:]))


def _begin(database: Database, asked: Asked, key: str, who: Who) -> _Answer | None:
    """Return what was answered before, None if the request is to be worked on now."""
    now = datetime.now(UTC)
    try:
        with database.write() as session:
            stored_answers.forget(session, before=now - KEPT_FOR)
            before = stored_answers.find(session, asked)
            if before is None:
                stored_answers.begin(session, asked, now=now)
                return None
    except IntegrityError:  # the same key came twice at once
        return _in_work()
    if before.asked_hash != asked.asked_hash:
        return _refusal(422, "key_reused", _OTHER)
    if before.answer is not None and before.status is not None:
        return _opened(before.status, before.answer, _seal_key(asked, key), who)
    if now - before.at < ANSWERED_WITHIN:
        return _in_work()
    return _refusal(409, "conflict", _UNKNOWN)


def _end(database: Database, asked: Asked, key: str, who: Who, answer: _Answer) -> None:
    """Keep an answer; one that refused does not count, so that what was wrong can be put right under the same key."""
    with database.write() as session:
        if 200 <= answer.status < 300 and len(answer.body) <= MOST_BYTES:
            told = {name: value for name, value in answer.headers if name in {"content-type", "etag", "location"}}
            may = {workshop_id: sorted(actions) for workshop_id, actions in who.grants.items()}
            plain = json.dumps([told, may]).encode() + b"\n" + answer.body
            nonce = os.urandom(_NONCE_BYTES)
            sealed = AESGCM(_seal_key(asked, key)).encrypt(nonce, plain, None)
            stored_answers.end(session, asked, status=answer.status, answer=nonce + sealed)
        else:
            stored_answers.give_up(session, asked)


def _opened(status: int, kept: bytes, seal_key: bytes, who: Who) -> _Answer:
    """Return an answer that was kept, to who may do no less by now than who was given it first."""
    nonce, sealed = kept[:_NONCE_BYTES], kept[_NONCE_BYTES:]
    head, _, body = AESGCM(seal_key).decrypt(nonce, sealed, None).partition(b"\n")
    told, may = json.loads(head)
    if any(
        not who.grants.get(int(workshop_id), frozenset()).issuperset(actions) for workshop_id, actions in may.items()
    ):
        return _refusal(403, "refused", _LESS)
    headers = [*told.items(), ("content-length", str(len(body))), ("idempotency-replayed", "true")]
    return _Answer(status, headers if status != 204 else [("idempotency-replayed", "true")], body)


def _seal_key(asked: Asked, key: str) -> bytes:
    return _hash(b"seal", str(asked.account_id).encode(), key.encode())


def _give_up(database: Database, asked: Asked) -> None:
    with database.write() as session:
        stored_answers.give_up(session, asked)


def _in_work() -> _Answer:
    return _refusal(409, "in_work", _IN_WORK, {"Retry-After": "1"})


def _refusal(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> _Answer:
    said = problems.problem(status, code, code.replace("_", " "), detail, headers)
    return _Answer(status, [(name.decode(), value.decode()) for name, value in said.raw_headers], bytes(said.body))


def _said(request: Request, who: Who) -> bytes:
    """Return what makes a request another one, beside its body."""
    return json.dumps([request.url.path, request.url.query, who.token_id]).encode()


def _hash(*parts: bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=32)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


async def _send(answer: _Answer, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
