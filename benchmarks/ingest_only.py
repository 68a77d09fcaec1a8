"""`canhlo serve` without its watch over the kilns: what storing alone costs; for `benchmarks.saturation`."""

from datetime import datetime

from service.cli import main
from service.monitor.loop import Monitor
from service.series.blocks import Appended


def _no_step(_self: Monitor, _now: datetime) -> bool:
    return False


def _no_note(_self: Monitor, _appended: Appended) -> None:
    """Note nothing: storing would wait for a watch that has fallen behind."""


if __name__ == "__main__":
    Monitor.step = _no_step  # type: ignore[assignment,method-assign]
    Monitor.stored = _no_note  # type: ignore[assignment,method-assign]
    main()
