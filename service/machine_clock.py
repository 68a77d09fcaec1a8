"""Whether somebody who knows has set this machine's clock: bridges that have none go by it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from firmware_bridge.machine_clock import is_clock_synchronised

_CHIPS: Final = Path("/sys/class/rtc")
# No release is older: a chip whose battery is empty begins in 1970, 2000 or the year of its board.
_NOT_BEFORE: Final = datetime(2026, 1, 1, tzinfo=UTC)


def is_clock_set() -> bool | None:
    """Say whether a time server or a clock chip has set the clock; None where the kernel cannot be asked."""
    is_synchronised = is_clock_synchronised()
    return is_set_by_chip(_CHIPS, datetime.now(UTC)) if is_synchronised is False else is_synchronised


def is_set_by_chip(chips: Path, now: datetime) -> bool:
    """Say whether the kernel took its time from a clock chip when the machine started, and it is a time of ours."""
    return now >= _NOT_BEFORE and any(chip.read_text().strip() == "1" for chip in chips.glob("rtc*/hctosys"))
