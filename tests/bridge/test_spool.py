import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from firmware_bridge.blocks import Draft
from firmware_bridge.device_clock import DeviceTime
from firmware_bridge.intake import Memory
from firmware_bridge.repeats import REMEMBERED_MESSAGES
from firmware_bridge.spool import FORGOTTEN, Spool
from firmware_bridge.spool_file import SpoolError
from firmware_bridge.wire import MAX_BLOCKS_PER_POST, MAX_SKIPPED_PER_POST, Block, Column, Unit

ROOM = 1_000_000


AT_MS = 1_000_000_000


def draft(value: float = 650.0, *, at_ms: int = 5, is_sure: bool = True) -> Draft:
    return Draft("lo-1", at_ms, (Column("top", Unit.CELSIUS, [at_ms], [value]),), is_sure)


@dataclass
class Kept:
    """What the spool should hold of one block."""

    value: float
    at_ms: int
    is_sure: bool


def seqs(spool: Spool) -> list[int]:
    return [block.seq for block in spool.take(64, ROOM).blocks]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite3"


def test_blocks_are_numbered_from_1_in_each_boot_and_survive_a_restart(path: Path) -> None:
    spool = Spool(path)
    spool.append([draft(), draft()], {})
    first_boot = spool.boot
    spool.close()

    spool = Spool(path)
    spool.append([draft()], {})
    parcel = spool.take(64, ROOM)
    spool.close()

    assert [(block.boot, block.seq) for block in parcel.blocks] == [(first_boot, 1), (first_boot, 2), (spool.boot, 1)]
    assert msgspec.msgpack.decode(parcel.blocks[0].body, type=Block).columns[0].value == [650.0]


def test_memory_is_kept_with_the_readings_and_only_the_last_fingerprints(path: Path) -> None:
    clock = DeviceTime(1, 2, 3)
    digests = tuple(number.to_bytes(8, "big") for number in range(REMEMBERED_MESSAGES + 5))
    spool = Spool(path)
    spool.append([draft()], {"lo-1/top": Memory(7, {"A": clock}, digests[:3]), "lo-2/kiln": Memory(9)})
    spool.append([draft()], {"lo-1/top": Memory(8, {}, digests[3:])})

    assert spool.recall("lo-1/top") == Memory(8, {"A": clock}, digests[5:])
    assert spool.recall("lo-2/kiln") == Memory(9)
    assert spool.recall("never heard of") == Memory()
    spool.close()


def test_what_fails_half_way_leaves_nothing_behind(path: Path) -> None:
    spool = Spool(path)
    with pytest.raises(sqlite3.IntegrityError):
        spool.append([draft()], {"lo-1/top": Memory(None)})  # type: ignore[arg-type]
    spool.append([draft()], {})

    assert seqs(spool) == [1]
    assert spool.counts().readings_read == 1
    spool.close()


def test_a_parcel_has_at_least_one_block_and_no_more_than_fits(path: Path) -> None:
    spool = Spool(path)
    spool.append([draft()] * 3, {})
    size = len(spool.take(1, ROOM).blocks[0].body)

    assert len(spool.take(64, size * 2).blocks) == 2
    assert len(spool.take(64, 1).blocks) == 1
    assert len(spool.take(2, ROOM).blocks) == 2
    spool.close()


def test_a_gap_that_the_bridge_cannot_fill_is_told_so_that_the_mark_can_pass(path: Path) -> None:
    spool = Spool(path)
    spool.append([draft()] * 4, {})
    spool.accept({spool.boot: 3})

    spool.accept({spool.boot: 1})  # the service is back from an old backup

    parcel = spool.take(64, ROOM)
    assert [(gap.seq, gap.reason) for gap in parcel.skipped] == [(2, FORGOTTEN), (3, FORGOTTEN)]
    assert [block.seq for block in parcel.blocks] == [4]
    spool.close()


def test_while_a_long_gap_is_told_of_what_waits_is_not_sent_again_and_again(path: Path) -> None:
    spool = Spool(path)
    for _ in range(60):
        spool.append([draft()] * 1000, {})
    spool.accept({spool.boot: 50_000})
    stored: set[int] = set()  # by a service that is back from an older backup
    posted = mark = 0

    while spool.counts().waiting_blocks:
        parcel = spool.take(MAX_BLOCKS_PER_POST, ROOM)
        posted += len(parcel.blocks)
        stored |= {one.seq for one in (*parcel.blocks, *parcel.skipped)}
        while mark + 1 in stored:
            mark += 1
        spool.accept({spool.boot: mark})

    assert stored == set(range(1, 60_001))
    assert posted < 3 * 10_000
    spool.close()


def test_gaps_that_fill_a_post_do_not_keep_back_the_block_below_them(path: Path) -> None:
    spool = Spool(path)
    spool.append([draft(is_sure=False), *[draft()] * MAX_SKIPPED_PER_POST, draft()], {})
    for seq in range(2, MAX_SKIPPED_PER_POST + 2):
        spool.reject(spool.boot, seq, "no")
    spool.put_right(0)

    parcel = spool.take(64, ROOM)

    assert len(parcel.skipped) == MAX_SKIPPED_PER_POST
    assert [block.seq for block in parcel.blocks] == [1]
    spool.close()


