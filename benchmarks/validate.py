"""Run every benchmark that is here and write docs/validation.md: `python -m benchmarks.validate [NAME...]`."""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from benchmarks.section import Section

# In the order of the document. Each is a module of this package with `measure() -> Section`.
BENCHMARKS = (
    "cones",
    "heat_work",
    "segmentation",
    "rates",
    "thermocouples",
    "sensors",
    "logs",
    "kiln_findings",
    "defects",
    "forecasts",
    "speed",
)
OUTPUT = Path(__file__).parents[1] / "docs" / "validation.md"
INTRODUCTION = """# What has been measured

Written by `make validate`; every table stands under the command that makes it again. Simulated curves are named as
such. Figures of speed are of the machine that ran it.
"""


def sections(names: tuple[str, ...]) -> list[Section]:
    """Return what the named benchmarks measured, without those that are not here."""
    here = [name for name in names if find_spec(f"benchmarks.{name}")]
    found: list[Section] = []
    for name in here:
        sys.stderr.write(f"measuring {name} ...\n")
        found.append(import_module(f"benchmarks.{name}").measure())
    return found


def main(names: list[str]) -> None:
    """Write the whole document, or print the sections named."""
    if names:
        sys.stdout.write("\n".join(section.markdown() for section in sections(tuple(names))))
        return
    OUTPUT.parent.mkdir(exist_ok=True)
    text = "\n".join([INTRODUCTION, *(section.markdown() for section in sections(BENCHMARKS))])
    OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
