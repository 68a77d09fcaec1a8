"""Readings passed on to a real VictoriaMetrics and a real InfluxDB, and read back: nothing lost, nothing doubled."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from service_parts import BOOT, NOW, BridgeClient, block, new_bridge, new_workshop
from sink_servers import PASSWORD, InfluxDb, SinkServer, VictoriaMetrics
from sqlalchemy import select, update

from firmware_bridge.wire import Block, Column, Quality, Unit
from service.app import create_app
from service.cli import main
from service.clock import Clock
from service.core.series import Samples
from service.series import blocks, history
from service.series.blocks import NewBlock
from service.series.gather import clear_shelves
from service.series.seal import seal
from service.series.sinks import feed as feed_module
from service.series.sinks.errors import SinkError
from service.series.sinks.feed import Feed
from service.series.sinks.kinds import reader
from service.series.sinks.sending import Sender
from service.settings import Settings, SinkSettings
from service.store import identity, kilns, sinks
from service.store.database import Database
from service.store.migrate import upgrade
from service.store.models import LiveState, Mark, OwedToSink, Sink

START_S = datetime(2026, 1, 31, 22, 0, tzinfo=UTC).timestamp()
WHOLE = {"from_at": datetime.fromtimestamp(START_S - 60, UTC), "to_at": NOW}


@pytest.fixture(params=[VictoriaMetrics, InfluxDb])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SinkServer]:
    made = request.param(tmp_path / "server")
    yield made
    made.close()


class Village:
    """A database with one kiln, and a sink that it is fed to."""

    def __init__(self, url: str, server: SinkServer) -> None:
        self.server = server
        self.database = Database(url)
        upgrade(self.database)
        token = new_bridge(self.database, new_workshop(self.database, "lan@example.org"))
        with self.database.write() as session:
            found = identity.bridge_of_token(session, token)
            assert found is not None
            self.bridge = found
            self.kiln_id = kilns.create_kiln(session, found.workshop_id, name="Lò 1", key="lo-1").id
        self.sees = Database(url, reads_from=reader("kho", server.settings))
        self.feed = self.new_feed()
        self._seq = 0

    def new_feed(self, settings: SinkSettings | None = None) -> Feed:
        return Feed(self.database, Clock(), Sender("kho", settings or self.server.settings))

    def add(self, *columns: Column, is_estimated: bool = False) -> None:
        self._seq += 1
        block = Block(BOOT, self._seq, "lo-1", 0, list(columns), is_estimated)
        with self.database.write() as session:
            new = NewBlock(self.bridge, self.kiln_id, block)
            appended = blocks.append(session, [new], received_at=NOW - timedelta(days=1))
            session.merge(Mark(bridge_id=self.bridge.bridge_id, boot=BOOT, seq=self._seq))
            state = {"last_block_id": appended.first_id, "last_block_at": NOW, "snapshot": b"", "status": {}}
            session.merge(LiveState(kiln_id=self.kiln_id, workshop_id=self.bridge.workshop_id, **state))

    def add_firing(self, *, hours: int = 2, every_s: int = 20, since_s: float = 0.0) -> int:
        """Add blocks of an hour each, with faults, gaps and units; return how many readings."""
        readings = 0
        for hour in range(hours):
            time_s = START_S + since_s + 3600 * hour + np.arange(0, 3600, every_s)
            at_ms = np.rint(time_s * 1000).astype(int).tolist()
            top = np.round(600 + 300 * np.sin(time_s / 5000), 2).tolist()
            faulty = [None if i % 50 == 7 else one for i, one in enumerate(top)]
            faults = {i: Quality.OPEN for i, one in enumerate(faulty) if one is None}
            silent = [None if i % 90 == 9 else one for i, one in enumerate(top)]  # no value, and no fault either
            gas = [1.25 + 0.125 * (i % 3) for i in range(len(top))]
            self.add(
                Column("top", Unit.CELSIUS, at_ms, faulty, faults),
                Column("bottom", Unit.CELSIUS, [at + 250 for at in at_ms], silent),
                Column("gas", Unit.KILOPASCAL, at_ms, gas),
            )
            readings += 3 * len(at_ms)
        return readings

    def add_estimated(self) -> int:
        at_ms = [int(START_S * 1000) - 30_000 + 1000 * i for i in range(5)]
        self.add(Column("top", Unit.CELSIUS, at_ms, [20.0 + i for i in range(5)]), is_estimated=True)
        return 5

    def seal_all(self) -> None:
        while seal(self.database, self.kiln_id, received_before=NOW):
            pass

    def feed_until(self, done: Callable[[], bool]) -> None:
        until = time.monotonic() + 60
        self.feed.step()
        while not done():
            assert time.monotonic() < until, self.sink().failure
            self.feed.step()

    def sink(self) -> Sink:
        with self.database.read() as session:
            return session.scalars(select(Sink)).one()

    def debts(self) -> list[OwedToSink]:
        with self.database.read() as session:
            return list(session.scalars(select(OwedToSink)))

    def settled(self) -> bool:
        """Return whether the sink is certain to have all, now that its time to lose some of it has passed."""
        with self.database.read() as session:
            behind = sinks.lag(session, "kho", self.sink().block_id)
        return (behind.blocks, self.debts()) == (0, [])

    def read(self) -> dict[str, Samples]:
        """Return what our own store gives."""
        return self._read(self.database)

    def read_sink(self, answers: str = "sink") -> dict[str, Samples]:
        """Return what is read with the sink in our store's place, and make sure of who has answered."""
        before = answered(answers)
        found = self._read(self.sees)
        assert answered(answers) == before + 1
        return found

    def _read(self, database: Database) -> dict[str, Samples]:
        with database.read() as session:
            found, _ = history.read_every_unit(session, self.kiln_id, **WHOLE)
            return {channel: samples for (channel, _), samples in found.items()}

    def close(self) -> None:
        self.feed.close()
        self.sees.close()
        self.database.close()


