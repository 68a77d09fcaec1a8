"""When garbage is collected: what is new now and then as it comes, what is old every ten minutes.

A village's kilns are millions of objects that live for hours. Left alone, Python looks through all of them whenever
enough new ones have come, and all bridges wait for their answers meanwhile: half a second, several times a minute.
"""

import asyncio
import gc
from typing import Final

COLLECT_EVERY_S: Final = 600.0
# New objects before they are looked at; such looks before those are that outlived one; never the old ones by count.
THRESHOLDS: Final = (20_000, 5, 1_000_000_000)


async def run() -> None:
    """Collect what is old by the clock and not by what comes new, until cancelled."""
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLDS)
    try:
        while True:
            await asyncio.sleep(COLLECT_EVERY_S)
            gc.collect()
    finally:
        gc.set_threshold(*before)
