"""Blocks become firings, findings and alarms, in step with what is stored, whatever stops in between."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from service_parts import BOOT, block, new_bridge, new_workshop
from sqlalchemy import inspect, select, update
from sqlalchemy.orm import Session

from firmware_bridge.wire import Block, Post
from service.analysis.again import bins_from_s
from service.clock import Clock
from service.core.live import LiveFiring, Watch
from service.ingest.known import Known
from service.ingest.store_posts import store_posts
from service.monitor import arrivals, loop
from service.monitor.conclude import Changed, Conclusion, Moment
from service.monitor.loop import LINK_LOST_AFTER, KilnChange, Monitor, NewReadings
from service.monitor.packing import unpack
from service.monitor.watched import Watched
from service.series.blocks import Appended, chunk_of
from service.store import alarms, calibrations, firings, identity, kilns
from service.store.database import Database
from service.store.identity import BridgeIdentity
from service.store.merging import check_mergeable, merge, take_apart
from service.store.migrate import upgrade
from service.store.models import Alarm, Channel, Delivery, Firing, Kiln, LiveState, Plan, StoredBlock, StoredFinding

START_S = 1_700_000_000.0
STEP_S = 600.0  # one block: 60 readings, 10 s apart


class Workshop:
    """One workshop with a bridge, and a monitor that looks whenever it is told to."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.changes: list[KilnChange] = []
        self.readings: list[NewReadings] = []
        token = new_bridge(database, new_workshop(database, "lan@example.org"))
        with database.read() as session:
            found = identity.bridge_of_token(session, token)
        assert found is not None
        self.bridge: BridgeIdentity = found
        self.monitor = self.restarted()

    def restarted(self) -> Monitor:
        self.monitor = Monitor(
            self.database, Clock(), self.changes.append, on_readings=self.readings.append, gather_s=0.0
        )
        return self.monitor

    def take(self, *blocks: Block) -> None:
        """Store blocks and look at them, each when its last reading was taken."""
        for one in blocks:
            now = datetime.fromtimestamp(one.until_ms / 1000, UTC)
            self.store(one, now=now)
            self.monitor.step(now)

    def take_together(self, *blocks: Block) -> None:
        """Store blocks of several kilns and look at them all at once, when the last reading was taken."""
        now = datetime.fromtimestamp(max(one.until_ms for one in blocks) / 1000, UTC)
        self.store(*blocks, now=now)
        self.monitor.step(now)

    def store(self, *blocks: Block, now: datetime) -> Appended:
        with self.database.write() as session:
            return store_posts(session, [(self.bridge, Post([one])) for one in blocks], Known(), now=now)[1]

    def look_at(self, at_s: float) -> None:
        self.monitor.attend()
        self.monitor.step(datetime.fromtimestamp(at_s, UTC))

    def rows(self, kind: type, *columns: str) -> list[tuple[object, ...]]:
        self.monitor.save_all()
        with self.database.read() as session:
            found = session.scalars(select(kind).order_by(*inspect(kind).primary_key))
            return [tuple(getattr(row, name) for name in columns) for row in found]


@pytest.fixture
def workshop(database: Database) -> Workshop:
    return Workshop(database)


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Workshop]:
    """Give another workshop, in a database of its own, that nothing happens to."""
    database = Database(f"sqlite:///{tmp_path / 'whole.sqlite3'}")
    upgrade(database)
    yield Workshop(database)
    database.close()


def uneven_firing(kiln: str = "lo-1", first: int = 1) -> list[Block]:
    """Return six hours: up to about 1100 °C at 200 °C/h, the bottom falling 90 °C behind on the way."""
    blocks = []
    for number in range(36):
        minutes = [number * 10 + i / 6 for i in range(60)]
        top = [30 + 3.0 * minute for minute in minutes]
        bottom = [value - min(90.0, max(0.0, (value - 400) / 4)) for value in top]
        at_s = START_S + number * STEP_S
        blocks.append(block(first + number, kiln=kiln, at_s=at_s, until_s=at_s + STEP_S, top=top, bottom=bottom))
    return blocks


