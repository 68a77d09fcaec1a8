"""Two processes on one PostgreSQL: each kiln is watched by one of them, and what one leaves the other takes up."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from service_parts import block, new_bridge, new_workshop
from sqlalchemy import select, update
from test_monitor import START_S, STEP_S, uneven_firing

from firmware_bridge.wire import Block, Post, Receipt, Skipped
from service.clock import Clock
from service.ingest.known import Known
from service.ingest.store_posts import store_posts
from service.monitor import leases as lease_keeping
from service.monitor.leases import Leases
from service.monitor.loop import KilnChange, Monitor
from service.store import identity
from service.store import leases as lease_rows
from service.store.database import Database
from service.store.identity import BridgeIdentity
from service.store.models import Firing, Kiln, LiveState, ServiceProcess, StoredFinding

END_S = START_S + 36 * STEP_S
WORKSHOPS = 4


class Process:
    """A monitor with its leases, which looks and renews whenever it is told to."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.changes: list[KilnChange] = []
        self.leases = Leases(self.database)
        self.monitor = Monitor(self.database, Clock(), self.changes.append, leases=self.leases, gather_s=0.0)
        self.known = Known()

    def turn(self, at_s: float = END_S) -> None:
        self.leases.renew()
        self.look(at_s)

    def look(self, at_s: float = END_S) -> None:
        self.monitor.attend()
        self.monitor.step(datetime.fromtimestamp(at_s, UTC))

    @property
    def kilns(self) -> set[int]:
        return {change.now.kiln_id for change in self.changes}


class Village:
    """Workshops with a bridge each, and the processes that watch them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Database(url)
        self.processes: list[Process] = []
        self.bridges: list[BridgeIdentity] = []
        for number in range(WORKSHOPS):
            token = new_bridge(self.database, new_workshop(self.database, f"lan{number}@example.org"))
            with self.database.read() as session:
                found = identity.bridge_of_token(session, token)
            assert found is not None
            self.bridges.append(found)

    def start(self) -> Process:
        self.processes.append(Process(self.url))
        return self.processes[-1]

    def two(self) -> tuple[Process, Process]:
        """Start two processes and let them come to even shares."""
        pair = self.start(), self.start()
        for _ in range(10):
            for one in pair:
                one.turn()
        return pair

    def stop_renewing(self, process: Process) -> None:
        """Let a process have been silent for longer than a lease lasts."""
        with self.database.write() as session:
            past = datetime.now(UTC) - timedelta(seconds=1)
            mine = ServiceProcess.id == process.leases.me
            session.execute(update(ServiceProcess).where(mine).values(expires_at=past))

    def store(self, blocks: list[Block], process: Process | None = None) -> list[Receipt]:
        """Store blocks for the first kiln of every workshop, through one process."""
        with self.database.write() as session:
            posts = [(bridge, Post([one])) for bridge in self.bridges for one in blocks]
            known = process.known if process else Known()
            results, _ = store_posts(session, posts, known, now=datetime.fromtimestamp(END_S, UTC))
        return [one for one in results if isinstance(one, Receipt)]

    def rows(self, kind: type, *columns: str) -> list[tuple[object, ...]]:
        with self.database.read() as session:
            return sorted(tuple(getattr(row, name) for name in columns) for row in session.scalars(select(kind)))

    def close(self) -> None:
        for one in self.processes:
            one.database.close()
        self.database.close()


@pytest.fixture
def village(postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Village]:
    for module in (lease_rows, lease_keeping):  # a lease ends here when a test says so, however slow the machine is
        monkeypatch.setattr(module, "LASTS", timedelta(minutes=10))
    made = Village(postgres())
    yield made
    made.close()


WANTED = [(workshop, kind) for workshop in range(1, WORKSHOPS + 1) for kind in ("steam_explosion", "uneven_heating")]


def test_each_kiln_is_watched_by_one_of_two_processes(village: Village) -> None:
    first, second = village.two()

    village.store(uneven_firing())
    for one in (first, second):
        one.look()

    assert len(first.kilns) == len(second.kilns) == WORKSHOPS / 2
    assert first.kilns | second.kilns == {kiln_id for (kiln_id,) in village.rows(Kiln, "id")}
    assert village.rows(StoredFinding, "workshop_id", "kind") == sorted(WANTED)


def test_the_kilns_of_a_process_that_died_are_taken_over_where_they_stood(village: Village) -> None:
    first, second = village.two()
    blocks = uneven_firing()
    village.store(blocks[:20])
    for one in (first, second):
        one.look(START_S + 20 * STEP_S)

    village.stop_renewing(first)
    village.store(blocks[20:])
    second.turn()

    assert len(second.leases.held) == 120
    assert village.rows(StoredFinding, "workshop_id", "kind") == sorted(WANTED)
    assert len(village.rows(Firing, "id")) == WORKSHOPS


def test_a_process_that_stood_still_writes_nothing_for_kilns_that_others_watch_now(village: Village) -> None:
    first, second = village.two()
    blocks = uneven_firing()
    village.store(blocks[:20])
    for one in (first, second):
        one.look(START_S + 20 * STEP_S)

    village.stop_renewing(first)
    second.turn(START_S + 20 * STEP_S)
    second.monitor.save_all()
    stood = village.rows(LiveState, "kiln_id", "last_block_id")
    village.store(blocks[20:])
    first.look()  # it has not heard yet that it lost them
    first.monitor.save_all()
    untouched = village.rows(LiveState, "kiln_id", "last_block_id")
    second.look()

    assert untouched == stood
    assert not first.leases.is_sure
    assert village.rows(StoredFinding, "workshop_id", "kind") == sorted(WANTED)


def test_a_process_that_comes_back_gets_its_share_and_goes_on_from_there(village: Village) -> None:
    first, second = village.two()
    blocks = uneven_firing()
    village.store(blocks[:20])
    village.stop_renewing(first)
    second.turn()
    for _ in range(10):
        first.turn(START_S + 20 * STEP_S)
        second.turn(START_S + 20 * STEP_S)
    for one in (first, second):
        one.changes.clear()

    village.store(blocks[20:])
    for one in (first, second):
        one.look()

    assert len(first.leases.held) == len(second.leases.held) == 60
    assert not first.kilns & second.kilns
    assert village.rows(StoredFinding, "workshop_id", "kind") == sorted(WANTED)


def test_what_a_process_leaves_at_its_end_is_free_at_once(village: Village) -> None:
    first, second = village.two()
    village.store(uneven_firing())
    first.look()
    first.monitor.save_all()
    first.leases.start()
    first.leases.stop()

    second.turn()

    assert len(second.leases.held) == 120
    assert village.rows(StoredFinding, "workshop_id", "kind") == sorted(WANTED)


def test_a_bridge_may_send_to_any_process_and_again_to_another(village: Village) -> None:
    first, second = village.start(), village.start()
    skipped = Skipped("b007" * 4, 3, "malformed")

    told = village.store([block(1), block(2)], first)[-1]
    with village.database.write() as session:
        store_posts(
            session, [(one, Post([], [skipped])) for one in village.bridges], second.known, now=datetime.now(UTC)
        )
    again = village.store([block(1), block(2), block(4)], second)[-3:]
    last = village.store([block(5), block(4)], first)[-2:]

    assert told.marks == {"b007" * 4: 2}
    assert [one.stored for one in again] == [0, 0, 1]
    assert again[-1].marks == {"b007" * 4: 4}
    assert [one.stored for one in last] == [1, 0]
    assert last[-1].marks == {"b007" * 4: 5}
