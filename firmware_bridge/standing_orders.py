"""What the bridge judges by itself while the service cannot be reached: limits the service handed to it, no more.

It knows no plan and no cone. What it says is rougher than what the service would say, and better than silence.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from firmware_bridge.latest import ChannelStatus
from firmware_bridge.wire import Limits, Unit

# Our choices. Shorter cuts are everyday, and the service raises its own alarm for a silent bridge meanwhile.
ON_DUTY_AFTER_MS: Final = 60_000
# One spike of a noisy probe is no fire.
HOLDS_FOR_MS: Final = 10_000
GONE_FOR_MS: Final = 60_000
# Below this a kiln is not firing, and an instrument that was switched off is nobody's emergency.
HOT_C: Final = 100.0


class BreachKind(StrEnum):
    """Named as the service's findings of the same kind."""

    OVER_TEMPERATURE = "over_temperature"
    TOO_FAST = "too_fast"
    SENSOR_SILENT = "sensor_silent"


@dataclass(frozen=True)
class Breach:
    """One limit that one channel is beyond. `value` and `limit` are °C, °C/h or s, by kind."""

    kiln: str
    channel: str
    kind: BreachKind
    value: float
    limit: float

    @property
    def key(self) -> tuple[str, str, BreachKind]:
        return (self.kiln, self.channel, self.kind)


@dataclass(frozen=True)
class Change:
    """A breach that was raised, or is over. `is_handed_over` means that the service is back and judges again."""

    breach: Breach
    is_raised: bool
    is_handed_over: bool = False


def watched_kinds(limits: Iterable[Limits]) -> list[BreachKind]:
    """Return what the limits let the bridge judge, on one kiln or another."""
    given = [(one.over_c, one.rate_c_per_h, one.silent_s) for one in limits]
    return [kind for kind, column in zip(BreachKind, zip(*given, strict=True), strict=False) if any(column)]


def judge(limits: Iterable[Limits], channels: Iterable[ChannelStatus], now_ms: int) -> list[Breach]:
    """Return what is beyond its limit now."""
    by_kiln = {one.kiln: one for one in limits}
    temperatures = [one for one in channels if one.unit == Unit.CELSIUS.value and one.kiln in by_kiln]
    return [breach for one in temperatures for breach in _breaches(by_kiln[one.kiln], one, now_ms)]


def _breaches(limit: Limits, one: ChannelStatus, now_ms: int) -> list[Breach]:
    silent_s = (now_ms - one.heard_ms) / 1000
    is_silent = limit.silent_s is not None and silent_s > limit.silent_s
    measured = [
        # A value nobody renews says nothing of now, and a fault has no value.
        (BreachKind.OVER_TEMPERATURE, None if is_silent else one.value, limit.over_c),
        (BreachKind.TOO_FAST, None if is_silent else one.rate_per_h, limit.rate_c_per_h),
        (BreachKind.SENSOR_SILENT, silent_s if one.value is None or one.value >= HOT_C else None, limit.silent_s),
    ]
    return [
        Breach(one.kiln, one.channel, kind, value, at_most)
        for kind, value, at_most in measured
        if value is not None and at_most is not None and value > at_most
    ]


class StandingOrders:
    """Follows breaches over time; pure, so `advance` may be called as often as one likes."""

    def __init__(self, limits: Sequence[Limits] = ()) -> None:
        self.limits: tuple[Limits, ...] = tuple(limits)
        self.is_on_duty = False
        self._cut_off_ms: int | None = None
        self._begun: dict[tuple[str, str, BreachKind], int] = {}
        self._standing: dict[tuple[str, str, BreachKind], tuple[Breach, int]] = {}

    @property
    def standing(self) -> tuple[Breach, ...]:
        """Return what was raised and is not over."""
        return tuple(breach for breach, _ in self._standing.values())

    def advance(self, channels: Sequence[ChannelStatus], *, is_linked: bool, now_ms: int) -> list[Change]:
        """Return what has changed since the last time."""
        if is_linked:
            return self._hand_over()
        self._cut_off_ms = now_ms if self._cut_off_ms is None else self._cut_off_ms
        self.is_on_duty = now_ms - self._cut_off_ms >= ON_DUTY_AFTER_MS
        if not self.is_on_duty:
            return []
        now = {breach.key: breach for breach in judge(self.limits, channels, now_ms)}
        return self._raised(now, now_ms) + self._over(now, now_ms)

    def _hand_over(self) -> list[Change]:
        changes = [Change(breach, is_raised=False, is_handed_over=True) for breach in self.standing]
        self.is_on_duty, self._cut_off_ms = False, None
        self._begun.clear()
        self._standing.clear()
        return changes

    def _raised(self, now: Mapping[tuple[str, str, BreachKind], Breach], now_ms: int) -> list[Change]:
        self._begun = {key: self._begun.get(key, now_ms) for key in now}
        fresh = [
            breach
            for key, breach in now.items()
            if key not in self._standing and now_ms - self._begun[key] >= HOLDS_FOR_MS
        ]
        self._standing |= {key: (breach, now_ms) for key, breach in now.items() if key in self._standing}
        self._standing |= {breach.key: (breach, now_ms) for breach in fresh}
        return [Change(breach, is_raised=True) for breach in fresh]

    def _over(self, now: Mapping[tuple[str, str, BreachKind], Breach], now_ms: int) -> list[Change]:
        gone = [
            breach
            for key, (breach, seen_ms) in self._standing.items()
            if key not in now and now_ms - seen_ms >= GONE_FOR_MS
        ]
        for breach in gone:
            del self._standing[breach.key]
        return [Change(breach, is_raised=False) for breach in gone]
