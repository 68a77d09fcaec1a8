"""What example sketches and loggers print. The lines are those of the libraries' examples, or of the loggers named."""

import pytest
from lines import NOON, decode_all, kinds, values

from firmware_bridge.decoders.csv_with_header import CsvWithHeader
from firmware_bridge.decoders.key_value import KeyValue
from firmware_bridge.decoders.max31855 import MAX6675_HIGHEST_C, Max31855
from firmware_bridge.decoders.max31856 import Max31856
from firmware_bridge.decoders.numbers import Numbers
from firmware_bridge.message import Measured, Message, Value
from firmware_bridge.spoken import Wanted
from firmware_bridge.units import UNITS
from firmware_bridge.wire import Quality, Unit

C, F = UNITS["c"], UNITS["f"]
MAX31855_START = b"MAX31855 test\r\nInitializing sensor...DONE.\r\n"
MAX31855_GOOD = b"Internal Temp = 24.25\r\nC = 612.75\r\n"
MAX31855_FAULT = b"Internal Temp = 24.25\r\nThermocouple fault(s) detected!\r\n"


def test_max31855_gives_the_probe_and_its_cold_junction() -> None:
    decoder = Max31855("top", "chip")

    assert values(decoder, MAX31855_START + MAX31855_GOOD) == [Value("chip", 24.25), Value("top", 612.75)]


@pytest.mark.parametrize(
    ("words", "quality"),
    [
        (b"FAULT: Thermocouple is open - no connections.", Quality.OPEN),
        (b"FAULT: Thermocouple is short-circuited to GND.", Quality.SHORT_TO_GROUND),
        (b"FAULT: Thermocouple is short-circuited to VCC.", Quality.SHORT_TO_SUPPLY),
        (b"FAULT: something new", Quality.FAULT),
    ],
)
def test_max31855_faults_are_qualities(words: bytes, quality: Quality) -> None:
    assert values(Max31855("top"), MAX31855_FAULT + words + b"\r\n") == [Value("top", None, quality)]


def test_max31855_with_two_faults_at_once_is_one_reading_and_the_next_record_another() -> None:
    two = MAX31855_FAULT + b"FAULT: Thermocouple is open - no connections.\r\n"
    two += b"FAULT: Thermocouple is short-circuited to GND.\r\n"

    assert values(Max31855("top"), two + two + MAX31855_GOOD) == [
        Value("top", None, Quality.OPEN),
        Value("top", None, Quality.OPEN),
        Value("top", 612.75),
    ]


def test_max6675_says_both_units_and_is_heard_once() -> None:
    said = b"MAX6675 test\r\nC = 612.75\r\nF = 1134.95\r\nC = 613.00\r\nF = 1135.40\r\nC = nan\r\nF = nan\r\n"

    assert values(Max31855("top"), said) == [
        Value("top", 612.75),
        Value("top", 613.0),
        Value("top", None, Quality.NO_VALUE),
    ]


def test_a_sketch_that_says_fahrenheit_alone_is_converted() -> None:
    assert values(Max31855("top"), b"F = 212.00\r\nF = 32.00\r\n") == [Value("top", 100.0), Value("top", 0.0)]


def test_max6675_at_its_end_of_scale_is_out_of_range_and_not_1024_degrees_for_hours() -> None:
    said = b"C = 1023.50\r\nC = 1023.75\r\n"

    assert values(Max31855("top", highest_c=MAX6675_HIGHEST_C), said) == [
        Value("top", 1023.5),
        Value("top", None, Quality.OUT_OF_RANGE),
    ]


def test_max31856_waits_for_the_faults_behind_a_reading() -> None:
    good = b"Cold Junction Temp: 24.31\r\nThermocouple Temp: 612.75\r\n"
    bad = b"Cold Junction Temp: 24.31\r\nThermocouple Temp: 0.00\r\n"
    bad += b"Thermocouple Range Fault\r\nThermocouple Open Fault\r\n"

    decoded = decode_all(Max31856("top", "chip"), good + bad + good)

    assert [one for one in decoded if isinstance(one, Measured)] == [
        Measured(NOON, (Value("chip", 24.31), Value("top", 612.75))),
        Measured(NOON.replace(microsecond=20_000), (Value("chip", 24.31), Value("top", None, Quality.OPEN))),
        Measured(NOON.replace(microsecond=60_000), (Value("chip", 24.31), Value("top", 612.75))),
    ]


@pytest.mark.parametrize(
    ("words", "quality"),
    [
        (b"Cold Junction Range Fault", Quality.FAULT),
        (b"Thermocouple Range Fault", Quality.OUT_OF_RANGE),
        (b"Over/Under Voltage Fault", Quality.FAULT),
        (b"Thermocouple Open Fault", Quality.OPEN),
    ],
)
def test_max31856_faults_are_qualities(words: bytes, quality: Quality) -> None:
    assert values(Max31856("top"), b"Thermocouple Temp: 612.75\r\n" + words + b"\r\n") == [Value("top", None, quality)]


@pytest.mark.parametrize("side", [b"High", b"Low"])
@pytest.mark.parametrize("part", [b"Cold Junction", b"Thermocouple"])
def test_max31856_passing_a_limit_set_in_the_chip_is_no_fault_of_the_probe(part: bytes, side: bytes) -> None:
    said = b"Thermocouple Temp: 612.75\r\n%s %s Fault\r\n" % (part, side)

    assert values(Max31856("top"), said) == [Value("top", 612.75)]


def test_a_bare_number_is_in_the_unit_that_the_settings_say() -> None:
    assert values(Numbers([Wanted("top", said=F)]), b"212\r\n 212.0 \r\n") == [Value("top", 100.0)] * 2


