import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.answers import Answer, Verdict, problem_words, read_answer
from firmware_bridge.wire import Receipt


def test_a_receipt_gives_its_marks() -> None:
    body = msgspec.msgpack.encode(Receipt(1, 0, {"a" * 16: 7}))

    assert read_answer(200, body) == Answer(Verdict.STORED, marks={"a" * 16: 7})


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (401, Verdict.REFUSED),
        (403, Verdict.REFUSED),
        (413, Verdict.TOO_LARGE),
        (422, Verdict.MALFORMED),
        (500, Verdict.LATER),
        (503, Verdict.LATER),
        (302, Verdict.LATER),
        (404, Verdict.LATER),
        (201, Verdict.LATER),
    ],
)
def test_the_status_says_what_to_do(status: int, verdict: Verdict) -> None:
    answer = read_answer(status, b'{"title":"t","detail":"the words"}')

    assert answer.verdict is verdict
    assert "the words" in answer.detail


@pytest.mark.parametrize("body", [b"<html>please log in</html>", b"", b"\xc1", b"\x83\xa6stored\x01", b"{}"])
def test_a_200_that_is_no_receipt_means_later(body: bytes) -> None:
    assert read_answer(200, body).verdict is Verdict.LATER


@given(st.integers(100, 599), st.binary(max_size=400))
def test_no_answer_raises_and_only_a_receipt_says_stored(status: int, body: bytes) -> None:
    answer = read_answer(status, body)

    assert (answer.verdict is Verdict.STORED) == (answer.marks is not None)
    assert len(answer.detail) < 400
    problem_words(body)