def answered(result: str) -> float:
    return REGISTRY.get_sample_value("canhlo_sink_reads_total", {"sink": "kho", "result": result}) or 0.0


@pytest.fixture(autouse=True)
def settles_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "SETTLES_AFTER", timedelta())


@pytest.fixture
def village(server: SinkServer, tmp_path: Path) -> Iterator[Village]:
    made = Village(f"sqlite:///{tmp_path / 'canhlo.sqlite3'}", server)
    yield made
    made.close()


def same(one: dict[str, Samples], other: dict[str, Samples]) -> None:
    assert one.keys() == other.keys()
    for name, samples in one.items():
        np.testing.assert_array_equal(samples.time_s, other[name].time_s)
        np.testing.assert_array_equal(samples.value, other[name].value)
        np.testing.assert_array_equal(faults(samples), faults(other[name]))


def faults(samples: Samples) -> np.ndarray:
    return np.zeros(len(samples.time_s)) if samples.quality is None else samples.quality


def test_a_sink_gives_back_what_our_own_store_has(village: Village) -> None:
    sent = village.add_firing() + village.add_estimated()
    village.feed_until(village.settled)
    village.seal_all()

    points = village.server.points()
    ours, theirs = village.read(), village.read_sink()

    assert points == sent == sum(len(samples.time_s) for samples in ours.values())
    assert set(faults(theirs["top"])) == {0, 1}
    assert np.isnan(theirs["bottom"].value).sum() == 4
    same(ours, theirs)


def test_a_chart_from_a_sink_is_the_chart_from_our_own_store(village: Village) -> None:
    village.add_firing(hours=30, every_s=60)
    village.feed_until(village.settled)
    village.seal_all()
    village.server.points()

    for width in (50, 600):
        drawn = []
        before = answered("sink")
        for database in (village.database, village.sees):
            with database.read() as session:
                drawn.append(history.read_for_chart(session, village.kiln_id, width=width, **WHOLE))
        assert answered("sink") == before + 1
        assert drawn[0][1] == drawn[1][1] > 1.0
        same(drawn[0][0].channels, drawn[1][0].channels)


