"""A backup of a service at work comes back with every reading that was acknowledged before it was taken."""

import hashlib
import json
import shutil
import sqlite3
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from postgres import postgres_server
from service_parts import BOOT, NOW, new_bridge, new_workshop
from sqlalchemy import create_engine, text
from village import MACHINE, Village

from firmware_bridge.wire import Block, Column, Post, Unit
from service.archive.backup import DATABASE, MANIFEST, Manifest, back_up, restore
from service.cli import main
from service.errors import ConflictError, InvalidError
from service.ingest.known import Known
from service.ingest.store_posts import store_posts
from service.series import history
from service.series.seal import seal
from service.series.verify import verify
from service.settings import Settings
from service.store import identity
from service.store.alarms import ClaimedDelivery, claim_deliveries
from service.store.database import Database
from service.store.identity import BridgeIdentity
from service.store.migrate import upgrade
from service.store.models import LiveState

OLD = Path(__file__).parents[1] / "service/old"
Made = Callable[[str], Settings]


@pytest.fixture(params=["sqlite", "postgresql"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Made]:
    """Give settings of an empty place, by its name."""
    if request.param == "sqlite":
        yield lambda name: Settings(data_dir=tmp_path / name)
        return
    with postgres_server() as url:
        server = create_engine(url.format(name="postgres"), isolation_level="AUTOCOMMIT")

        def empty(name: str) -> Settings:
            with server.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
            return Settings(data_dir=tmp_path / name, database_url=url.format(name=name))

        yield empty
        server.dispose()


class Service:
    """What stores readings, on a database of its own."""

    def __init__(self, settings: Settings) -> None:
        settings.data_dir.mkdir(exist_ok=True)
        self.database = Database(settings.database)
        upgrade(self.database)
        self.known = Known()
        self.bridge: BridgeIdentity | None = None

    def admit(self) -> None:
        token = new_bridge(self.database, new_workshop(self.database, "lan@example.org"))
        with self.database.read() as session:
            self.bridge = identity.bridge_of_token(session, token)

    def take(self, seq: int, *, at: datetime = NOW - timedelta(days=1)) -> None:
        """Store a minute of a kiln, the one that belongs to this number."""
        assert self.bridge is not None
        first_ms = int(at.timestamp() * 1000) + 60_000 * seq
        column = Column("top", Unit.CELSIUS, [first_ms + 1000 * i for i in range(60)], [20.0 + seq] * 60)
        post = Post([Block(BOOT, seq, "lo-1", first_ms + 60_000, [column])])
        with self.database.write() as session:
            _, appended = store_posts(session, [(self.bridge, post)], self.known, now=at)
            state = {"last_block_id": appended.first_id, "last_block_at": at, "snapshot": b"", "status": {}}
            session.merge(LiveState(kiln_id=1, workshop_id=1, **state))

    def readings(self) -> int:
        with self.database.read() as session:
            return history.count(session, 1)[0]


def test_a_backup_taken_while_readings_come_has_all_that_came_before_it(made: Made, tmp_path: Path) -> None:
    settings = made("one")
    service = Service(settings)
    service.admit()
    (settings.data_dir / "vapid.pem").write_text("a key")
    for seq in range(1, 200):
        service.take(seq)
    seal(service.database, 1, received_before=NOW)
    for seq in range(200, 260):
        service.take(seq)
    stop = threading.Event()

    def go_on() -> None:
        seq = 260
        while not stop.is_set():
            service.take(seq)
            seq += 1
            seal(service.database, 1, received_before=NOW)

    at_work = threading.Thread(target=go_on)
    at_work.start()
    try:
        copied = list(back_up(settings, service.database, tmp_path / "backup.tar", now=NOW))
    finally:
        stop.set()
        at_work.join()
    service.database.close()

    other = made("two")
    manifest = restore(other, tmp_path / "backup.tar")

    back = Service(other)
    assert (manifest.rows["kiln"], manifest.rows["account"]) == (1, 1)
    assert len(copied) >= 2
    assert (other.data_dir / "vapid.pem").read_text() == "a key"
    assert back.readings() >= 259 * 60
    assert [part.damaged for part in verify(back.database) if part.damaged] == []
    # It goes on: what comes now is numbered after the copy, and is sealed all the same.
    back.bridge, before = service.bridge, back.readings()
    back.take(5000)
    back.take(5001)
    seal(back.database, 1, received_before=NOW)
    assert back.readings() == before + 120
    back.database.close()


def test_what_is_sealed_between_two_copies_is_counted_once(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "one")
    service = Service(settings)
    service.admit()
    for seq in range(200, 260):  # across the end of a month
        service.take(seq)
    copies = back_up(settings, service.database, tmp_path / "backup.tar", now=NOW)
    assert next(copies) == DATABASE
    service.take(260)
    seal(service.database, 1, received_before=NOW)
    assert list(copies) == ["series/2026-02", "series/2026-03"]
    service.database.close()
    other = Settings(data_dir=tmp_path / "two")
    restore(other, tmp_path / "backup.tar")

    back = Service(other)
    assert back.readings() == 61 * 60
    back.bridge = service.bridge
    back.take(5000)
    seal(back.database, 1, received_before=NOW)

    assert back.readings() == 62 * 60
    back.database.close()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "one")
    service = Service(settings)
    list(back_up(settings, service.database, tmp_path / "backup.tar", now=NOW))

    with pytest.raises(ConflictError, match="replaces nothing"):
        list(back_up(settings, service.database, tmp_path / "backup.tar", now=NOW))
    with pytest.raises(ConflictError, match="overwrites nothing"):
        restore(settings, tmp_path / "backup.tar")
    service.database.close()


