import binascii
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lines import NOON, decode_all, kinds, readings, values

from firmware_bridge.decoders.canhlo_line import CanhLoLine
from firmware_bridge.intake import Intake, Memory
from firmware_bridge.message import Measured, Message, Numbered, Uptime, Value
from firmware_bridge.wire import Quality, Unit


def line(seq: int, uptime_ms: int | None = None, fields: bytes = b"top=612.75C", board: bytes = b"lo-1") -> bytes:
    covered = b"CL1 %s %d %d %s " % (board, seq, 1000 * seq if uptime_ms is None else uptime_ms, fields)
    return b"@%s*%04X\r\n" % (covered, binascii.crc_hqx(covered, 0xFFFF))


def decoder() -> CanhLoLine:
    return CanhLoLine({"top": "top", "bottom": "can-duoi", "sitter": "sitter", "cone": "cone"})


def numbered(said: bytes) -> list[Numbered | None]:
    return [one.numbered for one in decode_all(decoder(), said) if isinstance(one, Measured)]


def test_the_line_of_the_documentation_is_read() -> None:
    text = (Path(__file__).parents[2] / "docs/line-format.md").read_bytes()
    said = next(line for line in text.splitlines() if line.startswith(b"@CL1 lo-1")) + b"\r\n"
    told = CanhLoLine({name: name for name in ("top", "bottom", "sitter", "cone")})

    assert decode_all(told, said) == [
        Measured(
            Uptime("lo-1", 61250),
            (
                Value("top", 612.75),
                Value("bottom", None, Quality.OPEN),
                Value("sitter", 1.0, unit=Unit.CONTACT),
                Value("cone", 41.5, unit=Unit.DEGREE_OF_ARC),
            ),
            Numbered(),
        )
    ]


@pytest.mark.parametrize(
    ("word", "quality"),
    [
        (b"!open", Quality.OPEN),
        (b"!gnd", Quality.SHORT_TO_GROUND),
        (b"!vcc", Quality.SHORT_TO_SUPPLY),
        (b"!range", Quality.OUT_OF_RANGE),
        (b"!fault", Quality.FAULT),
        (b"!none", Quality.NO_VALUE),
        (b"!a_word_of_the_future", Quality.FAULT),
    ],
)
def test_fault_words_are_qualities(word: bytes, quality: Quality) -> None:
    assert values(decoder(), line(0, fields=b"top=" + word)) == [Value("top", None, quality)]


def test_a_fault_is_in_the_unit_that_its_channel_last_spoke() -> None:
    said = line(0, fields=b"cone=41.50deg") + line(1, fields=b"cone=!none")

    assert [value.unit for value in values(decoder(), said)] == [Unit.DEGREE_OF_ARC] * 2


def test_fahrenheit_and_pressure_are_converted_and_other_channels_left_out() -> None:
    assert values(decoder(), line(0, fields=b"top=212F can-duoi=28mbar unknown=1C")) == [
        Value("top", 100.0),
        Value("bottom", 2.8, unit=Unit.KILOPASCAL),
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [(b"top=612.75", "out_of_shape"), (b"top=612,75C", "out_of_shape"), (b"top 612.75C", "out_of_shape")],
)
def test_a_line_without_units_or_out_of_shape_is_refused(fields: bytes, reason: str) -> None:
    assert kinds(decoder(), line(0, fields=fields)) == [reason]


def test_lines_that_never_came_are_counted() -> None:
    assert numbered(line(4) + line(5) + line(9)) == [Numbered(), Numbered(), Numbered(lost=3)]


def test_a_restart_is_seen_by_its_numbers_and_the_lines_before_the_first_heard_are_lost() -> None:
    assert numbered(line(900) + line(2)) == [Numbered(), Numbered(lost=2, is_restart=True)]
    assert numbered(line(2, 900_000) + line(5, 5_000)) == [Numbered(), Numbered(lost=5, is_restart=True)]


def test_a_millisecond_counter_that_wraps_after_49_days_loses_nothing() -> None:
    said = line(4_294_000, 2**32 - 500) + line(4_294_001, 500) + line(4_294_002, 1500)

    assert numbered(said) == [Numbered(), Numbered(is_restart=True), Numbered()]


def test_two_boards_on_one_line_are_numbered_apart() -> None:
    said = line(4, board=b"a") + line(900, board=b"b") + line(5, board=b"a") + line(901, board=b"b")

    assert numbered(said) == [Numbered()] * 4


def test_a_checksum_that_is_wrong_by_one_bit_anywhere_is_refused() -> None:
    good = line(7).rstrip()

    for at in range(len(b"@CL1 "), len(good)):
        for bit in range(7):
            damaged = good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :]
            assert readings(decode_all(decoder(), damaged + b"\n")) == []


def test_a_board_that_restarts_every_two_seconds_is_heard_each_time_though_it_says_the_same() -> None:
    intake = Intake("lo-1/top", "lo-1", decoder(), Memory(), now=NOON)

    for at in range(24):
        intake.take(Message(line(0, 800).rstrip(), NOON + timedelta(seconds=2 * at)))

    assert (intake.counters.readings, intake.counters.restarts) == (24, 23)


def test_trap_same_rows_appended_24_times_are_one_reading() -> None:
    assert kinds(decoder(), line(0, 1000) * 24) == ["Measured"] + ["repeated"] * 23


def test_loss_and_restarts_are_in_the_counters() -> None:
    intake = Intake("lo-1/top", "lo-1", decoder(), Memory(), now=NOON)

    for said in (line(5), line(7), line(1)):
        intake.take(Message(said.rstrip(), NOON))

    assert (intake.counters.lost, intake.counters.restarts, intake.counters.readings) == (2, 1, 3)


@given(st.binary(max_size=300), st.integers(0, 2**32 - 1))
def test_after_garbage_the_next_good_line_is_read(garbage: bytes, seq: int) -> None:
    assert Value("top", 612.75) in values(decoder(), garbage.replace(b"@CL1", b"") + line(seq))


def test_boards_in_memory_are_bounded() -> None:
    told = decoder()

    for at in range(100):
        values(told, line(0, board=b"b%d" % at))

    assert len(told._boards) == 32
