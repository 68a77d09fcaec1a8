"""What the bridge judges by itself: only while cut off, only what holds, each once, and never after handing over."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.latest import ChannelStatus
from firmware_bridge.standing_orders import (
    GONE_FOR_MS,
    HOLDS_FOR_MS,
    ON_DUTY_AFTER_MS,
    BreachKind,
    Change,
    StandingOrders,
    judge,
    watched_kinds,
)
from firmware_bridge.wire import Limits, Quality

LIMITS = Limits("lo-1", over_c=1280.0, rate_c_per_h=300.0, silent_s=300.0)


def channel(
    value: float | None = 900.0, *, rate: float | None = None, heard_ms: int = 0, kiln: str = "lo-1"
) -> ChannelStatus:
    quality = Quality.GOOD if value is not None else Quality.OPEN
    return ChannelStatus(kiln, "top", "c", value, quality, heard_ms, heard_ms, rate)


@dataclass
class Watch:
    """Standing orders looked at once a second."""

    orders: StandingOrders
    now_ms: int = 0

    def go_on(self, seconds: float, value: float | None = 900.0, *, is_linked: bool = False) -> list[Change]:
        changes = []
        for _ in range(int(seconds)):
            self.now_ms += 1000
            fresh = [channel(value, heard_ms=self.now_ms)]
            changes += self.orders.advance(fresh, is_linked=is_linked, now_ms=self.now_ms)
        return changes


@pytest.fixture
def on_duty() -> Watch:
    watch = Watch(StandingOrders([LIMITS]))
    watch.go_on(ON_DUTY_AFTER_MS / 1000 + 2)
    return watch


@pytest.mark.parametrize(
    ("one", "now_ms", "kinds"),
    [
        (channel(1281.0), 0, [BreachKind.OVER_TEMPERATURE]),
        (channel(1280.0), 0, []),
        (channel(900.0, rate=301.0), 0, [BreachKind.TOO_FAST]),
        (channel(900.0), 301_000, [BreachKind.SENSOR_SILENT]),
        (channel(None), 301_000, [BreachKind.SENSOR_SILENT]),
        (channel(40.0), 301_000, []),  # an instrument switched off beside a cold kiln
        (channel(1300.0, rate=400.0), 301_000, [BreachKind.SENSOR_SILENT]),  # old values say nothing of now
        (channel(1400.0, kiln="lo-2"), 0, []),
    ],
)
def test_each_limit_is_judged_by_what_is_known_now(one: ChannelStatus, now_ms: int, kinds: list[BreachKind]) -> None:
    assert [breach.kind for breach in judge([LIMITS], [one], now_ms)] == kinds


def test_what_has_no_limit_is_not_watched() -> None:
    assert judge([Limits("lo-1", over_c=1280.0)], [channel(900.0, rate=900.0)], 10**9) == []
    assert watched_kinds([Limits("lo-1", over_c=1280.0), Limits("lo-2", silent_s=300.0)]) == [
        BreachKind.OVER_TEMPERATURE,
        BreachKind.SENSOR_SILENT,
    ]
    assert watched_kinds([]) == []


def test_nothing_is_said_while_the_service_answers() -> None:
    watch = Watch(StandingOrders([LIMITS]))

    assert watch.go_on(600, 1400.0, is_linked=True) == []
    assert not watch.orders.is_on_duty


def test_a_short_cut_of_the_link_is_nobody_s_business() -> None:
    watch = Watch(StandingOrders([LIMITS]))

    assert watch.go_on(50, 1400.0) == []
    assert watch.go_on(1, 1400.0, is_linked=True) == []
    assert watch.go_on(50, 1400.0) == []


def test_over_temperature_is_raised_once_and_is_over_once(on_duty: Watch) -> None:
    raised = on_duty.go_on(120, 1300.0)
    over = on_duty.go_on(120, 900.0)

    assert [(one.breach.kind, one.is_raised) for one in raised] == [(BreachKind.OVER_TEMPERATURE, True)]
    assert [(one.breach.kind, one.is_raised) for one in over] == [(BreachKind.OVER_TEMPERATURE, False)]
    assert on_duty.orders.standing == ()


def test_a_spike_is_no_fire(on_duty: Watch) -> None:
    assert on_duty.go_on(HOLDS_FOR_MS / 1000 - 1, 1300.0) + on_duty.go_on(30, 900.0) == []


def test_a_value_that_swings_around_its_limit_rings_once(on_duty: Watch) -> None:
    changes = on_duty.go_on(15, 1300.0)
    for _ in range(20):
        changes += on_duty.go_on(GONE_FOR_MS / 1000 - 10, 1270.0) + on_duty.go_on(5, 1300.0)

    assert [one.is_raised for one in changes] == [True]


def test_the_service_takes_over_when_it_is_back(on_duty: Watch) -> None:
    on_duty.go_on(30, 1300.0)

    (change,) = on_duty.go_on(1, 1300.0, is_linked=True)

    assert change.is_handed_over
    assert (on_duty.orders.standing, on_duty.orders.is_on_duty) == ((), False)


@given(st.lists(st.tuples(st.floats(0, 1500), st.booleans(), st.integers(0, 90)), max_size=40))
def test_every_end_has_its_beginning_and_looking_twice_changes_nothing(
    steps: list[tuple[float, bool, int]],
) -> None:
    orders, now_ms, standing = StandingOrders([LIMITS]), 0, set()
    for value, is_linked, seconds in steps:
        now_ms += seconds * 1000
        heard = [channel(value, heard_ms=now_ms)]
        for change in orders.advance(heard, is_linked=is_linked, now_ms=now_ms):
            assert change.is_raised == (change.breach.key not in standing)
            standing ^= {change.breach.key}

        assert orders.advance(heard, is_linked=is_linked, now_ms=now_ms) == []
        assert {breach.key for breach in orders.standing} == standing
