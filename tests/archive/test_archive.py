"""Logs brought into a kiln's history and firings handed out: nothing changed on the way, nothing brought in twice."""

import csv
import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.parquet as pq
import pytest
from service_parts import NOW, PASSWORD

from firmware_bridge.wire import Block, Column, Post, Unit
from service.archive.bring_in import bring_in, look_at
from service.archive.hand_out import FORMATS, Handed, hand_out, hand_out_readings, write
from service.cli import main
from service.core.series import Samples
from service.errors import ConflictError, InvalidError
from service.importers.log import Asked, Log
from service.importers.read import read_log
from service.ingest.known import Known
from service.ingest.store_posts import store_posts
from service.series import blocks
from service.series import history as series
from service.store import calibrations, identity, kilns
from service.store import firings as firing_rows
from service.store.database import Database
from service.store.migrate import upgrade
from service.store.models import Kiln
from service.store.passwords import hash_password

RECORDINGS = Path(__file__).parents[2] / "service/demo/recordings"
TWO_PROBES = RECORDINGS / "ocr_two_probe_20151021.csv"
GLASS_KILN = RECORDINGS / "qtkiln_mqtt_first_run.log"
PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'canhlo.sqlite3'}")
    upgrade(made)
    with made.write() as session:
        kilns.create_kiln(session, new_workshop_id(session), name="Lò gas 1", key="lo-1")
    yield made
    made.close()


def new_workshop_id(session: object) -> int:
    hashed = hash_password(PASSWORD)
    account = identity.create_account(
        session, name="Lan", login="lan@example.org", password_hash=hashed, language="vi", now=NOW
    )
    return identity.create_workshop(session, name="Xưởng Lan", owner=account, now=NOW).id


def kiln_in(session: object) -> Kiln:
    return session.get(Kiln, 1)


def brought(database: Database, log: Log, *, start_at: datetime | None = None, cone: str | None = None) -> list[int]:
    with database.write() as session:
        kiln = kiln_in(session)
        found = look_at(kiln, log, start_at=start_at, target_cone=cone, now=NOW)
        return [firing.id for firing in bring_in(session, kiln, found, now=NOW).firings]


@pytest.fixture
def two_probes() -> Log:
    return read_log(TWO_PROBES, Asked(zone=PARIS))


def test_a_log_becomes_a_firing_with_its_readings_and_findings(database: Database, two_probes: Log) -> None:
    (firing_id,) = brought(database, two_probes, cone="10")

    with database.read() as session:
        firing = firing_rows.get_firing(session, [1], firing_id)
        assert (firing.number, firing.peak_c, firing.cone_reached, firing.target_cone) == (1, 1283.0, "10", "10")
        assert firing.end_cause == "log_ended", "it stops before the kiln has cooled"
        assert firing.started_at == datetime(2015, 10, 21, 9, 26, 31, tzinfo=UTC)
        kinds = [one.kind for one in firing_rows.findings_of(session, firing_id)]
        assert kinds.count("sensor_silent") == 10
        assert "uneven_heating" in kinds
        assert series.count(session, 1) == (11_008, 0)


def test_history_rings_nobody_and_is_not_watched(database: Database, two_probes: Log) -> None:
    brought(database, two_probes)

    with database.read() as session:
        assert blocks.newest_ids(session) == {}
        assert blocks.read_after(session, 0, limit=1000) == ({}, 0, 0)


def test_the_same_log_is_not_brought_in_twice(database: Database, two_probes: Log) -> None:
    brought(database, two_probes)

    with pytest.raises(ConflictError, match="brought in before; readings new: 0, there already: 11,008"):
        brought(database, two_probes)
    with database.read() as session:
        assert series.count(session, 1) == (11_008, 0)


