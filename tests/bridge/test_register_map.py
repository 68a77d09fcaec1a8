import struct
from pathlib import Path

import pytest
from bridge_fakes import NOON
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.decoders.modbus_registers import Mapped, ModbusRegisters
from firmware_bridge.message import Decoded, Measured, Message, Value
from firmware_bridge.register_map import MapValue, Span, known_maps, load_map, read_map, spans
from firmware_bridge.wire import Quality, Unit


def decode(instrument: str, *words: int, scale: float | None = None, unit: str | None = None) -> Decoded:
    """Return what the first value of a known map makes of these registers."""
    (value,) = load_map(instrument, Path()).choose([], 1)
    return said([Mapped("top", value, scale, unit)], *words)


def said(mapped: list[Mapped], *words: int) -> Decoded:
    return ModbusRegisters(mapped).decode(Message(struct.pack(f">{len(words)}H", *words), NOON), None)


def value_of(decoded: Decoded) -> Value:
    assert isinstance(decoded, Measured)
    return decoded.values[0]


def mapped(**told: object) -> list[Mapped]:
    return [Mapped("top", MapValue.model_validate({"name": "pv", "function": 3, "address": 0, "unit": "c", **told}))]


@pytest.mark.parametrize("name", known_maps())
def test_every_map_names_its_source_and_none_claims_to_be_verified(name: str) -> None:
    known = load_map(name, Path())

    assert known.source
    assert not known.verified


def test_an_omron_is_read_at_the_scale_and_in_the_unit_that_the_settings_say() -> None:
    assert value_of(decode("omron_e5cc", 612, scale=1, unit="c")) == Value("top", 612.0)
    assert value_of(decode("omron_e5cc", 6127, scale=0.1, unit="c")) == Value("top", 612.7)
    assert value_of(decode("omron_e5cc", 0x10000 - 5, scale=1, unit="f")).value == pytest.approx(-20.556, abs=0.001)


def test_an_autonics_says_its_decimal_point_and_its_unit_itself() -> None:
    assert value_of(decode("autonics_tk4", 612, 0, 0)) == Value("top", 612.0)
    assert value_of(decode("autonics_tk4", 6127, 1, 0)) == Value("top", 612.7)
    assert value_of(decode("autonics_tk4", 0x10000 - 55, 1, 0)) == Value("top", -5.5)
    assert value_of(decode("autonics_tk4", 212, 0, 1)) == Value("top", 100.0)


def test_an_autonics_is_read_in_one_request() -> None:
    assert spans(load_map("autonics_tk4", Path()).choose([], 1)) == (Span(4, 0x03E8, 3),)


@pytest.mark.parametrize(
    ("code", "quality"),
    [
        (0x8002, Quality.NO_VALUE),
        (0x8003, Quality.OPEN),
        (0x8004, Quality.OUT_OF_RANGE),
        (0x8005, Quality.FAULT),
        (0x8006, Quality.FAULT),
        (0x8007, Quality.FAULT),
    ],
)
def test_the_codes_of_a_delta_are_faults_and_not_3276_degrees_below_zero(code: int, quality: Quality) -> None:
    assert value_of(decode("delta_dtb", code)) == Value("top", None, quality)


def test_a_delta_below_zero_is_a_temperature() -> None:
    assert value_of(decode("delta_dtb", 0xFFF1)) == Value("top", -1.5)


def test_a_pixsys_has_two_probes_and_the_ambient_in_one_request() -> None:
    values = load_map("pixsys_atr620", Path()).choose(["pv1", "pv2", "ambient"], 3)

    decoded = said([Mapped(value.name, value) for value in values], 10127, 9980, 312)

    assert spans(values) == (Span(3, 1, 3),)
    assert isinstance(decoded, Measured)
    assert decoded.values == (Value("pv1", 1012.7), Value("pv2", 998.0), Value("ambient", 31.2))


def test_a_maxwell_is_read_in_two_requests_for_its_decimal_point_lies_apart() -> None:
    assert spans(load_map("maxwell_ft200", Path()).choose([], 1)) == (Span(3, 0, 1), Span(3, 0x42, 1))
    assert value_of(decode("maxwell_ft200", 6127, 1)) == Value("top", 612.7)


def test_a_float_is_read_in_either_word_order() -> None:
    big = struct.unpack(">2H", struct.pack(">f", 612.75))

    assert value_of(said(mapped(type="float32"), *big)) == Value("top", 612.75)
    assert value_of(said(mapped(type="float32", word_order="little"), *reversed(big))) == Value("top", 612.75)


