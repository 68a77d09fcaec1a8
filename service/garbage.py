"""When garbage is collected: seldom, all at once.

A village's kilns are millions of objects that live for hours. Whenever enough new ones have come, Python looks through
the old ones too, and all bridges wait for their answers meanwhile: half a second, several times a minute. Nearly
nothing is found, because what is done with is freed by its reference count at once; what is left are rings, such as
exceptions with their frames, a few MB in ten minutes.
"""

import asyncio
import gc
from typing import Final

COLLECT_EVERY_S: Final = 600.0


async def run() -> None:
    """Collect now and then in place of whenever Python finds it time, until cancelled."""
    gc.disable()
    try:
        while True:
            await asyncio.sleep(COLLECT_EVERY_S)
            gc.collect()
    finally:
        gc.enable()