@pytest.mark.parametrize("damage", [b"not a database, and long enough to be read as a page" * 100, None])
def test_a_damaged_spool_is_moved_aside_and_a_new_one_begun(
    path: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(path)
    for _ in range(20):
        spool.append([draft()] * 50, {})
    spool.close()
    whole = path.read_bytes()
    path.write_bytes(damage or whole[:4096] + b"\xff" * 8192 + whole[4096 + 8192 :])

    spool = Spool(path)
    spool.append([draft()], {})

    assert seqs(spool) == [1]
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert [aside.name for aside in path.parent.glob("*.damaged-*")] == [Path(caplog.records[0].old_file).name]
    spool.close()


def test_two_bridges_cannot_share_a_spool(path: Path) -> None:
    spool = Spool(path)
    spool.append([draft()], {})

    with pytest.raises(SpoolError, match="another bridge"):
        Spool(path)
    spool.close()


class SpoolMachine(RuleBasedStateMachine):
    """Every block appended is waiting, accepted or in quarantine: exactly one of them, through any power cut.

    Times that were a guess are put right once, and those of a run that ended before go as estimated.
    """

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._file = Path(self._folder.name) / "spool.sqlite3"
        self._spool = Spool(self._file)
        self._boots = [self._spool.boot]
        self._seq = self._appended = self._accepted = self._quarantined = 0
        self._waiting: dict[tuple[str, int], Kept] = {}
        self._clock_ms = AT_MS
        self._gaps: set[tuple[str, int]] = set()

    @rule(values=st.lists(st.floats(0, 1400), min_size=1, max_size=4), is_sure=st.booleans())
    def append(self, values: list[float], is_sure: bool) -> None:
        self._spool.append([draft(value, at_ms=self._clock_ms, is_sure=is_sure) for value in values], {})
        for value in values:
            self._seq += 1
            self._waiting[self._spool.boot, self._seq] = Kept(value, self._clock_ms, is_sure)
        self._appended += len(values)

    @rule(by_ms=st.integers(-AT_MS, AT_MS))
    def the_clock_jumps(self, by_ms: int) -> None:
        self._clock_ms = AT_MS + by_ms

    @rule(shift_ms=st.integers(0, 10**12))
    def the_time_becomes_known(self, shift_ms: int) -> None:
        self._spool.put_right(shift_ms)
        for (boot, _), kept in self._waiting.items():
            if boot == self._spool.boot and not kept.is_sure:
                kept.at_ms, kept.is_sure = kept.at_ms + shift_ms, True

    @rule(data=st.data())
    def accept_a_mark_of_any_boot(self, data: st.DataObject) -> None:
        boot = data.draw(st.sampled_from(self._boots))
        below = min((seq for one, seq in [*self._waiting, *self._gaps] if one == boot), default=1) - 1
        mark = data.draw(st.integers(below, below + 5))
        self._spool.accept({boot: mark})
        gone = {name for name in self._waiting if name[0] == boot and name[1] <= mark}
        self._accepted += len(gone)
        self._waiting = {name: value for name, value in self._waiting.items() if name not in gone}
        self._gaps = {name for name in self._gaps if name[0] != boot or name[1] > mark}
        # A mark that stops below what is left tells of a gap, as far as one post can.
        lowest = min((seq for one, seq in [*self._waiting, *self._gaps] if one == boot), default=mark + 1)
        self._gaps |= {(boot, seq) for seq in range(mark + 1, lowest)}

    @precondition(lambda self: self._waiting)
    @rule(data=st.data())
    def reject(self, data: st.DataObject) -> None:
        boot, seq = data.draw(st.sampled_from(sorted(self._waiting)))
        for _ in range(2):  # the second time it is not there any more
            self._spool.reject(boot, seq, "no" * 500)
        del self._waiting[boot, seq]
        self._gaps.add((boot, seq))
        self._quarantined += 1

    @rule(torn=st.binary(max_size=5000))
    def lose_power_in_a_write(self, torn: bytes) -> None:
        after = self._file.with_name(f"after-{len(self._boots)}.sqlite3")
        for suffix in ("", "-wal"):
            part = Path(f"{self._file}{suffix}")
            if part.exists():
                shutil.copy(part, f"{after}{suffix}")
        with Path(f"{after}-wal").open("ab") as log:
            log.write(torn)  # pages of a transaction that did not get to its end
        self._spool.close()
        self._file, self._spool = after, Spool(after)
        self._boots.append(self._spool.boot)
        self._seq = 0

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        parcel = self._spool.take(10_000, ROOM, also_unsure=True)
        found = {(block.boot, block.seq): msgspec.msgpack.decode(block.body, type=Block) for block in parcel.blocks}
        assert {
            name: Kept(block.columns[0].value[0] or 0.0, block.columns[0].at_ms[0], not block.is_estimated)
            for name, block in found.items()
        } == self._waiting
        assert {(block.boot, block.seq) for block in self._spool.take(10_000, ROOM).blocks} == {
            name for name, kept in self._waiting.items() if kept.is_sure or name[0] != self._spool.boot
        }, "a guess waits to be put right"
        assert {(gap.boot, gap.seq) for gap in parcel.skipped} <= self._gaps
        counts = self._spool.counts()
        assert counts.readings_read == self._appended
        assert counts.waiting_blocks == counts.waiting_readings == len(self._waiting)
        assert (counts.accepted_blocks, counts.quarantined_blocks) == (self._accepted, self._quarantined)
        assert self._appended == len(self._waiting) + self._accepted + self._quarantined

    def teardown(self) -> None:
        self._spool.close()
        self._folder.cleanup()


SpoolMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestSpoolMachine = SpoolMachine.TestCase
