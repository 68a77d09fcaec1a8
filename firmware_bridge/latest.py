"""The last reading of each channel and how fast it moves, for whoever looks at the bridge itself."""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from firmware_bridge.wire import Quality, Reading

# Our choice: long enough for whole degrees at 100 °C/h, short enough to see a valve being turned.
RATE_OVER_MS: Final = 5 * 60_000
SHORTEST_RATE_MS: Final = 60_000
_POINT_EVERY_MS: Final = 1_000


class ChannelStatus(msgspec.Struct, frozen=True):
    """One channel as it was last heard; `rate_per_h` is in its unit per hour, None while too little is known."""

    kiln: str
    channel: str
    unit: str
    value: float | None
    quality: Quality
    at_ms: int
    heard_ms: int
    rate_per_h: float | None


class Latest:
    """Bounded: a last reading for each channel, and for its rate one point a second over the last minutes."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[Reading, int]] = {}
        self._points: dict[tuple[str, str], deque[tuple[int, float]]] = {}

    def note(self, readings: Iterable[Reading], now: datetime) -> None:
        """Take readings that were just written."""
        heard_ms = int(now.timestamp() * 1000)
        for reading in readings:
            key = (reading.kiln, reading.channel)
            self._last[key] = (reading, heard_ms)
            if reading.value is not None:
                _add(self._points.setdefault(key, deque()), reading.at_ms, reading.value)

    def channels(self) -> tuple[ChannelStatus, ...]:
        return tuple(
            ChannelStatus(
                reading.kiln,
                reading.channel,
                reading.unit.value,
                reading.value,
                reading.quality,
                reading.at_ms,
                heard_ms,
                slope_per_h(tuple(self._points.get(key, ()))) if reading.value is not None else None,
            )
            for key, (reading, heard_ms) in sorted(self._last.items())
        )


def slope_per_h(points: Sequence[tuple[int, float]]) -> float | None:
    """Return the least-squares slope of (ms, value) points per hour; None if they span less than a minute."""
    if len(points) < 2 or points[-1][0] - points[0][0] < SHORTEST_RATE_MS:
        return None
    mean_ms = sum(at_ms for at_ms, _ in points) / len(points)
    mean = sum(value for _, value in points) / len(points)
    spread = sum((at_ms - mean_ms) ** 2 for at_ms, _ in points)
    return sum((at_ms - mean_ms) * (value - mean) for at_ms, value in points) / spread * 3_600_000


def _add(points: deque[tuple[int, float]], at_ms: int, value: float) -> None:
    if points and at_ms < points[-1][0]:
        points.clear()  # a clock went back: what was before belongs to another time
    if not points or at_ms - points[-1][0] >= _POINT_EVERY_MS:
        points.append((at_ms, value))
    while points[-1][0] - points[0][0] > RATE_OVER_MS:
        points.popleft()
