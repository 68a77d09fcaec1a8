import msgspec
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.blocks import MAX_READINGS_PER_BLOCK, draft_blocks
from firmware_bridge.wire import Block, Quality, Reading


def reading(at_ms: int, channel: str = "top") -> Reading:
    return Reading("lo-1", channel, at_ms, 650.0)


def test_each_channel_becomes_a_column_and_a_fault_keeps_its_place() -> None:
    fault = Reading("lo-1", "top", 2, None, Quality.NO_VALUE)

    (draft,) = draft_blocks("lo-1", [reading(1), reading(1, "bottom"), fault], until_ms=2)

    top, bottom = draft.columns
    assert (top.channel, top.at_ms, top.value, top.fault) == ("top", [1, 2], [650.0, None], {1: Quality.NO_VALUE})
    assert (bottom.channel, bottom.at_ms, bottom.fault) == ("bottom", [1], {})


def test_without_readings_one_empty_block_says_how_far_it_was_listened() -> None:
    (draft,) = draft_blocks("lo-1", [], until_ms=5)

    assert (draft.columns, draft.until_ms) == ((), 5)


@given(st.lists(st.integers(0, 99), min_size=1, max_size=40), st.integers(1, 7))
def test_parts_lose_nothing_and_none_vouches_for_what_a_later_one_has(times_ms: list[int], size: int) -> None:
    drafts = draft_blocks("lo-1", [reading(at_ms) for at_ms in times_ms], until_ms=100, max_readings=size)

    assert [at_ms for draft in drafts for column in draft.columns for at_ms in column.at_ms] == times_ms
    assert drafts[-1].until_ms == 100
    for index, draft in enumerate(drafts):
        later = [at_ms for one in drafts[index + 1 :] for column in one.columns for at_ms in column.at_ms]
        assert all(at_ms > draft.until_ms or at_ms == 0 for at_ms in later)


def test_a_huge_backlog_is_split_within_the_limits_of_the_wire() -> None:
    drafts = draft_blocks("lo-1", [reading(at_ms) for at_ms in range(MAX_READINGS_PER_BLOCK * 2 + 1)], until_ms=30_000)

    assert [draft.readings for draft in drafts] == [MAX_READINGS_PER_BLOCK, MAX_READINGS_PER_BLOCK, 1]
    for seq, draft in enumerate(drafts, start=1):
        body = msgspec.msgpack.encode(Block("0" * 16, seq, draft.kiln, draft.until_ms, list(draft.columns)))
        assert msgspec.msgpack.decode(body, type=Block).seq == seq
