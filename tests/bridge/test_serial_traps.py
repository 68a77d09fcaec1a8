"""Traps that were met in real logs, as far as serial lines and registers can fall into them: each by its own name."""

import struct
from datetime import timedelta
from itertools import chain
from pathlib import Path

import pytest
from bridge_fakes import NOON
from lines import kinds, values

from firmware_bridge.decoders.csv_with_header import CsvWithHeader
from firmware_bridge.decoders.key_value import KeyValue
from firmware_bridge.decoders.max31855 import Max31855
from firmware_bridge.decoders.modbus_registers import Mapped, ModbusRegisters
from firmware_bridge.decoders.numbers import Numbers
from firmware_bridge.framing import Framer
from firmware_bridge.intake import Intake, Memory
from firmware_bridge.message import Decoder, Message, Value
from firmware_bridge.register_map import load_map
from firmware_bridge.settings import SettingsError, load_settings
from firmware_bridge.spoken import Wanted
from firmware_bridge.units import UNITS
from firmware_bridge.wire import Quality, Reading

C = UNITS["c"]
TWO = [Wanted("top", "top", C), Wanted("bottom", "bottom", C)]


def heard(decoder: Decoder, *said: bytes, every_s: float = 1.0) -> list[Reading]:
    """Return the readings of lines that come one after the other."""
    intake = Intake("lo-1/top", "lo-1", decoder, Memory(), now=NOON)
    for n, line in enumerate(said):
        intake.take(Message(line, NOON + timedelta(seconds=n * every_s)))
    return list(intake.gather(now=NOON + timedelta(hours=1), jitter=timedelta(0)).readings)


def register(word: int) -> bytes:
    return struct.pack(">H", word)


def delta() -> ModbusRegisters:
    (value,) = load_map("delta_dtb", Path()).choose([], 1)
    return ModbusRegisters([Mapped("top", value)])


def test_zero_as_no_sensor_for_135_hours_is_handed_on_for_the_service_to_judge() -> None:
    assert [one.value for one in heard(Max31855("top"), *[b"C = 0.00"] * 3)] == [0.0] * 3
    assert [one.value for one in heard(delta(), *[register(0)] * 3)] == [0.0] * 3


def test_a_frozen_value_stays_a_reading_for_each_line_and_each_poll() -> None:
    assert len(heard(Max31855("top"), *[b"C = 612.75"] * 200)) == 200
    assert len(heard(delta(), *[register(6127)] * 200)) == 200


@pytest.mark.parametrize("source", ['format = "numbers"', 'format = "numbers"\nunits = ["c", "f"]'])
def test_fahrenheit_without_a_label_is_refused_by_the_settings_until_somebody_says_it(
    tmp_path: Path, source: str
) -> None:
    told = f'type = "serial"\nport = "/dev/ttyUSB0"\n{source}\nkiln = "lo-1"\nchannels = ["top"]\n'
    (tmp_path / "b.toml").write_text(f'server = "http://lo"\n[[sources]]\n{told}')

    with pytest.raises(SettingsError, match=r"unit"):
        load_settings(tmp_path / "b.toml")


def test_fahrenheit_without_a_label_in_a_log_is_no_reading_until_somebody_says_it() -> None:
    assert kinds(KeyValue([Wanted("kiln", "temp")]), b"temp=1888.40, target=1888.00\n") == ["no_unit"]


def test_a_decimal_point_elsewhere_is_what_the_instrument_or_the_settings_say() -> None:
    (tk4,) = load_map("autonics_tk4", Path()).choose([], 1)
    (omron,) = load_map("omron_e5cc", Path()).choose([], 1)

    whole, tenths = (struct.pack(">3H", *words) for words in ((612, 0, 0), (6127, 1, 0)))
    assert [one.value for one in heard(ModbusRegisters([Mapped("top", tk4)]), whole, tenths)] == [612.0, 612.7]
    assert [one.value for one in heard(ModbusRegisters([Mapped("top", omron, 0.1, "c")]), register(6127))] == [612.7]


def test_a_decimal_comma_is_refused_and_not_read_as_another_number() -> None:
    assert kinds(Numbers([Wanted("top", said=C)]), b"612,75\n") == ["not_a_number"]
    assert kinds(Numbers(TWO), b"612,75;590,50\n") == ["channel_count"]
    assert kinds(KeyValue([Wanted("top", "t", C)]), b"t=612.75,50\n") == ["Measured"]  # a comma ends the field


def test_codes_in_place_of_a_temperature_are_faults() -> None:
    faults = heard(delta(), *[register(code) for code in range(0x8002, 0x8008)])

    assert {one.value for one in faults} == {None}
    assert all(one.quality is not Quality.GOOD for one in faults)


def test_a_truncated_line_plus_nul_is_not_read_and_the_next_one_is() -> None:
    said = b"612.75\t59\0\0\0\0\n612.75\t590.50\n"

    assert values(Numbers(TWO), b"612.\0\0" + b"\n" + said[-14:]) == [Value("top", 612.75), Value("bottom", 590.5)]
    assert values(Max31855("top"), b"Internal Temp = 24.25\nC = 6\0\0\0\x80\nC = 613.00\n") == [Value("top", 613.0)]


def test_the_end_of_a_line_that_was_cut_when_the_port_was_opened_is_not_a_temperature() -> None:
    framer = Framer(skips_first=True)

    assert [frame.line for frame in framer.feed(b"2.75\r\n612.75\r\n")] == [b"612.75"]


@pytest.mark.parametrize("word", [b"nan", b"NaN", b"NA", b"N/A", b"Off", b"??:??", b"--", b""])
def test_words_for_no_number_are_no_value_and_never_zero(word: bytes) -> None:
    nothing = Value("bottom", None, Quality.NO_VALUE)

    assert values(CsvWithHeader(TWO), b"time,top,bottom\n1,612.75,%s\n" % word) == [Value("top", 612.75), nothing]
    assert values(KeyValue(TWO), b"top=612.75, bottom=%s,\n" % word) == [Value("top", 612.75), nothing]


@pytest.mark.parametrize("word", [b"inf", b"-inf", b"1e999", b"0x1F", b"1_000", "٦١٢".encode(), b"1.2.3", b"12a"])
def test_what_only_looks_like_a_number_is_refused(word: bytes) -> None:
    assert kinds(Numbers([Wanted("top", said=C)]), word + b"\n")[0] in ("not_a_number", "other_text")


def test_several_firings_on_one_port_with_other_text_between_them_go_on() -> None:
    start = b"MAX31855 test\nInitializing sensor...DONE.\n"
    said = (start + b"Internal Temp = 24.25\nC = 612.75\n") * 3

    assert values(Max31855("top"), said) == [Value("top", 612.75)] * 3


def test_a_saw_tooth_from_stoking_and_two_probes_that_cross_pass_as_they_were_said() -> None:
    temps = [(1000 + 100 * (n % 2), 1100 - 10 * n) for n in range(20)]

    read = values(Numbers(TWO), b"".join(b"%d\t%d\n" % pair for pair in temps))

    assert [one.value for one in read] == [float(temp) for temp in chain.from_iterable(temps)]
