import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from bridge_fakes import NOON
from hypothesis import given
from hypothesis import strategies as st

import service.demo
from firmware_bridge.decoders.camera_logger import CameraLogger
from firmware_bridge.decoders.qtkiln import QtKiln
from firmware_bridge.intake import Intake, Memory, to_ms
from firmware_bridge.message import Message, Rejected
from firmware_bridge.repeats import REMEMBERED_MESSAGES, Repeats
from firmware_bridge.wire import Reading

RECORDING = Path(service.demo.__file__).parent / "recordings" / "qtkiln_mqtt_first_run.log"
GRACE = timedelta(seconds=2)
JITTER = timedelta(seconds=0.25)


def camera(memory: Memory | None = None) -> Intake:
    decoder = CameraLogger(["top", "bottom"], ZoneInfo("UTC"))
    return Intake("lo-1/top", "lo-1", decoder, memory or Memory(), now=NOON)


def glass(memory: Memory | None = None) -> Intake:
    return Intake("lo-2/kiln", "lo-2", QtKiln("kiln"), memory or Memory(), now=NOON)


def line(at: datetime, top: int = 650) -> bytes:
    return f"{at:%d/%m/%Y %H:%M:%S};{top};586".encode()


def store(intake: Intake, now: datetime = NOON) -> Sequence[Reading]:
    harvest = intake.gather(now=now, jitter=JITTER)
    intake.settle(harvest)
    return harvest.readings


def test_the_whole_recording_gives_5119_readings_whose_times_increase_through_6_reboots() -> None:
    intake = glass()
    readings: list[Reading] = []
    at, uptime_ms = NOON, 0
    for number, said in enumerate(RECORDING.read_bytes().splitlines()):
        topic, _, payload = said.partition(b" ")
        if payload.startswith(b'{"time_ms":'):
            now_ms = int(payload.split(b":")[1].split(b",")[0])
            at += timedelta(milliseconds=now_ms - uptime_ms if now_ms >= uptime_ms else now_ms)
            uptime_ms = now_ms
        intake.take(Message(payload, at, topic.decode()))
        if number % 7 == 0:
            readings += store(intake, at)
    readings += store(intake, at)

    assert len(readings) == intake.counters.readings == 5119
    assert all(early.at_ms < late.at_ms for early, late in pairwise(readings))
    assert readings[-1].at_ms == to_ms(at)
    assert intake.counters.ignored == 7 + 285
    assert not intake.counters.rejected


def test_what_was_said_twice_is_recorded_once() -> None:
    intake = camera()
    for _ in range(2):
        intake.take(Message(line(NOON), NOON))

    assert len(store(intake)) == 2  # two channels
    assert (intake.counters.received, intake.counters.repeated) == (2, 1)


def test_a_repeat_is_known_after_a_restart_and_a_reboot_is_not_a_repeat() -> None:
    first = glass()
    first.take(Message(b'{"time_ms":7515,"kiln":{"temp_C":20}}', NOON, "qtkiln/A/state"))
    memory = first.gather(now=NOON, jitter=JITTER).memory

    again = glass(memory)
    again.take(Message(b'{"time_ms":7515,"kiln":{"temp_C":20}}', NOON, "qtkiln/A/state"))
    again.take(Message(b'{"time_ms":7514,"kiln":{"temp_C":20}}', NOON + timedelta(seconds=9), "qtkiln/A/state"))

    assert [reading.at_ms for reading in store(again)] == [to_ms(NOON) + 9000]
    assert again.counters.repeated == 1


@pytest.mark.parametrize("is_new_run", [False, True])
def test_a_board_that_was_switched_on_before_its_cable_was_plugged_in_is_dated_by_today(is_new_run: bool) -> None:
    intake = Intake("lo-2/kiln", "lo-2", QtKiln("kiln"), Memory(), now=NOON, is_live=True)
    intake.set_connected(True, NOON)
    intake.take(Message(b'{"time_ms":1200000,"kiln":{"temp_C":20}}', NOON, "qtkiln/A/state"))
    harvest = intake.gather(now=NOON, jitter=JITTER)
    intake.settle(harvest)
    intake.set_connected(False, NOON + timedelta(minutes=1))

    tomorrow = NOON + timedelta(days=1)
    if is_new_run:
        intake = Intake("lo-2/kiln", "lo-2", QtKiln("kiln"), harvest.memory, now=tomorrow, is_live=True)
    intake.set_connected(True, tomorrow)
    intake.take(Message(b'{"time_ms":2400000,"kiln":{"temp_C":20}}', tomorrow, "qtkiln/A/state"))

    assert [reading.at_ms for reading in store(intake, tomorrow)] == [to_ms(tomorrow)]


