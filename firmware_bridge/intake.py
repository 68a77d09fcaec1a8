"""One source's way into the bridge: what was heard becomes readings, counted, once each."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Final

from firmware_bridge.clock import AGREES_WITHIN
from firmware_bridge.device_clock import LOOKS_BACK_MS, DeviceTime, Heard, place
from firmware_bridge.message import (
    Decoded,
    Decoder,
    HearsPauses,
    Ignored,
    Measured,
    Message,
    ReadsHeader,
    Rejected,
    Uptime,
)
from firmware_bridge.repeats import Repeats, fingerprint
from firmware_bridge.wire import Reading

logger = logging.getLogger(__name__)

MAX_WAITING_MESSAGES: Final = 50_000
SHOWN_BYTES: Final = 120
BELIEVABLE_AHEAD: Final = timedelta(days=1)
LOOKS_BACK: Final = timedelta(milliseconds=LOOKS_BACK_MS)
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


@dataclass
class Counters:
    """What became of everything that one source said since the bridge started."""

    received: int = 0
    readings: int = 0
    repeated: int = 0
    retained: int = 0
    ignored: int = 0
    dropped: int = 0
    lost: int = 0
    restarts: int = 0
    rejected: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Memory:
    """What is to be known of one source's past, kept in the spool with the readings it goes with.

    A harvest's memory has, of the devices and fingerprints, only those that are new, and the header if it is.
    """

    newest_ms: int = 0
    devices: Mapping[str, DeviceTime] = field(default_factory=dict)
    fingerprints: tuple[bytes, ...] = ()
    header: bytes = b""


@dataclass(frozen=True)
class Harvest:
    """The readings of one interval and the memory that goes with them; `messages` says how many they came from.

    `devices` are their clocks by ours, which the memory has only if ours is right. `heard_ms` is the newest time of the
    readings, but none ahead of ours: nobody has listened beyond that.
    """

    readings: tuple[Reading, ...]
    memory: Memory
    messages: int
    devices: Mapping[str, DeviceTime]
    heard_ms: int


@dataclass(frozen=True)
class _Spent:
    """A message that waits only to be acknowledged."""

    message: Message

    def moved(self, shift: timedelta) -> "_Spent":
        return self


@dataclass(frozen=True)
class _News:
    message: Message
    measured: Measured
    digest: bytes

    def moved(self, shift: timedelta) -> "_News":
        when = self.measured.when
        return _News(
            replace(self.message, arrived_at=self.message.arrived_at + shift),
            self.measured if isinstance(when, Uptime) else replace(self.measured, when=when + shift),
            self.digest,
        )


class Intake:
    """Hears one source. `gather` looks at what waits, `settle` lets go of it once it is on disk."""

    def __init__(
        self,
        key: str,
        kiln: str,
        decoder: Decoder,
        memory: Memory,
        *,
        now: datetime,
        keeps_time: bool = False,
        is_live: bool = False,
    ) -> None:
        self.key = key
        self.kiln = kiln
        self.keeps_time = keeps_time  # the instrument's own clock says what time it is
        self._is_live = is_live  # nothing waits on the way: what comes was said since the line was opened
        self._opened_ms = to_ms(now)
        self.counters = Counters()
        self.is_connected = False
        self._decoder = decoder
        self._newest_ms = memory.newest_ms
        self._vouched_ms = 0  # in this run, by its clock
        self._vouched_before_ms = memory.newest_ms
        self._recalled = memory.devices  # from earlier runs; what this one learns of our clock does not move them
        self._devices: dict[str, DeviceTime] = {}
        self._repeats = Repeats(memory.fingerprints)
        self._waiting: list[_News | _Spent] = []
        self._told: set[str] = set()
        self._busy_at = now
        self._header = memory.header  # as it is on disk
        if memory.header:
            decoder.decode(Message(memory.header, now), None)  # the instrument may not say it again

    def put_right(self, shift: timedelta, now: datetime) -> None:
        """Go by our clock as it was moved to `now`; an instrument that keeps time itself stays.

        Nothing is vouched for beyond it: who judges silence would be blind until then.
        """
        self._busy_at += shift
        self._newest_ms = min(self._newest_ms, to_ms(now))
        self._vouched_ms = min(self._vouched_ms, to_ms(now))
        self._vouched_before_ms = min(self._vouched_before_ms, to_ms(now))
        if self.keeps_time:
            return
        shift_ms = shift // timedelta(milliseconds=1)
        self._opened_ms += shift_ms
        self._devices = {device: known.moved(shift_ms) for device, known in self._devices.items()}
        self._waiting = [one.moved(shift) for one in self._waiting]

    def set_connected(self, is_connected: bool, now: datetime) -> None:
        self.is_connected = is_connected
        if is_connected:
            self._opened_ms = to_ms(now)
        self.was_busy(now)

    def pause(self, now: datetime) -> None:
        if isinstance(self._decoder, HearsPauses) and not isinstance(decoded := self._decoder.end_record(), Ignored):
            self._waiting.append(self._sort(Message(b"", now), decoded))

    def was_busy(self, now: datetime) -> None:
        """Note that up to now there may be words that were said and not heard yet."""
        self._busy_at = now

    def refuse(self, rejected: Rejected, count: int) -> None:
        self.counters.rejected[rejected.reason] += count
        self._tell_once(rejected, None)

    def take(self, message: Message) -> None:
        """Take one message; it waits here until it is gathered and settled."""
        self.counters.received += 1
        if len(self._waiting) >= MAX_WAITING_MESSAGES:
            self.counters.dropped += 1
            self._tell_once(Rejected("memory_full", "a disk that takes what is written to it"), message)
        else:
            self._waiting.append(self._decode(message))

    def _decode(self, message: Message) -> _News | _Spent:
        newest_at = datetime.fromtimestamp(self._newest_ms / 1000, UTC) if self._newest_ms else None
        return self._sort(message, self._decoder.decode(message, newest_at))

    def _sort(self, message: Message, decoded: Decoded) -> _News | _Spent:
        match decoded:
            case Measured() if message.is_retained:  # an old value, of nobody knows when
                self.counters.retained += 1
            case Measured() as measured:
                return self._once(message, measured)
            case Ignored():
                self.counters.ignored += 1
            case Rejected() as rejected:
                self.counters.rejected[rejected.reason] += 1
                self._tell_once(rejected, message)
        return _Spent(message)

    def _once(self, message: Message, measured: Measured) -> _News | _Spent:
        self.was_busy(message.arrived_at)
        at_ms = None if isinstance(measured.when, Uptime) else to_ms(measured.when)
        digest = fingerprint(message.topic, at_ms, message.payload)
        if measured.numbered is not None:
            self.counters.lost += measured.numbered.lost
            self.counters.restarts += measured.numbered.is_restart
        if not self._repeats.is_news(digest) and measured.numbered is None:
            self.counters.repeated += 1
            return _Spent(message)
        if at_ms is not None:
            self._newest_ms = _newest(self._newest_ms, [at_ms], message.arrived_at)
        self.counters.readings += len(measured.values)
        return _News(message, measured, digest)

    def gather(
        self, *, now: datetime, jitter: timedelta, looks_back: timedelta = LOOKS_BACK, is_sure: bool = True
    ) -> Harvest:
        """Return the readings of what waits; nothing changes, so a failed write can be tried again.

        `is_sure`: our clock is right. What an earlier run knew of a device is of no use beside a guess.
        """
        news = [one for one in self._waiting if isinstance(one, _News)]
        recalled = self._recalled if is_sure else {}
        # Two runs may have clocks that agree no better, and a line takes its time.
        allowance_ms = (AGREES_WITHIN + 4 * jitter) // timedelta(milliseconds=1)
        said_since_ms = self._opened_ms - allowance_ms if self._is_live else -inf
        times_ms, devices = _date(news, self._devices, recalled, jitter, looks_back, said_since_ms)
        readings = tuple(
            Reading(self.kiln, value.channel, at_ms, value.value, value.quality, value.unit)
            for one, at_ms in zip(news, times_ms, strict=True)
            for value in one.measured.values
        )
        newest_ms, heard_ms = _newest(self._newest_ms, times_ms, now), min(_newest(0, times_ms, now), to_ms(now))
        header = self._decoder.header if isinstance(self._decoder, ReadsHeader) else b""
        memory = Memory(
            newest_ms,
            devices if is_sure else {},
            tuple(one.digest for one in news),
            header if header != self._header else b"",
        )
        return Harvest(readings, memory, len(self._waiting), devices, heard_ms)

    def settle(self, harvest: Harvest) -> None:
        """Let go of what was gathered: it is on disk, and its senders may forget it."""
        stored, self._waiting = self._waiting[: harvest.messages], self._waiting[harvest.messages :]
        self._newest_ms = max(self._newest_ms, harvest.memory.newest_ms)
        self._devices.update(harvest.devices)
        self._header = harvest.memory.header or self._header
        for one in stored:
            one.message.on_stored()

    def vouch(self, harvest: Harvest, *, now: datetime, grace: timedelta, is_sure: bool = True) -> int:
        """Return up to when nothing more is to come; 0 if nothing was ever heard.

        While words come in, older ones may be queueing behind them, so only the newest reading is vouched for. A clock
        that is a guess vouches for this run only: what an earlier one knew would be moved with it.
        """
        quiet = now - min(self._busy_at, now) > grace
        silence_ms = to_ms(now - grace) if self.is_connected and quiet else 0
        self._vouched_ms = max(self._vouched_ms, harvest.heard_ms, silence_ms)
        return max(self._vouched_ms, self._vouched_before_ms) if is_sure else self._vouched_ms

    def _tell_once(self, rejected: Rejected, message: Message | None) -> None:
        if rejected.reason in self._told:
            return
        self._told.add(rejected.reason)
        seen = {"topic": message.topic, "seen": message.payload[:SHOWN_BYTES]} if message is not None else {}
        fields = {"source": self.key, "reason": rejected.reason, "wanted": rejected.wanted, **seen}
        logger.warning("input refused; more of the same is only counted", extra=fields)


def to_ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _newest(known_ms: int, times_ms: Iterable[int], now: datetime) -> int:
    """Return the newest time. One far ahead is a broken clock's, and says nothing of how far we have listened."""
    limit_ms = to_ms(now + BELIEVABLE_AHEAD)
    return max([known_ms, *(at_ms for at_ms in times_ms if at_ms <= limit_ms)])


