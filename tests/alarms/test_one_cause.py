"""What falls silent together asks for one person, once."""

from datetime import timedelta

import pytest
from village import MACHINE, NOW, Village

from service.alarms import record
from service.alarms.lifecycle import GATHER_FOR, REST_RINGS_AFTER
from service.store import alarms
from service.store.models import Alarm

LINE = [f"zone{number}" for number in range(21)]


@pytest.fixture
def line(village: Village) -> Village:
    """Return a village where the 21 probes of one line have fallen silent within a second."""
    village.subscribe("https://push.example/1")
    for number, channel in enumerate(LINE):
        village.see(kind="sensor_silent", channel=channel, started=timedelta(minutes=6, milliseconds=40 * number))
    return village


def shown(village: Village) -> list[Alarm]:
    with village.database.read() as session:
        return alarms.list_alarms(session, [village.workshop_id], only_open=True)


def rings_at(village: Village) -> list[timedelta]:
    return [one.next_try_at - MACHINE for one in village.deliveries() if one.next_try_at is not None]


def test_a_dead_line_is_one_alarm_that_rings_once_for_all_its_instruments(line: Village) -> None:
    (alarm,) = shown(line)

    assert [channel for _, channel in alarm.also_at] == LINE[1:]
    assert rings_at(line) == [GATHER_FOR]


def test_probes_that_fail_at_different_times_are_alarms_of_their_own(village: Village) -> None:
    village.subscribe("https://push.example/1")
    village.see(kind="sensor_silent", channel="top", started=timedelta(minutes=9))
    village.see(kind="sensor_silent", channel="bottom", started=timedelta(minutes=6))

    assert len(shown(village)) == 2
    assert len(rings_at(village)) == 2


def test_what_is_wrong_with_two_kilns_at_once_but_is_no_silence_stays_apart(village: Village) -> None:
    village.see(kind="stalled", channel="top")
    village.see(kind="stalled", channel="bottom")

    assert len(shown(village)) == 2


def test_one_tap_acknowledges_for_all_of_them_and_for_those_still_to_come(line: Village) -> None:
    (alarm,) = shown(line)
    with line.database.write() as session:
        record.acknowledge(session, [line.workshop_id], alarm.id, who="Lan", now=NOW)
    line.see(kind="sensor_silent", channel="zone21", started=timedelta(minutes=6))

    (alarm,) = shown(line)

    assert {part.acknowledged_by for part in (alarm, *alarm.parts)} == {"Lan"}
    assert rings_at(line) == []


def test_what_only_now_matters_rings_though_it_fell_silent_with_what_somebody_took_on_days_ago(line: Village) -> None:
    (alarm,) = shown(line)
    with line.database.write() as session:
        record.acknowledge(session, [line.workshop_id], alarm.id, who="Lan", now=NOW - timedelta(days=2))
        session.get_one(Alarm, alarm.id).opened_at = NOW - timedelta(days=2)
    line.see(kind="sensor_silent", channel="of another kiln", started=timedelta(minutes=6))

    (new,) = [one for one in shown(line) if one.acknowledged_at is None]

    assert (new.finding.channel, new.part_of_id) == ("of another kiln", None)
    assert rings_at(line) == [GATHER_FOR]


def test_those_that_are_back_are_not_told_of_while_the_first_is_away(line: Village) -> None:
    for number, channel in enumerate(LINE[1:4], start=1):
        line.see(
            kind="sensor_silent",
            channel=channel,
            started=timedelta(minutes=6, milliseconds=40 * number),
            ended=timedelta(0),
        )

    (alarm,) = shown(line)

    assert [channel for _, channel in alarm.also_at] == LINE[4:]


def test_a_line_that_is_back_rings_nobody_again(line: Village) -> None:
    for number, channel in enumerate(LINE):
        line.see(
            kind="sensor_silent",
            channel=channel,
            started=timedelta(minutes=6, milliseconds=40 * number),
            ended=timedelta(0),
            later=timedelta(minutes=2, milliseconds=40 * number),
        )

    assert all(alarm.cleared_at for alarm in shown(line))
    assert rings_at(line) == [GATHER_FOR]


def test_a_probe_that_does_not_come_back_with_its_line_rings_of_its_own(line: Village) -> None:
    for number, channel in enumerate(LINE[:-1]):
        line.see(
            kind="sensor_silent",
            channel=channel,
            started=timedelta(minutes=6, milliseconds=40 * number),
            ended=timedelta(0),
            later=timedelta(minutes=2),
        )

    (still,) = [alarm for alarm in shown(line) if alarm.cleared_at is None]

    assert (still.finding.channel, still.also_at) == (LINE[-1], [])
    assert rings_at(line) == [GATHER_FOR, timedelta(minutes=2) + REST_RINGS_AFTER]


def test_a_gap_of_all_probes_that_is_over_when_it_is_known_rings_once(village: Village) -> None:
    village.subscribe("https://push.example/1")
    for channel in LINE:
        village.see(kind="sensor_silent", channel=channel, started=timedelta(minutes=9), ended=timedelta(minutes=1))

    assert len(shown(village)) == 1
    assert len(rings_at(village)) == 1
    with village.database.read() as session:
        assert alarms.count_open(session, [village.kiln_id]) == {village.kiln_id: 1}  # as the list of alarms has it


def test_another_workshop_is_another_cause(village: Village) -> None:
    village.see(kind="bridge_silent", channel="")
    _, village.workshop_id = village.add_workshop("Hoa", "en")

    (alarm,) = village.see(kind="bridge_silent", channel="other")

    assert alarm.part_of_id is None
