"""When garbage is collected: what is new by the clock, what is old every ten minutes.

Nearly all that the service lets go is given back at once, for nothing in it holds itself in a ring; only answers to
people leave rings. A village's kilns are millions of objects, of which hundred thousands are new each minute: left
alone, Python looks through them several times a second, and all bridges wait for their answers meanwhile.
"""

import asyncio
import gc
from itertools import count
from typing import Final

COLLECT_EVERY_S: Final = 300.0
OLD_EVERY: Final = 2  # so many looks at what is new for one at everything
# New objects before they are looked at all the same: some six hundred answers. The old ones never by count.
THRESHOLDS: Final = (500_000, 1_000_000_000, 1_000_000_000)
_NEW, _ALL = 0, 2


async def run() -> None:
    """Collect by the clock and not by what comes new, until cancelled."""
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLDS)
    try:
        for turn in count(1):
            await asyncio.sleep(COLLECT_EVERY_S)
            gc.collect(_NEW if turn % OLD_EVERY else _ALL)
    finally:
        gc.set_threshold(*before)
