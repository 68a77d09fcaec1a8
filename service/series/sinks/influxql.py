"""Readings from InfluxDB 1.x, by InfluxQL over `/query`."""

from collections.abc import Collection, Iterator
from typing import Any, Final

import msgspec
import numpy as np

from firmware_bridge.wire import Unit
from service.series.columns import Key, Readings
from service.series.sinks.errors import SinkError
from service.series.sinks.lines import MEASUREMENT
from service.series.sinks.reading import Questions, joined, key_of
from service.settings import SinkSettings

_decode = msgspec.json.Decoder().decode
_BY_CHANNEL: Final = '"channel","unit","clock"'


class InfluxReader:
    """Reads one InfluxDB."""

    def __init__(self, name: str, settings: SinkSettings) -> None:
        self.name = name
        self._database = settings.database
        self._questions = Questions(name, settings)

    def close(self) -> None:
        self._questions.close()

    def as_taken(
        self, workshop_id: int, kiln_id: int, from_ms: int, to_ms: int, units: Collection[Unit]
    ) -> dict[Key, Readings]:
        where = _where(workshop_id, kiln_id, from_ms, to_ms, units)
        # Numbers and names of ours: nothing of a request is in it.
        query = f'SELECT "value","quality" FROM "{MEASUREMENT}" WHERE {where} GROUP BY {_BY_CHANNEL}'  # noqa: S608
        found = {}
        for tags, (at_ms, value, quality) in self._ask(query):
            is_faulty = ~np.isnan(quality)
            is_told = ~np.isnan(value)
            found[key_of(tags)] = joined(at_ms[is_told], value[is_told], at_ms[is_faulty], quality[is_faulty])
        return found

    def rolled_up(
        self, workshop_id: int, kiln_id: int, from_ms: int, to_ms: int, units: Collection[Unit], step_ms: int
    ) -> dict[Key, Readings]:
        first_ms, next_ms = from_ms // step_ms * step_ms, (to_ms // step_ms + 1) * step_ms
        where = _where(workshop_id, kiln_id, first_ms, next_ms - 1, units)
        query = (
            # As above.
            f'SELECT MIN("value"),MAX("value") FROM "{MEASUREMENT}" WHERE {where}'  # noqa: S608
            f' GROUP BY time({step_ms}ms),"channel","unit" fill(none)'
        )
        found = {}
        for tags, (at_ms, *extremes) in self._ask(query):
            for kind, value in zip(("min", "max"), extremes, strict=True):
                found[key_of(tags, kind)] = Readings(at_ms, value, np.zeros(len(at_ms), dtype=np.uint8))
        return found

    def _ask(self, query: str) -> Iterator[tuple[dict[str, str], list[Any]]]:
        """Go through the series of an answer: tags, times [ms] and the other columns as floats."""
        asked = {"db": self._database, "q": query, "epoch": "ms"}
        try:
            answer: dict[str, Any] = _decode(self._questions.ask("/query", asked))
            result = answer["results"][0]
        except (msgspec.DecodeError, LookupError) as error:
            msg = f"sink {self.name} gave no answer to InfluxQL: {error}"
            raise SinkError(msg) from error
        if "error" in result:
            msg = f"sink {self.name} cannot answer: {result['error']}"
            raise SinkError(msg)
        for series in result.get("series", []):
            at_ms, *columns = zip(*series["values"], strict=True)
            yield (
                series["tags"],
                [np.array(at_ms, dtype=np.int64), *(np.array(column, dtype=np.float64) for column in columns)],
            )


def _where(workshop_id: int, kiln_id: int, from_ms: int, to_ms: int, units: Collection[Unit]) -> str:
    """Return the condition; nothing in it was typed by anybody."""
    named = " OR ".join(f"\"unit\"='{unit.value}'" for unit in sorted(units))
    return (
        f"\"workshop_id\"='{int(workshop_id)}' AND \"kiln_id\"='{int(kiln_id)}' AND ({named})"
        f" AND time >= {int(from_ms)}ms AND time <= {int(to_ms)}ms"
    )
