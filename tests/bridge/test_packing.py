"""A block comes out of its few bytes exactly as it went in."""

from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.packing import layout_of, pack, unpack
from firmware_bridge.wire import Block, Column, Quality, Unit

times_ms = st.integers(0, 4_102_444_800_000)
values = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-400, 8000).map(lambda n: n / 4)


@st.composite
def columns(draw: st.DrawFn) -> list[Column]:
    made = []
    for name in draw(st.lists(st.sampled_from(["top", "bottom", "flue"]), unique=True, max_size=3)):
        count = draw(st.integers(0, 4))
        taken = draw(st.lists(values, min_size=count, max_size=count))
        at_ms = draw(st.lists(times_ms, min_size=count, max_size=count))
        fault = {index: Quality.OPEN for index, value in enumerate(taken) if value is None}
        made.append(Column(name, Unit.CELSIUS, at_ms, taken, fault))
    return made


@given(until_ms=times_ms, columns=columns())
def test_a_block_comes_back_as_it_was(until_ms: int, columns: list[Column]) -> None:
    block = Block("b" * 16, 7, "lo-1", until_ms, columns)

    assert unpack("b" * 16, 7, layout_of(block), pack(block)) == block


def test_a_second_of_eight_probes_takes_few_bytes() -> None:
    now_ms = 1_772_366_400_000
    taken = [Column(f"tc{n}", Unit.CELSIUS, [now_ms - 40 * n], [1187.25 + n / 4]) for n in range(8)]

    assert len(pack(Block("b" * 16, 1, "lo-1", now_ms, taken))) < 64
