"""Sealed readings: nothing lost, doubled or changed, whatever was sealed when, and wherever it was cut off."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from service_parts import BOOT, NOW, new_bridge, new_workshop
from sqlalchemy import ColumnElement, select, text, update
from sqlalchemy.exc import OperationalError

from firmware_bridge.wire import Block, Column, Quality, Unit
from service.cli import main
from service.clock import Clock
from service.core.series import Samples
from service.series import blocks, history
from service.series.at_hand import AtHand
from service.series.blocks import NewBlock
from service.series.chunks import between
from service.series.codec import DamagedError, pack, unpack
from service.series.columns import Key, Readings
from service.series.gather import clear_shelves, gather
from service.series.history import Recorded
from service.series.kept import read_or_nothing, write_block
from service.series.readable import Damaged
from service.series.rollups import STEPS_MS
from service.series.seal import NEVER, seal
from service.series.sealer import GATHER_EVERY, SEAL_AFTER, SEAL_EVERY, Sealer
from service.series.verify import verify
from service.store import identity, kilns, sinks
from service.store import months as months_module
from service.store.database import Database
from service.store.migrate import upgrade
from service.store.models import LiveState, Mark, Shelf, StoredBlock
from service.store.months import chunk, month_of

LONG_AGO = NOW - timedelta(days=1)


class Store:
    """A database with one bridge and one kiln, to which blocks are added as ingest and the watch over kilns would."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.at_hand: AtHand | None = None
        token = new_bridge(database, new_workshop(database, "lan@example.org"))
        with database.write() as session:
            found = identity.bridge_of_token(session, token)
            assert found is not None
            self.bridge = found
            self.kiln_id = kilns.create_kiln(session, self.bridge.workshop_id, name="Lò 1", key="lo-1").id

    def add(
        self,
        *added: Block,
        received_at: datetime = LONG_AGO,
        mark: int | None = None,
        watched: bool = True,
        elsewhere: bool = False,
    ) -> None:
        with self.database.write() as session:
            appended = blocks.append(
                session, [NewBlock(self.bridge, self.kiln_id, one) for one in added], received_at=received_at
            )
            session.merge(
                Mark(
                    bridge_id=self.bridge.bridge_id, boot=BOOT, seq=max(b.seq for b in added) if mark is None else mark
                )
            )
            if watched:
                last_id = appended.first_id + len(added) - 1
                state = {"last_block_id": last_id, "last_block_at": received_at, "snapshot": b"", "status": {}}
                session.merge(LiveState(kiln_id=self.kiln_id, workshop_id=self.bridge.workshop_id, **state))
        if self.at_hand is not None and not elsewhere:
            self.at_hand.add(appended)

    def seal(self) -> int:
        return seal(self.database, self.kiln_id, received_before=NOW)

    def read(self, name: str = "top", **between: datetime) -> Samples:
        with self.database.read() as session:
            whole = {"from_at": datetime.fromtimestamp(0, UTC), "to_at": NOW, **between}
            return history.read(session, self.kiln_id, **whole).channels[name]

    def spoil(self, *which: ColumnElement[bool]) -> None:
        """Turn over one bit of some sealed rows, as a worn card does."""
        with self.database.months.writing(self.months()[0]) as chunks:
            for row in chunks.execute(select(chunk).where(*which)).all():
                payload = row.payload[:40] + bytes([row.payload[40] ^ 1]) + row.payload[41:]
                at = chunk.c.step_ms == row.step_ms, chunk.c.from_ms == row.from_ms
                chunks.execute(update(chunk).where(*at).values(payload=payload))

    def damaged(self) -> list[str]:
        return [said for part in verify(self.database) for said in part.damaged]

    def count(self) -> tuple[int, int]:
        with self.database.read() as session:
            return history.count(session, self.kiln_id)

    def waiting(self) -> int:
        """Return how many readings are not sealed."""
        with self.database.read() as session:
            return sum(len(column.at_ms) for _, one in blocks.numbered(session, self.kiln_id) for column in one.columns)

    def gather(self, *, unwatched_before: datetime = NEVER) -> int:
        return gather(
            self.database,
            [self.kiln_id],
            unwatched_before=unwatched_before,
            check=lambda _session: None,
            at_hand=self.at_hand,
        )

    def on_shelves(self) -> list[int]:
        with self.database.read() as session:
            return list(session.scalars(select(StoredBlock.id).order_by(StoredBlock.id)))

    def months(self) -> list[str]:
        with self.database.read() as session:
            return self.database.months.names(session)


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


def column(at_s: list[float], value: list[float | None], name: str = "top") -> Column:
    fault = {i: Quality.OPEN for i, one in enumerate(value) if one is None}
    return Column(name, Unit.CELSIUS, [round(one * 1000) for one in at_s], value, fault)


def steady(seq: int, at_s: float, *, every_s: float = 1.0, count: int = 600, level: float = 700.0) -> Block:
    """Return ten minutes of a kiln that rises slowly, in quarters of a degree."""
    at = [at_s + every_s * i for i in range(count)]
    value: list[float | None] = [level + round(i / 60 * 4) / 4 for i in range(count)]
    return Block(BOOT, seq, "lo-1", round((at[-1] + 1) * 1000), [column(at, value), column(at, value, "bottom")])