def test_a_firing_starts_and_its_uneven_heat_is_an_alarm_with_a_push_waiting(workshop: Workshop) -> None:
    with workshop.database.write() as session:
        alarms.subscribe(session, 1, endpoint="https://push.test/1", p256dh="k", auth="a", device="x", now=_at(0))

    workshop.take(*uneven_firing())

    [(started_at, ended_at, peak_c)] = workshop.rows(Firing, "started_at", "ended_at", "peak_c")
    findings = workshop.rows(StoredFinding, "kind", "channel", "firing_id")
    assert abs((started_at - _at(0)).total_seconds()) < 1200
    assert ended_at is None
    assert 1090 < peak_c < 1112
    assert findings == [("steam_explosion", "", 1), ("uneven_heating", "", 1)]  # the first is a note for raw ware
    assert workshop.rows(Alarm, "finding_id", "cleared_at") == [(2, None)]
    assert len(workshop.rows(Delivery, "id")) == 1
    assert {change.now.kiln_id for change in workshop.changes} == {1}
    assert [change.alarm_ids for change in workshop.changes if change.alarm_ids] == [(1,)]


def test_what_is_written_of_an_analysis_is_its_snapshot(workshop: Workshop) -> None:
    live = LiveFiring(Watch(bins_from_s=bins_from_s(1)))
    for one in uneven_firing():
        workshop.take(one)
        live.advance(chunk_of([one]))

    [(written,)] = workshop.rows(LiveState, "snapshot")
    assert LiveFiring(live.watch, state=unpack(written)).snapshot() == live.snapshot()


@pytest.mark.parametrize("is_followed", [False, True])
def test_what_decides_nothing_is_gathered_and_shown_as_it_comes(workshop: Workshop, is_followed: bool) -> None:
    """Many kilns are cheap only if each block is not looked at alone; a bin that is complete is looked at at once."""
    shown = workshop.readings
    monitor = Monitor(
        workshop.database, Clock(), workshop.changes.append, lambda _: is_followed, on_readings=shown.append
    )
    bin_s = START_S + 10 + bins_from_s(1)  # a bin begins here
    looks = []
    for one in (block(1 + age, at_s=bin_s + age, until_s=bin_s + age + 1, top=[30.0]) for age in range(30)):
        workshop.store(one, now=_at(0))
        monitor.step(_at(0))
        looks.append(len(workshop.changes))

    assert looks[0] < looks[1], "what comes first after a kiln is taken up is shown at once: what it shows may be old"
    assert looks[1] == looks[28]
    assert looks[29] > looks[28]
    assert len(shown) == 30 * is_followed


def test_storing_is_asked_to_wait_while_much_is_not_looked_at(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "MOST_BEHIND", 2)
    monkeypatch.setattr(arrivals, "MOST_NOTED", 4)  # the others are read back
    monitor, in_step = workshop.monitor, []
    workshop.look_at(START_S)

    for number, one in enumerate(uneven_firing()[:6]):
        monitor.stored(workshop.store(one, now=_at(number)))
        in_step.append(monitor.in_step.is_set())
    monitor.step(_at(6))
    in_step.append(monitor.in_step.is_set())
    monitor.step(_at(6))

    assert in_step == [True, True, False, False, False, False, True]
    assert workshop.rows(LiveState, "last_block_id") == [(6,)]


def test_a_probe_that_breaks_or_speaks_again_is_shown_at_once(workshop: Workshop) -> None:
    monitor = Monitor(workshop.database, Clock(), workshop.changes.append)
    bin_s = START_S + 10 + bins_from_s(1)  # a bin begins here
    shown = []
    for age, value in enumerate([30.0, 30.0, 30.0, None, None, 30.0, 30.0]):
        workshop.store(block(1 + age, at_s=bin_s + age, until_s=bin_s + age + 1, top=[value]), now=_at(0))
        before = len(workshop.changes)
        monitor.step(_at(0))
        shown.append([change.now.status.channels[0].quality for change in workshop.changes[before:]])

    assert shown[2:] == [[], ["no_value"], [], ["good"], []]


