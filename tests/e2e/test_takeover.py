"""Three services on one PostgreSQL: one is killed, one stands still, one is asked to end, and nobody notices."""

import pytest

from benchmarks.takeover import measure


@pytest.mark.timeout(300)
async def test_whatever_happens_to_one_process_the_others_go_on_for_it() -> None:
    came = await measure(kills=1, stills=1, leavings=1, workshops=4)

    assert came.findings > 5
    assert (came.lost, came.extra) == ([], [])
    assert came.readings_stored == came.readings_sent
    assert came.readings_doubled == 0
    assert came.unsent == 0
    assert max(came.kills_s + came.stills_s) < 10
    assert max(came.leavings_s) < 5  # a second or so when the machine has nothing else to do
    assert max(came.endings_s) < 10