# --- the bytes -------------------------------------------------------------------------------------------------------

VALUES = arrays.arrays(
    np.float64,
    st.shared(st.integers(0, 40), key="n"),
    elements=st.one_of(
        st.floats(allow_infinity=True, allow_nan=True),
        st.integers(-2000, 20000).map(lambda i: i / 10),
        st.integers(-2000, 20000).map(lambda i: i / 128),
    ),
)
TIMES = arrays.arrays(np.int64, st.shared(st.integers(0, 40), key="n"), elements=st.integers(0, 4_102_444_800_000))
QUALITIES = arrays.arrays(np.uint8, st.shared(st.integers(0, 40), key="n"), elements=st.integers(0, 6))


@settings(deadline=None)
@given(at_ms=TIMES, value=VALUES, quality=QUALITIES)
def test_readings_come_back_from_bytes_to_a_thousandth_of_a_degree(
    at_ms: np.ndarray, value: np.ndarray, quality: np.ndarray
) -> None:
    columns = {
        Key("top", Unit.CELSIUS): Readings(at_ms, value, quality),
        Key("gas", Unit.KILOGRAM, "estimated"): Readings(at_ms, -value, quality),
    }

    back = unpack(pack(columns))

    assert back.keys() == columns.keys()
    for key, readings in columns.items():
        np.testing.assert_array_equal(back[key].at_ms, readings.at_ms)
        np.testing.assert_array_equal(back[key].quality, readings.quality)
        off = 0.000_501 if key.unit == Unit.CELSIUS else 0.0
        np.testing.assert_allclose(back[key].value, readings.value, rtol=0, atol=off)
    again = unpack(pack(back))
    for key, readings in back.items():  # however often an hour is sealed anew, nothing moves
        np.testing.assert_array_equal(again[key].value, readings.value)


@pytest.mark.parametrize("steps_per_unit", [1, 10, 100, 1000, 4, 16, 128, 256])
@settings(deadline=None)
@given(steps=st.lists(st.integers(-50_000, 450_000), min_size=1, max_size=40))
def test_what_an_instrument_tells_comes_back_as_it_was_stored(steps_per_unit: int, steps: list[int]) -> None:
    value = np.array(steps) / steps_per_unit
    readings = Readings(np.arange(len(value), dtype=np.int64), value, np.zeros(len(value), np.uint8))

    back = unpack(pack({Key("top", Unit.CELSIUS): readings}))

    np.testing.assert_array_equal(back[Key("top", Unit.CELSIUS)].value, value)


@settings(deadline=None)
@given(
    at_ms=arrays.arrays(np.int64, 30, elements=st.integers(0, 4_102_444_800_000)),
    later_ms=st.lists(st.integers(-50, 50), min_size=1, max_size=4),
)
def test_channels_that_take_turns_keep_their_own_times(at_ms: np.ndarray, later_ms: list[int]) -> None:
    value, quality = np.zeros(len(at_ms)), np.zeros(len(at_ms), np.uint8)
    columns = {Key(str(later), Unit.CELSIUS): Readings(at_ms + later, value, quality) for later in later_ms}

    back = unpack(pack(columns))

    for key, readings in columns.items():
        np.testing.assert_array_equal(back[key].at_ms, readings.at_ms)


@given(st.binary(max_size=200))
def test_bytes_of_something_else_are_said_to_be_damaged(noise: bytes) -> None:
    with pytest.raises(DamagedError, match="cannot be read back"):
        unpack(noise)


def test_an_hour_of_a_thermocouple_takes_half_a_byte_a_reading() -> None:
    noise = np.random.default_rng(1).normal(0, 0.3, 3600)
    value = np.round((800 + np.arange(3600) / 36 + noise) * 4) / 4  # a MAX31855 says quarters
    readings = Readings(np.arange(3600, dtype=np.int64) * 1000, value, np.zeros(3600, np.uint8))

    packed = pack({Key("top", Unit.CELSIUS): readings, Key("flue", Unit.CELSIUS): readings})

    assert len(packed) / 7200 < 0.5


def test_two_channels_read_in_turn_take_no_more_for_their_times_than_one() -> None:
    at_ms = np.cumsum(20_000 + np.random.default_rng(2).integers(-300, 300, 1500))
    one = Readings(at_ms, np.full(1500, 20.0), np.zeros(1500, np.uint8))
    top, bottom = Key("top", Unit.CELSIUS), Key("bottom", Unit.CELSIUS)

    alone, both = len(pack({top: one})), len(pack({top: one, bottom: one._replace(at_ms=at_ms + 4)}))

    assert both < alone + 100


# --- sealing ---------------------------------------------------------------------------------------------------------


