from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing import MAX_LINE_BYTES, Frame, Framer

LINE = st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"").replace(b"\0", b"").rstrip(b"\r"))


def feed_in_pieces(stream: bytes, cuts: list[int]) -> tuple[list[Frame], int]:
    framer = Framer()
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    frames = [frame for start, end in pairwise(edges) for frame in framer.feed(stream[start:end])]
    return frames, framer.rejected


@given(st.lists(LINE, max_size=6), st.lists(st.integers(0, 10_000), max_size=8))
def test_frames_do_not_depend_on_how_the_port_cut_the_stream(lines: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(line + b"\r\n" for line in lines)

    frames, rejected = feed_in_pieces(stream, cuts)

    assert frames == [Frame(line) for line in lines if line]
    assert rejected == 0


@given(st.binary(max_size=300), st.integers(0, 9000), st.lists(st.integers(0, 20_000), max_size=8))
def test_any_bytes_give_the_same_whatever_the_cut(garbage: bytes, long: int, cuts: list[int]) -> None:
    stream = garbage + b"x" * long + b"\nok\n" + garbage

    assert feed_in_pieces(stream, cuts) == feed_in_pieces(stream, [])


def test_a_line_of_1_mb_is_counted_once_and_the_next_line_is_read() -> None:
    framer = Framer()

    frames = [frame for _ in range(256) for frame in framer.feed(b"x" * 4096)]
    frames += framer.feed(b"\n650;586\n")

    assert (frames, framer.rejected) == ([Frame(b"650;586")], 1)


def test_a_line_as_long_as_the_buffer_passes_and_one_byte_more_does_not() -> None:
    framer = Framer()

    assert len(framer.feed(b"x" * MAX_LINE_BYTES + b"\n")) == 1
    assert framer.feed(b"x" * (MAX_LINE_BYTES + 1) + b"\n") == []


def test_nul_bytes_left_by_a_power_cut_are_taken_out() -> None:
    assert Framer().feed(b"\0\0\n\0\0" + b"650;586\r\n") == [Frame(b"650;586")]


def test_half_a_line_waits() -> None:
    framer = Framer()

    assert framer.feed(b"650;5") == []
    assert framer.feed(b"86\n") == [Frame(b"650;586")]
