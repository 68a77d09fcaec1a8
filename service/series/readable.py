"""What can still be read where a row is damaged: every reading is kept as it was taken and rolled up three times."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from service.series.chunks import AS_TAKEN, DAY_AS_TAKEN, Chunk
from service.series.columns import Key, Readings
from service.series.rollups import STEPS_MS

TAKEN: Final = (AS_TAKEN, DAY_AS_TAKEN)
_LEVELS: Final[tuple[tuple[int, ...], ...]] = (TAKEN, *((step_ms,) for step_ms in STEPS_MS))

Find = Callable[[Sequence[int], int, int], Iterable[Chunk]]  # rows of one level that touch [from, to], Unix ms


class Found(NamedTuple):
    """A row, and the stretch [from_ms, to_ms] for which it stands; one that is still damaged stands for nothing."""

    chunk: Chunk
    from_ms: int
    to_ms: int

    def cut(self) -> "Found":
        """Return it without what its row has of other times, and without holding on to that."""
        columns = {key: one.between(self.from_ms, self.to_ms).copy() for key, one in self.chunk.columns.items()}
        return self._replace(chunk=replace(self.chunk, columns=columns))


class Damaged(NamedTuple):
    """A stretch [Unix ms] that is damaged: what is rolled up to `step_ms` stands for what was asked for, or nothing."""

    from_ms: int
    to_ms: int
    step_ms: int | None


def readable(find: Find, steps_ms: Sequence[int], from_ms: int, to_ms: int) -> Iterator[Found]:
    """Go through the rows of a level; for a damaged one stands what is finer or, without any, what is coarser."""
    level = _LEVELS.index(tuple(steps_ms))
    yield from _tried(find, [_LEVELS[level], *reversed(_LEVELS[:level]), *_LEVELS[level + 1 :]], from_ms, to_ms)


def _tried(find: Find, levels: Sequence[Sequence[int]], from_ms: int, to_ms: int) -> Iterator[Found]:
    for one in find(levels[0], from_ms, to_ms):
        place = max(from_ms, one.first_ms), min(to_ms, one.last_ms)
        instead = list(_tried(find, levels[1:], *place)) if one.is_damaged and len(levels) > 1 else []
        yield from [found.cut() for found in instead] or [Found(one, *place)]


def as_taken(found: Found) -> Iterator[tuple[Key, Readings]]:
    """Go through the columns as if they were as taken: of what is rolled up, the means."""
    chunk = found.chunk
    for key, readings in chunk.columns.items():
        if chunk.step_ms in TAKEN:
            yield key, readings
        elif key.kind == "mean":
            yield key, readings._replace(at_ms=readings.at_ms + chunk.step_ms // 2)


def damaged(found: Iterable[Found], steps_ms: Sequence[int]) -> list[Damaged]:
    """Return what was asked for at some level and is damaged, unless something finer stands for it."""
    told: list[Damaged] = []
    for one in sorted(found, key=lambda one: one.from_ms):  # hours come before days
        if one.chunk.is_damaged or one.chunk.step_ms > max(steps_ms):
            said = Damaged(one.from_ms, one.to_ms, None if one.chunk.is_damaged else one.chunk.step_ms)
            if told and told[-1].step_ms == said.step_ms and told[-1].to_ms >= said.from_ms - 1:
                said = told.pop()._replace(to_ms=said.to_ms)
            told.append(said)
    return told
