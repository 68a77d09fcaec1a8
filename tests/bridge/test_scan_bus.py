"""pymodbus's own server on a line: who answers is found, with the maps that fit, and nothing is ever written."""

from pathlib import Path

import serial
from modbus_bench import Cable, serving

from firmware_bridge.modbus_settings import ModbusSettings
from firmware_bridge.set_up.bus import look
from firmware_bridge.set_up.scan import scan_line, scan_ports
from firmware_bridge.settings import load_settings
from firmware_bridge.words import Words

READING_FUNCTIONS = {1, 2, 3, 4}


async def test_instruments_are_found_with_the_maps_they_answer_to(cable: Cable) -> None:
    async with serving(cable, {2: {0x2000: 612}, 5: {77: 1}}):
        line, found = await look(cable.bridge_port, 115_200, highest=5)

    assert (line.protocol, line.framing) == ("rtu", "8N1")
    assert [(one.address, dict(one.maps).get("omron_e5cc", ())[:1]) for one in found] == [(2, (612,)), (5, ())]
    assert {said[1] for said in cable.asked} <= READING_FUNCTIONS


async def test_the_proposal_is_right_once_the_person_has_said_the_rest(cable: Cable, tmp_path: Path) -> None:
    async with serving(cable, {1: {0x2000: 612}}):
        said = "\n".join(await scan_line(cable.bridge_port, 115_200, Words("vi"), highest=2))

    toml = said[said.index("[[sources]]") :].replace("# scale", "scale").replace("# unit", "unit")
    (tmp_path / "b.toml").write_text('server = "http://lo"\n' + toml, "utf-8")
    (source,) = load_settings(tmp_path / "b.toml").sources
    assert isinstance(source, ModbusSettings)
    assert (source.instruments[0].instrument, source.instruments[0].kiln) == ("omron_e5cc", "lo-1")


async def test_a_silent_line_and_one_that_is_not_there_say_what_to_do(cable: Cable, tmp_path: Path) -> None:
    (absent,) = await scan_line(str(tmp_path / "none"), 9600, Words("en"))

    _, found = await look(cable.bridge_port, 115_200, highest=1)

    assert found == []
    assert "there is no such port" in absent


async def test_who_answers_far_from_the_first_is_found_too(cable: Cable) -> None:
    async with serving(cable, {7: {0x2000: 612}, 10: {0x2000: 613}}):
        _, found = await look(cable.bridge_port, 115_200, highest=10)

    assert [one.address for one in found] == [7, 10]


async def test_a_port_that_a_running_bridge_holds_says_so(cable: Cable) -> None:
    with serial.Serial(cable.bridge_port, exclusive=True):
        (said,) = await scan_line(cable.bridge_port, 9600, Words("en"))
        (spoken,) = list(scan_ports([cable.bridge_port], 0.1, Words("vi")))[1:]

    assert "systemctl stop canhlo-bridge" in said
    assert "systemctl stop canhlo-bridge" in spoken