def test_only_the_last_messages_are_remembered() -> None:
    repeats = Repeats(number.to_bytes(8, "big") for number in range(REMEMBERED_MESSAGES))

    assert not repeats.is_news((0).to_bytes(8, "big"))
    assert repeats.is_news(REMEMBERED_MESSAGES.to_bytes(8, "big"))
    assert repeats.is_news((0).to_bytes(8, "big"))


def test_a_retained_message_is_old_and_dropped() -> None:
    intake = glass()
    payload = b'{"time_ms":7515,"kiln":{"temp_C":20}}'

    intake.take(Message(payload, NOON, "qtkiln/A/state", is_retained=True))

    assert store(intake) == ()
    assert intake.counters.retained == 1


def test_a_message_is_acknowledged_when_it_is_on_disk_and_not_before() -> None:
    stored: list[bytes] = []
    intake = camera()
    for payload in (line(NOON), b"garbage"):
        intake.take(Message(payload, NOON, on_stored=lambda said=payload: stored.append(said)))
    harvest = intake.gather(now=NOON, jitter=JITTER)
    intake.take(Message(b"later", NOON, on_stored=lambda: stored.append(b"later")))

    assert stored == []
    intake.settle(harvest)
    assert stored == [line(NOON), b"garbage"]


def test_damage_is_logged_once_for_each_kind_with_what_was_seen_and_wanted(caplog: pytest.LogCaptureFixture) -> None:
    intake = camera()

    with caplog.at_level(logging.WARNING):
        for payload in (b"x" * 1000, b"y", b"01/01/2026 10:00:00;1"):
            intake.take(Message(payload, NOON))
        intake.refuse(Rejected("line_too_long", "short lines"), 3)

    assert intake.counters.rejected == {"no_time": 2, "channel_count": 1, "line_too_long": 3}
    assert [record.reason for record in caplog.records] == ["no_time", "channel_count", "line_too_long"]
    assert caplog.records[0].seen == b"x" * 120
    assert "dd/mm/yyyy" in caplog.records[0].wanted


@given(st.lists(st.tuples(st.binary(max_size=60), st.sampled_from(["qtkiln/A/state", "", "x"]))))
def test_every_message_is_counted_once_whatever_its_bytes(said: list[tuple[bytes, str]]) -> None:
    for intake in (camera(), glass()):
        for payload, topic in said:
            intake.take(Message(payload, NOON, topic))
        store(intake)

        counted = intake.counters
        measured = counted.received - counted.ignored - counted.repeated - counted.rejected.total()
        assert counted.received == len(said)
        assert measured == 0


def vouched(intake: Intake, now: datetime) -> int:
    return intake.vouch(intake.gather(now=now, jitter=JITTER), now=now, grace=GRACE)


def test_while_words_come_in_only_the_newest_reading_is_vouched_for() -> None:
    intake = camera()
    intake.set_connected(True, NOON)
    intake.take(Message(line(NOON - timedelta(hours=1)), NOON))

    assert vouched(intake, NOON + timedelta(seconds=1)) == to_ms(NOON - timedelta(hours=1))


def test_when_nothing_comes_the_silence_is_vouched_for() -> None:
    intake = camera()
    intake.set_connected(True, NOON)

    assert vouched(intake, NOON + timedelta(seconds=1)) == 0
    assert vouched(intake, NOON + timedelta(seconds=5)) == to_ms(NOON + timedelta(seconds=3))


def test_garbage_does_not_hide_that_no_reading_comes() -> None:
    intake = camera()
    intake.set_connected(True, NOON)
    intake.take(Message(b"garbage", NOON + timedelta(seconds=5)))

    assert vouched(intake, NOON + timedelta(seconds=5)) == to_ms(NOON + timedelta(seconds=3))


def test_a_source_that_goes_away_keeps_what_it_was_vouched_for() -> None:
    intake = camera()
    intake.set_connected(True, NOON)
    before = vouched(intake, NOON + timedelta(seconds=5))
    intake.set_connected(False, NOON + timedelta(seconds=5))

    assert vouched(intake, NOON + timedelta(hours=1)) == before


def test_a_clock_that_is_years_ahead_is_recorded_and_vouches_for_nothing() -> None:
    intake = camera()
    intake.take(Message(line(NOON + timedelta(days=3000)), NOON))

    assert vouched(intake, NOON) == 0
    assert len(store(intake)) == 2
