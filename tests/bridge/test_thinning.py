"""When the card is full, the oldest hours lose their seconds, not their shape; and it is told."""

from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.blocks import Draft
from firmware_bridge.clock import Clock
from firmware_bridge.recorder import Recorder
from firmware_bridge.spool import Spool
from firmware_bridge.thinning import thin
from firmware_bridge.wire import Block, Column, Quality, Unit

BEGIN_MS = 1_772_366_400_000


def second(number: int, value: float | None = 600.0, kiln: str = "lo-1") -> Draft:
    at_ms = BEGIN_MS + 1000 * number
    fault = {0: Quality.OPEN} if value is None else {}
    return Draft(kiln, at_ms, (Column("top", Unit.CELSIUS, [at_ms], [value], fault),))


def waiting(spool: Spool) -> list[Block]:
    return [msgspec.msgpack.decode(one.body, type=Block) for one in spool.take(10_000, 10**8).blocks]


def test_ten_seconds_become_their_mean_and_a_lasting_fault_stays_one(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite3")
    spool.append([second(n, 600.0 + n) for n in range(20)] + [second(n, None) for n in range(20, 30)], {})

    spool.make_room()

    kept = [(column.at_ms[0] - BEGIN_MS, column.value[0]) for block in waiting(spool) for column in block.columns]
    assert kept == [(4500, 604.5), (14_500, 614.5), (24_500, None)]
    assert [block.seq for block in waiting(spool)] == list(range(1, 31))
    assert (spool.counts().thinned_readings, spool.counts().waiting_readings) == (27, 3)
    spool.close()


def test_what_is_thin_everywhere_loses_its_oldest_and_counts_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite3")
    spool.append([second(n) for n in range(40)], {})

    spool.make_room(100)
    spool.make_room(10)

    kept = [block.seq for block in waiting(spool) if block.columns]
    assert kept == [20, 30, 40]
    assert [block.seq for block in waiting(spool)] == list(range(1, 41))
    assert (spool.counts().dropped_readings, spool.counts().waiting_readings) == (1, 3)
    spool.close()


async def test_the_recorder_keeps_the_spool_to_its_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite3")
    spool.append([second(n, 600 + n / 7) for n in range(6000)], {})
    before = spool.used_bytes()
    recorder = Recorder([], spool, Clock(), lambda: None, most_spool_bytes=before * 2 // 3)

    for _ in range(3):
        await recorder.commit(Clock().now())

    assert spool.used_bytes() <= before * 2 // 3
    assert (spool.counts().thinned_readings, spool.counts().dropped_readings) == (5400, 0)
    spool.close()


@given(st.lists(st.tuples(st.sampled_from(["lo-1", "lo-2"]), st.none() | st.floats(0, 1300)), max_size=40))
def test_names_and_order_stay_and_no_mean_leaves_the_range(taken: list[tuple[str, float | None]]) -> None:
    drafts = [second(number, value, kiln) for number, (kiln, value) in enumerate(taken)]
    blocks = [Block("b" * 16, seq, one.kiln, one.until_ms, list(one.columns)) for seq, one in enumerate(drafts, 1)]

    thinned = thin(blocks)

    values = [value for _, value in taken if value is not None]
    kept = [value for block in thinned for column in block.columns for value in column.value if value is not None]
    assert [(one.seq, one.kiln) for one in thinned] == [(block.seq, block.kiln) for block in blocks]
    assert all(one.until_ms in (0, block.until_ms) for one, block in zip(thinned, blocks, strict=True))
    assert all(min(values) - 0.01 <= value <= max(values) + 0.01 for value in kept)