def test_plotter_lines_are_numbers_in_the_order_of_the_channels_each_in_its_unit() -> None:
    decoder = Numbers(
        [Wanted("top", said=C), Wanted("gas", said=UNITS["mbar"]), Wanted("sitter", said=UNITS["contact"])]
    )

    assert values(decoder, b"612.75\t28.0\t1\t\r\n612.75, 28, open\r\n") == [
        Value("top", 612.75),
        Value("gas", 2.8, unit=Unit.KILOPASCAL),
        Value("sitter", 1.0, unit=Unit.CONTACT),
        Value("top", 612.75),
        Value("gas", 2.8, unit=Unit.KILOPASCAL),
        Value("sitter", 0.0, unit=Unit.CONTACT),
    ]


def test_a_machinekit_sampler_line_has_one_number_for_each_channel_and_overruns_are_no_readings() -> None:
    decoder = Numbers([Wanted(f"n{at}", said=C) for at in range(7)])

    assert kinds(decoder, b"12 1 24.2 0.0 1.7 0.0 24.6 \noverrun\n") == ["Measured", "other_text"]


def test_a_csv_header_names_the_columns_and_their_units() -> None:
    propane = b"Time,Temp ADC 1 (F),Propane Pressure (PSI),O2 Sensor (mV),\r\n2023-01-01 10:00:00,212.0,1.45,740,\r\n"
    names = ["Temp ADC 1 (F)", "Propane Pressure (PSI)", "O2 Sensor (mV)"]
    decoder = CsvWithHeader([Wanted(channel, name) for channel, name in zip(("top", "gas", "o2"), names, strict=True)])

    top, gas, o2 = values(decoder, propane)

    assert (top, o2) == (Value("top", 100.0), Value("o2", 740.0, unit=Unit.MILLIVOLT))
    assert gas.unit is Unit.KILOPASCAL
    assert gas.value == pytest.approx(9.997, abs=0.001)


def test_the_plain_log_is_a_csv_whose_headers_end_in_units() -> None:
    decoder = CsvWithHeader([Wanted("top", "top_c"), Wanted("o2", "flue_o2_mv"), Wanted("cone", "cone6_deg")])

    assert values(decoder, b"time,top_c,flue_o2_mv,cone6_deg\n0,612.75,,41.5\n") == [
        Value("top", 612.75),
        Value("o2", None, Quality.NO_VALUE, Unit.O2_MILLIVOLT),
        Value("cone", 41.5, unit=Unit.DEGREE_OF_ARC),
    ]


def test_pidkiln_rows_need_the_unit_from_the_settings() -> None:
    said = b"Date,Temperature,Housing,Energy\n2021-02-20 14:03:05,612,31,118\n"

    assert values(CsvWithHeader([Wanted("kiln", "Temperature", C)]), said) == [Value("kiln", 612.0)]
    assert kinds(CsvWithHeader([Wanted("kiln", "Temperature")]), said) == ["header", "no_unit"]


def test_csv_rows_before_any_header_say_what_is_missing() -> None:
    assert kinds(CsvWithHeader([Wanted("kiln", "Temperature", C)]), b"1,612\nhello\n") == ["no_header", "other_text"]


def test_a_csv_header_that_comes_again_after_a_restart_is_read_again() -> None:
    said = b"a,top (C)\n1,612\nMemory free: 1200\ntop (C),a\n613,1\n"

    assert values(CsvWithHeader([Wanted("top", "top (C)")]), said) == [Value("top", 612.0), Value("top", 613.0)]


def test_named_values_are_found_wherever_they_stand() -> None:
    log = (
        b"May 14 22:36:09 kiln python[350]: 2022-05-14 22:36:09,824 INFO oven: temp=1888.40, target=1888.00, "
        b"error=-0.40, pid=54.33, heat_on=1.09, run_time=27250\n"
    )

    (value,) = values(KeyValue([Wanted("kiln", "temp", F)]), log)

    assert value.value == pytest.approx((1888.4 - 32) / 1.8)


def test_piln_speaks_in_four_lines_and_colours() -> None:
    said = (
        b"\x1b[2J\x1b[1;32mRunID 46, Segment 1 (loop 1) - RunState:Ramp,\n"
        b"ReadTmp:52.23, RampTmp:53.64, TargetTmp:100.00,\nOutput:47.34, CycleOnSec:14.20, RemainTime:1:46:51\n"
    )
    decoder = KeyValue([Wanted("kiln", "ReadTmp", C), Wanted("power", "Output", UNITS["pct"])])

    assert values(decoder, said) == [Value("kiln", 52.23), Value("power", 47.34, unit=Unit.PERCENT)]


def test_a_named_value_may_bring_its_unit_and_a_fault() -> None:
    said = b"top=1832F bottom: 590.5 \xc2\xb0C\ntop=open bottom=nan\n"

    assert values(KeyValue([Wanted("top", "top"), Wanted("bottom", "bottom")]), said) == [
        Value("top", 1000.0),
        Value("bottom", 590.5),
        Value("top", None, Quality.OPEN),
        Value("bottom", None, Quality.NO_VALUE),
    ]


def test_a_name_is_not_found_inside_another_name() -> None:
    assert kinds(KeyValue([Wanted("kiln", "temp", C)]), b"housing_temp=31\ntemperature=612\n") == ["no_such_name"] * 2


def test_a_unit_that_the_text_and_the_settings_say_differently_is_refused() -> None:
    assert kinds(KeyValue([Wanted("kiln", "temp", C)]), b"temp=1832F\n") == ["other_unit"]


def test_a_decoder_takes_the_time_of_the_line() -> None:
    decoded = Numbers([Wanted("top", said=C)]).decode(Message(b"612.75", NOON), None)

    assert isinstance(decoded, Measured)
    assert decoded.when == NOON
