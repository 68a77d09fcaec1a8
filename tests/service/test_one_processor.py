"""The service keeps to one processor; what leaves the interpreter alone does not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, os, sys, threading
from pathlib import Path
from service import one_processor

one_processor._PROCESSORS = Path(sys.argv[1])
told = {}


def forbid(*_):
    raise PermissionError


if "forbidden" in sys.argv:
    os.sched_setaffinity = forbid

def tell(where):
    told[where] = sorted(os.sched_getaffinity(0))

one_processor.settle()
thread = threading.Thread(target=tell, args=["a thread"])
thread.start()
thread.join()
with one_processor.anywhere():
    tell("anywhere")
tell("again")
print(json.dumps(told))
"""


@pytest.fixture
def allowed() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def settled(machine: Path, *forbidden: str) -> dict[str, list[int]]:
    words = [sys.executable, "-c", PROGRAM, str(machine), *forbidden]
    done = subprocess.run(words, capture_output=True, check=True, text=True)
    told: dict[str, list[int]] = json.loads(done.stdout)
    return told


def test_threads_keep_to_one_processor_but_for_what_leaves_the_interpreter_alone(
    tmp_path: Path, allowed: list[int]
) -> None:
    told = settled(tmp_path)

    assert len(told["a thread"]) == 1
    assert told["again"] == told["a thread"]
    assert told["anywhere"] == allowed


@pytest.mark.parametrize("said_in", ["cpu_capacity", "cpufreq/cpuinfo_max_freq"])
def test_it_is_one_of_the_quickest(tmp_path: Path, allowed: list[int], said_in: str) -> None:
    """On a board of large and small processors a small one would be three times as slow."""
    for number in allowed:
        said = tmp_path / f"cpu{number}" / said_in
        said.parent.mkdir(parents=True)
        said.write_text("1024\n" if number == allowed[-1] else "446\n")

    assert settled(tmp_path)["a thread"] == [allowed[-1]]


def test_a_sandbox_that_forbids_it_keeps_nobody_from_serving(tmp_path: Path, allowed: list[int]) -> None:
    told = settled(tmp_path, "forbidden")

    assert set(map(tuple, told.values())) == {tuple(allowed)}
