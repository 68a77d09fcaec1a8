"""One bridge whose power, disk, clock and network fail on command, and the instruments and the service around it."""

import gzip
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import msgspec

from firmware_bridge.blocks import Draft
from firmware_bridge.clock import SteadyClock
from firmware_bridge.decoders.camera_logger import CameraLogger
from firmware_bridge.decoders.qtkiln import QtKiln
from firmware_bridge.formats import SERIAL, Told
from firmware_bridge.intake import Intake, Memory
from firmware_bridge.message import Message
from firmware_bridge.payload import Degrees
from firmware_bridge.recorder import Recorder
from firmware_bridge.spool import Spool
from firmware_bridge.uplink import Patience, Uplink
from firmware_bridge.wire import Block, Post, Receipt

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HURRIED = Patience(idle_s=0, unpaired_s=0, refused_s=0)


class PowerCutError(Exception):
    """The machine stops here: nothing after this line happens."""


class FrailSpool(Spool):
    """A spool whose power may fail once a write is on the disk, before anybody is told."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path
        self.cut_at: float | None = None  # how much of what is written next gets to the disk, 0 to 1

    def append(self, drafts: Sequence[Draft], memories: Mapping[str, Memory]) -> None:
        if self.cut_at is None:
            super().append(drafts, memories)
            return
        before = copy_of(self.path, "before")
        super().append(drafts, memories)
        wal, torn = Path(f"{self.path}-wal"), Path(f"{before}-wal")
        old, new = torn.read_bytes() if torn.exists() else b"", wal.read_bytes()
        torn.write_bytes(new[: len(old) + round(self.cut_at * (len(new) - len(old)))])
        raise PowerCutError(before)

    def fill_disk(self) -> None:
        """Let the file grow no more: SQLite itself then says that the disk is full."""
        pages = self._db.execute("PRAGMA page_count").fetchone()[0]
        self._db.execute(f"PRAGMA max_page_count = {pages}")

    def free_disk(self) -> None:
        self._db.execute("PRAGMA max_page_count = 1000000")


def copy_of(path: Path, name: str) -> Path:
    """Return a copy of a spool as a power cut would leave it: what was synced, and nothing of memory."""
    copy = path.with_name(f"{path.name}-{name}")
    for suffix in ("", "-wal"):
        Path(f"{copy}{suffix}").unlink(missing_ok=True)
        if Path(f"{path}{suffix}").exists():
            shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    return copy


class Memorial:
    """A service: what it has stored it keeps, under the name of its block; its network may do anything."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, int], Block] = {}
        self.skipped: set[tuple[str, int]] = set()
        self.posts: list[Post] = []
        self.poison: set[float] = set()
        self.mood = "well"

    def answer(self, request: httpx.Request, now: datetime) -> httpx.Response:
        if self.mood == "away":
            raise httpx.ConnectError("nobody there")
        if request.url.path == "/healthz":
            return self._healthz(now)
        post = msgspec.msgpack.decode(gzip.decompress(request.content), type=Post)
        if self.mood == "garbling":
            return httpx.Response(200, content=b"<html>Please log in to our Wi-Fi</html>")
        if any(value in self.poison for block in post.blocks for column in block.columns for value in column.value):
            return httpx.Response(422, json={"detail": "a block that nobody can read"})
        self.posts.append(post)
        receipt = self.store(post)
        if self.mood == "answers lost":
            raise httpx.ReadError("cut")
        if self.mood == "power cut":
            raise PowerCutError
        return httpx.Response(200, content=msgspec.msgpack.encode(receipt))

    def _healthz(self, now: datetime) -> httpx.Response:
        if self.mood == "garbling":  # the Wi-Fi's own clock is nobody's business
            date = {"Date": format_datetime(now - timedelta(hours=3), usegmt=True)}
            return httpx.Response(200, headers=date, content=b"<html>Please log in to our Wi-Fi</html>")
        return httpx.Response(200, headers={"Date": format_datetime(now, usegmt=True)}, json={"status": "ok"})

    def store(self, post: Post) -> Receipt:
        """Store what is new; the same name twice has to mean the same readings."""
        for block in post.blocks:
            known = self.stored.setdefault((block.boot, block.seq), block)
            assert known.columns == block.columns or known.is_estimated, "one name, one block"
        self.skipped |= {(gap.boot, gap.seq) for gap in post.skipped}
        boots = {block.boot for block in post.blocks} | {gap.boot for gap in post.skipped}
        return Receipt(len(post.blocks), 0, {boot: self._mark(boot) for boot in boots})

    def _mark(self, boot: str) -> int:
        mark = 0
        while (boot, mark + 1) in self.stored or (boot, mark + 1) in self.skipped:
            mark += 1
        return mark


