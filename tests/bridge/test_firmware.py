"""What the boards' programs print, read by the bridge through a real pty."""

import asyncio
import importlib.util
import os
import shutil
import subprocess
import tty
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from bridge_fakes import NOON, until
from lines import values

import firmware_bridge
from firmware_bridge.decoders.canhlo_line import CanhLoLine
from firmware_bridge.intake import Intake, Memory
from firmware_bridge.message import Value
from firmware_bridge.sources.serial_port import SerialSource
from firmware_bridge.wire import Quality, Unit

FIRMWARE = Path(firmware_bridge.__file__).parent / "firmware"
HERE = Path(__file__).parent
COMPILER = shutil.which("g++") or shutil.which("clang++")
CHANNELS = ("top", "bottom", "nothing", "huge", "cone", "sitter", "more")


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """The Arduino header, compiled for this machine as strictly as it goes."""
    if COMPILER is None:
        pytest.skip("no C++ compiler")
    program = tmp_path / "board"
    strict = ["-std=c++11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsanitize=undefined"]
    header = FIRMWARE / "arduino/canhlo_line"
    subprocess.run(
        [COMPILER, *strict, f"-I{header}", str(HERE / "canhlo_line_host.cpp"), "-o", str(program)], check=True
    )
    return program


async def test_the_arduino_lines_arrive_through_a_serial_port(board: Path, tmp_path: Path) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    intake = Intake("lo-1/top", "lo-1", CanhLoLine({name: name for name in CHANNELS}), Memory(), now=NOON)
    stop = asyncio.Event()
    listening = asyncio.create_task(SerialSource(os.ttyname(slave), 115200, intake, lambda: NOON).run(stop))
    await until(lambda: intake.is_connected)

    await asyncio.to_thread(subprocess.run, [str(board)], stdout=master, check=True)
    await until(lambda: intake.counters.received == 5)
    stop.set()
    await listening
    os.close(master)
    os.close(slave)

    readings = intake.gather(now=NOON, jitter=NOON - NOON).readings
    told = {channel: [one for one in readings if one.channel == channel] for channel in CHANNELS}
    assert [one.value for one in told["top"]] == [612.75, 613.75, 614.75, 615.75, 616.75]
    assert [one.value for one in told["bottom"]] == [0.0, -1.0, -2.0, None, -4.0]
    assert told["bottom"][3].quality is Quality.OPEN
    assert {(one.value, one.quality) for one in told["nothing"]} == {(None, Quality.NO_VALUE)}
    assert {(one.value, one.quality) for one in told["huge"]} == {(None, Quality.OUT_OF_RANGE)}
    assert {(one.value, one.unit) for one in told["cone"]} == {(41.5, Unit.DEGREE_OF_ARC)}
    assert [one.value for one in told["sitter"]] == [1.0, 1.0, 1.0, 1.0, 0.0]
    assert 1 < len(told["more"]) < 40  # those that had room, and none of them cut
    assert [one.at_ms - readings[0].at_ms for one in told["top"]] == [0, 1000, 2000, 3000, 4000]
    assert intake.counters.rejected == {}


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")
def test_the_arduino_sketch_itself_says_a_line_a_second_with_faults_and_contact(tmp_path: Path) -> None:
    program, sketch = tmp_path / "sketch", FIRMWARE / "arduino/canhlo_line"
    strict = ["-std=c++11", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined"]
    sources = [f"-I{sketch}", f"-I{HERE / 'arduino'}", str(HERE / "arduino/sketch_host.cpp")]
    subprocess.run([str(COMPILER), *strict, *sources, "-o", str(program)], check=True)

    said = subprocess.run([str(program)], capture_output=True, check=True).stdout

    decoded = values(CanhLoLine({name: name for name in ("top", "chip", "sitter")}), said)
    assert [(one.value, one.quality) for one in decoded if one.channel == "top"] == [
        (612.75, Quality.GOOD),
        (None, Quality.OPEN),
        (None, Quality.SHORT_TO_GROUND),
        (None, Quality.SHORT_TO_SUPPLY),
        (612.75, Quality.GOOD),
    ]
    assert [one.value for one in decoded if one.channel == "chip"] == [24.25] * 5
    assert [one.value for one in decoded if one.channel == "sitter"] == [1.0, 1.0, 1.0, 1.0, 0.0]


def micropython() -> Any:
    found = importlib.util.spec_from_file_location("canhlo_line", FIRMWARE / "micropython/canhlo_line.py")
    assert found is not None
    assert found.loader is not None
    module: ModuleType = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_micropython_lines_are_read() -> None:
    board = micropython()
    line = board.CanhLoLine("lo-2")
    said = [
        line.text(
            1000 * second,
            [board.number("top", 612.75, "C"), board.fault("bottom", "gnd"), board.contact("sitter", second == 0)],
        )
        for second in range(2)
    ]

    decoded = values(CanhLoLine({name: name for name in CHANNELS}), "\r\n".join([*said, ""]).encode())

    assert decoded == [
        Value("top", 612.75),
        Value("bottom", None, Quality.SHORT_TO_GROUND),
        Value("sitter", 1.0, unit=Unit.CONTACT),
        Value("top", 612.75),
        Value("bottom", None, Quality.SHORT_TO_GROUND),
        Value("sitter", 0.0, unit=Unit.CONTACT),
    ]


def test_the_micropython_board_says_a_fault_where_it_has_no_number() -> None:
    board = micropython()

    assert board.number("top", float("nan"), "C") == "top=!none"
    assert board.number("top", float("inf"), "C") == "top=!range"


def test_the_checksum_of_the_boards_is_the_published_one() -> None:
    assert micropython().crc16(b"123456789") == 0x29B1
