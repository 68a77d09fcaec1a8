"""Nothing is lost, doubled or given a wrong time, whatever fails in between; the long run is in docs/reliability.md."""

from pathlib import Path

import pytest

from benchmarks.faults import run


@pytest.mark.timeout(300)
async def test_fifty_faults_lose_double_and_misdate_nothing(tmp_path: Path) -> None:
    outcome = await run(50, 7, tmp_path)

    assert sum(outcome.faults.values()) == 50
    assert outcome.said > 500
    assert (outcome.stored, outcome.lost, outcome.doubled, outcome.wrong_time) == (outcome.said, 0, 0, 0)
