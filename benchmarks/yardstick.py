"""What tells processors apart: machines lent by the hour differ three times under one name."""

import statistics
from time import process_time
from typing import Final

ADDITIONS: Final = 1_000_000
ROUNDS: Final = 5


def addition_ns() -> float:
    """Return the processor time of one addition in a loop of Python, the median of some rounds [ns]."""
    took_s = []
    for _ in range(ROUNDS):
        began_s = process_time()
        total = 0
        for number in range(ADDITIONS):
            total += number
        took_s.append(process_time() - began_s)
    return statistics.median(took_s) / ADDITIONS * 1e9
