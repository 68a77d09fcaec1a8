"""Readings into what travels: column by column, within the limits of the wire."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from firmware_bridge.wire import Column, Quality, Reading, Unit

# About 180 kB before packing: well below what one column, one post or one small proxy may hold.
MAX_READINGS_PER_BLOCK: Final = 10_000


@dataclass(frozen=True)
class Draft:
    """A block that has no number yet; the spool gives it one when it is written."""

    kiln: str
    until_ms: int
    columns: tuple[Column, ...]
    is_sure: bool = True  # its times need no putting right

    @property
    def readings(self) -> int:
        return sum(len(column.at_ms) for column in self.columns)


def draft_blocks(
    kiln: str, readings: Sequence[Reading], until_ms: int, *, max_readings: int = MAX_READINGS_PER_BLOCK
) -> list[Draft]:
    """Return the readings of one kiln as blocks; without readings, one empty block that says only `until_ms`."""
    parts = [readings[at : at + max_readings] for at in range(0, len(readings), max_readings)]
    if not parts:
        return [Draft(kiln, until_ms, ())]
    # A part cannot vouch for times of which a later part still has readings.
    first_ms = [min(reading.at_ms for reading in part) for part in reversed(parts[1:])]
    still_to_come_ms = [until_ms + 1, *accumulate(first_ms, min)]
    untils_ms = [min(until_ms, max(0, limit_ms - 1)) for limit_ms in reversed(still_to_come_ms)]
    return [Draft(kiln, part_until_ms, _columns(part)) for part, part_until_ms in zip(parts, untils_ms, strict=True)]


def _columns(readings: Sequence[Reading]) -> tuple[Column, ...]:
    by_channel: dict[tuple[str, Unit], list[Reading]] = {}
    for reading in readings:
        by_channel.setdefault((reading.channel, reading.unit), []).append(reading)
    return tuple(
        Column(
            channel,
            unit,
            [reading.at_ms for reading in taken],
            [reading.value for reading in taken],
            {index: reading.quality for index, reading in enumerate(taken) if reading.quality is not Quality.GOOD},
        )
        for (channel, unit), taken in by_channel.items()
    )
