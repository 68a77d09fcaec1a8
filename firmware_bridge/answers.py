"""What the service's answer to a post asks of the bridge."""

import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from firmware_bridge.wire import Limits, Receipt

SHOWN_CHARS: Final = 300
X509_EXPIRED: Final = 10  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED


class Verdict(StrEnum):
    STORED = "stored"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    REFUSED = "refused"
    LATER = "later"


class Cause(StrEnum):
    """Why no answer came that could be understood; the words for it stand under `why` in the texts."""

    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE = "certificate"
    NAME = "name"
    NOBODY = "nobody"
    SLOW = "slow"
    NO_ANSWER = "no_answer"
    GARBLED = "garbled"


@dataclass(frozen=True)
class Answer:
    """The verdict, the service's own words, and of its receipt the marks, the standing orders and kilns new to it."""

    verdict: Verdict
    detail: str = ""
    cause: Cause | None = None
    marks: Mapping[str, int] | None = None
    limits: Sequence[Limits] | None = None
    new_kilns: Sequence[str] = ()


_VERDICTS: Final = {
    401: Verdict.REFUSED,
    403: Verdict.REFUSED,
    413: Verdict.TOO_LARGE,
    422: Verdict.MALFORMED,
}


def read_answer(status: int, body: bytes) -> Answer:
    """Return what an answer means; one that is not understood means "later"."""
    if status == 200:
        try:
            receipt = msgspec.msgpack.decode(body, type=Receipt)
            new_kilns = receipt.new_kilns or ()
            return Answer(Verdict.STORED, marks=receipt.marks, limits=receipt.limits, new_kilns=new_kilns)
        except (msgspec.DecodeError, ValueError):  # ValueError: not UTF-8
            return Answer(Verdict.LATER, f"200 without a receipt: {_shown(body)}", Cause.GARBLED)
    words = problem_words(body) or _shown(body)
    if status in _VERDICTS:
        return Answer(_VERDICTS[status], words)
    return Answer(Verdict.LATER, f"{status}: {words}")


def no_answer(error: BaseException) -> Answer:
    """Return what it means that a post failed on its way."""
    return Answer(Verdict.LATER, f"no answer: {type(error).__name__} {error}"[:SHOWN_CHARS], _cause(error))


def _cause(error: BaseException) -> Cause:
    """Say why, by the error that began it."""
    seen: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in seen:
        seen.append(at)
        at = at.__cause__ or at.__context__
    for one in seen:
        if isinstance(one, ssl.SSLCertVerificationError):
            return Cause.CERTIFICATE_EXPIRED if one.verify_code == X509_EXPIRED else Cause.CERTIFICATE
        if isinstance(one, socket.gaierror):
            return Cause.NAME
        if isinstance(one, ConnectionRefusedError):
            return Cause.NOBODY
    texts = " ".join(map(str, seen))
    if "CERTIFICATE_VERIFY_FAILED" in texts:
        return Cause.CERTIFICATE_EXPIRED if "expired" in texts else Cause.CERTIFICATE
    if any(isinstance(one, TimeoutError) or "Timeout" in type(one).__name__ for one in seen):
        return Cause.SLOW
    return Cause.NO_ANSWER


def problem_words(body: bytes) -> str:
    """Return what a problem document (RFC 9457) says, or nothing."""
    try:
        problem = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, ValueError):
        return ""
    return str(problem.get("detail") or problem.get("title") or "")[:SHOWN_CHARS]


def _shown(body: bytes) -> str:
    return repr(body[:SHOWN_CHARS])[:SHOWN_CHARS]