def test_what_is_sealed_reads_as_it_did_before_and_the_blocks_are_gone(store: Store) -> None:
    start_s = LONG_AGO.timestamp()
    store.add(*(steady(seq, start_s + 600 * (seq - 1)) for seq in range(1, 20)))
    store.add(Block(BOOT, 20, "lo-1", 0, [column([start_s + 3], [None]), column([start_s + 4000.5], [None], "top2")]))
    before, faulty, counted = store.read(), store.read("top2"), store.count()

    sealed = store.seal()

    assert (sealed, store.waiting()) == (19 * 1200 + 2, 0)
    after = store.read()
    np.testing.assert_array_equal(after.time_s, before.time_s)
    np.testing.assert_array_equal(after.value, before.value)
    assert store.read("top2").quality is not None
    assert faulty.quality is not None
    assert store.read("top2").quality.tolist() == faulty.quality.tolist() == [1]  # type: ignore[union-attr]
    assert store.count() == counted == (19 * 1200 + 2, 1)


async def test_a_database_that_is_away_for_a_moment_does_not_end_the_sealer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealer, came = Sealer(store.database, Clock()), asyncio.Event()
    tries = []

    def step(now: datetime) -> None:
        tries.append(now)
        if len(tries) == 1:
            raise OperationalError("SELECT", {}, Exception("it is away"))
        loop.call_soon_threadsafe(came.set)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(sealer, "step", step)
    monkeypatch.setattr("service.series.sealer._LOOK_EVERY_S", 0.0)
    running = asyncio.create_task(sealer.run())
    async with asyncio.timeout(10):
        await came.wait()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def test_a_months_file_is_there_with_its_table_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def power_cut(*_: object, **__: object) -> None:
        raise SystemExit

    database = Database(f"sqlite:///{tmp_path / 'canhlo.sqlite3'}")
    with monkeypatch.context() as patched:
        patched.setattr(months_module.SERIES, "create_all", power_cut)
        with pytest.raises(SystemExit), database.months.writing("2026-03"):
            pass
    with database.read() as session:
        assert database.months.names(session) == []
    with database.months.writing("2026-03") as chunks:
        assert chunks.scalar(text("SELECT count(*) FROM chunk")) == 0
    database.close()


def test_late_readings_join_the_hour_they_belong_to(store: Store) -> None:
    start_s = LONG_AGO.timestamp()
    store.add(steady(1, start_s), steady(3, start_s + 1200))
    store.seal()

    store.add(steady(2, start_s + 600), steady(5, start_s))  # one late, one said twice
    store.seal()

    assert store.waiting() == 0
    assert np.diff(store.read().time_s).tolist() == [1.0] * 1799
    assert store.count() == (4 * 1200, 1200)


def test_what_has_just_come_or_is_not_watched_yet_is_not_sealed(store: Store) -> None:
    start_s = LONG_AGO.timestamp()
    store.add(steady(1, start_s), steady(2, start_s + 600))
    assert store.gather() == 2
    store.add(steady(3, start_s + 1200), received_at=NOW + timedelta(seconds=1))
    assert store.seal() == 2400
    store.add(steady(4, start_s + 1800), watched=False)

    assert store.seal() == 0
    assert store.waiting() == 2400
    np.testing.assert_array_equal(np.diff(store.read().time_s), 1.0)


@pytest.mark.parametrize("ahead", [timedelta(hours=7), timedelta(minutes=3)])
def test_a_clock_that_was_ahead_for_a_while_costs_no_reading(store: Store, ahead: timedelta) -> None:
    """After a power cut a box may be hours ahead until it asks the network, and two boxes are never quite together."""
    store.add(steady(1, NOW.timestamp() - 5000), received_at=NOW + ahead)
    store.gather()
    store.add(steady(2, NOW.timestamp() - 4400), received_at=LONG_AGO)
    store.seal()

    assert store.count() == (2400, 0)
    store.seal()
    assert store.count() == (2400, 0)
    assert store.damaged() == []


def test_blocks_lie_on_their_shelves_until_they_are_gathered_and_all_sinks_have_them(store: Store) -> None:
    start_s = LONG_AGO.timestamp()
    store.add(*(steady(seq, start_s + 600 * (seq - 1)) for seq in range(1, 4)))
    store.add(steady(4, start_s + 1800), watched=False)
    before = store.read()
    assert clear_shelves(store.database) == 0
    assert store.gather() == 3

    with store.database.write() as session:
        sinks.enter(session, "kho").block_id = 1
    assert clear_shelves(store.database) == 1
    with store.database.write() as session:
        sinks.advance(session, "kho", to_id=4, now=NOW)
    assert clear_shelves(store.database) == 2
    assert store.on_shelves() == [4]  # not watched, and the next number follows it

    np.testing.assert_array_equal(store.read().time_s, before.time_s)
    np.testing.assert_array_equal(store.read().value, before.value)


def test_a_sink_that_is_away_gets_what_is_sealed_meanwhile_and_its_blocks_may_go(store: Store) -> None:
    with store.database.write() as session:
        sinks.enter(session, "kho")
    store.add(steady(1, LONG_AGO.timestamp()), steady(2, LONG_AGO.timestamp() + 600))
    store.gather()
    assert clear_shelves(store.database) == 0

    store.seal()

    assert clear_shelves(store.database) == 1
    with store.database.read() as session:
        assert [debt.kiln_id for debt in sinks.owed(session, "kho", limit=9)] == [store.kiln_id]


