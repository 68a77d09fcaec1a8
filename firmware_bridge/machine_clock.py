"""Whether the kernel believes that this machine's clock is right; a board without a battery wakes up wrong."""

import ctypes
import sys
from typing import Final

_TIME_ERROR: Final = 5  # adjtimex(2): the clock is not synchronised
_ROOM_BYTES: Final = 512  # struct timex has 208 bytes on 64-bit machines; all zero only asks


def is_clock_synchronised() -> bool | None:
    """Return what the kernel says; None where it cannot be asked."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_ROOM_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else bool(state != _TIME_ERROR)
