"""One curve for a chamber of several probes, however each of them is read and for how long."""

import numpy as np
import pytest
from recordings import HOUR_S

from service.core.chamber import chamber_curve
from service.core.segments import segments
from service.core.series import FloatArray, Samples

HOURS, TEMP_C = [0.0, 10.0, 11.0, 24.0], [28.0, 1240.0, 1240.0, 80.0]


def probe(every_s: float = 10.0, *, from_s: float = 0.0, until_h: float = 24.0, below_c: float = 0.0) -> Samples:
    time_s = np.arange(from_s, until_h * HOUR_S, every_s)
    return Samples(time_s, np.interp(time_s / HOUR_S, HOURS, TEMP_C) - below_c)


def largest_step_c(temp_c: FloatArray) -> float:
    return float(np.abs(np.diff(temp_c)).max())


@pytest.mark.parametrize(("every_s", "apart_s"), [(600.0, 120.0), (300.0, 90.0), (3600.0, 1800.0), (30.0, 7.0)])
def test_probes_that_are_read_in_turn_make_one_curve(every_s: float, apart_s: float) -> None:
    time_s, temp_c = chamber_curve({"top": probe(every_s), "bottom": probe(every_s, from_s=apart_s, below_c=20.0)})

    assert temp_c == pytest.approx(np.interp(time_s / HOUR_S, HOURS, TEMP_C) - 10.0, abs=20)
    assert time_s[-1] - time_s[0] == pytest.approx(24 * HOUR_S, abs=2 * every_s)
    assert len(segments(time_s, temp_c)) >= 3


@pytest.mark.parametrize("until_h", [23.0, 20.0, 15.0])
def test_a_probe_that_dies_neither_cuts_the_curve_nor_makes_a_step(until_h: float) -> None:
    time_s, temp_c = chamber_curve({"top": probe(), "bottom": probe(until_h=until_h, below_c=60.0)})

    assert time_s[-1] == pytest.approx(24 * HOUR_S, abs=60)
    assert largest_step_c(temp_c) < 4.0  # a minute of the ramp is 2 °C


def test_what_a_probe_says_last_does_not_move_what_comes_after() -> None:
    bottom = probe(until_h=22.0, below_c=60.0)
    bottom.value[-12:] = 700.0

    _, temp_c = chamber_curve({"top": probe(), "bottom": bottom})

    assert temp_c[-1] == pytest.approx(TEMP_C[-1] - 30.0, abs=5)


def test_over_a_long_silence_of_all_there_is_no_curve() -> None:
    whole = probe()
    heard = whole.where((whole.time_s < 5 * HOUR_S) | (whole.time_s > 7 * HOUR_S))

    time_s, _ = chamber_curve({"top": heard, "bottom": heard})

    assert np.diff(time_s).max() == pytest.approx(2 * HOUR_S, abs=120)
