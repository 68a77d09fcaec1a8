import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from firmware_bridge.blocks import Draft
from firmware_bridge.device_clock import DeviceTime
from firmware_bridge.intake import Memory
from firmware_bridge.repeats import REMEMBERED_MESSAGES
from firmware_bridge.spool import FORGOTTEN, Spool
from firmware_bridge.spool_file import SpoolError
from firmware_bridge.wire import Block, Column, Unit

ROOM = 1_000_000


def draft(value: float = 650.0) -> Draft:
    return Draft("lo-1", 5, (Column("top", Unit.CELSIUS, [5], [value]),))


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
    """Every block appended is waiting, accepted or in quarantine: exactly one of them, through any crash."""

    marks = Bundle("marks")

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "spool.sqlite3"
        self._spool = Spool(self._path)
        self._waiting: dict[tuple[str, int], float] = {}
        self._gaps: set[tuple[str, int]] = set()
        self._quarantined = self._accepted = self._appended = 0

    @rule(values=st.lists(st.floats(0, 1400), min_size=1, max_size=4))
    def append(self, values: list[float]) -> None:
        self._spool.append([draft(value) for value in values], {})
        boot = self._spool.boot
        first = 1 + max((seq for one, seq in [*self._waiting, *self._gaps, *self._done] if one == boot), default=0)
        self._waiting |= {(boot, first + index): value for index, value in enumerate(values)}
        self._appended += len(values)
