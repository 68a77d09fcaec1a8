from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.decoders.camera_logger import CameraLogger
from firmware_bridge.message import Decoded, Measured, Message, Rejected, Value
from firmware_bridge.wire import Quality

ARRIVED = datetime(2026, 1, 1, tzinfo=UTC)
NO_VALUE = Quality.NO_VALUE


def decode(line: bytes, *, arrived_at: datetime = ARRIVED, newest_at: datetime | None = None) -> Decoded:
    logger = CameraLogger(["top", "bottom"], ZoneInfo("Europe/Paris"))
    return logger.decode(Message(line, arrived_at), newest_at)


def reason(line: bytes) -> str:
    decoded = decode(line)
    assert isinstance(decoded, Rejected)
    return decoded.reason


def test_a_line_is_local_time_and_one_temperature_for_each_channel() -> None:
    at = datetime(2015, 10, 21, 9, 26, 31, tzinfo=UTC)

    assert decode(b"21/10/2015 11:26:31;650;586.5") == Measured(at, (Value("top", 650.0), Value("bottom", 586.5)))


def test_nan_and_nothing_are_no_value() -> None:
    decoded = decode(b"21/10/2015 11:26:31;nan; ")

    assert isinstance(decoded, Measured)
    assert decoded.values == (Value("top", None, NO_VALUE), Value("bottom", None, NO_VALUE))


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"Initializing sensor...DONE.", "no_time"),
        (b"0;586", "no_time"),  # half a line, after the port was opened
        (b"1/10/2015 11:26:31;650;586", "no_time"),  # its beginning was lost: not the 1st of October
        (b"31/02/2015 11:26:31;650;586", "no_time"),
        (b"21/10/9999 11:26:31;650;586", "no_time"),
        (b"21/10/2015 11:26:31;650", "channel_count"),
        (b"21/10/2015 11:26:31;650;586;1", "channel_count"),
        (b"21/10/2015 11:26:31;650;inf", "not_a_number"),
        (b"21/10/2015 11:26:31;650;1_000", "not_a_number"),
        ("21/10/2015 11:26:31;650;٥".encode(), "not_a_number"),
    ],
)
def test_damage_is_named(line: bytes, kind: str) -> None:
    assert reason(line) == kind


def paris(hour: int, minute: int, *, utc_hour: int) -> tuple[bytes, datetime]:
    """Return a line of the night of 25 October 2015, when 02:00 to 03:00 came twice, and what it means in UTC."""
    return b"25/10/2015 %02d:%02d:00;650;586" % (hour, minute), datetime(2015, 10, 25, utc_hour, minute, tzinfo=UTC)


def test_the_hour_that_comes_twice_goes_on_from_the_time_before() -> None:
    night = [paris(2, m, utc_hour=0) for m in (0, 30, 59)] + [paris(2, m, utc_hour=1) for m in (0, 30, 59)]
    night.append(paris(3, 0, utc_hour=2))
    newest_at = datetime(2015, 10, 24, 23, 59, tzinfo=UTC)

    for line, at in night:
        decoded = decode(line, newest_at=newest_at)
        assert isinstance(decoded, Measured)
        assert decoded.when == at
        newest_at = at


def test_a_repeated_line_of_the_first_of_the_two_hours_is_not_moved_into_the_future() -> None:
    line, at = paris(2, 10, utc_hour=0)

    decoded = decode(line, newest_at=at + timedelta(minutes=5), arrived_at=at + timedelta(minutes=5))

    assert isinstance(decoded, Measured)
    assert decoded.when == at


@given(st.binary(max_size=80))
def test_no_bytes_raise(line: bytes) -> None:
    decode(line)


@given(st.from_regex(rb"\A\d\d/\d\d/\d{4} \d\d:\d\d:\d\d;[\d.+na-]{0,30};[\d.]{0,12}\Z"))
def test_nothing_that_looks_like_a_line_raises(line: bytes) -> None:
    decode(line)