class ShakyBridge:
    """Recorder, spool and uplink as the program has them, on one logger with a memory and two boards without.

    One board has no clock at all; the other, with power of its own, knows how long it has been running.
    """

    def __init__(self, folder: Path) -> None:
        self.service = Memorial()
        self.steady_s = 0.0  # since the machine started; true time runs with it
        self.kiln_began_s = -864_000.0
        self.wall_off_s = 0.0
        self.time_is_known = False
        self.unacknowledged: dict[float, bytes] = {}  # what the logger still remembers to say again
        self._folder = folder
        self._starts = 0
        (folder / "token").write_text("not-a-real-token")
        self._start(folder / "spool-0")

    @property
    def true_now(self) -> datetime:
        return START + timedelta(seconds=self.steady_s)

    def _start(self, path: Path) -> None:
        self.spool = FrailSpool(path)
        self.clock = SteadyClock(
            self.spool.newest_at(),
            wall=lambda: self.true_now.timestamp() + self.wall_off_s,
            steady=lambda: self.steady_s,
        )
        numbers = SERIAL["numbers"].make(Told(("bottom",), (), Degrees.CELSIUS))
        top, bottom, chip = "lo-1/top", "lo-1/bottom", "lo-2/chip"
        self.logger = Intake(
            top,
            "lo-1",
            CameraLogger(["top"], ZoneInfo("UTC")),
            self.spool.recall(top),
            now=self.clock.now(),
            keeps_time=True,
        )
        self.board = Intake(bottom, "lo-1", numbers, self.spool.recall(bottom), now=self.clock.now())
        self.kiln = Intake(chip, "lo-2", QtKiln("chip"), self.spool.recall(chip), now=self.clock.now())
        self.recorder = Recorder(
            [self.logger, self.board, self.kiln],
            self.spool,
            self.clock,
            lambda: None,
            true_now=lambda: self.true_now if self.time_is_known else None,
        )
        self.uplink = Uplink("http://service", self._folder / "token", self.spool, HURRIED, lambda: self.clock.is_sure)

    def stop_dead(self, left: Path | None = None, torn: bytes = b"") -> None:
        """Cut the power: what is on the disk, and half a write, is all that the next start has."""
        self._starts += 1
        path = copy_of(left or self.spool.path, "found").rename(self._folder / f"spool-{self._starts}")
        wal = Path(f"{left or self.spool.path}-found-wal")
        if wal.exists():
            wal.rename(f"{path}-wal")
        with Path(f"{path}-wal").open("ab") as log:
            log.write(torn)
        self.spool.close()
        self._start(path)
        self.say_again()

    def log(self, value: float, line: bytes) -> None:
        """Have the logger say a line, which it remembers until it is told that the line is on disk."""
        self.unacknowledged[value] = line
        self.logger.take(Message(line, self.clock.now(), on_stored=lambda: self._acknowledge(value)))

    def tell(self, value: float) -> None:
        """Have the board that knows its uptime say a reading."""
        since_boot_ms = round(1000 * (self.steady_s - self.kiln_began_s))
        said = b'{"time_ms":%d,"kiln":{"temp_C":%d}}' % (since_boot_ms, value)
        self.kiln.take(Message(said, self.clock.now(), "qtkiln/A/state"))

    def _acknowledge(self, value: float) -> None:
        self.unacknowledged.pop(value, None)

    def say_again(self) -> None:
        for value, line in list(self.unacknowledged.items()):
            self.log(value, line)

    async def commit(self) -> bool:
        """Write what was heard; say whether the disk took it."""
        failed = self.recorder.failed_commits
        await self.recorder.commit(self.clock.now())
        return self.recorder.failed_commits == failed

    async def send(self) -> None:
        transport = httpx.MockTransport(lambda request: self.service.answer(request, self.true_now))
        async with httpx.AsyncClient(transport=transport) as client:
            await self.uplink._round(client)

    def on_disk(self) -> list[Block]:
        """Return all that waits or was put aside."""
        waiting = self.spool.take(10**6, 10**9, also_unsure=True).blocks
        aside = self.spool._db.execute("SELECT body FROM quarantine").fetchall()
        bodies = [one.body for one in waiting] + [body for (body,) in aside]
        return [msgspec.msgpack.decode(body, type=Block) for body in bodies]


def read_in(blocks: Sequence[Block], channel: str) -> Counter[float]:
    """Return how often each value of a channel is in the blocks."""
    return Counter(
        value
        for block in blocks
        for column in block.columns
        if column.channel == channel
        for value in column.value
        if value is not None
    )