@pytest.mark.parametrize("moved_away", [("",), ("", "-wal", "-shm")])
def test_what_was_left_of_a_database_is_not_touched(tmp_path: Path, moved_away: tuple[str, ...]) -> None:
    settings = Settings(data_dir=tmp_path / "one")
    service = Service(settings)
    service.admit()
    service.take(1)
    seal(service.database, 1, received_before=NOW)
    list(back_up(settings, service.database, tmp_path / "backup.tar", now=NOW))
    service.take(2)
    seal(service.database, 1, received_before=NOW)
    for end in moved_away:
        (settings.data_dir / f"{DATABASE}{end}").rename(tmp_path / f"moved{end}")
    left = {path: path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file()}

    with pytest.raises(ConflictError, match=f"is there already; move the whole folder {settings.data_dir} away"):
        restore(settings, tmp_path / "backup.tar")

    assert settings.data_dir / "series/2026-02.sqlite3" in left
    assert {path: path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file()} == left
    service.database.close()


@pytest.mark.parametrize("how", ["cut off", "a byte changed", "something else"])
def test_a_damaged_backup_is_refused_before_anything_is_written(tmp_path: Path, how: str) -> None:
    settings = Settings(data_dir=tmp_path / "one")
    service = Service(settings)
    file = tmp_path / "backup.tar"
    list(back_up(settings, service.database, file, now=NOW))
    service.database.close()
    whole = file.read_bytes()
    middle = len(whole) // 2
    changed = {
        "cut off": whole[:middle],
        "a byte changed": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "something else": b"hello",
    }
    file.write_bytes(changed[how])

    with pytest.raises(InvalidError, match=r"no backup|wrong checksum"):
        restore(Settings(data_dir=tmp_path / "two"), file)

    assert list((tmp_path / "two").iterdir()) == []


@pytest.mark.parametrize("made", ["postgresql"], indirect=True)
def test_a_restore_that_fails_says_why_and_leaves_nothing_behind(made: Made, tmp_path: Path) -> None:
    settings = made("one")
    service = Service(settings)
    list(back_up(settings, service.database, tmp_path / "backup.tar", now=NOW))
    service.database.close()
    other = made("two")
    database = Database(other.database)
    with database.write() as session:
        session.execute(text("CREATE VIEW kiln AS SELECT 1"))

    with pytest.raises(ConflictError, match=r'pg_restore: error: .* relation "kiln" already exists'):
        restore(other, tmp_path / "backup.tar")

    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()")) == 0
    database.close()


def test_what_was_to_ring_when_the_backup_was_made_rings_no_more(made: Made, tmp_path: Path) -> None:
    settings = made("one")
    service = Service(settings)
    village = Village(service.database)
    village.subscribe("https://push.example/lan")
    village.see()
    list(back_up(settings, service.database, tmp_path / "backup.tar", now=NOW))
    other = made("two")

    restore(other, tmp_path / "backup.tar")

    assert len(claimed(service.database)) == 1
    back = Service(other)
    assert claimed(back.database) == []
    service.database.close()
    back.database.close()


def claimed(database: Database) -> list[ClaimedDelivery]:
    now = MACHINE + timedelta(days=7)
    with database.write() as session:
        return claim_deliveries(session, now=now, until=now + timedelta(minutes=1), over_before=now, limit=10)


