"""Readings rolled up: lowest, highest, mean and number of each ten seconds, minute and ten minutes."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from service.series.columns import IntArray, Key, Readings, added, in_order

STEPS_MS: Final = (10_000, 60_000, 600_000)
KINDS: Final = ("min", "max", "mean", "count")
_MEAN_DECIMALS: Final = 3


def roll_up(columns: Mapping[Key, Readings], step_ms: int) -> dict[Key, Readings]:
    """Return a column of each of `KINDS` for each channel; a time is where its step begins, in Unix ms."""
    rolled: dict[Key, Readings] = {}
    for (channel, unit, _), readings in _by_channel(columns).items():
        starts_ms, *values = _roll(readings, step_ms)
        quality = np.zeros(len(starts_ms), dtype=np.uint8)
        for kind, value in zip(KINDS, values, strict=True):
            rolled[Key(channel, unit, kind)] = Readings(starts_ms, value, quality)
    return rolled


def replace(old: Mapping[Key, Readings], new: Mapping[Key, Readings], from_ms: int, to_ms: int) -> dict[Key, Readings]:
    """Return `old` with what it says of [from_ms, to_ms] replaced by `new`."""
    return added({key: one.where((one.at_ms < from_ms) | (one.at_ms > to_ms)) for key, one in old.items()}, new)


def combined(old: Mapping[Key, Readings], new: Mapping[Key, Readings]) -> dict[Key, Readings]:
    """Return two roll-ups, each of other readings, as one of both."""
    columns = dict(old)
    for channel, unit, kind in new:
        if kind == "count":
            keys = [Key(channel, unit, one) for one in KINDS]
            both = [[one[key] for key in keys] for one in (old, new) if keys[0] in one]
            for key, readings in zip(keys, _combined(both), strict=True):
                columns[key] = readings
    return columns


def _combined(parts: Sequence[Sequence[Readings]]) -> list[Readings]:
    """Return roll-ups of one channel as one; each is of `KINDS`."""
    at_ms = np.concatenate([part[0].at_ms for part in parts])
    order = np.argsort(at_ms, kind="stable")
    begins = np.flatnonzero(np.diff(at_ms[order], prepend=-1))
    if not len(begins):
        return list(parts[0])
    lowest, highest, mean, count = (np.concatenate([part[i].value for part in parts])[order] for i in range(len(KINDS)))
    counted = np.add.reduceat(count, begins)
    values = (
        np.minimum.reduceat(lowest, begins),
        np.maximum.reduceat(highest, begins),
        np.round(np.add.reduceat(mean * count, begins) / counted, _MEAN_DECIMALS),
        counted,
    )
    starts_ms = at_ms[order][begins]
    return [Readings(starts_ms, value, np.zeros(len(starts_ms), dtype=np.uint8)) for value in values]


def _by_channel(columns: Mapping[Key, Readings]) -> dict[Key, Readings]:
    """Return readings by channel and unit alone: where their time is a guess they are rolled up all the same."""
    joined: dict[Key, Readings] = {}
    for key, readings in sorted(columns.items()):  # as they are read back: what is known before what is a guess
        alone = key._replace(kind="")
        joined[alone] = in_order([joined[alone], readings]) if alone in joined else readings
    return joined


def _roll(readings: Readings, step_ms: int) -> tuple[IntArray, *tuple[np.ndarray, ...]]:
    good = np.isfinite(readings.value)
    value = readings.value[good]
    step = readings.at_ms[good] // step_ms
    begins = np.flatnonzero(np.diff(step, prepend=-1))
    if not len(begins):
        return step, value, value, value, value
    count = np.diff(begins, append=len(step))
    mean = np.round(np.add.reduceat(value, begins) / count, _MEAN_DECIMALS)
    lowest, highest = np.minimum.reduceat(value, begins), np.maximum.reduceat(value, begins)
    return step[begins] * step_ms, lowest, highest, mean, count.astype(np.float64)
