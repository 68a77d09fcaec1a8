import os
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from benchmarks.segmentation import FOLDER, PROGRAMME_MIN_C_PER_H, misses, programme_firings, read, schedules
from service.core.segments import segments


@pytest.mark.parametrize("seed", range(20))
def test_a_schedule_is_told_from_readings_with_noise(seed: int) -> None:
    schedule = schedules(20)[seed]

    found = misses(segments(*read(schedule, seed)), schedule)

    assert found is not None
    assert found[0] <= 5.0  # min
    assert found[1] <= 3.0  # %


def test_twelve_hours_of_readings_take_a_tenth_of_a_second() -> None:
    time_s = np.arange(12 * 3600.0)
    temp_c = np.interp(time_s / 3600, [0, 3, 8, 8.5, 12], [30, 330, 1200, 1200, 600])
    began_s = process_time()

    segments(time_s, temp_c)

    assert process_time() - began_s < 0.1


@pytest.mark.skipif(FOLDER not in os.environ, reason="the recording has no licence and is not in the repository")
def test_the_programme_of_recorded_firings_is_recovered() -> None:
    runs = programme_firings(Path(os.environ[FOLDER]))

    assert len(runs) == 8
    for run in [*runs[:2], *runs[3:7]]:  # the third and the eighth did not follow it
        found = segments(np.arange(float(len(run))), run)
        assert [one.rate_c_per_h for one in found] == pytest.approx(
            [rate for _, rate in PROGRAMME_MIN_C_PER_H], rel=0.03
        )
        assert [one.start_s / 60 for one in found] == pytest.approx([at for at, _ in PROGRAMME_MIN_C_PER_H], abs=5)
