"""Every instrument that settings can name, at once behind one bridge: ptys, a broker, RS-485 lines, a websocket."""

import asyncio
import binascii
import os
import tty
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
from bridge_fakes import Mosquitto, Service, free_port, until
from modbus_bench import Cable, Registers, serving
from pymodbus import FramerType
from test_bridge_instruments import columns
from test_kiln_controller import Controller
from test_mqtt import publish

from firmware_bridge.bridge import run_bridge
from firmware_bridge.clock import Clock
from firmware_bridge.formats import MQTT, SERIAL
from firmware_bridge.register_map import known_maps
from firmware_bridge.settings import load_settings

LINE = b"CL1 lo-1 17 61250 top=612.75C "
UNIT, NAMES = 'unit = "c"\n', 'names = ["t"]\n'
# What each says, recorded or as its documentation has it, and what a person has to say besides.
ON_A_PORT: Mapping[str, tuple[bytes, str]] = {
    "camera_logger": (b"21/10/2015 11:26:31;612.75\r\n", 'time_zone = "UTC"\n'),
    "canhlo_line": (b"@%s*%04X\r\n" % (LINE, binascii.crc_hqx(LINE, 0xFFFF)), ""),
    "max31855": (b"Internal Temp = 24.25\r\nC = 612.75\r\n", ""),
    "max6675": (b"C = 612.75\r\nF = 1134.95\r\n", ""),
    "max31856": (b"Cold Junction Temp: 24.31\r\nThermocouple Temp: 612.75\r\n", ""),
    "numbers": (b"612.75\r\n", UNIT),
    "csv": (b"time,t (C)\r\n1,612.75\r\n", 'names = ["t (C)"]\n'),
    "key_value": (b"ReadTmp:1.0, t=612.75C\r\n", NAMES),
}
ON_A_BROKER: Mapping[str, tuple[str, bytes, str]] = {
    "qtkiln": ("qtkiln/8813BF703D68/state", b'{"time_ms":7546427,"kiln":{"temp_C":612.75}}', ""),
    "kiln_controller": ("kiln/status", b'{"temperature":612.75,"target":620.0,"state":"RUNNING","runtime":1}', UNIT),
    "tasmota": (
        "tele/tasmota_30EF0B/SENSOR",
        b'{"Time":"2023-12-11T00:54:59","t":{"Temperature":612.75,"Error":0},"TempUnit":"C"}',
        NAMES,
    ),
    "esphome": ("lo/sensor/t/state", b"612.75", UNIT + NAMES),
    "zigbee2mqtt": ("zigbee2mqtt/t", b'{"temperature":612.75,"linkquality":99}', UNIT + NAMES),
    "home_assistant": ("lo/ha", b"612.75", NAMES),
    "json": ("xuong/lo", b'{"t":612.75}', UNIT + NAMES + 'topic = "xuong/lo"\n'),
}
ANNOUNCED = b'{"unique_id":"t","state_topic":"lo/ha","device_class":"temperature","unit_of_measurement":"\xc2\xb0C"}'
BY_MENU = 'scale = 0.1\nunit = "c"\n'
ON_A_LINE: Mapping[str, tuple[Registers, str]] = {
    "autonics_tk4": ({0x3E8: 6127, 0x3E9: 1, 0x3EA: 0, 0x3EB: 6200}, ""),
    "eurotherm_3216": ({1: 6127, 2: 6200}, BY_MENU),
    "maxwell_ft200": ({0x0000: 6127, 0x0042: 1}, ""),
    "omron_e5cc": ({0x2000: 6127, 0x2103: 6200}, BY_MENU),
    "pixsys_atr620": (dict.fromkeys(range(1, 11), 6127), ""),
}
IN_LETTERS: Mapping[str, tuple[Registers, str]] = {"delta_dtb": ({0x1000: 6127, 0x1001: 6200}, "")}