def packed(folder: Path, file: Path, revision: str) -> None:
    """Pack the old database in a folder as a program of its time did."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.sqlite3"))
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    manifest = Manifest(NOW.isoformat(), "0.1.0", revision, "sqlite", {}, sums)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest)))
    with tarfile.open(file, "w") as archive:
        for name in (MANIFEST, *names):
            archive.add(folder / name, name)


def unpacked_old(folder: Path) -> Path:
    for saved in OLD.glob("0001.sqlite.*.sql"):
        name = saved.name.split(".")[2]
        file = folder / DATABASE if name == "canhlo" else folder / "series" / f"{name}.sqlite3"
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(saved.read_text())
    return folder


def test_a_backup_of_the_first_version_comes_back(tmp_path: Path) -> None:
    packed(unpacked_old(tmp_path / "old"), tmp_path / "backup.tar", "0001")
    settings = Settings(data_dir=tmp_path / "one")

    restore(settings, tmp_path / "backup.tar")

    service = Service(settings)
    parts = list(verify(service.database))
    assert [part.damaged for part in parts] == [[] for _ in parts]
    assert sum(part.readings for part in parts) == 33 * 60 * 2
    service.database.close()


def test_a_backup_of_a_newer_program_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    packed(unpacked_old(tmp_path / "old"), tmp_path / "backup.tar", "9999")

    with pytest.raises(ConflictError, match="at version 9999, which this program does not know"):
        restore(Settings(data_dir=tmp_path / "one"), tmp_path / "backup.tar")

    assert list((tmp_path / "one").iterdir()) == []


@pytest.mark.parametrize(("spare_bytes", "is_written"), [(-1, False), (0, True)])
def test_a_backup_leaves_a_tenth_of_the_disk_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spare_bytes: int, is_written: bool
) -> None:
    settings = Settings(data_dir=tmp_path / "one")
    service = Service(settings)
    wanted = 2 * (settings.data_dir / DATABASE).stat().st_size  # a copy of it, and the archive with it
    disk = SimpleNamespace(total=10_000_000, free=1_000_000 + wanted + spare_bytes)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: disk)

    refused = pytest.raises(ConflictError, match=r"no room for a backup in .* 1 MB must be left")
    with nullcontext() if is_written else refused:
        list(back_up(settings, service.database, tmp_path / "backup.tar", now=NOW))

    assert (tmp_path / "backup.tar").exists() == is_written
    service.database.close()


def test_what_is_in_the_archive_is_not_on_the_disk_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path / "one")
    service = Service(settings)
    service.admit()
    for seq in range(200, 260):  # across the end of a month
        service.take(seq)
    seal(service.database, 1, received_before=NOW)
    add, copies = tarfile.TarFile.add, []

    def noting(archive: tarfile.TarFile, path: Path, name: str) -> None:
        add(archive, path, name)
        copies.append(len(list(tmp_path.glob(".canhlo-*/**/*.sqlite3"))))

    monkeypatch.setattr(tarfile.TarFile, "add", noting)
    list(back_up(settings, service.database, tmp_path / "backup.tar", now=NOW))

    assert copies == [3, 3, 2, 1]  # of the database and two months, as each and the manifest before them is added
    service.database.close()


def test_a_backup_is_for_its_owner_only_and_says_what_it_holds(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "one")
    service = Service(settings)
    service.database.close()

    shutil.rmtree(tmp_path / "one" / "series", ignore_errors=True)
    database = Database(settings.database)
    list(back_up(settings, database, tmp_path / "backup.tar", now=NOW))
    database.close()

    assert (tmp_path / "backup.tar").stat().st_mode & 0o777 == 0o600
    with tarfile.open(tmp_path / "backup.tar") as archive:
        assert archive.getnames()[0] == MANIFEST


def test_the_commands_say_what_they_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(Settings(data_dir=tmp_path / "one"))
    service.admit()
    service.take(1)
    service.database.close()
    file = str(tmp_path / "b.tar")

    for words in (["backup", file, "--data-dir", "one"], ["restore", file, "--data-dir", "two"]):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("sys.argv", ["canhlo", *words])
        main()

    said = capsys.readouterr().out
    assert "b.tar: 0." in said
    assert "1  kilns" in said
    assert f"restored: a backup of {datetime.now(UTC):%Y-%m-%d}" in said
    assert "not sealed yet: 60 readings" in said


@pytest.mark.parametrize("words", [["verify"], ["backup", "b.tar"], ["people", "list"]])
def test_a_damaged_database_is_told_and_not_backed_up(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Service(Settings(data_dir=tmp_path / "one"))
    service.admit()
    service.take(1)
    service.database.close()
    path = tmp_path / "one/canhlo.sqlite3"
    whole = path.read_bytes()
    begin = len(whole) // 3 // 4096 * 4096
    path.write_bytes(whole[:begin] + bytes(range(256)) * 512 + whole[begin + 131_072 :])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["canhlo", words[0], "--data-dir", "one", *words[1:]])

    with pytest.raises(SystemExit) as ended:
        main()

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith("canhlo: ")
    assert "damaged" in said
    assert not (tmp_path / "b.tar").exists()


def test_a_backup_that_a_power_cut_left_half_done_is_in_nobodys_way(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "one")
    service = Service(settings)
    (tmp_path / "b.tar.unfinished").write_bytes(b"half of it")

    list(back_up(settings, service.database, tmp_path / "b.tar", now=NOW))

    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar", "one"]
    service.database.close()
