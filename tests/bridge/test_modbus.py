"""pymodbus's own server at the other end of a pty; the line, its frames and its silence are real."""

import asyncio
import re
import struct
from itertools import pairwise
from pathlib import Path

import pytest
from bridge_fakes import Ear, until
from modbus_bench import Cable, Registers, asking, serving
from pymodbus import FramerType

import firmware_bridge
from firmware_bridge.register_map import Span, load_map, spans
from firmware_bridge.sources import modbus
from firmware_bridge.sources.modbus import ModbusLine

PV = Span(3, 0x1000, 1)
FRAMERS = {"rtu": FramerType.RTU, "ascii": FramerType.ASCII}


def words(ear: Ear) -> list[tuple[int, ...]]:
    return [struct.unpack(f">{len(one) // 2}H", one) for one in ear.payloads]


@pytest.mark.parametrize("protocol", ["rtu", "ascii"])
async def test_registers_are_read_over_a_serial_line(cable: Cable, protocol: str) -> None:
    ear = Ear()
    async with serving(cable, {1: {0x1000: 6127}}, FRAMERS[protocol]), asking(cable, {1: ([PV], ear)}, protocol):
        await until(lambda: len(ear.messages) >= 3)

    assert set(words(ear)) == {(6127,)}
    assert not ear.is_connected


@pytest.mark.parametrize(
    ("span", "frame"),
    [
        (Span(3, 0x2000, 1), "010320000001 8fca"),  # Omron E5CC
        (Span(4, 0x03E8, 1), "010403e80001 b1ba"),  # Autonics TK4
        (Span(4, 0x03E8, 7), "010403e80007 31b8"),
        (Span(3, 1, 1), "010300010001 d5ca"),  # Eurotherm 3216
        (Span(3, 1, 10), "01030001000a 940d"),  # Pixsys ATR620
    ],
)
async def test_the_frames_are_the_published_ones(cable: Cable, span: Span, frame: str) -> None:
    async with asking(cable, {1: ([span], Ear())}):
        await until(lambda: cable.asked)

    assert cable.asked[0].hex() == frame.replace(" ", "")


async def test_the_ascii_frame_of_a_delta_is_the_published_one(cable: Cable) -> None:
    (span,) = spans(load_map("delta_dtb", Path()).choose([], 1))
    async with asking(cable, {1: ([span], Ear())}, "ascii"):
        await until(lambda: cable.asked)

    assert cable.asked[0] == b":010310000001EB\r\n"


async def test_several_instruments_share_a_line(cable: Cable) -> None:
    ears = {address: Ear() for address in range(1, 22)}
    served: dict[int, Registers] = {address: {0x1000: 1000 + address} for address in ears}
    asked = {address: ([PV], ear) for address, ear in ears.items()}
    async with serving(cable, served), asking(cable, asked):
        await until(lambda: all(len(ear.messages) >= 2 for ear in ears.values()))

    assert all(set(words(ear)) == {(1000 + address,)} for address, ear in ears.items())


async def test_an_absent_instrument_is_probed_rarely_and_starves_nobody(
    cable: Cable, caplog: pytest.LogCaptureFixture
) -> None:
    ears = {address: Ear() for address in range(1, 13)}
    present: dict[int, Registers] = {1: {0x1000: 1}, 2: {0x1000: 2}}
    asked = {address: ([PV], ear) for address, ear in ears.items()}
    async with serving(cable, present), asking(cable, asked) as line:
        await until(lambda: len(line.status.absent) == 10)
        cable.asked.clear()
        await until(lambda: len(ears[1].messages) >= 40)

    assert len(ears[2].messages) >= 39
    assert [frame for frame in cable.asked if frame[0] > 2] == []  # within these seconds nobody is due for a probe
    told = [record.__dict__["address"] for record in caplog.records if "does not answer" in record.message]
    assert sorted(told) == list(range(3, 13))  # each once


