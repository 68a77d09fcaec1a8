"""One processor for threads that take turns at Python's interpreter.

Only one of them gets on at a time, on however many processors they are. On two, each turn wakes the other one, which
finds in its caches what was long ago; kept on one, and none breaking in on another, they do the same with less.
"""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PROCESSORS: Final = Path("/sys/devices/system/cpu")
_SPEEDS: Final = "cpu_capacity", "cpufreq/cpuinfo_max_freq"  # whichever the machine tells
_allowed: Final = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def settle() -> None:
    """Let this thread, and those that it begins from now on, run on one processor, one of the quickest; Linux alone."""
    if not _allowed:
        return
    speeds = {number: _speed(number) for number in _allowed}
    quickest = [number for number, speed in speeds.items() if speed == max(speeds.values())]
    with suppress(OSError):  # a sandbox may forbid it; then it costs more
        os.sched_setaffinity(0, {random.choice(quickest)})  # noqa: S311  # nosec B311 - two services are seldom on one
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


@contextmanager
def anywhere() -> Iterator[None]:
    """Let this thread run wherever there is room, for what takes long and leaves the interpreter alone."""
    settled = os.sched_getaffinity(0) if _allowed else _allowed
    if settled == _allowed:
        yield
        return
    with suppress(OSError):  # the machine may have been given other processors since
        os.sched_setaffinity(0, _allowed)
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setaffinity(0, settled)


def _speed(number: int) -> int:
    for name in _SPEEDS:
        try:
            return int((_PROCESSORS / f"cpu{number}" / name).read_text())
        except (OSError, ValueError):
            continue
    return 0