def test_a_new_sink_is_owed_what_was_gathered_before_it_came(store: Store) -> None:
    store.add(steady(1, LONG_AGO.timestamp()), steady(2, LONG_AGO.timestamp() + 600))
    store.gather()
    clear_shelves(store.database)
    with store.database.write() as session:
        sinks.enter(session, "kho")
        sinks.advance(session, "kho", to_id=2, now=NOW)  # it found the second on its shelf, and never saw the first

    store.seal()

    with store.database.read() as session:
        assert [debt.kiln_id for debt in sinks.owed(session, "kho", limit=9)] == [store.kiln_id]


def test_what_lies_for_a_sink_that_is_just_being_entered_stays(postgres: Callable[[], str]) -> None:
    store = Store(Database(postgres()))
    store.add(*(steady(seq, LONG_AGO.timestamp() + 600 * seq) for seq in range(1, 4)))
    store.gather()

    with ThreadPoolExecutor(1) as elsewhere:
        with store.database.write() as session:
            sinks.enter(session, "kho")
            clearing = elsewhere.submit(clear_shelves, store.database)
            _until_one_waits(store.database)  # it has seen that there is no sink
        assert clearing.result(timeout=30) == 0

    assert store.on_shelves() == [1, 2, 3]
    store.database.close()


def _until_one_waits(database: Database) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    ends_s = time.monotonic() + 30
    with database.engine.connect() as connection:
        while not connection.scalar(waiting):
            assert time.monotonic() < ends_s


def test_a_kiln_that_cannot_be_watched_is_gathered_in_the_end_all_the_same(store: Store) -> None:
    store.add(steady(1, LONG_AGO.timestamp()), steady(2, LONG_AGO.timestamp() + 600), watched=False)

    assert store.gather() == 0
    assert store.gather(unwatched_before=NOW) == 2

    assert clear_shelves(store.database) == 1
    assert store.waiting() == 2400


def test_what_is_at_hand_is_gathered_without_being_read_back(store: Store) -> None:
    store.at_hand = AtHand()
    start_s = LONG_AGO.timestamp()
    store.add(steady(1, start_s), steady(2, start_s + 600))
    before = store.read()
    with store.database.write() as session:  # whoever reads them now finds nothing to gather
        session.execute(update(StoredBlock).values(payload=b"not a block"))
    assert store.gather() == 2

    assert clear_shelves(store.database) == 1
    assert store.gather() == 0
    np.testing.assert_array_equal(store.read().time_s, before.time_s)
    np.testing.assert_array_equal(store.read().value, before.value)


def test_what_is_not_all_at_hand_is_looked_for(store: Store) -> None:
    start_s = LONG_AGO.timestamp()
    blocks_of_ten_minutes = [steady(seq, start_s + 600 * (seq - 1)) for seq in range(1, 9)]
    store.add(blocks_of_ten_minutes[0])  # before this process began
    store.at_hand = AtHand()
    for number, one in enumerate(blocks_of_ten_minutes[1:4], start=2):
        store.add(one, elsewhere=number == 3)
    assert store.gather() == 4

    store.add(blocks_of_ten_minutes[4], watched=False)
    assert store.gather() == 0
    assert store.gather(unwatched_before=NOW) == 1
    store.add(blocks_of_ten_minutes[5], watched=False, elsewhere=True)
    assert store.gather(unwatched_before=NOW) == 1

    store.at_hand = AtHand(most_bytes=10_000)
    store.add(blocks_of_ten_minutes[6])
    store.add(blocks_of_ten_minutes[7])
    assert store.gather() == 2
    np.testing.assert_array_equal(np.diff(store.read().time_s), 1.0)


def test_a_block_that_is_damaged_holds_up_no_other_and_is_still_found(store: Store) -> None:
    start_s = LONG_AGO.timestamp()
    store.add(*(steady(seq, start_s + 600 * (seq - 1)) for seq in range(1, 5)))
    payload = write_block(read_or_nothing(msgspec.msgpack.encode(steady(3, start_s + 1200))))
    with store.database.write() as session:
        session.execute(update(StoredBlock).where(StoredBlock.id == 2).values(payload=b"not a block"))
        spoiled = payload.replace(b"bottom", b"b\xff\xfetom")  # no text any more
        session.execute(update(StoredBlock).where(StoredBlock.id == 3).values(payload=spoiled))

    assert store.waiting() == 2 * len(store.read().time_s) == 2 * 1200
    assert store.gather() == 4
    assert store.waiting() == 2 * len(store.read().time_s) == 2 * 1200
    assert clear_shelves(store.database) == 3
    assert store.seal() == 2 * 1200
    assert store.seal() == 0

    *_, unsealed = verify(store.database)
    assert unsealed.readings == 0
    assert [said.split(":")[0] for said in unsealed.damaged] == ["block 2", "block 3"]


def test_thousands_of_blocks_on_many_shelves_are_found_and_cleared(store: Store) -> None:
    start_s = LONG_AGO.timestamp()
    number = 2 * blocks.BLOCKS_ON_A_SHELF + 5
    store.add(*(Block(BOOT, seq, "lo-1", 0, [column([start_s + seq], [20.0])]) for seq in range(1, number + 1)))
    with store.database.read() as session:
        assert session.scalars(select(Shelf.id).order_by(Shelf.id)).all() == [0, 1, 2]
        later = blocks.read_kiln(session, store.kiln_id, after_id=2040, upto_id=4100, limit=9999)
        assert later is not None
        assert len(later.payloads) == 2060

    while store.gather():
        assert store.waiting() == number
    while clear_shelves(store.database):
        pass

    assert store.on_shelves() == [number]
    with store.database.read() as session:
        assert session.scalars(select(Shelf.id)).all() == [2]
    assert store.waiting() == number
    store.add(Block(BOOT, number + 1, "lo-1", 0, []))
    assert store.on_shelves() == [number, number + 1]


