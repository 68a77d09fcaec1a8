"""docs/security.md names every requirement, tests that exist, and bounds that are those of the code."""

import importlib
import re
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/security.md").read_text()
STATES = r"met|partly|n/a|\*\*not met\*\*"
ROW = re.compile(rf"^\| (\d+\.\d+\.\d+) \| ([12]) \| [^|]+ \| ({STATES}) \| ([^|]*) \| ([^|]*) \|$", re.M)
BOUND = re.compile(r"^\| [^|]+ \| ([^|]+) \| `([\w.]+):(\w+)` \|$", re.M)


def test_every_requirement_of_levels_one_and_two_is_answered() -> None:
    wanted = [line.split(",") for line in (Path(__file__).parent / "asvs_5_0.csv").read_text().splitlines()[1:]]

    assert len(wanted) == 253
    assert [[found[0], found[1]] for found in ROW.findall(DOCUMENT)] == wanted


def test_what_is_met_has_a_test_and_what_is_not_says_why() -> None:
    assert [nr for nr, _, state, how, tests in ROW.findall(DOCUMENT) if state == "met" and not tests] == []
    assert [nr for nr, _, _, how, _ in ROW.findall(DOCUMENT) if not how.strip()] == []


def test_the_counts_are_those_of_the_table() -> None:
    states = [found[2] for found in ROW.findall(DOCUMENT)]
    told = re.search(r"(\d+) are met, (\d+) partly, (\d+) not, and (\d+)\s", DOCUMENT)

    assert told is not None
    assert [int(one) for one in told.groups()] == [states.count(one) for one in ("met", "partly", "**not met**", "n/a")]


def test_every_test_that_is_named_exists() -> None:
    named = {name for found in ROW.findall(DOCUMENT) for name in re.findall(r"`(tests/[^`]+)`", found[4])}

    assert len(named) > 90
    assert [name for name in sorted(named) if not exists(*name.partition("::")[::2])] == []


def exists(path: str, test: str) -> bool:
    file = ROOT / path
    return file.is_file() and (not test or re.search(rf"^(async )?def {test}\(", file.read_text(), re.M) is not None)


def test_bounds_are_those_of_the_code() -> None:
    bounds = BOUND.findall(DOCUMENT)

    assert len(bounds) > 15
    assert [row for row in bounds if told(getattr(importlib.import_module(row[1]), row[2])) != row[0]] == []


def told(value: object) -> str:
    if isinstance(value, timedelta):
        return f"{value.days} days"
    return f"{value:,}"
