"""Run every benchmark that is here and write docs/validation.md: `python -m benchmarks.validate [NAME...]`."""

import sys
from collections.abc import Iterable, Iterator, Sequence
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
    "cones_ahead",
    "speed",
)
OUTPUT = Path(__file__).parents[1] / "docs" / "validation.md"
INTRODUCTION = """# What has been measured

Written by `make validate`; every table stands under the command that makes it again. Simulated curves are named as
such. Figures of speed are of the machine that ran it.
"""


def sections(names: Iterable[str]) -> Iterator[str]:
    """Measure by the named benchmarks, without those that are not here; print each section as soon as it is known."""
    for name in names:
        if find_spec(f"benchmarks.{name}"):
            sys.stderr.write(f"measuring {name} ...\n")
            section: Section = import_module(f"benchmarks.{name}").measure()
            print(section.markdown(), flush=True)
            yield section.markdown()


def write(names: Sequence[str], everything: Sequence[str], output: Path, introduction: str) -> None:
    """Write a document of everything; with names, print those sections and leave it as it is."""
    text = "\n".join([introduction, *sections(names or everything)])
    if not names:
        output.write_text(text, encoding="utf-8")


def main(names: Sequence[str]) -> None:
    """Write the whole document, or print the sections named."""
    write(names, BENCHMARKS, OUTPUT, INTRODUCTION)


if __name__ == "__main__":
    main(sys.argv[1:])