def test_a_log_without_a_firing_is_not_brought_in_twice_either(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "cold.csv"
    file.write_text("time,top_c\n2026-01-01T00:00:00Z,20\n2026-01-01T00:00:10Z,21\n")

    assert brought(database, read_log(file)) == []
    with pytest.raises(ConflictError, match="brought in before"):
        brought(database, read_log(file))


def test_of_a_log_that_has_grown_it_is_said_how_much_of_it_is_new(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "cold.csv"
    file.write_text("time,top_c\n2026-01-01T00:00:00Z,20\n2026-01-01T00:00:10Z,21\n")
    brought(database, read_log(file))
    file.write_text(file.read_text() + "2026-01-01T00:00:20Z,22\n")

    with database.write() as session:
        kiln = kiln_in(session)
        found = look_at(kiln, read_log(file), start_at=None, target_cone=None, now=NOW)
        came = bring_in(session, kiln, found, now=NOW)

    assert (came.readings, came.known) == (3, 2)


def test_a_log_without_a_calendar_needs_to_be_told_when_it_began(database: Database) -> None:
    log = read_log(GLASS_KILN)
    began = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)

    with pytest.raises(InvalidError, match="--start"):
        brought(database, log)
    (firing_id,) = brought(database, log, start_at=began)
    with database.read() as session:
        firing = firing_rows.get_firing(session, [1], firing_id)
        assert timedelta(0) < firing.started_at - began < timedelta(minutes=30)
        assert {one.name for one in kilns.channels(session, [1])} == {"kiln", "housing"}


def test_a_logger_whose_clock_was_wrong_is_noticed(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "future.csv"
    file.write_text("time,top_c\n2031-01-01T00:00:00Z,20\n2031-01-01T00:00:10Z,21\n")

    with pytest.raises(InvalidError, match="in the future"):
        brought(database, read_log(file))


def handed(database: Database, firing_id: int, form: str) -> bytes:
    with database.read() as session:
        firing = firing_rows.get_firing(session, [1], firing_id)
        return b"".join(write(hand_out(session, firing, now=NOW, with_note=True), form))


def test_what_was_brought_in_is_handed_out_again_unchanged(database: Database, two_probes: Log, tmp_path: Path) -> None:
    (firing_id,) = brought(database, two_probes)
    file = tmp_path / "again.csv"
    file.write_bytes(handed(database, firing_id, "csv"))

    again = read_log(file)

    for name, channel in two_probes.recordings[0].channels.items():
        back = again.recordings[0].channels[name].samples
        np.testing.assert_array_equal(back.time_s, channel.samples.time_s)
        np.testing.assert_array_equal(back.value, channel.samples.value)
    assert again.remarks == ()


def test_what_is_handed_out_has_no_reading_more_and_can_be_told_from_none(database: Database, tmp_path: Path) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    quick = [f"{_iso(start, 5 * step)},{100 + step}," for step in range(60)]
    slow = [f"{_iso(start, 30 * step + 2)},,{'nan' if step == 3 else 90 + step}" for step in range(10)]
    file = tmp_path / "log.csv"
    file.write_text("\n".join(["time,temp_c,heat_shield_c", *sorted(quick + slow)]))
    log = read_log(file)
    brought(database, log)

    with database.read() as session:
        all_of_it = hand_out_readings(session, kiln_in(session), from_at=start, to_at=start + timedelta(hours=1))
    again = tmp_path / "again.csv"
    again.write_bytes(b"".join(write(all_of_it, "csv")))
    table = pq.read_table(io.BytesIO(b"".join(write(all_of_it, "parquet"))))

    for name, channel in read_log(again).recordings[0].channels.items():
        first = log.recordings[0].channels[name].samples
        np.testing.assert_array_equal(channel.samples.time_s, first.time_s)
        np.testing.assert_array_equal(channel.samples.value, first.value)
    assert {name: len(one.time_s) for name, one in all_of_it.channels.items()} == {
        ("temp", "c"): 60,
        ("heat_shield", "c"): 10,
    }
    kept = [one for one in table["heat_shield_c"].to_pylist() if one is not None]
    assert len(kept) == 10
    assert np.isnan(kept[3])


def _iso(start: datetime, seconds: float) -> str:
    return (start + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def test_readings_are_handed_out_put_right_or_as_they_were_taken(database: Database, two_probes: Log) -> None:
    (firing_id,) = brought(database, two_probes)
    with database.write() as session:
        top = next(one for one in kilns.channels(session, [1]) if one.name == "top")
        calibrations.add_calibration(
            session,
            top,
            from_at=datetime(2015, 1, 1, tzinfo=UTC),
            points=[],
            offset_c=-8.0,
            note="",
            made_by="Lan",
            now=NOW,
        )

    with database.read() as session:
        firing = firing_rows.get_firing(session, [1], firing_id)
        right = hand_out(session, firing, now=NOW, with_note=True)
        as_taken = hand_out(session, firing, now=NOW, with_note=True, is_as_taken=True)

    taken = two_probes.recordings[0].channels["top"].samples.value
    np.testing.assert_array_equal(as_taken.channels["top", Unit.CELSIUS].value, taken)
    assert (right.about["put_right"], as_taken.about["put_right"]) == (["top"], [])
    assert right.channels["top", Unit.CELSIUS].value.max() == taken.max() - 8.0


def test_a_channel_that_came_to_measure_something_else_has_a_column_for_each(database: Database) -> None:
    with database.write() as session:
        token = identity.let_in(session, identity.create_bridge(session, 1, "cầu", now=NOW), now=NOW)
        bridge = identity.bridge_of_token(session, token)
        assert bridge is not None
        at_ms = round(NOW.timestamp() * 1000)
        columns = [
            [Column("o2", Unit.CELSIUS, [at_ms], [None])],
            [Column("o2", Unit.O2_MILLIVOLT, [at_ms + 1000, at_ms + 2000], [612.0, 613.0])],
        ]
        posts = [
            (bridge, Post([Block("0" * 32, seq, "lo-1", at_ms + 2000, one)]))
            for seq, one in enumerate(columns, start=1)
        ]
        store_posts(session, posts, Known(), now=NOW)

    with database.read() as session:
        found = hand_out_readings(session, kiln_in(session), from_at=NOW, to_at=NOW + timedelta(minutes=1))
        (channel,) = kilns.channels(session, [1])

    assert channel.unit == Unit.O2_MILLIVOLT, "until its first value a bridge could only guess"
    assert b"".join(write(found, "csv")).splitlines()[0] == b"time,o2_c,o2_o2_mv"
    assert found.channels["o2", Unit.O2_MILLIVOLT].value.tolist() == [612.0, 613.0]


def test_all_forms_hold_the_same_readings(database: Database) -> None:
    (firing_id,) = brought(database, read_log(GLASS_KILN), start_at=datetime(2026, 2, 1, 12, 0, tzinfo=UTC))
    rows = list(csv.DictReader(io.StringIO(handed(database, firing_id, "csv").decode())))
    table = pq.read_table(io.BytesIO(handed(database, firing_id, "parquet")))
    document = json.loads(handed(database, firing_id, "json"))

    values = [float(row["kiln_c"]) for row in rows if row["kiln_c"]]
    assert [one for one in table["kiln_c"].to_pylist() if one is not None] == values
    channels = {one["name"]: one for one in document["channels"]}
    assert channels["kiln"]["value"] == values
    assert document["schema"] == "canhlo.firing/1"
    assert document["firing"]["findings"], "what was found goes with it"
    assert json.loads(table.schema.metadata[b"canhlo.firing/1"])["peak_c"] == document["firing"]["peak_c"]


def test_a_stretch_of_a_kilns_time_is_handed_out_whatever_was_fired(database: Database, two_probes: Log) -> None:
    (firing_id,) = brought(database, two_probes)
    with database.read() as session:
        firing = firing_rows.get_firing(session, [1], firing_id)
        from_at, to_at = firing.started_at + timedelta(minutes=10), firing.started_at + timedelta(minutes=20)
        handed_out = hand_out_readings(session, firing.kiln, from_at=from_at, to_at=to_at)
        document = json.loads(b"".join(write(handed_out, "json")))

    assert document["schema"] == "canhlo.readings/1"
    assert document["readings"]["to_at"] == to_at.isoformat().replace("+00:00", "Z")
    for name, channel in two_probes.recordings[0].channels.items():
        time_s = channel.samples.time_s
        wanted = (time_s >= from_at.timestamp()) & (time_s <= to_at.timestamp())
        assert 0 < wanted.sum() < len(time_s)
        np.testing.assert_array_equal(handed_out.channels[name, Unit.CELSIUS].value, channel.samples.value[wanted])


def long_one(channels: int, readings: int) -> Handed:
    """Return a day or more of a kiln, a reading a second, with a gap in every hundred."""
    time_s = 1.7e9 + np.arange(readings) * 1.0625
    value = np.where(np.arange(readings) % 100 == 0, np.nan, 20.25 + np.arange(readings) / 7)
    names = [(f"can_{number}", Unit.CELSIUS) for number in range(channels)]
    about = {"kiln": "lo-1", "note": "gió to", "findings": [{"kind": "stalled"}]}
    return Handed("lo-1", "firing", about, dict.fromkeys(names, Samples(time_s, value)))


@pytest.mark.parametrize(("channels", "readings"), [(0, 0), (1, 0), (1, 5000), (2, 12_001)])
def test_what_is_written_in_pieces_is_one_document(channels: int, readings: int) -> None:
    handed = long_one(channels, readings)

    document = json.loads(b"".join(write(handed, "json")))

    assert list(document) == ["schema", "firing", "channels"]
    assert (document["schema"], document["firing"]) == ("canhlo.firing/1", handed.about)
    assert [(one["name"], one["unit"]) for one in document["channels"]] == list(handed.channels)
    for one, samples in zip(document["channels"], handed.channels.values(), strict=True):
        times = [datetime.fromisoformat(at).timestamp() for at in one["time"]]
        np.testing.assert_allclose(times, samples.time_s, rtol=0, atol=0.0006)
        np.testing.assert_array_equal(np.array(one["value"], dtype=float), samples.value)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_long_firing_is_not_in_memory_as_words(form: str) -> None:
    handed = long_one(8, 100_000)

    tracemalloc.start()
    try:
        length = sum(len(piece) for piece in write(handed, form))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert length > 10_000_000
    assert peak < 20_000_000


def taking_turns(channels: int, readings: int) -> Handed:
    """Return a kiln whose channels are read one after the other, each more seldom than the one before."""
    number = np.arange(readings)
    samples = [Samples(1.7e9 + number * (1 + n) + (1 + n) / 8, 20.25 + n + number / 7) for n in range(channels)]
    return Handed("lo-1", "firing", {}, {(f"can_{n}", Unit.CELSIUS): one for n, one in enumerate(samples)})


def test_channels_that_take_turns_are_written_whole_and_in_order() -> None:
    handed = taking_turns(3, 50_000)

    rows = list(csv.DictReader(io.StringIO(b"".join(write(handed, "csv")).decode())))
    table = pq.read_table(io.BytesIO(b"".join(write(handed, "parquet"))))

    assert len(rows) == table.num_rows == 150_000
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert (np.diff(table["time"].to_numpy()) > np.timedelta64(0)).all()
    for (name, unit), samples in handed.channels.items():
        column = f"{name}_{unit}"
        np.testing.assert_array_equal([float(row[column]) for row in rows if row[column]], samples.value)
        np.testing.assert_array_equal(table[column].drop_null().to_numpy(), samples.value)


@pytest.mark.parametrize(
    ("form", "readings", "most_bytes"), [("csv", 30_000, 12_000_000), ("parquet", 100_000, 40_000_000)]
)
def test_channels_that_take_turns_are_no_table_of_gaps_in_memory(form: str, readings: int, most_bytes: int) -> None:
    handed = taking_turns(8, readings)

    tracemalloc.start()
    try:
        pieces = sum(1 for _ in write(handed, form))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert pieces > 0
    assert peak < most_bytes


def test_a_running_firing_is_handed_out_as_far_as_it_is(database: Database) -> None:
    with database.write() as session:
        firing = firing_rows.start_firing(session, kiln_in(session), started_at=NOW)

    assert handed(database, firing.id, "csv") == b"time\r\n"


@pytest.mark.parametrize("words", [["verify"], ["people", "list"], ["sinks"], ["export", "1"]])
def test_a_folder_without_a_database_is_no_database(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["canhlo", words[0], "--data-dir", str(tmp_path), *words[1:]])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert f"there is no database {tmp_path}/canhlo.sqlite3; say --data-dir" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("CANHLO_PORT", "abc", "CANHLO_PORT: Input should be a valid integer"),
        ("CANHLO_TWO_FACTORS", "yes", "CANHLO_TWO_FACTORS: Input should be 'offered' or 'required'"),
        ("CANHLO_SINKS", '{"kho": {"kind": "x", "url": "http://x"}}', "CANHLO_SINKS, kho, kind: Input should be"),
        ("CANHLO_PUBLIC_URL", "lo.example", "CANHLO_PUBLIC_URL: 'lo.example' is no address that a phone opens"),
        ("CANHLO_DATABASE_URL", "mysql://a:secret@b/c", "CANHLO_DATABASE_URL: wanted postgresql+psycopg://"),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_name(
    name: str, value: str, wanted: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["canhlo", "verify"])

    with pytest.raises(SystemExit):
        main()

    said = capsys.readouterr().err
    assert said.startswith(f"canhlo: {wanted}")
    assert said.count("\n") == 1
    assert "secret" not in said


Run = Callable[..., str]


@pytest.fixture
def run(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def running(*words: str | Path) -> str:
        monkeypatch.setattr("sys.argv", ["canhlo", *map(str, words), "--data-dir", str(tmp_path)])
        main()
        return capsys.readouterr().out

    return running


def test_a_person_brings_a_log_in_and_hands_it_out(run: Run, tmp_path: Path) -> None:
    told = run("import", TWO_PROBES, "--kiln", "lò gas 1", "--time-zone", "Europe/Paris", "--cone", "10")

    assert told.splitlines() == [
        "Lò gas 1: readings new: 11,008, there already: 0; firings: 1",
        "  firing 1: 2015-10-21 11:26+02:00 – 2015-10-21 22:37+02:00, peak 1283 °C, cone 10",
    ]
    for form in FORMATS:
        file = tmp_path / f"out.{form}"
        assert "11,008 readings" in run("export", "lo-1/1", "--format", form, "--out", file)
        assert file.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["import", TWO_PROBES, "--kiln", "lo-1"], "say --time-zone, such as Asia/Ho_Chi_Minh"),
        (
            ["import", TWO_PROBES, "--kiln", "lo-9", "--time-zone", "Europe/Paris"],
            "there is no kiln 'lo-9'; there are: lo-1",
        ),
        (["import", GLASS_KILN, "--kiln", "lo-1"], "say --start"),
        (["import", GLASS_KILN, "--kiln", "lo-1", "--start", "yesterday"], "is no time"),
        (["import", GLASS_KILN, "--kiln", "lo-1", "--start", "2026-02-01T08:00"], "names no time zone"),
        (["backup", "/nowhere/b.tar"], "there is no folder /nowhere"),
        (["export", "7"], "there is no firing '7'"),
        (["export", "lo-1/x"], "names no firing"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    run: Run, capsys: pytest.CaptureFixture[str], words: list[str | Path], wanted: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*words)

    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert wanted in said
    assert said.count("\n") == 1