async def test_a_line_too_slow_for_what_is_asked_is_shared_fairly(cable: Cable) -> None:
    ears = {address: Ear() for address in range(1, 9)}
    served: dict[int, Registers] = {address: {0x1000: address} for address in ears}
    loop = asyncio.get_running_loop()

    def slowly(said: bytes) -> bytes:
        loop.call_later(0.02, cable.whisper, said)
        return b""

    async with serving(cable, served), asking(cable, {a: ([PV], ear) for a, ear in ears.items()}) as line:
        cable.to_bridge = slowly
        await until(lambda: all(ear.messages for ear in ears.values()))
        before = {address: len(ear.messages) for address, ear in ears.items()}
        await until(lambda: len(ears[1].messages) >= before[1] + 10)

        assert line.status.misses == 0
    polls = [len(ear.messages) - before[address] for address, ear in ears.items()]
    assert max(polls) - min(polls) <= 2


async def test_while_the_absent_are_being_found_out_each_round_loses_one_timeout_at_most(cable: Cable) -> None:
    ears = {address: Ear() for address in range(1, 9)}
    asked = {address: ([PV], ear) for address, ear in ears.items()}
    async with serving(cable, {1: {0x1000: 1}}), asking(cable, asked, every_s=0.01) as line:
        await until(lambda: len(line.status.absent) == 7)

    others = [frame[0] != 1 for frame in cable.asked]
    pairs = list(pairwise(others))
    assert sum(first and second for first, second in pairs[1:]) <= 1  # after the first answer never two in a row