@asynccontextmanager
async def speaking(ports: Mapping[str, int], broker: int) -> AsyncIterator[None]:
    """Say everything again and again, as instruments do."""

    async def speak() -> None:
        await publish(broker, ANNOUNCED, retain=True, topic="homeassistant/sensor/t/config")
        while True:
            for name, port in ports.items():
                os.write(port, ON_A_PORT[name][0])
            for topic, payload, _ in ON_A_BROKER.values():
                await publish(broker, payload, topic=topic)
            await asyncio.sleep(0.3)

    task = asyncio.create_task(speak())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def source(kind: str, more: str, kiln: str) -> str:
    return f'[[sources]]\ntype = "{kind}"\nkiln = "{kiln}"\nchannels = ["top"]\n{more}'


def modbus(port: str, protocol: str, told: Mapping[str, tuple[Registers, str]]) -> str:
    head = f'[[sources]]\ntype = "modbus"\nport = "{port}"\nbaud = 115200\nprotocol = "{protocol}"\nevery_s = 0.2\n'
    return head + "".join(
        f'[[sources.instruments]]\naddress = {at}\ninstrument = "{name}"\n'
        f'kiln = "{key(name)}"\nchannels = ["top"]\n{more}'
        for at, (name, (_, more)) in enumerate(told.items(), start=1)
    )


def devices(told: Mapping[str, tuple[Registers, str]]) -> dict[int, Registers]:
    return {at: dict(registers) for at, (registers, _) in enumerate(told.values(), start=1)}


def key(name: str) -> str:
    return name.replace("_", "-")


def test_none_is_left_out() -> None:
    assert set(ON_A_PORT) == set(SERIAL)
    assert set(ON_A_BROKER) == set(MQTT)
    assert {*ON_A_LINE, *IN_LETTERS} == set(known_maps())


async def test_every_instrument_is_read_over_what_it_really_speaks(mosquitto: Mosquitto, tmp_path: Path) -> None:
    rtu, letters, controller, websocket = Cable(), Cable(), Controller(), free_port()
    ports = {name: os.openpty() for name in ON_A_PORT}
    for _, slave in ports.values():
        tty.setraw(slave)
    broker = f'host = "127.0.0.1"\nport = {mosquitto.port}\n'
    with ExitStack() as ends:
        for end in (end for pair in ports.values() for end in pair):
            ends.callback(os.close, end)
        ends.callback(rtu.close)
        ends.callback(letters.close)
        async with (
            Service() as service,
            serving(rtu, devices(ON_A_LINE)),
            serving(letters, devices(IN_LETTERS), FramerType.ASCII),
            controller.serving(websocket),
            speaking({name: master for name, (master, _) in ports.items()}, mosquitto.port),
        ):
            parts = [
                f'server = "{service.url}"\n[page]\non = false\n',
                *(
                    source("serial", f'port = "{os.ttyname(ports[name][1])}"\nformat = "{name}"\n{more}', key(name))
                    for name, (_, more) in ON_A_PORT.items()
                ),
                *(
                    source("mqtt", f'{broker}format = "{name}"\n{more}', f"mqtt-{key(name)}")
                    for name, (_, _, more) in ON_A_BROKER.items()
                ),
                modbus(rtu.bridge_port, "rtu", ON_A_LINE),
                modbus(letters.bridge_port, "ascii", IN_LETTERS),
                source("kiln_controller", f'host = "127.0.0.1"\nport = {websocket}\n', "ws"),
            ]
            (tmp_path / "bridge.toml").write_text("".join(parts))
            (tmp_path / "bridge.token").write_text("secret")
            wanted = {(key(name), "top"): 612.75 for name in ON_A_PORT}
            wanted |= {(f"mqtt-{key(name)}", "top"): 612.75 for name in ON_A_BROKER}
            wanted |= {(key(name), "top"): 612.7 for name in (*ON_A_LINE, *IN_LETTERS)}
            wanted[("ws", "top")] = (942.1 - 32) / 1.8  # it says °F when it is asked
            stop = asyncio.Event()
            running = asyncio.create_task(run_bridge(load_settings(tmp_path / "bridge.toml"), Clock(), stop))
            with suppress(TimeoutError):
                await until(lambda: set(columns(service)) == set(wanted), timeout_s=30)
            stop.set()
            await running

    found = {name: (one[0].unit.value, one[0].value[0]) for name, one in columns(service).items()}
    assert found == {name: ("c", pytest.approx(value)) for name, value in wanted.items()}
