"""Readings from VictoriaMetrics: `/api/v1/export` for every one, `/api/v1/query_range` for what is drawn of years."""

from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from firmware_bridge.wire import Unit
from service.series.columns import IntArray, Key, Readings, in_order
from service.series.sinks.errors import SinkError
from service.series.sinks.lines import MEASUREMENT
from service.series.sinks.reading import Questions, joined, key_of
from service.settings import SinkSettings

_MOST_STEPS: Final = 20_000  # of a question; VictoriaMetrics answers at most 30,000 points a series
_VALUE: Final = f"{MEASUREMENT}_value"
_QUALITY: Final = f"{MEASUREMENT}_quality"
_decode = msgspec.json.Decoder().decode


class _Series(NamedTuple):
    tags: dict[str, str]
    at_ms: IntArray
    value: np.ndarray


class VictoriaReader:
    """Reads one VictoriaMetrics, or the vmselect of a cluster."""

    def __init__(self, name: str, settings: SinkSettings) -> None:
        self.name = name
        self._questions = Questions(name, settings)

    def close(self) -> None:
        self._questions.close()

    def as_taken(
        self, workshop_id: int, kiln_id: int, from_ms: int, to_ms: int, units: Collection[Unit]
    ) -> dict[Key, Readings]:
        parts: dict[Key, dict[str, list[_Series]]] = {}
        which = _which(f"{_VALUE}|{_QUALITY}", workshop_id, kiln_id, units)
        for one in self._export(which, from_ms, to_ms):
            fields = parts.setdefault(key_of(one.tags), {_VALUE: [], _QUALITY: []})
            fields[one.tags["__name__"]].append(one)
        return {key: joined(*_times_once(by[_VALUE]), *_times_once(by[_QUALITY])) for key, by in parts.items()}

    def rolled_up(
        self, workshop_id: int, kiln_id: int, from_ms: int, to_ms: int, units: Collection[Unit], step_ms: int
    ) -> dict[Key, Readings]:
        parts: dict[Key, list[Readings]] = {}
        which = _which(_VALUE, workshop_id, kiln_id, units)
        for kind in ("min", "max"):
            query = f"{kind}({kind}_over_time({which}[{step_ms}ms])) by (channel,unit)"
            for first_ms in range(from_ms // step_ms * step_ms, to_ms + 1, _MOST_STEPS * step_ms):
                last_ms = min(first_ms + (_MOST_STEPS - 1) * step_ms, to_ms // step_ms * step_ms)
                for one in self._query(query, first_ms, last_ms, step_ms):
                    quality = np.zeros(len(one.at_ms), dtype=np.uint8)
                    parts.setdefault(key_of(one.tags, kind), []).append(Readings(one.at_ms, one.value, quality))
        return {key: in_order(found) for key, found in parts.items()}

    def _export(self, which: str, from_ms: int, to_ms: int) -> Iterator[_Series]:
        asked = {"match[]": which, "start": _s(from_ms), "end": _s(to_ms)}
        for line in self._questions.ask("/api/v1/export", asked).splitlines():
            one = self._decoded(line)
            at_ms = np.array(one["timestamps"], dtype=np.int64)
            yield _Series(one["metric"], at_ms, np.array(one["values"], dtype=np.float64))

    def _query(self, query: str, first_ms: int, last_ms: int, step_ms: int) -> Iterator[_Series]:
        """Go through a query at the ends of steps: a window reaches back from its own last ms, so it is the step."""
        asked = {
            "query": query,
            "start": _s(first_ms + step_ms - 1),
            "end": _s(last_ms + step_ms - 1),
            "step": f"{step_ms}ms",
            "nocache": "1",  # with the cache, start and end would be moved
        }
        for one in self._decoded(self._questions.ask("/api/v1/query_range", asked))["data"]["result"]:
            ends_s, value = zip(*one["values"], strict=True)
            begins_ms = np.rint(np.array(ends_s, dtype=np.float64) * 1000).astype(np.int64) - (step_ms - 1)
            yield _Series(one["metric"], begins_ms, np.array(value, dtype=np.float64))

    def _decoded(self, body: bytes) -> dict[str, Any]:
        try:
            found: dict[str, Any] = _decode(body)
        except msgspec.DecodeError as error:
            msg = f"sink {self.name} gave no answer that can be read: {error}"
            raise SinkError(msg) from error
        return found


def _which(names: str, workshop_id: int, kiln_id: int, units: Collection[Unit]) -> str:
    """Return the selector; nothing in it was typed by anybody."""
    named = "|".join(unit.value for unit in sorted(units))
    return f'{{__name__=~"{names}",workshop_id="{int(workshop_id)}",kiln_id="{int(kiln_id)}",unit=~"{named}"}}'


def _times_once(found: list[_Series]) -> tuple[IntArray, np.ndarray]:
    """Return a field's values in order of time: a server that was not told to drop repeats has them."""
    at_ms = np.concatenate([np.empty(0, np.int64), *(one.at_ms for one in found)])
    value = np.concatenate([np.empty(0), *(one.value for one in found)])
    times, first = np.unique(at_ms, return_index=True)
    return times, value[first]


def _s(at_ms: int) -> str:
    return f"{at_ms // 1000}.{at_ms % 1000:03}"