def test_kilns_of_a_workshop_that_fall_silent_together_are_told_of_together(workshop: Workshop) -> None:
    for pair in zip(uneven_firing(), uneven_firing("lo-2", first=101), strict=True):
        workshop.take_together(*pair)
    cut_off_s, told = START_S + 36 * STEP_S, []

    for number in range(60):
        until_ms = int((cut_off_s + 10.0 * number) * 1000)
        workshop.take_together(
            *(Block(BOOT, 201 + 2 * number + kiln, f"lo-{kiln + 1}", until_ms, []) for kiln in (0, 1))
        )
        kinds = workshop.rows(StoredFinding, "kind", "kiln_id")
        told.append(sum(kind == "sensor_silent" for kind, _ in kinds))

    assert set(told) == {0, 4}, "none, and then both probes of both kilns at once"


def test_a_firing_keeps_where_its_half_minutes_began(workshop: Workshop) -> None:
    workshop.take(*uneven_firing())

    assert workshop.rows(Firing, "bins_from_s") == [(bins_from_s(1),)]


def test_a_firing_is_judged_by_what_is_known_of_its_ware(workshop: Workshop) -> None:
    workshop.take(*uneven_firing()[:1])
    with workshop.database.write() as session:
        kiln = session.get_one(Kiln, 1)
        kiln.ware, kiln.edited_at = ["raw", "thick"], datetime.now(UTC)
    workshop.take(*uneven_firing()[1:])

    assert {"steam_explosion", "dehydroxylation_cracks", "black_core"} <= {
        kind for (kind,) in workshop.rows(StoredFinding, "kind")
    }


def _at(after_s: float) -> datetime:
    return datetime.fromtimestamp(START_S + after_s, UTC)


def test_a_damaged_analysis_begins_anew_with_its_firing_and_keeps_no_other_kiln_waiting(
    workshop: Workshop, whole: Workshop
) -> None:
    pairs = list(zip(uneven_firing(), uneven_firing("lo-2", first=101), strict=True))
    for pair in pairs:
        whole.take_together(*pair)

    for pair in pairs[:20]:
        workshop.take_together(*pair)
    workshop.monitor.save_all()
    with workshop.database.write() as session:
        session.get_one(LiveState, 1).snapshot = b"damaged"
    workshop.restarted()
    for pair in pairs[20:]:
        workshop.take_together(*pair)

    firing = ("kiln_id", "started_at", "ended_at", "peak_c", "peak_at", "cone_reached")
    finding = ("kiln_id", "kind", "channel", "firing_id")
    assert workshop.rows(Firing, *firing) == whole.rows(Firing, *firing)
    assert set(workshop.rows(StoredFinding, *finding)) == set(whole.rows(StoredFinding, *finding))
    assert len(workshop.rows(Alarm, "id")) == len(whole.rows(Alarm, "id"))


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_plan_that_no_kiln_can_follow_keeps_nobody_from_being_watched(workshop: Workshop, is_restarted: bool) -> None:
    """Such a plan was let in once; its kiln is watched as if it had none."""
    pairs = list(zip(uneven_firing(), uneven_firing("lo-2", first=101), strict=True))
    for pair in pairs[:12]:
        workshop.take_together(*pair)
    with workshop.database.write() as session:
        steep = [{"time_s": 0.0, "temp_c": 20.0}, {"time_s": 1.0, "temp_c": 1200.0}]
        session.add(Plan(workshop_id=1, name="dốc đứng", points=steep))
        session.flush()
        session.get_one(Firing, 1).plan_id = 1
        session.get_one(Kiln, 1).edited_at = datetime.now(UTC)
    workshop.look_at(START_S + 12 * STEP_S)
    if is_restarted:
        workshop.restarted()
    for pair in pairs[12:]:
        workshop.take_together(*pair)

    uneven = [of for kind, of in workshop.rows(StoredFinding, "kind", "kiln_id") if kind == "uneven_heating"]
    assert sorted(uneven) == [1, 2]