def test_a_sink_that_was_down_is_caught_up_from_what_was_sealed_meanwhile(village: Village) -> None:
    first = village.add_firing(hours=1)
    village.feed_until(village.settled)
    village.server.stop()
    second = village.add_firing(hours=3, since_s=3600)
    assert not village.feed.step()
    assert "cannot be reached" in (village.sink().failure or "") or "HTTP 502" in (village.sink().failure or "")
    village.seal_all()
    assert [debt.month for debt in village.debts()] == ["2026-01", "2026-02"]
    same(village.read(), village.read_sink(answers="own"))

    village.server.start()
    third = village.add_firing(hours=1, since_s=4 * 3600)
    village.feed_until(village.settled)

    assert village.sink().failure is None
    assert village.server.points() == first + second + third
    same(village.read(), village.read_sink())


def test_a_sink_switched_on_late_gets_what_was_sealed_before(village: Village) -> None:
    before = village.add_firing(hours=2) + village.add_estimated()
    village.seal_all()

    village.feed_until(village.settled)

    assert village.server.points() == before
    same(village.read(), village.read_sink())


def test_a_service_killed_between_sending_and_noting_it_doubles_nothing(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = village.add_firing(hours=1)

    def killed(*_words: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sinks, "advance", killed)
        with pytest.raises(KeyboardInterrupt):
            village.feed.step()
    assert village.server.points() == sent
    village.feed.close()

    village.feed = village.new_feed()
    village.feed_until(village.settled)

    assert village.server.points() == sent


def test_late_readings_that_come_while_a_debt_is_paid_are_sent_too(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    village.add_firing(hours=1)
    village.seal_all()
    send_sealed = village.feed._send_sealed

    def send_and_seal_more(*words: object) -> None:
        send_sealed(*words)
        monkeypatch.setattr(village.feed, "_send_sealed", send_sealed)
        with village.database.write() as session:
            session.execute(update(Sink).values(block_id=0))  # as if it had not got to the next block yet
        late_ms = [int((START_S + 5 + 20 * i) * 1000) for i in range(9)]
        village.add(Column("late", Unit.CELSIUS, late_ms, [800.0 + i for i in range(9)]))
        village.seal_all()

    monkeypatch.setattr(village.feed, "_send_sealed", send_and_seal_more)
    village.feed.step()
    village.feed_until(village.settled)

    village.server.points()
    assert len(village.read_sink()["late"].time_s) == 9


def test_a_wrong_proof_is_told_plainly(village: Village, caplog: pytest.LogCaptureFixture) -> None:
    village.add_firing(hours=1)
    wrong = village.server.settings.model_copy(update={"password": SecretStr("sai")})
    feed = village.new_feed(wrong)

    assert not feed.step()

    failure = village.sink().failure
    assert failure == "sink kho refuses user 'canhlo' (HTTP 401): look at username and password in CANHLO_SINKS"
    assert "sai" not in caplog.text
    feed.close()
    village.feed_until(village.settled)
    assert village.sink().failure is None


@pytest.fixture
def unsettled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Village]:
    """Give a village whose VictoriaMetrics is not certain to keep what it took."""
    monkeypatch.setattr(feed_module, "SETTLES_AFTER", timedelta(hours=1))
    server = VictoriaMetrics(tmp_path / "server")
    made = Village(f"sqlite:///{tmp_path / 'canhlo.sqlite3'}", server)
    yield made
    made.close()
    server.close()


def test_what_a_crash_of_victoriametrics_may_have_cost_is_sent_again(
    unsettled: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = unsettled.add_firing()
    assert unsettled.feed.step()
    assert unsettled.sink().block_id == 0  # taken, and not for certain

    unsettled.server.stop(signal.SIGKILL)
    time.sleep(1.1)  # it tells its start in whole seconds
    unsettled.server.start()
    monkeypatch.setattr(feed_module, "SETTLES_AFTER", timedelta())
    unsettled.feed_until(unsettled.settled)

    assert unsettled.server.points() == sent
    same(unsettled.read(), unsettled.read_sink())


def test_what_was_paid_of_a_debt_just_before_a_crash_of_both_is_sent_again(
    unsettled: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = unsettled.add_firing()
    unsettled.seal_all()
    assert unsettled.feed.step()

    unsettled.server.stop(signal.SIGKILL)
    unsettled.server.start()
    assert len(unsettled.debts()) == 1
    monkeypatch.setattr(feed_module, "SETTLES_AFTER", timedelta())
    unsettled.feed.close()
    unsettled.feed = unsettled.new_feed()
    unsettled.feed_until(unsettled.settled)

    assert unsettled.server.points() == sent


def test_what_one_process_had_sent_settles_no_debt_that_came_while_another_fed(
    unsettled: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = unsettled.add_firing(hours=1)
    unsettled.seal_all()
    assert unsettled.feed.step()
    with unsettled.database.write() as session:
        session.execute(update(Sink).values(claimed_until=NOW))  # as if it had stood still for minutes
    monkeypatch.setattr(feed_module, "SETTLES_AFTER", timedelta())
    stood_still, unsettled.feed = unsettled.feed, unsettled.new_feed()
    unsettled.feed_until(unsettled.settled)
    late_ms = [int((START_S + 5 + 20 * i) * 1000) for i in range(9)]
    unsettled.add(Column("late", Unit.CELSIUS, late_ms, [800.0 + i for i in range(9)]))
    with unsettled.database.write() as session:
        session.execute(update(Sink).values(block_id=0))  # as if it had not got to the next block yet
    unsettled.seal_all()
    unsettled.add(Column("late", Unit.CELSIUS, [late_ms[-1] + 20_000], [809.0]))  # the newest block is not taken away
    assert clear_shelves(unsettled.database)
    assert len(unsettled.debts()) == 1
    unsettled.feed.close()
    monkeypatch.setattr(stood_still, "_claimed_until", NOW)

    unsettled.feed = stood_still
    unsettled.feed_until(unsettled.settled)

    assert unsettled.server.points() == sent + 10
    assert len(unsettled.read_sink()["late"].time_s) == 10


def test_a_sink_that_fails_now_and_then_gets_on_all_the_same(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a poor line one post in ten may be lost: what went before it was settled stays so."""
    readings = village.add_firing(hours=24 * 8, every_s=300)
    village.seal_all()
    posts: list[int] = []
    send = village.feed._sender.send

    def send_or_fail(found: list[str]) -> None:
        posts.append(len(found))
        if len(posts) % 3 == 0:
            msg = "the line is gone"
            raise SinkError(msg)
        send(found)

    monkeypatch.setattr(village.feed._sender, "send", send_or_fail)
    village.feed_until(village.settled)

    village.server.points()
    same(village.read(), village.read_sink())
    assert sum(posts) < 3 * readings  # once as blocks, once as sealed, and what failed


def test_logs_that_were_brought_in_are_passed_on_some_at_a_time(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "MAX_READINGS", 2000)
    sent = village.add_firing(hours=40)
    sizes: list[int] = []
    send = village.feed._sender.send
    monkeypatch.setattr(village.feed._sender, "send", lambda found: [sizes.append(len(found)), send(found)])

    village.feed_until(village.settled)

    assert village.server.points() == sent
    assert max(sizes) < 2000 + 3 * 180


def test_on_postgresql_a_sink_is_caught_up_too(postgres: Callable[[], str], tmp_path: Path) -> None:
    server = VictoriaMetrics(tmp_path / "server")
    village = Village(postgres(), server)
    first = village.add_firing(hours=1)
    village.feed_until(village.settled)
    second = village.add_firing(hours=3, since_s=3600)
    village.seal_all()

    village.feed_until(village.settled)

    assert server.points() == first + second
    same(village.read(), village.read_sink())
    village.close()
    server.close()


def test_of_two_processes_one_feeds_a_sink_and_the_other_takes_over(village: Village) -> None:
    sent = village.add_firing(hours=1)
    other = village.new_feed()
    village.feed.step()
    assert other.step()
    assert village.server.points() == sent

    more = village.add_firing(hours=1, since_s=3600)
    other.step()
    assert village.server.points() == sent
    village.feed.close()
    other.step()

    assert village.server.points() == sent + more
    other.close()


def test_charts_go_on_from_our_own_store_while_a_sink_is_down(village: Village) -> None:
    village.add_firing(hours=1)
    village.feed_until(village.settled)
    village.seal_all()
    village.server.stop()

    same(village.read(), village.read_sink(answers="failed"))


def test_a_sink_that_has_never_answered_hides_nothing_that_we_have(village: Village) -> None:
    village.add_firing(hours=1)
    village.server.stop()
    assert not village.feed.step()

    same(village.read(), village.read_sink(answers="failed"))


def test_a_sink_that_is_not_fed_yet_hides_nothing_that_is_sealed(village: Village) -> None:
    village.add_firing(hours=1)
    village.seal_all()

    same(village.read(), village.read_sink(answers="own"))
    with village.database.write() as session:
        sinks.enter(session, "kho")  # as long as what it is owed is not listed
    same(village.read(), village.read_sink(answers="own"))


def test_what_we_no_longer_have_is_read_from_the_sink_or_refused(village: Village) -> None:
    village.add_firing(hours=4)
    village.feed_until(village.settled)
    village.seal_all()
    whole = village.read()
    village.database.months.drop("2026-01")
    village.server.points()

    same(whole, village.read_sink())
    village.server.stop()
    with pytest.raises(SinkError, match="kept in another store, which does not answer now"):
        village.read_sink(answers="failed")


@pytest.fixture
def canhlo_sinks(village: Village, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run `canhlo sinks` as a person does."""
    settings = village.server.settings
    told = {"kind": settings.kind, "url": settings.url, "username": settings.username, "password": PASSWORD}
    monkeypatch.setenv("CANHLO_SINKS", json.dumps({"kho": told}))
    monkeypatch.setenv("CANHLO_READ_FROM", "kho")

    def run(*words: str) -> None:
        monkeypatch.setattr("sys.argv", ["canhlo", "sinks", *words, "--data-dir", str(tmp_path)])
        main()

    return run


def test_canhlo_sinks_says_how_each_sink_is(
    village: Village, canhlo_sinks: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    settings = village.server.settings
    village.add_firing(hours=1)
    village.feed_until(village.settled)
    canhlo_sinks()
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"kho ({settings.kind}, {settings.url}), read from"
    assert second == "  0 blocks to settle; 0 kiln-months of sealed readings owed"

    village.server.stop()
    village.add_firing(hours=1, since_s=3600)
    village.feed.step()
    with pytest.raises(SystemExit):
        canhlo_sinks()

    said = capsys.readouterr()
    assert "1 block to settle, the oldest came at 2026-02-28 20:00:00 UTC; 0 kiln-months" in said.out
    assert said.out.count("  FAILS ") == 2
    assert "not well: kho. Nothing is lost" in said.err
    assert PASSWORD not in said.out + said.err


def test_canhlo_sinks_compares_and_what_a_sink_has_lost_is_sent_again(
    village: Village, canhlo_sinks: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    january, february = village.add_firing(), village.add_firing(since_s=86_400)
    village.feed_until(village.settled)
    village.seal_all()
    assert village.server.points() == january + february
    canhlo_sinks("--compare")
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"  2026-01: {january:,} readings: all there",
        f"  2026-02: {february:,} readings: all there",
    ]

    village.server.lose_everything()
    with pytest.raises(SystemExit):
        canhlo_sinks("--compare")

    said = capsys.readouterr()
    assert f"  2026-01: {january:,} readings: LACKS {january:,}, of 1 kiln" in said.out
    assert "kho: `canhlo serve` sends what is missing once more" in said.err
    village.feed_until(village.settled)
    assert village.server.points() == january + february
    village.server.stop()  # VictoriaMetrics answers for ten seconds that it has nothing of what it was asked for before
    village.server.start()
    canhlo_sinks("--compare")
    assert capsys.readouterr().out.count("all there") == 2


def test_canhlo_sinks_compares_values_as_finely_as_they_are_kept(
    village: Village, canhlo_sinks: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    at_ms = [int(START_S * 1000) + 1000 * i for i in range(30)]
    worked_out = [*(900 + i / 3 for i in range(29)), None]
    columns = [
        Column(name, unit, at_ms, worked_out, {29: Quality.OPEN})
        for name, unit in (("top", Unit.CELSIUS), ("gas", Unit.KILOPASCAL))
    ]
    village.add(*columns)
    village.feed_until(village.settled)
    village.seal_all()
    village.server.points()

    canhlo_sinks("--compare")

    assert capsys.readouterr().out.splitlines()[1:] == ["  2026-01: 60 readings: all there"]


def test_canhlo_sinks_says_of_a_sink_that_was_never_fed_that_there_is_nothing_to_compare(
    village: Village, canhlo_sinks: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    village.add_firing(hours=1)
    village.seal_all()

    with pytest.raises(SystemExit):
        canhlo_sinks("--compare")

    assert "sink kho has not been fed yet: `canhlo serve` does it" in capsys.readouterr().err


async def test_what_a_bridge_sends_is_in_the_sink_a_moment_later(database: Database, tmp_path: Path) -> None:
    server = VictoriaMetrics(tmp_path / "server")
    app = create_app(Settings(data_dir=tmp_path, sinks={"kho": server.settings}), database)
    token = new_bridge(database, new_workshop(database, "lan@example.org"))

    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lo.test") as http,
    ):
        await BridgeClient(http, token).send(block(1), block(2, top=[31.5, 32.0]))
        async with asyncio.timeout(30):
            while await asyncio.to_thread(server.points) < 3:
                await asyncio.sleep(0.05)
        metrics = (await http.get("/metrics")).text

    assert 'canhlo_sink_lag_seconds{sink="kho"} 0.0' in metrics
    assert 'canhlo_sink_readings_total{sink="kho"}' in metrics
    server.close()


def test_settings_that_name_no_sink_are_refused_without_showing_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for told in ('{"kho": {"password": "bi-mat"', '{"kho": {"kind": "x", "url": "ftp://a", "password": "bi-mat"}}'):
        monkeypatch.setenv("CANHLO_SINKS", told)
        with pytest.raises(ValueError, match="sinks") as refused:
            Settings()
        assert "bi-mat" not in str(refused.value)
    monkeypatch.setenv("CANHLO_SINKS", "")
    assert Settings().sinks == {}
    monkeypatch.setenv("CANHLO_READ_FROM", "kho")
    with pytest.raises(ValueError, match="CANHLO_READ_FROM is 'kho'; wanted one of sinks: there are none"):
        Settings()


def test_the_dashboard_of_kilns_draws_what_victoriametrics_was_sent(tmp_path: Path) -> None:
    server = VictoriaMetrics(tmp_path / "server")
    village = Village(f"sqlite:///{tmp_path / 'canhlo.sqlite3'}", server)
    village.add_firing(hours=1)
    village.feed_until(village.settled)
    village.server.points()
    board = json.loads((Path(__file__).parents[2] / "dashboards/grafana/dashboards/kilns.json").read_text())

    drawn = {}
    for panel in board["panels"]:
        query = panel["targets"][0]["expr"].replace("$workshop", "1").replace("$kiln", ".*")
        asked = {"query": query, "start": str(START_S + 700), "end": str(START_S + 3500), "step": "60"}
        drawn[panel["title"]] = len(server.ask("/api/v1/query_range", asked).json()["data"]["result"])

    assert list(drawn.values()) == [2, 2, 1, 1, 2], drawn
    village.close()
    server.close()
