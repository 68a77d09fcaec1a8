"""A test alarm: does the message arrive, does the siren sound? Nothing is wrong with a kiln."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

from firmware_bridge.notice import Action, ActionError, Notice
from firmware_bridge.set_up.check import Finding, Level
from firmware_bridge.words import Words

HOLD_S: Final = 3.0


async def ring(actions: Sequence[Action], words: Words, hold_s: float = HOLD_S) -> AsyncIterator[Finding]:
    """Tell each action in turn, and that it is over; say which of them could not."""
    if not actions:
        yield Finding(Level.WRONG, "ring_none")
    notice = Notice("ring", words("order.ring"), is_raised=True)
    for action in actions:
        try:
            await action.tell(notice)
            await asyncio.sleep(hold_s)
            await action.tell(replace(notice, is_raised=False))
        except ActionError as error:
            yield Finding(Level.WRONG, "ring", {"name": action.name, "detail": error})
        else:
            yield Finding(Level.WELL, "ring_well", {"name": action.name})
        finally:
            await action.close()
