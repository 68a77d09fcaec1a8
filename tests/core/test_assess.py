"""What must hold of any recording, whatever its instruments said."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import T0_S

from service.core.assess import Assessment, assess
from service.core.findings import Finding
from service.core.probe import BIN_S
from service.core.series import Samples
from service.core.watch import Watch

WATCH = Watch(target_cone="6")
EVERY_S = 20.0
LEVELS_C = st.lists(st.floats(20, 1250), min_size=2, max_size=6)
FIRED_C = np.array([25.0, 200.0, 650.0, 1000.0, 1180.0, 700.0, 60.0])


def fired(levels_c: list[float] | np.ndarray, *, hours: float = 8.0) -> Samples:
    time_s = np.arange(0.0, hours * 3600, EVERY_S)
    return Samples(T0_S + time_s, np.interp(time_s, np.linspace(0, time_s[-1], len(levels_c)), levels_c))


def all_said(found: Assessment) -> list[Finding]:
    return [*found.findings, *(one for firing in found.firings for one in firing.findings)]


@settings(max_examples=8, deadline=timedelta(seconds=10))
@given(levels_c=LEVELS_C, bins=st.integers(-100_000, 100_000))
def test_shifting_time_shifts_what_is_said_and_changes_nothing_else(levels_c: list[float], bins: int) -> None:
    top = fired(levels_c)
    by_s = bins * BIN_S  # by whole bins: where a bin begins decides what falls into it

    here = assess({"top": top}, WATCH)
    there = assess({"top": Samples(top.time_s + by_s, top.value)}, WATCH)

    assert [(one.kind, one.start_s + by_s, one.severity) for one in all_said(here)] == [
        (one.kind, pytest.approx(one.start_s), one.severity) for one in all_said(there)
    ]
    assert [(one.start_s + by_s, one.cause) for one in here.firings] == [
        (one.start_s, one.cause) for one in there.firings
    ]


@settings(max_examples=8, deadline=timedelta(seconds=10))
@given(order=st.permutations(["top", "middle", "bottom"]), below_c=st.floats(0, 80))
def test_the_order_of_the_channels_changes_nothing(order: list[str], below_c: float) -> None:
    channels = {name: fired(FIRED_C - place * below_c) for place, name in enumerate(("top", "middle", "bottom"))}

    assert assess({name: channels[name] for name in order}, WATCH) == assess(channels, WATCH)


@settings(max_examples=12, deadline=timedelta(seconds=10))
@given(data=st.data())
def test_no_value_anywhere_is_the_same_as_no_reading_there_to_the_firing(data: st.DataObject) -> None:
    whole = fired(FIRED_C)
    begins = data.draw(st.lists(st.integers(0, len(whole.time_s) - 1), max_size=5))
    is_gone = np.zeros(len(whole.time_s), dtype=bool)
    for begin in begins:
        is_gone[begin : begin + data.draw(st.integers(1, 200))] = True

    with_nan = assess({"top": Samples(whole.time_s, np.where(is_gone, np.nan, whole.value))}, WATCH)
    without = assess({"top": whole.where(~is_gone)}, WATCH)

    assert [one.summary for one in with_nan.firings] == [one.summary for one in without.firings]


@given(value=st.one_of(st.floats(), st.floats(-100, 2000)))
def test_one_reading_is_enough_for_nothing_to_break(value: float) -> None:
    found = assess({"top": Samples(np.array([T0_S]), np.array([value]))}, WATCH)

    assert len(found.firings) <= 1


@settings(max_examples=12, deadline=timedelta(seconds=10))
@given(level_c=st.floats(-40, 140))
def test_a_kiln_that_stays_where_it_is_is_not_fired(level_c: float) -> None:
    found = assess({"top": fired([level_c, level_c])}, WATCH)

    assert found.firings == ()
    assert {one.kind for one in found.findings} <= {"thermocouple_open"}  # zero is the end of some scales


def test_no_channel_and_no_reading_is_no_firing() -> None:
    nothing = np.array([])

    assert all_said(assess({}, WATCH)) == all_said(assess({"top": Samples(nothing, nothing)}, WATCH)) == []
