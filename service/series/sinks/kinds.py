"""Which class speaks to which kind of sink."""

from collections.abc import Callable
from typing import Final

from service.series.sinks.influxql import InfluxReader
from service.series.sinks.reading import Reader
from service.series.sinks.victoriametrics import VictoriaReader
from service.settings import Settings, SinkSettings

_READERS: Final[dict[str, Callable[[str, SinkSettings], Reader]]] = {
    "influxdb": InfluxReader,
    "victoriametrics": VictoriaReader,
}


def reader(name: str, settings: SinkSettings) -> Reader:
    """Return what reads a sink."""
    return _READERS[settings.kind](name, settings)


def reader_of(settings: Settings) -> Reader | None:
    """Return what charts and exports are read from; None is our own store."""
    return reader(settings.read_from, settings.sinks[settings.read_from]) if settings.read_from else None
