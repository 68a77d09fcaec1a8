"""What a source hears, and what a decoder makes of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from firmware_bridge.wire import Quality, Unit


def _nobody_waits() -> None:
    """Do nothing: most instruments do not ask whether their words were kept."""


@dataclass(frozen=True)
class Message:
    """One thing an instrument said: a line, or a payload on a topic. `on_stored` is called once it is on disk."""

    payload: bytes
    arrived_at: datetime
    topic: str = ""
    is_retained: bool = False
    on_stored: Callable[[], None] = field(default=_nobody_waits, compare=False)


@dataclass(frozen=True)
class Value:
    """One channel's part of a message; `value` is None unless the quality is good."""

    channel: str
    value: float | None
    quality: Quality = Quality.GOOD
    unit: Unit = Unit.CELSIUS


@dataclass(frozen=True)
class Uptime:
    """When something was measured, by a device that knows only how long it has been running."""

    device: str
    since_boot_ms: int


@dataclass(frozen=True)
class Numbered:
    """How a message with a number of its own follows the one before: how many are missing between, or a new start."""

    lost: int = 0
    is_restart: bool = False


@dataclass(frozen=True)
class Measured:
    """The readings in one message. Its time is the instrument's own, so a repeat can be told from news.

    A message with a number is news, whatever it says: its decoder has looked at the number.
    """

    when: datetime | Uptime
    values: tuple[Value, ...]
    numbered: Numbered | None = None


@dataclass(frozen=True)
class Ignored:
    """A message that is in order and carries no reading."""

    reason: str


@dataclass(frozen=True)
class Rejected:
    """A message that cannot be read: what kind of damage it is, and what was wanted."""

    reason: str
    wanted: str


Decoded = Measured | Ignored | Rejected


class Listener(Protocol):
    """What a source speaks to, always from the event loop's own thread."""

    def take(self, message: Message) -> None: ...

    def refuse(self, rejected: Rejected, count: int) -> None:
        """Count what the source itself could not make a message of."""

    def set_connected(self, is_connected: bool, now: datetime) -> None: ...

    def pause(self, now: datetime) -> None:
        """Note that the instrument has said its sentence: nothing came for a moment after its last word."""


class Source(Protocol):
    """Where words come from; it stays at it, whatever goes away and comes back, until told to stop."""

    async def run(self, stop: asyncio.Event) -> None: ...


class Decoder(Protocol):
    """Makes readings of a message; `newest_at` is the newest time recorded from the same source."""

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded: ...


@runtime_checkable
class HearsPauses(Protocol):
    """A decoder of records that have no end of their own: the pause after one tells that it is whole."""

    def end_record(self) -> Decoded: ...


@runtime_checkable
class ReadsHeader(Protocol):
    """A decoder of lines that mean nothing without a header, which may be said once in the life of an instrument."""

    header: bytes  # the last one, as it was said

    def is_header(self, line: bytes) -> bool:
        """Say whether a line is a whole header, though nobody knows what came before it."""


@runtime_checkable
class FindsTopics(Protocol):
    """A decoder that learns from what it hears which other topics it must hear."""

    topics: frozenset[str]