def test_a_float_that_is_no_number_is_no_value() -> None:
    nan = struct.unpack(">2H", struct.pack(">f", float("nan")))

    assert value_of(said(mapped(type="float32"), *nan)) == Value("top", None, Quality.NO_VALUE)


def test_a_sign_may_be_told_to_be_none() -> None:
    assert value_of(said(mapped(type="uint16", scale=1), 0xFFFF)) == Value("top", 65535.0)
    assert value_of(said(mapped(type="int32", scale=0.1), 0xFFFF, 0xFFF6)) == Value("top", -1.0)


def test_a_status_register_makes_its_value_a_fault() -> None:
    told = mapped(scale=1, status={"function": 3, "address": 1, "flags": {"0x40": "open", "0x04": "fault"}})

    assert value_of(said(told, 612, 0x40)) == Value("top", None, Quality.OPEN)
    assert value_of(said(told, 612, 0x104)) == Value("top", None, Quality.FAULT)
    assert value_of(said(told, 612, 0x100)) == Value("top", 612.0)


def test_a_contact_is_one_bit() -> None:
    told = [Mapped("sitter", MapValue(name="c", function=2, address=0, type="bit", unit="contact"))]

    assert value_of(said(told, 1)) == Value("sitter", 1.0, unit=Unit.CONTACT)


@pytest.mark.parametrize(
    ("words", "reason"), [((612, 9, 0), "decimal_point"), ((612, 0, 7), "no_unit"), ((612, 0), "register_count")]
)
def test_registers_that_make_no_sense_are_refused(words: tuple[int, ...], reason: str) -> None:
    assert getattr(decode("autonics_tk4", *words), "reason", "") == reason


@given(st.sets(st.tuples(st.sampled_from([3, 4]), st.integers(0, 400)), min_size=1, max_size=200))
def test_requests_hold_every_register_once_and_nothing_that_was_not_asked_for(asked: set[tuple[int, int]]) -> None:
    values = [MapValue(name=f"v{at}", function=one[0], address=one[1]) for at, one in enumerate(asked)]  # type: ignore[arg-type]

    found = spans(values)

    assert sorted(register for span in found for register in span.registers) == sorted(asked)
    assert all(span.count <= 64 for span in found)


OWN = """title = "My controller"
source = "its manual, page 12"
verified = false

[[values]]
name = "pv"
function = 4
address = 0x0100
scale = 0.1
unit = "c"
faults = { 0x7FFF = "open" }
"""


def test_a_person_may_write_a_map(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(OWN)

    (value,) = load_map("mine.toml", tmp_path).choose([], 1)

    assert (value.address, value.faults) == (0x100, {0x7FFF: Quality.OPEN})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OWN.replace("= 4", "= 6"), "mine.toml: dòng/line 7: values[1].function: cần một trong: 1, 2, 3"),
        (OWN.replace("0x0100", "70000"), "mine.toml: dòng/line 8: values[1].address: nhiều nhất là 65535"),
        (
            OWN.replace('unit = "c"', 'unit = "K"'),
            "mine.toml: dòng/line 10: values[1].unit: cần một trong / wanted one",
        ),
        (OWN.replace("0x7FFF", "hot"), "mine.toml: dòng/line 11: values[1].faults: cần số bên trái như / wanted num"),
        (OWN.replace('"open"', '"broken"'), "mine.toml: dòng/line 11: values[1].faults"),
        (OWN + "sclae = 1\n", "mine.toml: dòng/line 12: values[1].sclae: không có tên này / there is no such key"),
        (
            OWN.replace('source = "its manual, page 12"\n', ""),
            "mine.toml: source: thiếu dòng này / this line is missing",
        ),
        (OWN + "decimals = { function = 4, address = 1 }\n", "chỉ một trong hai / wanted one of: scale, decimals"),
        (OWN.replace("function = 4", 'function = 4\ntype = "bit"'), "bit: cần / wanted function = 1 / 2"),
        (OWN.replace("[[values]]", "[values]"), "mine.toml: dòng/line 5: values"),
        ("title = ", "mine.toml: dòng/line 1: không phải TOML / not TOML"),
    ],
)
def test_a_mistake_in_a_map_is_told_with_file_line_and_key(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"mine\.toml") as caught:
        read_map("mine.toml", text.encode())

    assert words in str(caught.value)


def test_no_map_can_name_a_function_that_writes() -> None:
    for function in (5, 6, 15, 16, 22, 23):
        with pytest.raises(ValueError, match="function"):
            read_map("mine.toml", OWN.replace("function = 4", f"function = {function}").encode())