def test_a_kiln_that_cannot_be_read_keeps_no_other_from_being_watched(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = list(zip(uneven_firing(), uneven_firing("lo-2", first=101), strict=True))
    for pair in pairs[:12]:
        workshop.take_together(*pair)
    whole = loop.load_watched

    def fail_of_the_first(session: Session, kiln_ids: Collection[int]) -> list[Watched]:
        if 1 in kiln_ids:
            raise ZeroDivisionError
        return whole(session, kiln_ids)

    monkeypatch.setattr(loop, "load_watched", fail_of_the_first)
    monkeypatch.setattr(loop, "LONGEST_REST_S", 0.0)
    workshop.restarted()
    for pair in pairs[12:]:
        workshop.take_together(*pair)

    uneven = [of for kind, of in workshop.rows(StoredFinding, "kind", "kiln_id") if kind == "uneven_heating"]
    assert uneven == [2]
    monkeypatch.setattr(loop, "load_watched", whole)
    workshop.look_at(START_S + 21_600)
    assert ("uneven_heating", 1) in workshop.rows(StoredFinding, "kind", "kiln_id")


def test_how_a_kiln_stood_may_be_damaged_and_it_is_watched_all_the_same(workshop: Workshop) -> None:
    workshop.take(*uneven_firing()[:20])
    workshop.monitor.save_all()
    with workshop.database.write() as session:
        session.execute(update(LiveState).values(status={"phase": "none that there is"}))

    workshop.restarted()
    workshop.take(*uneven_firing()[20:])

    assert "uneven_heating" in {kind for (kind,) in workshop.rows(StoredFinding, "kind")}


@pytest.mark.parametrize("restart_before", [1, 7, 20, 35])
def test_a_restart_anywhere_changes_nothing_of_what_is_concluded(
    workshop: Workshop, whole: Workshop, restart_before: int
) -> None:
    blocks = uneven_firing()
    whole.take(*blocks)

    workshop.take(*blocks[:restart_before])
    workshop.restarted()
    workshop.take(*blocks[restart_before:])

    for kind, columns in {
        Firing: ("started_at", "ended_at", "peak_c", "peak_at", "cone_reached", "max_spread_c", "cones"),
        StoredFinding: ("kind", "channel", "start_at", "end_at", "evidence", "firing_id"),
        Alarm: ("finding_id", "opened_at", "cleared_at"),
    }.items():
        assert workshop.rows(kind, *columns) == whole.rows(kind, *columns)


def test_what_was_stored_while_the_monitor_was_down_is_looked_at_when_it_comes_back(workshop: Workshop) -> None:
    workshop.store(*uneven_firing(), now=_at(21_600))

    workshop.restarted()
    workshop.look_at(START_S + 21_600)

    assert len(workshop.rows(Firing, "id")) == 1


def spoil(database: Database, *block_ids: int) -> None:
    with database.write() as session:
        session.execute(update(StoredBlock).where(StoredBlock.id.in_(block_ids)).values(payload=b"not a block"))


def test_a_block_that_cannot_be_read_is_told_of_and_the_watch_goes_on(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    blocks = uneven_firing()
    workshop.take(*blocks[:2])
    workshop.store(blocks[2], now=_at(3 * STEP_S))
    spoil(workshop.database, 3)
    workshop.look_at(START_S + 3 * STEP_S)
    passed_over = workshop.rows(LiveState, "last_block_id")
    workshop.take(*blocks[3:])

    assert passed_over == [(3,)]
    assert "uneven_heating" in {kind for (kind,) in workshop.rows(StoredFinding, "kind")}
    assert "a block cannot be read" in caplog.messages


def test_a_kiln_that_is_taken_up_catches_up_over_blocks_that_cannot_be_read(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "BLOCKS_PER_KILN", 1)
    workshop.store(*uneven_firing(), now=_at(21_600))
    spoil(workshop.database, 1, 7, 36)

    workshop.look_at(START_S + 21_600)

    assert workshop.rows(LiveState, "last_block_id") == [(36,)]
    assert "uneven_heating" in {kind for (kind,) in workshop.rows(StoredFinding, "kind")}


def test_an_operator_ends_a_firing_and_a_second_word_changes_nothing(workshop: Workshop) -> None:
    workshop.take(*uneven_firing())

    for after_s in (21_700, 21_800):
        with workshop.database.write() as session:
            firings.ask_to_end(session.get_one(Firing, 1), now=_at(after_s), machine_now=datetime.now(UTC))
        workshop.look_at(START_S + after_s)
    workshop.take(block(99, at_s=START_S + 21_900, top=[1100.0], bottom=[1010.0]))

    assert workshop.rows(Firing, "end_cause", "ended_at") == [("operator", _at(21_700))]


def test_a_silent_bridge_is_an_alarm_that_clears_when_it_speaks_again(workshop: Workshop) -> None:
    workshop.take(*uneven_firing())
    end_s = START_S + 21_600

    workshop.look_at(end_s + 120)
    early = workshop.rows(StoredFinding, "kind")
    workshop.look_at(end_s + 300)
    workshop.look_at(end_s + 360)
    silent = workshop.rows(StoredFinding, "kind", "start_at", "end_at")[-1]
    workshop.take(block(99, at_s=end_s + 400, top=[1100.0], bottom=[1010.0]))
    heard = dict(workshop.rows(StoredFinding, "kind", "end_at"))
    cleared = {finding_id for finding_id, at in workshop.rows(Alarm, "finding_id", "cleared_at") if at == _at(22_000)}

    assert ("bridge_silent",) not in early
    assert silent == ("bridge_silent", _at(21_600), None)
    assert heard["bridge_silent"] == _at(22_000)
    assert cleared == {3}


def test_a_firing_that_its_operator_ends_while_the_bridge_is_silent_rings_no_more(workshop: Workshop) -> None:
    workshop.take(*uneven_firing())
    workshop.look_at(START_S + 21_900)
    silent = [row for row in workshop.rows(StoredFinding, "kind", "end_at") if row[0] == "bridge_silent"]

    with workshop.database.write() as session:
        firings.ask_to_end(session.get_one(Firing, 1), now=_at(22_000), machine_now=datetime.now(UTC))
    workshop.look_at(START_S + 22_000)

    assert silent == [("bridge_silent", None)]
    assert ("bridge_silent", _at(22_000)) in workshop.rows(StoredFinding, "kind", "end_at")
    assert workshop.rows(Firing, "end_cause", "ended_at") == [("operator", _at(22_000))]
    assert all(at is not None for kind, at in workshop.rows(StoredFinding, "kind", "end_at") if kind == "bridge_silent")


def test_a_bridge_is_not_silent_because_the_service_was_away(workshop: Workshop) -> None:
    workshop.take(*uneven_firing())
    end_s = START_S + 21_600
    away_s = LINK_LOST_AFTER.total_seconds() + 600

    workshop.restarted()
    workshop.look_at(end_s + away_s)
    workshop.look_at(end_s + away_s + 120)
    at_first = workshop.rows(StoredFinding, "kind")
    running = workshop.rows(Firing, "ended_at")
    workshop.look_at(end_s + away_s + 300)

    assert ("bridge_silent",) not in at_first
    assert running == [(None,)]
    assert workshop.rows(StoredFinding, "kind", "start_at")[-1] == ("bridge_silent", _at(21_600))


class HandSetClock(Clock):
    """A clock that shows what it was set to."""

    shows = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        return self.shows


@pytest.mark.parametrize("by_h", [8, -8])
def test_a_clock_that_is_set_ends_no_firing_and_hides_no_silence(workshop: Workshop, by_h: float) -> None:
    """A box with a flat battery shows some other time until it has asked the network, and a kiln burns on."""
    workshop.take(*uneven_firing())
    end_s = START_S + 21_600
    monitor = workshop.monitor = Monitor(workshop.database, HandSetClock(), workshop.changes.append)
    HandSetClock.shows = _at(21_600)
    monitor._step_or_say_why()

    HandSetClock.shows = _at(21_600 + by_h * 3600)
    monitor.attend()
    monitor._step_or_say_why()
    at_once = workshop.rows(StoredFinding, "kind")
    running = workshop.rows(Firing, "ended_at")
    workshop.look_at(end_s + by_h * 3600 + 300)

    assert ("bridge_silent",) not in at_once
    assert running == [(None,)]
    assert workshop.rows(StoredFinding, "kind")[-1] == ("bridge_silent",)


def test_of_many_kilns_all_have_their_turn_and_what_people_say_has_it_at_once(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "FEW_KILNS", 1)
    names = [f"lo-{number}" for number in range(1, 8)]
    for together in zip(*(uneven_firing(name, first=1 + 100 * at) for at, name in enumerate(names)), strict=True):
        workshop.take_together(*together)
    ended, silent = [], []

    for number in range(9):
        if number == 2:
            with workshop.database.write() as session:
                for firing in session.scalars(select(Firing)):
                    firings.ask_to_end(firing, now=_at(21_600), machine_now=datetime.now(UTC))
        workshop.look_at(START_S + 21_600 + 300)
        ended.append(sum(at is not None for (at,) in workshop.rows(Firing, "ended_at")))
        silent.append(sum(kind == "bridge_silent" for (kind,) in workshop.rows(StoredFinding, "kind")))

    assert silent[:2] == [1, 2], "a seventh of the kilns in each round"
    assert ended == [0, 0, *[7] * 7]


def test_a_kiln_whose_silence_cannot_be_written_keeps_no_neighbour_from_its_alarm(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pair in zip(uneven_firing(), uneven_firing("lo-2", first=101), strict=True):
        workshop.take_together(*pair)
    whole = loop.conclude

    def fail_of_the_first(session: Session, conclusions: Sequence[Conclusion], moment: Moment) -> list[Changed]:
        if any(one.watched.kiln_id == 1 for one in conclusions):
            raise ZeroDivisionError
        return whole(session, conclusions, moment)

    monkeypatch.setattr(loop, "conclude", fail_of_the_first)
    workshop.look_at(START_S + 21_600 + 300)

    silent = [kiln_id for kind, kiln_id in workshop.rows(StoredFinding, "kind", "kiln_id") if kind == "bridge_silent"]
    assert silent == [2]


def test_a_firing_whose_bridge_stays_silent_ends_with_the_lost_link_as_its_cause(workshop: Workshop) -> None:
    workshop.take(*uneven_firing())

    workshop.look_at(START_S + 21_600 + LINK_LOST_AFTER.total_seconds() + 60)

    assert workshop.rows(Firing, "end_cause", "ended_at") == [("lost_link", _at(21_600))]


def test_a_kiln_whose_analysis_fails_stops_no_other_and_is_tried_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = LiveFiring.advance

    def fail_once(self: LiveFiring, chunk: object) -> object:
        monkeypatch.setattr(LiveFiring, "advance", whole)
        raise ZeroDivisionError

    monkeypatch.setattr(LiveFiring, "advance", fail_once)
    workshop.store(*uneven_firing("lo-1"), *uneven_firing("lo-2", first=101), now=_at(21_600))
    workshop.look_at(START_S + 21_600)
    after_failure = workshop.rows(Firing, "kiln_id")
    workshop.look_at(START_S + 21_601)

    assert after_failure == [(2,)]
    assert workshop.rows(Firing, "kiln_id") == [(2,), (1,)]
    assert [record.message for record in caplog.records].count("analysis failed") == 1


def test_a_kiln_that_fails_again_and_again_is_left_alone_for_longer_each_time(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Five times a second its traceback would wear out a card and hide everything else in the log."""

    def fail(_self: LiveFiring, _chunk: object) -> object:
        raise ZeroDivisionError

    machine_s = 1000.0
    monkeypatch.setattr("service.monitor.loop.time.monotonic", lambda: machine_s)
    with monkeypatch.context() as patch:
        patch.setattr(LiveFiring, "advance", fail)
        workshop.store(*uneven_firing(), now=_at(21_600))
        for _ in range(5 * 600):
            machine_s += 0.2
            workshop.monitor.step(_at(21_600))
    tried = [record.message for record in caplog.records].count("analysis failed")
    machine_s += loop.LONGEST_REST_S
    workshop.monitor.step(_at(21_600))

    assert 10 < tried < 20
    assert workshop.rows(Firing, "kiln_id") == [(1,)]


def test_history_that_comes_late_is_shown_and_rings_no_phone(workshop: Workshop) -> None:
    with workshop.database.write() as session:
        alarms.subscribe(session, 1, endpoint="https://push.test/1", p256dh="k", auth="a", device="x", now=_at(0))
        quiet = block(1, at_s=START_S, until_s=START_S + 40, top=[600.0, 600.5, 601.0, 601.5])
        again = block(2, at_s=START_S + 3600, until_s=START_S + 3660, top=[650.0])
    workshop.store(quiet, again, now=_at(3600))

    workshop.look_at(START_S + timedelta(days=1).total_seconds())

    assert ("sensor_silent",) in workshop.rows(StoredFinding, "kind")
    assert workshop.rows(Delivery, "next_try_at") in ([], [(None,)])


def test_the_target_cone_can_change_in_the_middle_of_a_firing(workshop: Workshop) -> None:
    blocks = uneven_firing()
    workshop.take(*blocks[:30])
    with workshop.database.write() as session:
        session.get_one(Firing, 1).target_cone = "010"
        session.get_one(Kiln, 1).edited_at = datetime.now(UTC)
        kilns.get_kiln(session, [1], 1).target_cone = "6"
    workshop.look_at(START_S + 30 * STEP_S)

    workshop.take(*blocks[30:])

    assert "overfired" in {kind for (kind,) in workshop.rows(StoredFinding, "kind")}


def go_on(first: int, from_block: int, to_block: int) -> list[Block]:
    """Return more of the kiln of `uneven_firing`, which climbs at 180 °C/h to 1100 °C and then falls at 200 °C/h."""
    blocks = []
    for number in range(from_block, to_block):
        minutes = [number * 10 + i / 6 for i in range(60)]
        top = [min(30 + 3.0 * minute, 1110 - 3.3 * (minute - 360)) for minute in minutes]
        at_s = START_S + number * STEP_S
        blocks.append(
            block(first + number, at_s=at_s, until_s=at_s + STEP_S, top=top, bottom=[one - 30 for one in top])
        )
    return blocks


def test_a_running_firing_made_one_with_the_one_before_it_goes_on_as_one(workshop: Workshop) -> None:
    """The power fails at three hours, the operator ends the firing, and it goes on at four."""
    workshop.take(*go_on(1, 0, 18))
    with workshop.database.write() as session:
        firings.ask_to_end(session.get_one(Firing, 1), now=_at(10_800), machine_now=datetime.now(UTC))
    workshop.look_at(START_S + 10_800)
    workshop.take(*go_on(1, 24, 30))
    [(_, ended), (second_began, running)] = workshop.rows(Firing, "started_at", "ended_at")
    join = partial(merge, now=_at(18_000))
    followed = []
    for change in (check_mergeable, join, take_apart, join):
        with workshop.database.write() as session:
            change(session, session.get_one(Firing, 1), session.get_one(Firing, 2))
            session.get_one(Kiln, 1).edited_at = datetime.now(UTC)
        workshop.look_at(START_S + 18_000)
        followed.append((workshop.changes[-1].now.firing_id, workshop.changes[-1].now.status.start_s))

    [(began, now_running, peak_c), _] = workshop.rows(Firing, "started_at", "ended_at", "peak_c")
    assert (ended, running, now_running) == (_at(10_800), None, None)
    assert (began - _at(0)).total_seconds() < 1200 < (second_began - _at(0)).total_seconds()
    assert 920 < peak_c < 931
    as_one, as_two = (1, began.timestamp()), (2, second_began.timestamp())
    assert followed == [as_two, as_one, as_two, as_one]
    workshop.restarted()
    workshop.take(*go_on(1, 30, 72))
    [(ended_at, cause, peak_c, into), (_, _, _, part_of)] = workshop.rows(
        Firing, "ended_at", "end_cause", "peak_c", "merged_into_id"
    )
    assert (cause, into, part_of) == ("cooled", None, 1)
    assert ended_at > _at(36_000)
    assert 1095 < peak_c < 1111
    kinds = workshop.rows(StoredFinding, "kind", "channel", "start_at")
    assert len(kinds) == len(set(kinds))


def test_a_firing_begun_by_hand_is_followed_before_the_readings_show_it(workshop: Workshop) -> None:
    workshop.take(block(1, at_s=START_S, until_s=START_S + 600, top=[30.0] * 60))
    with workshop.database.write() as session:
        kiln = session.get_one(Kiln, 1)
        firings.start_firing(session, kiln, started_at=_at(500))
        kiln.edited_at = datetime.now(UTC)

    workshop.look_at(START_S + 600)
    begun = workshop.changes[-1].now
    workshop.take(*go_on(1, 1, 72))

    assert (begun.firing_id, begun.status.phase.value) == (1, "holding")
    [(started_at, cause, peak_c)] = workshop.rows(Firing, "started_at", "end_cause", "peak_c")
    assert (started_at, cause) == (_at(500), "cooled")
    assert 1095 < peak_c < 1111


def test_a_firing_begun_by_hand_rings_for_a_probe_that_is_silent_already(workshop: Workshop) -> None:
    """Before, nobody fired and it was no alarm."""
    with workshop.database.write() as session:
        alarms.subscribe(session, 1, endpoint="https://push.test/1", p256dh="k", auth="a", device="x", now=_at(0))
    workshop.take(block(1, at_s=START_S, until_s=START_S + 600, top=[30.0] * 60, bottom=[30.0] * 60))
    workshop.take(block(2, at_s=START_S + 600, until_s=START_S + 1500, top=[30.0] * 90))
    before = workshop.rows(Alarm, "id")
    with workshop.database.write() as session:
        kiln = session.get_one(Kiln, 1)
        firings.start_firing(session, kiln, started_at=_at(1480))
        kiln.edited_at = datetime.now(UTC)

    workshop.look_at(START_S + 1500)

    rung = workshop.rows(Delivery, "alarm_id")
    workshop.take(block(3, at_s=START_S + 1500, until_s=START_S + 2100, top=[30.0] * 60))
    assert (before, rung) == ([], [(1,)])
    assert workshop.rows(StoredFinding, "kind", "channel", "severity") == [("sensor_silent", "bottom", "critical")]
    assert workshop.rows(Delivery, "alarm_id") == rung


def test_a_firing_begun_by_hand_rings_for_a_probe_that_fell_silent_in_the_morning(workshop: Workshop) -> None:
    with workshop.database.write() as session:
        alarms.subscribe(session, 1, endpoint="https://push.test/1", p256dh="k", auth="a", device="x", now=_at(0))
    workshop.take(block(1, at_s=START_S, until_s=START_S + 600, top=[30.0] * 60, flue=[30.0] * 60))
    day = [
        block(2 + i, at_s=START_S + 600 * (i + 1), until_s=START_S + 600 * (i + 2), flue=[30.0] * 60) for i in range(24)
    ]
    workshop.take(*day)
    with workshop.database.write() as session:
        kiln = session.get_one(Kiln, 1)
        firings.start_firing(session, kiln, started_at=_at(600 * 25 - 20))
        kiln.edited_at = datetime.now(UTC)

    workshop.look_at(START_S + 600 * 25)

    silent = [("sensor_silent", "top", "critical", 1, None)]
    assert workshop.rows(StoredFinding, "kind", "channel", "severity", "firing_id", "withdrawn_at") == silent
    assert workshop.rows(Delivery, "alarm_id") == [(1,)]

    with workshop.database.write() as session:
        kiln = session.get_one(Kiln, 1)
        running = firings.running_firing(session, 1)
        assert running is not None
        running.started_at = _at(600 * 25 - 400)  # it was said too late
        kiln.edited_at = datetime.now(UTC)
    workshop.look_at(START_S + 600 * 25 + 10)

    assert workshop.rows(StoredFinding, "kind", "channel", "severity", "firing_id", "withdrawn_at") == silent
    assert workshop.rows(Delivery, "alarm_id") == [(1,)]


def test_a_calibration_counts_for_what_comes_from_then_on(workshop: Workshop) -> None:
    workshop.take(*go_on(1, 0, 3))
    with workshop.database.write() as session:
        known = {"points": [], "note": "", "made_by": "Lan", "now": _at(1800)}
        calibrations.add_calibration(session, session.get_one(Channel, 1), from_at=_at(1800), offset_c=-10.0, **known)
        session.get_one(Kiln, 1).edited_at = datetime.now(UTC)
    workshop.look_at(START_S + 1800)

    workshop.take(*go_on(1, 3, 4))

    now_c = {one.name: one.last_c for one in workshop.changes[-1].now.status.channels}
    assert now_c["top"] == pytest.approx(30 + 3.0 * (39 + 5 / 6) - 10.0)
    assert workshop.readings[-1].curves["top"][1][0] == pytest.approx(30 + 3.0 * 30 - 10.0)
