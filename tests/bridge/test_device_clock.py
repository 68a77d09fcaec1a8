from random import Random

from hypothesis import given, settings
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


def test_an_older_boot_that_is_recalled_makes_no_message_of_a_new_one_a_late_one() -> None:
    known = DeviceTime(ARRIVED_MS, 3_000_000, ARRIVED_MS + 3_000_000)
    begun_anew = Heard(2_000, ARRIVED_MS + 700_000)  # by a clock of ours that was ahead when the first was heard

    times, clock = place(known, [begun_anew], jitter_ms=250, is_recalled=True)

    assert clock is not None
    assert clock.since_boot_ms == 2_000
    assert times[0] >= begun_anew.arrived_ms


DAY_MS = 86_400_000


def test_a_line_that_is_opened_says_nothing_of_before() -> None:
    known = DeviceTime(ARRIVED_MS, 1_200_000, ARRIVED_MS + 1_200_000)
    next_morning_ms = ARRIVED_MS + DAY_MS
    said = [Heard(2_400_000, next_morning_ms), Heard(2_401_000, next_morning_ms + 1000)]

    times, clock = place(known, said, jitter_ms=250, said_since_ms=next_morning_ms - 5000)
    as_it_was, _ = place(known, said, jitter_ms=250, said_since_ms=ARRIVED_MS)

    assert times == [next_morning_ms, next_morning_ms + 1000]
    assert clock is not None
    assert clock.booted_ms == next_morning_ms - 2_400_000
    assert as_it_was == [ARRIVED_MS + 2_400_000, ARRIVED_MS + 2_401_000]


def test_a_slow_clock_that_nobody_heard_all_night_goes_on_when_its_line_is_opened() -> None:
    known = DeviceTime(ARRIVED_MS, 1_200_000, ARRIVED_MS + 1_200_000)
    slept_ms = DAY_MS // 2
    slow = Heard(1_200_000 + round(0.995 * slept_ms), ARRIVED_MS + 1_200_000 + slept_ms)

    _, clock = place(known, [slow], jitter_ms=250, said_since_ms=slow.arrived_ms - 5000)

    assert clock is not None
    assert clock.booted_ms < ARRIVED_MS + slept_ms // 100


def test_a_device_that_began_anew_unheard_is_found_out_by_what_it_says_live() -> None:
    known = live(None, range(1200))
    late_s = 86_400 - 2_400
    for second in range(2_400, 2_400 + 1_300, 5):
        heard = Heard(1000 * second, ARRIVED_MS + 1000 * (second + late_s))
        (at_ms,), known = place(known, [heard], jitter_ms=250)

    assert at_ms == heard.arrived_ms


def test_after_an_outage_what_was_overtaken_in_the_first_heap_keeps_its_time() -> None:
    known = DeviceTime(ARRIVED_MS, 36_000_000, ARRIVED_MS + 36_000_000)
    back_ms = known.at_ms + 900_000
    heap = [Heard(36_000_000 + 1000 * second, back_ms) for second in (5, 15, 10, 20)]

    times, _ = place(known, heap, jitter_ms=250, is_recalled=True)

    assert times == [ARRIVED_MS + one.since_boot_ms for one in heap]


MESSAGES = st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, 3_000)), min_size=1, max_size=30)


@given(MESSAGES, st.integers(0, 30), st.booleans())
def test_whatever_the_network_holds_up_or_overtakes_is_dated_to_the_moment(
    messages: list[tuple[int, int]], cut: int, is_recalled: bool
) -> None:
    known = DeviceTime(ARRIVED_MS, 60_000, ARRIVED_MS + 60_000)
    heard, uptime_ms = [], known.since_boot_ms
    for step_ms, late_ms in messages:
        uptime_ms += step_ms
        heard.append(Heard(uptime_ms, ARRIVED_MS + uptime_ms + late_ms))
    heard.sort(key=lambda one: one.arrived_ms)

    first, clock = place(known, heard[:cut], jitter_ms=250)
    rest, _ = place(clock, heard[cut:], jitter_ms=250, is_recalled=is_recalled)

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


WEEK_S = 7 * 86_400


@settings(max_examples=6, deadline=None)
@given(rate=st.floats(0.995, 1.005), least_late_ms=st.sampled_from([0, 1500, 3000]), seed=st.integers(0, 99))
def test_a_clock_that_runs_slow_or_fast_is_followed_for_a_week(rate: float, least_late_ms: int, seed: int) -> None:
    chance, known, worst_ms = Random(seed), None, 0  # noqa: S311 - no secret
    for said_ms in range(0, WEEK_S * 1000, 30_000):
        arrived_ms = ARRIVED_MS + said_ms + chance.randint(least_late_ms, 3000)
        (at_ms,), known = place(known, [Heard(round(rate * said_ms), arrived_ms)], jitter_ms=250)
        worst_ms = max(worst_ms, abs(at_ms - ARRIVED_MS - said_ms))

    assert worst_ms < 4000


def live(known: DeviceTime | None, since_s: range, rate: float = 1.0, late_ms: int = 0) -> DeviceTime:
    """Have a device speak, live."""
    for second in since_s:
        heard = Heard(round(1000 * rate * second), ARRIVED_MS + 1000 * second + late_ms)
        _, known = place(known, [heard], jitter_ms=250)
    assert known is not None
    return known


def test_a_backlog_that_comes_bit_by_bit_for_an_hour_moves_no_anchor() -> None:
    known = live(None, range(0, 1200, 5))
    times, expected = [], []
    for second in range(3600):  # twenty messages of five seconds each second: 20 hours are caught up with
        heard = [
            Heard(1_200_000 + 5000 * (20 * second + number), ARRIVED_MS + 360_000_000 + 1000 * second)
            for number in range(20)
        ]
        placed, known = place(known, heard, jitter_ms=250)
        times += placed
        expected += [ARRIVED_MS + one.since_boot_ms for one in heard]

    assert times == expected


def test_a_clock_is_followed_by_no_more_than_a_hundredth_of_what_has_passed() -> None:
    known = live(None, range(1200))

    on_the_way = live(known, range(1200, 1900), late_ms=60_000)
    known = live(on_the_way, range(1900, 8000), late_ms=60_000)

    assert ARRIVED_MS < on_the_way.booted_ms <= ARRIVED_MS + 1000
    assert ARRIVED_MS + 59_700 < known.booted_ms <= ARRIVED_MS + 60_000


def test_what_is_known_of_a_slow_clock_moves_with_ours() -> None:
    known = live(None, range(1200), rate=0.998)

    assert known.moved(5000).moved(-5000) == known
    assert known.moved(5000).moved(-5000).lately == known.lately
    assert known.moved(5000).lately[0].arrived_ms == known.lately[0].arrived_ms + 5000