def _date(
    news: Sequence[_News],
    known: Mapping[str, DeviceTime],
    recalled: Mapping[str, DeviceTime],
    jitter: timedelta,
    looks_back: timedelta,
    said_since_ms: float,
) -> tuple[list[int], dict[str, DeviceTime]]:
    """Return the time of each message, and what that teaches of the clocks of the devices."""
    heard: dict[str, list[Heard]] = {}
    for one in news:
        if isinstance(one.measured.when, Uptime):
            arrival = Heard(one.measured.when.since_boot_ms, to_ms(one.message.arrived_at))
            heard.setdefault(one.measured.when.device, []).append(arrival)
    jitter_ms = jitter // timedelta(milliseconds=1)
    placed = {
        device: place(
            known.get(device, recalled.get(device)),
            words,
            jitter_ms=jitter_ms,
            looks_back_ms=looks_back // timedelta(milliseconds=1),
            is_recalled=device not in known,
            said_since_ms=said_since_ms,
        )
        for device, words in heard.items()
    }
    clocks = {device: iter(times_ms) for device, (times_ms, _) in placed.items()}
    whens = [one.measured.when for one in news]
    times_ms = [next(clocks[when.device]) if isinstance(when, Uptime) else to_ms(when) for when in whens]
    return times_ms, {device: clock for device, (_, clock) in placed.items() if clock is not None}
