"""A Modbus line and a board behind one bridge: each value arrives at the service in its unit, each fault as one."""

import asyncio
import binascii
import os
import tty
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bridge_fakes import Service, until
from modbus_bench import Cable, serving

from firmware_bridge.bridge import STATUS_FILE, run_bridge
from firmware_bridge.clock import Clock
from firmware_bridge.metrics import render_metrics
from firmware_bridge.settings import load_settings
from firmware_bridge.status import read_snapshot
from firmware_bridge.wire import Column

SETTINGS = """server = "{url}"
[page]
on = false
[[sources]]
type = "modbus"
port = "{line}"
baud = 115200
every_s = 0.2
timeout_s = 0.1
[[sources.instruments]]
address = 1
instrument = "autonics_tk4"
kiln = "lo-1"
channels = ["top"]
[[sources.instruments]]
address = 2
instrument = "delta_dtb"
kiln = "lo-2"
channels = ["top"]
[[sources.instruments]]
address = 3
instrument = "pixsys_atr620"
kiln = "lo-3"
channels = ["top"]
[[sources]]
type = "serial"
port = "{board}"
format = "canhlo_line"
kiln = "lo-1"
channels = ["sitter", "cone", "bottom"]
"""


@pytest.fixture
async def cable() -> AsyncIterator[Cable]:
    made = Cable()
    yield made
    made.close()


def columns(service: Service) -> dict[tuple[str, str], list[Column]]:
    found: dict[tuple[str, str], list[Column]] = {}
    for block in (block for post in service.posts for block in post.blocks):
        for column in block.columns:
            found.setdefault((block.kiln, column.channel), []).append(column)
    return found


async def test_values_arrive_in_their_units_faults_as_faults_and_the_absent_is_named(
    cable: Cable, tmp_path: Path
) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    board = b"CL1 lo-1 0 1000 sitter=closed cone=41.50deg bottom=!open "
    async with Service() as service, serving(cable, {1: {0x3E8: 6127, 0x3E9: 1, 0x3EA: 0}, 2: {0x1000: 0x8003}}):
        text = SETTINGS.format(url=service.url, line=cable.bridge_port, board=os.ttyname(slave))
        (tmp_path / "bridge.toml").write_text(text)
        (tmp_path / "bridge.token").write_text("secret")
        settings, stop = load_settings(tmp_path / "bridge.toml"), asyncio.Event()
        running = asyncio.create_task(run_bridge(settings, Clock(), stop))
        await until(lambda: ("lo-2", "top") in columns(service))
        os.write(master, b"@%s*%04X\r\n" % (board, binascii.crc_hqx(board, 0xFFFF)))
        await until(lambda: len(columns(service)) == 5)
        stop.set()
        await running
    os.close(master)
    os.close(slave)

    found = {name: (one[0].unit.value, one[0].value[0], one[0].fault.get(0)) for name, one in columns(service).items()}
    assert found == {
        ("lo-1", "top"): ("c", 612.7, None),
        ("lo-2", "top"): ("c", None, "open"),
        ("lo-1", "sitter"): ("contact", 1.0, None),
        ("lo-1", "cone"): ("deg", 41.5, None),
        ("lo-1", "bottom"): ("c", None, "open"),
    }
    snapshot = read_snapshot(settings.data_dir / STATUS_FILE)
    assert snapshot is not None
    (line,) = snapshot.lines
    assert (line.absent, line.is_silent) == (["lo-3/top"], False)
    assert f'canhlo_bridge_line_absent{{port="{cable.bridge_port}"}} 1' in render_metrics(snapshot)
