"""What the bridge has done so far: one snapshot, for its file, its page, its counts and `canhlo-bridge watch`."""

import shutil
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import msgspec

from firmware_bridge.clock import Clock
from firmware_bridge.duty import Duty
from firmware_bridge.intake import Intake
from firmware_bridge.latest import ChannelStatus, Latest
from firmware_bridge.line_status import LineStatus
from firmware_bridge.machine_clock import is_clock_synchronised
from firmware_bridge.recorder import Recorder
from firmware_bridge.spool import Spool
from firmware_bridge.standing_orders import watched_kinds
from firmware_bridge.uplink import Uplink


class SourceStatus(msgspec.Struct, frozen=True):
    """One source: whether it is there, and what became of everything it said since the start."""

    name: str
    kiln: str
    connected: bool
    received: int
    readings: int
    repeated: int
    retained: int
    ignored: int
    dropped: int
    rejected: dict[str, int]
    lost: int = 0
    restarts: int = 0


class SpoolStatus(msgspec.Struct, frozen=True):
    """The bridge's own disk: what waits, what was put aside, and how much room is left."""

    waiting_blocks: int
    waiting_readings: int
    quarantined_blocks: int
    accepted_blocks: int
    failed_commits: int
    size_bytes: int
    free_bytes: int
    thinned_readings: int = 0
    dropped_readings: int = 0
    used_bytes: int = 0
    most_bytes: int = 0


class UplinkStatus(msgspec.Struct, frozen=True):
    """What the service answered last; `answer` is None before the first one."""

    answer: str | None
    detail: str
    failures: int
    cause: str | None = None

    @property
    def is_up(self) -> bool:
        return self.answer == "stored"


class OfflineStatus(msgspec.Struct, frozen=True):
    """What the bridge would do by itself: which limits of which kilns it watches, and how it tells."""

    kilns: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    is_on_duty: bool = False
    breaches: tuple[str, ...] = ()
    failed: int = 0


class Snapshot(msgspec.Struct, frozen=True):
    """All of it, at one moment of the bridge's clock."""

    written_ms: int
    readings_read: int
    boot: str
    sources: tuple[SourceStatus, ...]
    channels: tuple[ChannelStatus, ...]
    spool: SpoolStatus
    uplink: UplinkStatus
    offline: OfflineStatus = OfflineStatus()
    is_clock_synchronised: bool | None = None
    is_clock_sure: bool = True
    lines: tuple[LineStatus, ...] = ()

    def age_s(self, channel: ChannelStatus) -> float:
        """Return how long ago a channel was last heard."""
        return max(0.0, (self.written_ms - channel.heard_ms) / 1000)


class Status:
    """Takes snapshots, and keeps the last one in `status.json`."""

    def __init__(
        self,
        path: Path,
        intakes: Sequence[Intake],
        recorder: Recorder,
        spool: Spool,
        uplink: Uplink,
        latest: Latest,
        duty: Duty,
        clock: Clock,
        lines: Sequence[LineStatus] = (),
    ) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._intakes = intakes
        self._recorder = recorder
        self._spool = spool
        self._uplink = uplink
        self._latest = latest
        self._duty = duty
        self._clock = clock
        self._lines = lines

    def write(self) -> None:
        """Replace the file in one step: who reads it never sees half of it."""
        fresh = self._path.with_suffix(".new")
        with self._lock:
            fresh.write_bytes(msgspec.json.format(msgspec.json.encode(self.snapshot()), indent=1))
            fresh.replace(self._path)

    def snapshot(self) -> Snapshot:
        counts = asdict(self._spool.counts())
        folder = self._path.parent
        aside = set(folder.glob("*.damaged-*"))
        answer = self._uplink.last_answer
        return Snapshot(
            written_ms=int(self._clock.now().timestamp() * 1000),
            readings_read=counts.pop("readings_read"),
            boot=self._spool.boot,
            sources=tuple(
                SourceStatus(intake.key, intake.kiln, intake.is_connected, **vars(intake.counters))
                for intake in self._intakes
            ),
            channels=self._latest.channels(),
            spool=SpoolStatus(
                **counts,
                failed_commits=self._recorder.failed_commits,
                size_bytes=sum(part.stat().st_size for part in folder.glob("spool.sqlite3*") if part not in aside),
                used_bytes=self._spool.used_bytes(),
                most_bytes=self._recorder.most_spool_bytes,
                free_bytes=shutil.disk_usage(folder).free,
            ),
            uplink=UplinkStatus(
                answer.verdict.value if answer else None,
                answer.detail if answer else "",
                self._uplink.failures,
                answer.cause.value if answer and answer.cause else None,
            ),
            offline=self._offline(),
            is_clock_synchronised=is_clock_synchronised(),
            is_clock_sure=self._clock.is_sure,
            lines=tuple(self._lines),
        )

    def _offline(self) -> OfflineStatus:
        duty, orders = self._duty, self._duty.orders
        return OfflineStatus(
            tuple(one.kiln for one in orders.limits),
            tuple(kind.value for kind in watched_kinds(orders.limits)),
            tuple(action.name for action in duty.actions),
            orders.is_on_duty,
            tuple("/".join(breach.key) for breach in orders.standing),
            duty.failed,
        )


def read_snapshot(path: Path) -> Snapshot | None:
    """Return what a bridge wrote last; None if it wrote nothing that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Snapshot)
    except (OSError, msgspec.DecodeError, ValueError):
        return None
