"""Bytes of an instrument, through the framer and a decoder as the bridge sends them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from firmware_bridge.framing import Framer
from firmware_bridge.message import Decoded, Decoder, HearsPauses, Measured, Message, Value

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def decode_all(decoder: Decoder, said: bytes) -> list[Decoded]:
    """Return what each line gives; a line takes 10 ms, and there is a pause at the end."""
    messages = [
        Message(frame.line, NOON + timedelta(milliseconds=10 * at)) for at, frame in enumerate(Framer().feed(said))
    ]
    decoded = [decoder.decode(message, None) for message in messages]
    return [*decoded, decoder.end_record()] if isinstance(decoder, HearsPauses) else decoded


def values(decoder: Decoder, said: bytes) -> list[Value]:
    """Return the readings alone."""
    return readings(decode_all(decoder, said))


def readings(decoded: Iterable[Decoded]) -> list[Value]:
    return [value for one in decoded if isinstance(one, Measured) for value in one.values]


def kinds(decoder: Decoder, said: bytes) -> list[str]:
    """Return the name of what each line gave: `Measured`, or the reason why it gave nothing."""
    return [getattr(one, "reason", "Measured") for one in decode_all(decoder, said)]
