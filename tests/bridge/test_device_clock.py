from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.device_clock import DeviceTime, Heard, place

ARRIVED_MS = 1_700_000_000_000


def times_ms(known: DeviceTime | None, heard: list[Heard], jitter_ms: int = 0) -> list[int]:
    return place(known, heard, jitter_ms=jitter_ms)[0]


def test_the_first_message_of_a_boot_is_dated_by_its_arrival() -> None:
    assert times_ms(None, [Heard(7_515, ARRIVED_MS)]) == [ARRIVED_MS]


def test_within_a_boot_the_steps_are_the_devices_own() -> None:
    known = DeviceTime(ARRIVED_MS, 1_000, ARRIVED_MS + 1_000)

    late = Heard(6_000, ARRIVED_MS + 6_900)

    assert times_ms(known, [late]) == [ARRIVED_MS + 6_000]


def test_a_backlog_of_the_same_boot_gets_the_times_it_was_measured() -> None:
    known = DeviceTime(ARRIVED_MS, 1_000, ARRIVED_MS + 1_000)
    hour_later = ARRIVED_MS + 3_600_000

    backlog = [Heard(uptime, hour_later) for uptime in range(6_000, 3_600_000, 5_000)]

    assert times_ms(known, backlog) == [ARRIVED_MS + one.since_boot_ms for one in backlog]


def test_a_backlog_with_a_reboot_in_it_is_dated_by_the_message_that_waited_least() -> None:
    known = DeviceTime(ARRIVED_MS, 100_000, ARRIVED_MS + 100_000)
    now_ms = ARRIVED_MS + 1_000_000

    backlog = [Heard(105_000, now_ms), *(Heard(uptime, now_ms) for uptime in range(7_500, 600_000, 5_000))]

    booted_ms = now_ms - backlog[-1].since_boot_ms
    assert times_ms(known, backlog)[1:] == [booted_ms + one.since_boot_ms for one in backlog[1:]]


def test_a_boot_that_was_over_before_the_next_ends_before_it() -> None:
    heap = [Heard(uptime, ARRIVED_MS) for uptime in (5_000, 10_000, 3_000, 8_000)]

    times, clock = place(None, heap, jitter_ms=0)

    assert clock is not None
    assert times[1] <= clock.booted_ms


def test_an_anchor_is_lowered_when_a_message_comes_earlier_than_it_says() -> None:
    known = DeviceTime(ARRIVED_MS, 1_000, ARRIVED_MS + 1_000)

    assert times_ms(known, [Heard(6_000, ARRIVED_MS + 5_000)], jitter_ms=250) == [ARRIVED_MS + 5_000]


def test_an_anchor_is_not_moved_by_uneven_travel() -> None:
    known = DeviceTime(ARRIVED_MS, 1_000, ARRIVED_MS + 1_000)

    assert times_ms(known, [Heard(6_000, ARRIVED_MS + 5_800)], jitter_ms=250) == [ARRIVED_MS + 6_000]


def test_a_message_that_others_overtook_gets_the_time_it_was_measured() -> None:
    known = DeviceTime(ARRIVED_MS, 600_000, ARRIVED_MS + 600_000)
    arrival_ms = ARRIVED_MS + 611_000

    times, clock = place(known, [Heard(610_000, arrival_ms), Heard(605_000, arrival_ms + 5)], jitter_ms=250)

    assert times == [ARRIVED_MS + 610_000, ARRIVED_MS + 605_000]
    assert clock == DeviceTime(ARRIVED_MS, 610_000, ARRIVED_MS + 610_000)


def test_a_device_that_began_anew_at_once_is_not_taken_for_a_late_message() -> None:
    known = DeviceTime(ARRIVED_MS, 600_000, ARRIVED_MS + 600_000)

    assert times_ms(known, [Heard(2_000, ARRIVED_MS + 604_000)]) == [ARRIVED_MS + 604_000]


MESSAGES = st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, 3_000)), min_size=1, max_size=30)


@given(MESSAGES, st.integers(0, 30))
def test_whatever_the_network_holds_up_or_overtakes_is_dated_to_the_moment(
    messages: list[tuple[int, int]], cut: int
) -> None:
    known = DeviceTime(ARRIVED_MS, 60_000, ARRIVED_MS + 60_000)
    heard, uptime_ms = [], known.since_boot_ms
    for step_ms, late_ms in messages:
        uptime_ms += step_ms
        heard.append(Heard(uptime_ms, ARRIVED_MS + uptime_ms + late_ms))
    heard.sort(key=lambda one: one.arrived_ms)

    first, clock = place(known, heard[:cut], jitter_ms=250)
    rest, _ = place(clock, heard[cut:], jitter_ms=250)

    assert first + rest == [ARRIVED_MS + one.since_boot_ms for one in heard]


HEARD = st.lists(st.builds(Heard, st.integers(0, 10**9), st.integers(ARRIVED_MS, ARRIVED_MS + 10**9)), max_size=30)


@given(HEARD, st.integers(0, 30), st.integers(0, 1000))
def test_every_message_gets_a_time_whatever_comes_and_what_is_known_goes_on(
    heard: list[Heard], cut: int, jitter_ms: int
) -> None:
    first, clock = place(None, heard[:cut], jitter_ms=jitter_ms)
    rest, last = place(clock, heard[cut:], jitter_ms=jitter_ms)

    assert len(first + rest) == len(heard)
    assert clock is None or last is None or last.at_ms >= clock.at_ms