def test_a_crash_after_the_hours_were_written_doubles_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    start_s = LONG_AGO.timestamp()
    store.add(*(steady(seq, start_s + 600 * (seq - 1)) for seq in range(1, 10)))
    counted, before = store.count(), store.read()

    store.gather()
    with monkeypatch.context() as broken:
        broken.setattr(store.database, "write", _fail)
        with pytest.raises(OSError, match="power"):
            store.seal()
    assert store.waiting() == 9 * 1200
    assert store.count() == counted
    assert store.seal() == 9 * 1200

    assert store.count() == counted
    np.testing.assert_array_equal(store.read().time_s, before.time_s)


def _fail() -> None:
    msg = "the power went off"
    raise OSError(msg)


POSTS = st.lists(
    st.tuples(
        st.sampled_from(["post", "post", "post", "elsewhere", "gather", "clear", "seal", "crash"]),
        st.integers(0, 5),  # the quarter of an hour, two hours in all and over the end of a month
        st.lists(st.tuples(st.integers(0, 900), st.none() | st.integers(0, 5000).map(lambda i: i / 4)), max_size=8),
        st.booleans(),
    ),
    max_size=14,
)


@settings(max_examples=30, deadline=None)
@given(steps=POSTS, at_hand=st.none() | st.builds(AtHand, st.sampled_from([0, 1000, 10_000_000])))
def test_any_order_of_posts_seals_and_crashes_loses_and_doubles_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, int, list[tuple[int, float | None]], bool]],
    at_hand: AtHand | None,
) -> None:
    """Blocks may come here, where they stay at hand for a while, or elsewhere."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('sealing') / 'canhlo.sqlite3'}")
    upgrade(database)
    store = Store(database)
    store.at_hand = at_hand
    first_s = datetime(2026, 1, 31, 23, 0, tzinfo=UTC).timestamp()
    told: dict[float, float] = {}
    came = 0
    try:
        for seq, (what, quarter, said, is_estimated) in enumerate(steps, start=1):
            if what in {"post", "elsewhere"}:
                at = [first_s + 900 * quarter + second for second, _ in said]
                one = Block(BOOT, seq, "lo-1", 0, [column(at, [value for _, value in said])], is_estimated)
                store.add(one, elsewhere=what == "elsewhere")
                came += len(said)
                for at_s, (_, value) in zip(at, said, strict=True):
                    if np.isnan(told.get(at_s, np.nan)):
                        told[at_s] = np.nan if value is None else value
            elif what == "seal":
                store.seal()
            elif what == "gather":
                store.gather()
            elif what == "clear":
                clear_shelves(database)
            else:
                with pytest.MonkeyPatch.context() as broken:
                    broken.setattr(database, "write", _fail)
                    try:
                        store.seal()
                    except OSError:
                        pass
        stored, repeats = store.count()
        assert (stored, stored - repeats) == (came, len(told))
        if told:
            read = store.read()
            assert read.time_s.tolist() == sorted(told)
            np.testing.assert_array_equal(read.value, [told[at] for at in sorted(told)])
        assert [part.damaged for part in verify(database) if part.damaged] == []
    finally:
        database.close()


# --- charts ----------------------------------------------------------------------------------------------------------


def test_a_chart_of_a_month_keeps_the_one_second_that_was_hottest(store: Store) -> None:
    start = datetime(2026, 1, 28, tzinfo=UTC)
    level = 600.0
    for day in range(4):
        first_s = start.timestamp() + 86400 * day
        store.add(*(steady(24 * day + hour + 1, first_s + 3600 * hour, every_s=6.0, level=level) for hour in range(24)))
    peak_s = start.timestamp() + 86400 * 2 + 12345.0
    store.add(Block(BOOT, 100, "lo-1", 0, [column([peak_s], [1234.5])]))
    while store.seal():
        pass

    with store.database.read() as session:
        asked = {"from_at": start, "to_at": start + timedelta(days=4)}
        drawn, step_s = history.read_for_chart(session, store.kiln_id, width=80, **asked)
        exact, exact_step_s = history.read_for_chart(session, store.kiln_id, width=4000, **asked)

    top = drawn.channels["top"]
    assert (step_s, exact_step_s) == (600.0, 10.0)
    assert len(top.time_s) == 2 * 4 * 144
    assert (top.value.min(), top.value.max()) == (600.0, 1234.5)
    assert abs(float(top.time_s[top.value.argmax()]) - peak_s) < 600.0
    assert abs(float(exact.channels["top"].time_s[exact.channels["top"].value.argmax()]) - peak_s) < 10.0
    assert store.months() == ["2026-01"]


@pytest.mark.parametrize("after_s", [0, 60, 140, 200, 599, 600])
def test_a_chart_that_ends_at_any_moment_shows_what_was_hottest_before_it(store: Store, after_s: int) -> None:
    start_s = datetime(2026, 1, 28, tzinfo=UTC).timestamp()
    for hour in range(50):
        store.add(steady(hour + 1, start_s + 3600 * hour, every_s=6.0, level=600.0))
    peak_s = start_s + 47 * 3600 + 33
    store.add(Block(BOOT, 100, "lo-1", 0, [column([peak_s], [1234.5])]))
    while store.seal():
        pass

    window = {"from_at": datetime.fromtimestamp(start_s, UTC), "to_at": datetime.fromtimestamp(peak_s + after_s, UTC)}
    back = {
        "from_at": datetime.fromtimestamp(peak_s - after_s, UTC),
        "to_at": datetime.fromtimestamp(start_s + 180_000, UTC),
    }
    with store.database.read() as session:
        until, step_s = history.read_for_chart(session, store.kiln_id, width=100, **window)
        since, _ = history.read_for_chart(session, store.kiln_id, width=2, **back)

    assert step_s == 600.0
    assert until.channels["top"].value.max() == 1234.5
    assert until.channels["top"].time_s.max() <= peak_s + after_s
    assert since.channels["top"].value.max() == 1234.5
    assert since.channels["top"].time_s.min() >= peak_s - after_s
    assert (np.diff(until.channels["top"].time_s) > 0).all()


def test_a_value_stays_where_another_bridge_saw_a_broken_wire_at_that_moment(store: Store) -> None:
    start_s = LONG_AGO.timestamp()
    store.add(
        Block(BOOT, 1, "lo-1", 0, [column([start_s, start_s + 1], [None, None])]),
        Block(BOOT, 2, "lo-1", 0, [column([start_s], [700.0])]),
    )
    before = store.read()
    store.seal()

    for kept in (before, store.read()):
        np.testing.assert_array_equal(kept.value, [700.0, np.nan])


def test_a_guessed_time_beside_a_known_one_is_no_damage(store: Store) -> None:
    start_s = LONG_AGO.timestamp()
    guessed = Block(BOOT, 1, "lo-1", 0, [column([start_s], [100.0])], is_estimated=True)
    store.add(guessed, Block(BOOT, 2, "lo-1", 0, [column([start_s, start_s + 1], [900.0, 901.0])]))
    store.seal()

    assert store.read().value.tolist() == [900.0, 901.0]
    assert [damaged for part in verify(store.database) for damaged in part.damaged] == []


# --- months, and whether they hold -----------------------------------------------------------------------------------


def test_a_month_can_be_dropped_whole(store: Store) -> None:
    january, february = (datetime(2026, month, 1, tzinfo=UTC).timestamp() for month in (1, 2))
    store.add(steady(1, january), steady(2, february))
    store.seal()
    assert store.months() == ["2026-01", "2026-02"]
    assert store.count() == (2400, 0)

    store.database.months.drop("2026-01")

    assert store.months() == ["2026-02"]
    assert store.read().time_s[0] == february


def test_a_new_month_waits_for_nobody_who_reads_and_holds_up_nobody(store: Store) -> None:
    store.add(steady(1, LONG_AGO.timestamp()), steady(2, LONG_AGO.timestamp() + 600))
    store.seal()

    with store.database.read() as reading:
        before = history.count(reading, store.kiln_id)
        with store.database.months.writing("2031-05"):
            assert store.count() == before

    assert store.months()[-1] == "2031-05"


def test_verify_reads_everything_back_and_finds_what_has_changed(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store.add(steady(1, LONG_AGO.timestamp()), steady(2, LONG_AGO.timestamp() + 600))
    store.seal()
    store.add(steady(4, LONG_AGO.timestamp() + 1200))
    month = month_of(round(LONG_AGO.timestamp() * 1000))
    parts = list(verify(store.database))
    assert [(part.name, part.readings, part.damaged) for part in parts] == [
        (month, 2400, []),
        ("not sealed yet", 1200, []),
    ]

    store.spoil(chunk.c.step_ms == 0)
    monkeypatch.setenv("CANHLO_DATABASE_URL", store.database.engine.url.render_as_string(hide_password=False))
    monkeypatch.setattr("sys.argv", ["canhlo", "verify", "--data-dir", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()

    said = capsys.readouterr()
    assert ended.value.code == 2
    assert f"{month}: 0 readings: 1 DAMAGED\n  sealed readings of kiln 1" in said.out
    assert "not sealed yet: 1,200 readings" in said.out
    assert "not as it was written: 1 place;" in said.err


# --- what is damaged -------------------------------------------------------------------------------------------------

MIDNIGHT = LONG_AGO.replace(hour=0, minute=0, second=0)
TWO_HOURS = {"from_at": MIDNIGHT, "to_at": MIDNIGHT + timedelta(hours=2)}


@pytest.fixture
def two_hours(store: Store) -> Store:
    """Sealed: a reading a second of one probe, a ramp of a degree a second with a peak of one reading."""
    for seq in range(1, 13):
        at_s = [MIDNIGHT.timestamp() + 600 * (seq - 1) + second for second in range(600)]
        ramp = [float(600 * (seq - 1) + second) for second in range(600)]
        store.add(Block(BOOT, seq, "lo-1", 0, [column(at_s, ramp)]))
    store.add(Block(BOOT, 13, "lo-1", 0, [column([MIDNIGHT.timestamp() + 1234.5], [9999.0])]))
    while store.seal():
        pass
    return store


def drawn(store: Store, width: int) -> Recorded:
    with store.database.read() as session:
        return history.read_for_chart(session, store.kiln_id, width=width, **TWO_HOURS)[0]


def is_hour(hour: int) -> ColumnElement[bool]:
    return chunk.c.from_ms == round(MIDNIGHT.timestamp() + 3600 * hour) * 1000


def ms_of(hours: float) -> int:
    return round((MIDNIGHT + timedelta(hours=hours)).timestamp() * 1000)


def test_where_readings_are_damaged_means_of_ten_seconds_stand_for_them(two_hours: Store) -> None:
    two_hours.spoil(chunk.c.step_ms == 0, is_hour(0))

    with two_hours.database.read() as session:
        kept = history.read(session, two_hours.kiln_id, **TWO_HOURS)

    assert kept.damaged == [Damaged(ms_of(0), ms_of(1) - 1, 10_000)]
    of_first, of_second = np.split(kept.channels["top"].value, [360])
    assert of_first[:2].tolist() == [4.5, 14.5]
    assert of_second.tolist() == list(range(3600, 7200))
    assert kept.channels["top"].time_s[0] == MIDNIGHT.timestamp() + 5
    assert len(two_hours.damaged()) == 2  # the hour, and that it is not what its roll-ups say


def test_a_chart_shows_every_extreme_of_a_damaged_hour_and_says_so(two_hours: Store) -> None:
    two_hours.spoil(chunk.c.step_ms == 0, is_hour(0))

    exact, rolled_up = drawn(two_hours, 4000), drawn(two_hours, 50)

    assert exact.damaged == [Damaged(ms_of(0), ms_of(1) - 1, 10_000)]
    assert exact.channels["top"].value.max() == 9999.0
    assert len(exact.channels["top"].value) == 2 * 360 + 3600
    assert rolled_up.damaged == []


def test_a_chart_is_drawn_from_what_is_finer_where_a_roll_up_is_damaged(two_hours: Store) -> None:
    two_hours.spoil(chunk.c.step_ms.in_((60_000, 600_000)))

    of_minutes = drawn(two_hours, 50)

    assert of_minutes.damaged == []
    assert len(of_minutes.channels["top"].value) == 2 * 720
    two_hours.spoil(chunk.c.step_ms == 10_000)
    of_readings = drawn(two_hours, 50)
    assert of_readings.damaged == []
    assert len(of_readings.channels["top"].value) == 7201


def test_of_what_cannot_be_read_at_all_it_is_said_from_when_to_when(two_hours: Store) -> None:
    two_hours.add(Block(BOOT, 14, "lo-1", 0, [column([MIDNIGHT.timestamp() + 3600.25], [1.5])]))
    two_hours.spoil(chunk.c.step_ms >= 0)

    for width in (50, 4000):
        kept = drawn(two_hours, width)
        (told,) = kept.damaged
        assert (told.from_ms, told.step_ms) == (ms_of(0), None)
        assert told.to_ms >= ms_of(2) - 1
        assert kept.channels["top"].value.tolist() == [1.5]  # not sealed yet


def late(store: Store, seq: int, *at_s: float, value: float = 77.0) -> None:
    store.add(Block(BOOT, seq, "lo-1", 0, [column([MIDNIGHT.timestamp() + one for one in at_s], [value] * len(at_s))]))


def test_what_comes_late_to_a_damaged_hour_lies_beside_it(two_hours: Store) -> None:
    """Nothing of what can still be read is written over, however often more comes, and it stays told of."""
    two_hours.spoil(chunk.c.step_ms == 0, is_hour(0))
    for seq, at_s in ((14, 0.0), (15, 2.5), (16, 2.75)):
        late(two_hours, seq, at_s, value=77.0 + seq)
        assert two_hours.seal() == 1

    top = two_hours.read(to_at=MIDNIGHT + timedelta(hours=1, seconds=-1))
    assert top.value[:5].tolist() == [91.0, 92.0, 93.0, pytest.approx((45 + 91 + 92 + 93) / 13, abs=0.001), 14.5]
    assert len(top.value) == 363
    for width in (50, 4000):
        assert drawn(two_hours, width).channels["top"].value.max() == 9999.0
    assert [one.step_ms for one in drawn(two_hours, 4000).damaged] == [10_000]
    assert len(two_hours.damaged()) == 2
    assert two_hours.seal() == 0


def test_a_power_cut_before_the_blocks_are_gone_adds_nothing_twice_to_a_damaged_hour(
    two_hours: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_hours.spoil(chunk.c.step_ms == 0, is_hour(0))
    late(two_hours, 14, 2.5)
    with monkeypatch.context() as cut:
        cut.setattr("service.series.seal._owe_to_sinks", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            two_hours.seal()

    two_hours.seal()

    counts = drawn_counts(two_hours)
    assert counts[10_000] == counts[60_000] == counts[600_000] == 7201 + 1
    assert drawn(two_hours, 50).channels["top"].value.max() == 9999.0


def drawn_counts(store: Store) -> dict[int, float]:
    """Return of how many readings each level says that it is."""
    counts = {}
    for step_ms in STEPS_MS:
        with store.database.read() as session, store.database.months.reading(session, store.months()[0]) as held:
            found = list(between(held, store.kiln_id, step_ms, ms_of(0), ms_of(2)))
        counts[step_ms] = sum(one.columns[Key("top", Unit.CELSIUS, "count")].value.sum() for one in found)
    return counts


def test_a_damaged_roll_up_stays_as_it_is_and_what_is_finer_stands_for_it(two_hours: Store) -> None:
    two_hours.spoil(chunk.c.step_ms >= 10_000)
    late(two_hours, 14, 2.5, value=10_001.0)

    assert two_hours.seal() == 1

    for width in (50, 4000):
        found = drawn(two_hours, width)
        assert found.damaged == []
        assert found.channels["top"].value.max() == 10_001.0


def test_a_day_and_an_hour_of_another_are_told_of_in_order(store: Store) -> None:
    """Hours are rows until their day has been over for a day; then the day is one, unless an hour is damaged."""
    days = [MIDNIGHT - timedelta(days=6), MIDNIGHT - timedelta(days=1)]
    for seq, day in enumerate(days, start=1):
        store.add(steady(seq, day.timestamp()))
        store.seal()
    store.spoil(chunk.c.step_ms.in_((0, 1)))

    with store.database.read() as session:
        told = history.read(session, store.kiln_id, from_at=days[0], to_at=NOW).damaged

    assert [one.from_ms for one in told] == sorted(one.from_ms for one in told)
    assert all(one.from_ms < one.to_ms for one in told)
    assert told[0].from_ms == round(days[0].timestamp() * 1000)
    late_s = days[0].timestamp() + 0.5
    store.add(Block(BOOT, 9, "lo-1", 0, [column([late_s], [77.0])]))  # into a day that is one row
    store.seal()
    assert 77.0 in store.read().value


def test_a_page_of_the_file_that_is_lost_is_like_a_row_that_is_damaged(tmp_path: Path) -> None:
    """A card loses four kilobytes at a time: then SQLite itself cannot read the row."""
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite3'}")
    upgrade(database)
    store = Store(database)
    noise = np.random.default_rng(1).normal(600.0, 40.0, 7200).tolist()  # does not pack: an hour is several pages
    at_s = [MIDNIGHT.timestamp() + second for second in range(7200)]
    store.add(Block(BOOT, 1, "lo-1", 0, [column(at_s, noise)]))
    store.seal()
    with database.read() as session, database.months.reading(session, store.months()[0]) as held:
        whole = held.scalars(select(chunk.c.payload).where(chunk.c.step_ms == 0, is_hour(0))).one()
    file = tmp_path / f"series/{store.months()[0]}.sqlite3"
    content = file.read_bytes()
    page = content.index(whole[8000:8100]) // 4096  # in the middle of the row
    file.write_bytes(content[: page * 4096] + bytes(4096) + content[(page + 1) * 4096 :])

    kept = drawn(store, 4000)
    assert [one.step_ms for one in kept.damaged] == [10_000]
    assert len(kept.channels["top"].value) == 2 * 360 + 3600
    late(store, 2, 2.5)
    assert store.seal() == 1
    assert 77.0 in store.read().value
    month, _ = verify(database)
    assert month.readings == 3600 + 1
    assert [said.partition(f" of kiln {store.kiln_id} from {ms_of(0)} on ")[2] for said in month.damaged[-2:]] == [
        "are not what was written: wrong checksum",
        "",
    ]
    database.close()


# --- the loop --------------------------------------------------------------------------------------------------------


def test_the_loop_gathers_a_kiln_whose_analysis_is_saved(store: Store) -> None:
    sealer = Sealer(store.database, Clock())
    store.at_hand = sealer.at_hand
    store.add(steady(1, LONG_AGO.timestamp()), steady(2, LONG_AGO.timestamp() + 600))
    sealer.step(LONG_AGO)
    assert store.on_shelves() == [1, 2]

    sealer.saved([(store.kiln_id, store.bridge.workshop_id)])
    sealer.step(LONG_AGO + timedelta(seconds=1))

    assert (store.on_shelves(), store.waiting()) == ([2], 2400)


def test_the_loop_gathers_a_kiln_in_a_while_and_seals_it_in_an_hour(store: Store) -> None:
    store.add(steady(1, LONG_AGO.timestamp()), steady(2, LONG_AGO.timestamp() + 600))
    sealer = Sealer(store.database, Clock())
    began = LONG_AGO + SEAL_AFTER + timedelta(seconds=1)

    sealer.step(began + timedelta(hours=7))  # and then the clock was put right
    sealer.step(began)
    assert (store.on_shelves(), store.waiting()) == ([1, 2], 2400)
    sealer.step(began + GATHER_EVERY)
    assert (store.on_shelves(), store.waiting()) == ([2], 2400)
    sealer.step(began + SEAL_EVERY)

    assert store.waiting() == 0
