"""What the service's answer to a post asks of the bridge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from firmware_bridge.wire import Limits, Receipt

SHOWN_CHARS: Final = 300


class Verdict(StrEnum):
    STORED = "stored"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    REFUSED = "refused"
    LATER = "later"


@dataclass(frozen=True)
class Answer:
    """The verdict, the service's own words, and of its receipt the marks and the standing orders."""

    verdict: Verdict
    detail: str = ""
    marks: Mapping[str, int] | None = None
    limits: Sequence[Limits] | None = None


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
            return Answer(Verdict.STORED, marks=receipt.marks, limits=receipt.limits)
        except (msgspec.DecodeError, ValueError):  # ValueError: not UTF-8
            return Answer(Verdict.LATER, f"200 without a receipt: {_shown(body)}")
    words = problem_words(body) or _shown(body)
    if status in _VERDICTS:
        return Answer(_VERDICTS[status], words)
    return Answer(Verdict.LATER, f"{status}: {words}")


def problem_words(body: bytes) -> str:
    """Return what a problem document (RFC 9457) says, or nothing."""
    try:
        problem = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, ValueError):
        return ""
    return str(problem.get("detail") or problem.get("title") or "")[:SHOWN_CHARS]


def _shown(body: bytes) -> str:
    return repr(body[:SHOWN_CHARS])[:SHOWN_CHARS]
