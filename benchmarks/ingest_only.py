"""`canhlo serve` without its watch over the kilns: what storing alone costs; for `benchmarks.saturation`."""

from datetime import datetime

from service.cli import main
from service.monitor.loop import Monitor


def _no_step(_self: Monitor, _now: datetime) -> bool:
    return False


if __name__ == "__main__":
    Monitor.step = _no_step  # type: ignore[assignment,method-assign]
    main()
