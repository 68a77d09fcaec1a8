"""Whether somebody who knows has set this machine's clock: bridges that have none go by it."""

import ctypes
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_TIME_ERROR: Final = 5  # adjtimex(2): the clock is not synchronised
_ROOM_BYTES: Final = 512  # struct timex has 208 bytes on 64-bit machines; all zero only asks
_CHIPS: Final = Path("/sys/class/rtc")
# No release is older: a chip whose battery is empty begins in 1970, 2000 or the year of its board.
_NOT_BEFORE: Final = datetime(2026, 1, 1, tzinfo=UTC)


def is_clock_set() -> bool | None:
    """Say whether a time server or a clock chip has set the clock; None where the kernel cannot be asked."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_ROOM_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else bool(state != _TIME_ERROR) or is_set_by_chip(_CHIPS, datetime.now(UTC))


def is_set_by_chip(chips: Path, now: datetime) -> bool:
    """Say whether the kernel took its time from a clock chip when the machine started, and it is a time of ours."""
    return now >= _NOT_BEFORE and any(chip.read_text().strip() == "1" for chip in chips.glob("rtc*/hctosys"))
