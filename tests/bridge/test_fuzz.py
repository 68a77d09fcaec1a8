"""Whatever comes: no exception leaves a framer or a decoder, memory stays bounded, and the next good words are read."""

import binascii
import pickle
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lines import NOON, decode_all, values
from pymodbus.framer import FramerBase
from pymodbus.pdu import DecodePDU

from firmware_bridge.decoders.modbus_registers import Mapped, ModbusRegisters
from firmware_bridge.formats import MQTT, SERIAL, Format, Told
from firmware_bridge.framing import MAX_LINE_BYTES, Framer
from firmware_bridge.message import Decoded, Decoder, Ignored, Measured, Message, Rejected
from firmware_bridge.payload import Degrees
from firmware_bridge.register_map import MapValue, read_map
from firmware_bridge.sources.modbus import CalmAscii, CalmRTU

WORDS = [
    b"C = ", b"F = ", b"Internal Temp = ", b"FAULT: ", b"Thermocouple Temp: ", b"Thermocouple Open Fault", b"@CL1 ",
    b"lo-1 ", b"top", b"top=", b"=", b":", b",", b";", b"\t", b" ", b"*", b"612.75", b"-1", b"nan", b"C", b"!open",
    b"closed", b"time,top\n", b"top (F)", b"\x1b[1m", b"\0", b"\r", b"\n", b"\xc2\xb0C", b"\xb0", b"9" * 12, b"1e9",
]  # fmt: skip
NOISE = st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=12)), max_size=40).map(b"".join)
LINE = b"CL1 lo-1 17 61250 top=612.75C "
GOOD = {
    "camera_logger": b"21/10/2015 11:26:31;650",
    "canhlo_line": b"@" + LINE + b"*%04X" % binascii.crc_hqx(LINE, 0xFFFF),
    "max31855": b"Internal Temp = 1.00\nC = 650.00",
    "max6675": b"C = 650.00\nC = 650.00",
    "max31856": b"Cold Junction Temp: 1.00\nThermocouple Temp: 650.00",
    "numbers": b"650.00",
    "csv": b"time,top\n1,650.00",
    "key_value": b"top=650.00",
}


def make(spoken: Format) -> Decoder:
    return spoken.make(Told(("top",), ("top",), Degrees.CELSIUS, zone=ZoneInfo("Asia/Ho_Chi_Minh")))


def test_every_serial_format_has_a_good_line_here() -> None:
    assert set(GOOD) == set(SERIAL)


@pytest.mark.parametrize("name", SERIAL)
@given(noise=NOISE)
def test_after_any_noise_the_next_good_words_of_a_serial_format_are_read(name: str, noise: bytes) -> None:
    decoder = make(SERIAL[name])
    decode_all(decoder, noise + b"\n")

    read = values(decoder, GOOD[name] + b"\n")

    assert [value.value for value in read][-1] in (650.0, 612.75)


@pytest.mark.parametrize("name", SERIAL)
def test_what_a_serial_decoder_remembers_is_bounded(name: str) -> None:
    decoder = make(SERIAL[name])
    for at in range(20_000):
        line = b"CL1 b%d %d %d x%d=1C " % (at, at, at, at)
        crc = binascii.crc_hqx(line, 0xFFFF)
        for said in (b"@%s*%04X" % (line, crc), GOOD[name].splitlines()[at % 2 - 1], b"%d,x%d" % (at, at)):
            decoder.decode(Message(said, NOON), None)

    assert sum(len(repr(vars(part))) for part in vars(decoder).values() if hasattr(part, "__dict__")) < 100_000
    assert all(len(part) < 500 for part in vars(decoder).values() if isinstance(part, dict | list | tuple | set))


@pytest.mark.parametrize("name", MQTT)
@given(topic=st.text(max_size=40), noise=NOISE)
def test_no_payload_raises_in_a_decoder_of_messages(name: str, topic: str, noise: bytes) -> None:
    decoded = make(MQTT[name]).decode(Message(noise, NOON, topic), None)

    assert isinstance(decoded, Measured | Ignored | Rejected)


REGISTERS: Callable[[], ModbusRegisters] = lambda: ModbusRegisters(  # noqa: E731
    [
        Mapped("a", MapValue(name="a", function=3, address=0, type="float32"), unit="c"),
        Mapped(
            "b",
            MapValue.model_validate(
                {
                    "name": "b",
                    "function": 4,
                    "address": 9,
                    "decimals": {"function": 4, "address": 10},
                    "unit_register": {"function": 4, "address": 11, "codes": {"0": "c", "1": "f"}},
                    "status": {"function": 4, "address": 12, "flags": {"1": "open"}},
                }
            ),
        ),
    ]
)


@given(st.binary(max_size=20) | st.binary(min_size=12, max_size=12))
def test_no_registers_raise(payload: bytes) -> None:
    decoded: Decoded = REGISTERS().decode(Message(payload, NOON), None)

    assert isinstance(decoded, Measured | Rejected)
    if isinstance(decoded, Measured):
        assert all(value.value is None or abs(value.value) < 1e39 for value in decoded.values)


@given(st.binary(max_size=200))
def test_no_bytes_raise_in_a_register_map(content: bytes) -> None:
    with pytest.raises(ValueError, match="m"):
        read_map("m", content)


@given(st.lists(NOISE | st.binary(max_size=9000), max_size=12))
def test_a_framer_never_holds_more_than_a_line(chunks: list[bytes]) -> None:
    framer = Framer()

    for chunk in chunks:
        framer.feed(chunk)

        assert len(pickle.dumps(framer)) <= MAX_LINE_BYTES + 500
    assert framer.feed(b"\n650\n")[-1].line == b"650"


ANSWERS = {CalmRTU: b"\x01\x03\x02\x17\xef\xf6\x38", CalmAscii: b":01030217EFF4\r\n"}
FRAME_NOISE = st.lists(
    st.one_of(
        st.sampled_from([b":", b"\r\n", b"01", b"0103", b"\x01\x03", b"\x01\x04\x02", b"\x01\x83\x02", b"\xff", b"zz"]),
        st.binary(max_size=12),
    ),
    max_size=30,
).map(b"".join)


@pytest.mark.parametrize("framer", ANSWERS)
@given(noise=FRAME_NOISE, address=st.integers(0, 247))
def test_no_noise_raises_in_a_modbus_framer_and_the_next_answer_is_read(
    framer: Callable[[DecodePDU], FramerBase], noise: bytes, address: int
) -> None:
    at_work = framer(DecodePDU(False))

    used, _ = at_work.handleFrame(noise, address, 0)
    _, answer = at_work.handleFrame(ANSWERS[framer], 1, 0)  # type: ignore[index]  # each question begins anew

    assert 0 <= used <= len(noise)
    assert answer is not None
    assert answer.registers == [6127]
