from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.device_clock import DeviceTime, Heard, place

ARRIVED_MS = 1_700_000_000_000


def times_ms(known: DeviceTime | None, heard: list[Heard], jitter_ms: int = 0) -> list[int]:
    return [placed.at_ms for placed in place(known, heard, jitter_ms=jitter_ms)]


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

    placed = place(None, heap, jitter_ms=0)

    assert placed[1].at_ms <= placed[2].booted_ms


def test_an_anchor_is_lowered_when_a_message_comes_earlier_than_it_says() -> None:
    known = DeviceTime(ARRIVED_MS, 1_000, ARRIVED_MS + 1_000)

    assert times_ms(known, [Heard(6_000, ARRIVED_MS + 5_000)], jitter_ms=250) == [ARRIVED_MS + 5_000]


def test_an_anchor_is_not_moved_by_uneven_travel() -> None:
    known = DeviceTime(ARRIVED_MS, 1_000, ARRIVED_MS + 1_000)

    assert times_ms(known, [Heard(6_000, ARRIVED_MS + 5_800)], jitter_ms=250) == [ARRIVED_MS + 6_000]


HEARD = st.lists(st.builds(Heard, st.integers(0, 10**9), st.integers(ARRIVED_MS, ARRIVED_MS + 10**9)), max_size=30)


@given(HEARD, st.integers(0, 30), st.integers(0, 1000))
def test_times_strictly_increase_whatever_comes_and_however_it_is_cut(
    heard: list[Heard], cut: int, jitter_ms: int
) -> None:
    first = place(None, heard[:cut], jitter_ms=jitter_ms)
    placed = first + place(first[-1] if first else None, heard[cut:], jitter_ms=jitter_ms)

    assert len(placed) == len(heard)
    assert all(early.at_ms < late.at_ms for early, late in pairwise(placed))
