"""Noise for everything that reads what instruments say: `python -m benchmarks.fuzz_decoders --runs 100000`.

Each decoder and framer gets a process of its own, in which atheris makes up inputs that reach new code. An exception
that leaves it, or a framer that holds more than a frame, ends that process and is shown with the bytes that did it.
"""

import argparse
import binascii
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import atheris

with atheris.instrument_imports(include=["firmware_bridge", "pymodbus.framer", "pymodbus.pdu"]):
    from pymodbus.pdu import DecodePDU

    from firmware_bridge.decoders.modbus_registers import Mapped, ModbusRegisters
    from firmware_bridge.formats import MQTT, SERIAL, Format, Told
    from firmware_bridge.framing import MAX_LINE_BYTES, Framer
    from firmware_bridge.message import Decoder, HearsPauses, Message
    from firmware_bridge.payload import Degrees
    from firmware_bridge.register_map import known_maps, load_map, read_map, spans
    from firmware_bridge.sources.modbus import CalmAscii, CalmRTU

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOPICS: Final = {
    "qtkiln": "qtkiln/A/state",
    "tasmota": "tele/tasmota_1/SENSOR",
    "esphome": "n/sensor/t/state",
    "zigbee2mqtt": "zigbee2mqtt/t",
    "home_assistant": "homeassistant/sensor/t/config",
    "kiln_controller": "kiln/status",
    "json": "t",
}
LINE: Final = b"CL1 lo-1 17 61250 t=612.75C b=!open s=closed "
SEEDS: Final[Mapping[str, bytes]] = {
    "camera_logger": b"21/10/2015 11:26:31;650\n",
    "canhlo_line": b"@" + LINE + b"*%04X\n" % binascii.crc_hqx(LINE, 0xFFFF),
    "max31855": b"Internal Temp = 24.25\nC = 612.75\nF = 1134.95\nFAULT: Thermocouple is open - no connections.\n",
    "max6675": b"C = 612.75\nF = 1134.95\n",
    "max31856": b"Cold Junction Temp: 24.31\nThermocouple Temp: 612.75\nThermocouple Open Fault\n",
    "numbers": b"612.75\t1\n",
    "csv": b"time,t (F)\n1,612.75\n",
    "key_value": b"t=612.75C, x=1\n",
    "qtkiln": b'{"time_ms":7546427,"kiln":{"temp_C":336.9699}}',
    "tasmota": b'{"Time":"2023-12-11T00:54:59","t":{"Temperature":22.8,"Error":0},"TempUnit":"C"}',
    "esphome": b"612.5",
    "zigbee2mqtt": b'{"temperature":27.34}',
    "home_assistant": b'{"name":"t","state_topic":"x","unit_of_measurement":"\xc2\xb0C","unique_id":"t"}',
    "kiln_controller": b'{"temperature":942.1,"target":950.0,"state":"RUNNING","pidstats":{"time":1,"ispoint":942.1}}',
    "json": b'{"t":[{"x":1}]}',
    "framer": b"612.75\r\n",
    "modbus_rtu": bytes.fromhex("01030217eff638"),
    "modbus_ascii": b":01030217EFF4\r\n",
    "register_map": b'title="x"\nsource="y"\nverified=false\n[[values]]\nname="pv"\nfunction=3\naddress=0\nscale=0.1\n',
}
Target = Callable[[bytes], None]


def make(spoken: Format) -> Decoder:
    return spoken.make(Told(("t",), ("t",), Degrees.CELSIUS, zone=ZoneInfo("Asia/Ho_Chi_Minh")))


def serial(spoken: Format) -> Target:
    """Return what reads a stream, line by line, with one decoder for all inputs, as on a port."""
    decoder = make(spoken)

    def read(said: bytes) -> None:
        for frame in Framer().feed(said + b"\n"):
            decoder.decode(Message(frame.line, NOW), NOW)
        if isinstance(decoder, HearsPauses):
            decoder.end_record()

    return read


def topic(name: str, spoken: Format) -> Target:
    decoder = make(spoken)
    return lambda said: _ignore(decoder.decode(Message(said, NOW, TOPICS[name]), NOW))


def registers(name: str) -> Target:
    values = load_map(name, Path()).values
    decoder = ModbusRegisters([Mapped(value.name, value, 0.1, "c") for value in values])
    size = 2 * sum(span.count for span in spans(values))
    return lambda said: _ignore(decoder.decode(Message(said[:size].ljust(size, b"\0"), NOW), NOW))


def framer() -> Target:
    kept = Framer()

    def read(said: bytes) -> None:
        kept.feed(said)
        if len(kept._begun) > MAX_LINE_BYTES:  # noqa: SLF001 - what it holds is what is asked
            msg = "a line that is longer than allowed"
            raise MemoryError(msg)

    return read


def modbus(kind: type[CalmRTU] | type[CalmAscii]) -> Target:
    at_work = kind(DecodePDU(False))
    return lambda said: _ignore(at_work.handleFrame(said[1:], said[0] if said else 0, 0))


def register_map(said: bytes) -> None:
    try:
        read_map("m", said)
    except ValueError:
        return


def _ignore(_result: object) -> None:
    """Take any answer: only an exception is of interest."""


def targets() -> dict[str, Callable[[], Target]]:
    return {
        **{name: partial(serial, spoken) for name, spoken in SERIAL.items()},
        **{f"mqtt/{name}": partial(topic, name, MQTT[name]) for name in MQTT},
        **{f"registers/{name}": partial(registers, name) for name in known_maps()},
        "framer": framer,
        "modbus_rtu": lambda: modbus(CalmRTU),
        "modbus_ascii": lambda: modbus(CalmAscii),
        "register_map": lambda: register_map,
    }


def fuzz(name: str, runs: int) -> None:
    """Give one target this many inputs; never returns."""
    with tempfile.TemporaryDirectory() as seeds:
        (Path(seeds) / "seed").write_bytes(SEEDS.get(name.removeprefix("mqtt/"), bytes(range(40))))
        target = targets()[name]()
        options = [f"-runs={runs}", "-max_len=400", "-rss_limit_mb=512", f"-artifact_prefix={seeds}/"]
        atheris.Setup([sys.argv[0], *options, seeds], target)
        atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50_000, help="inputs for each target")
    parser.add_argument("--only", help="one target, in this process")
    told = parser.parse_args()
    if told.only:
        fuzz(told.only, told.runs)
    total = failed = 0
    for name in targets():
        command = [sys.executable, "-m", "benchmarks.fuzz_decoders", "--only", name, "--runs", str(told.runs)]
        ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
        done = re.search(r"Done (\d+) (?:runs )?in (\d+) second", ended.stdout + ended.stderr)
        runs = int(done[1]) if done and ended.returncode == 0 else 0
        total += runs
        failed += runs == 0
        print(f"{name:28} {runs:9,} inputs" if runs else f"{name:28} FAILED\n{ended.stdout}{ended.stderr}", flush=True)
    print(f"{'all':28} {total:9,} inputs, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