async def test_an_absent_instrument_that_comes_back_is_heard_and_told(
    cable: Cable, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(modbus, "PROBE_FIRST_S", 0.1)
    monkeypatch.setattr(modbus, "PROBE_LONGEST_S", 0.1)
    stays, goes = Ear(), Ear()
    asked = {1: ([PV], stays), 2: ([PV], goes)}
    async with serving(cable, {1: {0x1000: 1}, 2: {0x1000: 2}}), asking(cable, asked) as line:
        await until(lambda: goes.messages)
        cable.to_server = lambda said: b"" if said[0] == 2 else said
        await until(lambda: line.status.absent == ["lo-2/top"])
        heard = len(goes.messages)
        cable.to_server = bytes
        await until(lambda: len(goes.messages) > heard)
        await until(lambda: not line.status.absent)

    told = [record.message for record in caplog.records if "instrument" in record.message]
    assert told == ["instrument does not answer; asked every 10 to 30 s", "instrument answers again"]


async def test_a_dead_line_is_one_message_and_one_status_however_many_hang_on_it(
    cable: Cable, caplog: pytest.LogCaptureFixture
) -> None:
    ears = {address: Ear() for address in range(1, 8)}
    served: dict[int, Registers] = {address: {0x1000: address} for address in ears}
    async with serving(cable, served), asking(cable, {a: ([PV], ear) for a, ear in ears.items()}) as line:
        await until(lambda: all(ear.messages for ear in ears.values()))
        cable.to_server = lambda _said: b""
        await until(lambda: line.status.is_silent)

    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["line is silent: no instrument answers"]
    assert len(line.status.absent) == 7


async def test_a_line_that_comes_back_is_heard_whole_at_once(cable: Cable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modbus, "PROBE_FIRST_S", 2.0)
    ears = {address: Ear() for address in range(1, 5)}
    served: dict[int, Registers] = {address: {0x1000: address} for address in ears}
    async with serving(cable, served), asking(cable, {a: ([PV], ear) for a, ear in ears.items()}) as line:
        cable.to_server = lambda _said: b""
        await until(lambda: line.status.is_silent)
        cable.to_server = bytes
        await until(lambda: not line.status.is_silent)
        loop = asyncio.get_running_loop()
        back_s = loop.time()
        await until(lambda: all(ear.messages for ear in ears.values()))

        assert loop.time() - back_s < 1.0


async def test_one_lost_answer_makes_nobody_absent(cable: Cable) -> None:
    ear = Ear()
    async with serving(cable, {1: {0x1000: 7}}), asking(cable, {1: ([PV], ear)}) as line:
        await until(lambda: ear.messages)
        for lost in range(1, 4):
            cable.spoil_next_answer(lambda _said: b"")
            await until(lambda lost=lost: line.status.misses == lost)  # type: ignore[misc]
            heard = len(ear.messages)
            await until(lambda heard=heard: len(ear.messages) > heard)  # type: ignore[misc]

        assert line.status.absent == []


async def test_an_answer_that_comes_too_late_never_passes_for_the_answer_to_another_question(cable: Cable) -> None:
    ear, loop = Ear(), asyncio.get_running_loop()
    served: dict[int, Registers] = {1: {0x1000: 6127, 0x1001: 0, 0x1042: 1}}
    held: list[bytes] = []

    def late(said: bytes) -> bytes:
        """Keep every third answer back until the bridge has given up on it."""
        held.append(said)
        if len(held) % 3:
            return said
        loop.call_later(0.15, cable.whisper, said)
        return b""

    async with serving(cable, served), asking(cable, {1: ([PV, Span(3, 0x1042, 1)], ear)}, every_s=0.01):
        cable.to_bridge = late
        await until(lambda: len(held) > 30)
        cable.to_bridge = bytes

    assert len(ear.messages) > 3
    assert set(words(ear)) == {(6127, 1)}


@pytest.mark.parametrize("protocol", ["rtu", "ascii"])
async def test_noise_on_the_line_costs_answers_and_never_makes_one(cable: Cable, protocol: str) -> None:
    ear = Ear()
    noises = [b"\xff\x00:\x80:zz", b":::0103", b"\x01\x03\xff", b"\r\n", b"\x01\x83\x02\xc0\xf0", b":01"]
    async with (
        serving(cable, {1: {0x1000: 6127}}, FRAMERS[protocol]),
        asking(cable, {1: ([PV], ear)}, protocol, every_s=0.05) as line,
    ):
        await until(lambda: ear.messages)
        for noise in noises:
            cable.spoil_next_answer(lambda said, noise=noise: noise + said)  # type: ignore[misc]
            await until(lambda: cable.to_bridge is bytes)
            heard = len(ear.messages)
            await until(lambda heard=heard: len(ear.messages) > heard)  # type: ignore[misc]

        assert line.status.absent == []
    assert set(words(ear)) == {(6127,)}


async def test_an_instrument_that_refuses_is_there_and_its_refusal_is_counted(cable: Cable) -> None:
    ear = Ear()
    async with serving(cable, {1: {0x1000: 7}}), asking(cable, {1: ([Span(3, 0x2000, 1)], ear)}) as line:
        await until(lambda: len(ear.refused) >= 3)

        assert line.status.absent == []
    assert {refused.reason for refused, _ in ear.refused} == {"modbus_exception_2"}


async def test_bits_are_read_as_words(cable: Cable) -> None:
    ear = Ear()
    async with serving(cable, {1: {0: 0b101, 1: 0}}), asking(cable, {1: ([Span(2, 0, 3)], ear)}):
        await until(lambda: ear.messages)

    assert words(ear)[0] == (1, 0, 1)


async def test_a_port_that_is_not_there_yet_is_waited_for(tmp_path: Path, cable: Cable) -> None:
    ear = Ear()
    link = tmp_path / "line"
    port, cable.bridge_port = cable.bridge_port, str(link)
    async with serving(cable, {1: {0x1000: 7}}), asking(cable, {1: ([PV], ear)}):
        await until(lambda: len(ear.connections) >= 2)
        link.symlink_to(port)
        await until(lambda: ear.messages)

    assert words(ear)[0] == (7,)


def test_the_bridge_has_no_word_for_writing_to_an_instrument() -> None:
    package = Path(firmware_bridge.__file__).parent
    writes = re.compile(r"write_(coil|register|file)|mask_write|readwrite|no_response_expected|\bexecute\(.*pdu")
    sources = {path: path.read_text("utf-8") for path in package.rglob("*.py")}

    assert [path for path, text in sources.items() if "pymodbus" in text] == [package / "sources/modbus.py"]
    assert [path for path, text in sources.items() if writes.search(text)] == []


def test_the_gap_between_frames_is_as_long_as_the_standard_asks() -> None:
    def gap_s(baud: int) -> float:
        return ModbusLine(modbus.Line("x", baud), [], lambda: None)._gap_s  # type: ignore[arg-type, return-value]

    assert gap_s(9600) == pytest.approx(0.0040, abs=0.0001)
    assert gap_s(115_200) == 0.00175
