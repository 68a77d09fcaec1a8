"""Readings as InfluxDB line protocol.

A point is known by its tags and its time, so sending it again changes nothing. The workshop is a tag of ours: it comes
from the database, never from whoever asks or sends.
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Final

from firmware_bridge.wire import Quality
from service.core.series import QUALITIES
from service.series.columns import Key, Readings
from service.series.kept import KeptColumn

MEASUREMENT: Final = "reading"
ESTIMATED: Final = "estimated"
_CODE: Final = {Quality(name): code for code, name in enumerate(QUALITIES)}
_ESCAPED: Final = str.maketrans({" ": r"\ ", ",": r"\,", "=": r"\=", "\n": r"\n"})


def series_of(workshop_id: int, kiln_id: int, kiln: str, key: Key) -> str:
    """Return measurement and tags of one channel; a time that is a guess is a series of its own."""
    tags = {
        "channel": key.channel,
        "kiln": kiln,
        "kiln_id": str(kiln_id),
        "unit": key.unit.value,
        "workshop_id": str(workshop_id),
    }
    if key.kind == ESTIMATED:
        tags = {"channel": key.channel, "clock": ESTIMATED, **tags}
    return ",".join([MEASUREMENT, *(f"{name}={value.translate(_ESCAPED)}" for name, value in tags.items())])


def of_column(series: str, column: KeptColumn) -> Iterator[str]:
    """Go through the lines of a column as it came."""
    if not column.fault:
        for at_ms, value in zip(column.at_ms, column.value, strict=True):
            yield _line(series, at_ms, value, 0)
        return
    for index, (at_ms, value) in enumerate(zip(column.at_ms, column.value, strict=True)):
        yield _line(series, at_ms, value, _CODE[column.fault.get(index, Quality.GOOD)])


def of_columns(serieses: Mapping[Key, str], columns: Mapping[Key, Readings]) -> Iterator[str]:
    """Go through the lines of sealed readings."""
    for key, readings in columns.items():
        series = serieses[key]
        for at_ms, value, quality in zip(*(array.tolist() for array in readings), strict=True):
            yield _line(series, at_ms, value, quality)


def _line(series: str, at_ms: int, value: float | None, quality: int) -> str:
    """Return one reading: a fault is a `quality`, a place in `QUALITIES`, and no number stands for it."""
    if value is None or not isfinite(value):
        return f"{series} quality={quality}i {at_ms}"
    if quality:
        return f"{series} quality={quality}i,value={value!r} {at_ms}"
    return f"{series} value={value!r} {at_ms}"
