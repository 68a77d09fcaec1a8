"""Measure what the service can carry and write docs/performance.md: `python -m benchmarks.performance [NAME...]`."""

import os
import platform
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.section import table
from benchmarks.validate import write
from benchmarks.yardstick import addition_ns

# In the order of the document. Each is a module of this package with `measure() -> Section`.
BENCHMARKS: Final = ("village", "saturation", "sealed", "charts", "viewers", "restart", "cut_off", "growth")
OUTPUT: Final = Path(__file__).parents[1] / "docs" / "performance.md"
INTRODUCTION: Final = """# What the service carries

Written by `make bench`, an hour or so; every table stands under the command that makes it again. The driver that posts
runs on the same machine and takes its share of it; processor times are the service's own. The machine is a virtual one,
and what else its host does is in every figure: in a slow hour an addition takes half as much again. So it does in a
Python that was built without its profile (`--enable-optimizations`), as version managers often do; Debian's, and the
one of the container, are built with it.
"""


def machine() -> list[tuple[str, str]]:
    """Return what the figures are of: processor, memory and versions."""
    return [
        ("processor", f"{_said('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores"),
        ("memory", f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("Python", platform.python_version()),
        ("SQLite", sqlite3.sqlite_version),
        ("an addition in a loop of Python", f"{addition_ns():.0f} ns"),
    ]


def _said(path: str, name: str) -> str:
    """Return what one of the kernel's lists says of something."""
    lines = Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), platform.machine())


def main(names: Sequence[str]) -> None:
    """Write the whole document, or print the sections named."""
    write(names, BENCHMARKS, OUTPUT, f"{INTRODUCTION}\n## The machine\n\n{table(('', ''), machine())}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
