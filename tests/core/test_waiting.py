"""Readings that wait for their half minute, against a dictionary."""

from math import isnan, nan

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.core.series import QUALITIES, Samples
from service.core.waiting import NO_VALUE, Waiting

SINCE_S, AHEAD_S = 100.0, 200.0
pieces = st.lists(
    st.lists(
        st.tuples(
            st.integers(90, 210), st.sampled_from([20.25, 0.0, nan, float("inf")]), st.integers(0, len(QUALITIES) - 1)
        ),
        max_size=8,
    ),
    max_size=6,
)


def samples(piece: list[tuple[int, float, int]]) -> Samples:
    at_s, value, quality = zip(*piece, strict=True) if piece else ((), (), ())
    return Samples(np.array(at_s, dtype=np.float64), np.array(value, dtype=np.float64), np.array(quality, np.uint8))


@given(pieces)
def test_what_waits_is_in_order_and_each_time_as_it_came_first(came: list[list[tuple[int, float, int]]]) -> None:
    waiting, kept, repeats = Waiting(), dict[float, tuple[float, int]](), 0
    for piece in came:
        refused = waiting.add(samples(piece), since_s=SINCE_S, ahead_s=AHEAD_S)
        assert refused == (sum(at < SINCE_S for at, _, _ in piece), sum(at >= AHEAD_S for at, _, _ in piece))
        for at, value, quality in piece:
            if SINCE_S <= at < AHEAD_S:
                said = (value, quality) if np.isfinite(value) else (0.0, quality or NO_VALUE)
                repeats += at in kept
                kept.setdefault(float(at), said)

    assert waiting.first_s() == min(kept, default=None)
    assert len(waiting.repeats_s) == repeats
    early, later = waiting.take_before(150.0), waiting.take_before(AHEAD_S)
    taken = [*zip(*early, strict=True), *zip(*later, strict=True)]
    assert taken == [(at, *kept[at]) for at in sorted(kept)]
    assert all(at < 150.0 for at in early[0])
    assert not any(isnan(value) for _, value, _ in taken)
    waiting.forget_taken()
    assert (waiting.first_s(), len(waiting.value), waiting.quality) == (None, 0, [])


def test_whole_numbers_are_taken_as_well() -> None:
    waiting = Waiting()
    waiting.add(Samples(np.array([100, 101]), np.array([20, 21])), since_s=SINCE_S, ahead_s=AHEAD_S)
    assert waiting.take_before(AHEAD_S) == ([100.0, 101.0], [20.0, 21.0], [0, 0])
    assert waiting.newest_good() is None
