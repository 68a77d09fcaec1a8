"""What one bridge costs its small machine: `python -m benchmarks.bridge_cost --seconds 60`.

One bridge process reads 21 Modbus instruments at 1 Hz on one line, 8 boards that print Canh Lò lines at 10 Hz, and 200
MQTT messages a second from ten controllers, and sends everything on. Its peers are real and in other processes:
pymodbus's server and the boards behind ptys, Mosquitto, an HTTP service. Processor time and memory are from /proc.
"""

import argparse
import asyncio
import binascii
import gzip
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
import tty
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from pymodbus import FramerType
from pymodbus.server import StartAsyncSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from firmware_bridge.wire import Post, Receipt
from service.demo.broker import free_port

INSTRUMENTS: Final = 21
BOARDS: Final = 8
BOARD_HZ: Final = 10.0
CONTROLLERS: Final = 10
MESSAGES_PER_S: Final = 200.0
CLOCK_TICKS: Final = os.sysconf("SC_CLK_TCK")
WARM_UP_S: Final = 8.0


class Sink(BaseHTTPRequestHandler):
    """A service that stores nothing and says it did; it counts the readings."""

    protocol_version = "HTTP/1.1"
    readings = 0
    marks: Final[defaultdict[str, int]] = defaultdict(int)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        post = msgspec.msgpack.decode(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body, type=Post)
        for block in post.blocks:
            Sink.readings += sum(len(column.at_ms) for column in block.columns)
            Sink.marks[block.boot] = max(Sink.marks[block.boot], block.seq)
        answer = msgspec.msgpack.encode(Receipt(len(post.blocks), 0, dict(Sink.marks)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def raw_pty() -> tuple[int, str]:
    master, slave = os.openpty()
    tty.setraw(slave)
    return master, os.ttyname(slave)


def carry(masters: Sequence[int]) -> None:
    """Join two ptys: what comes out of one goes into the other."""

    def one_way(source: int, drain: int) -> None:
        while True:
            os.write(drain, os.read(source, 4096))

    for source, drain in (masters, masters[::-1]):
        threading.Thread(target=one_way, args=(source, drain), daemon=True).start()


def modbus_server(port: str) -> None:
    devices = [
        SimDevice(address, [SimData(0x03E8, values=[6000 + address, 1, 0], datatype=DataType.REGISTERS)])
        for address in range(1, INSTRUMENTS + 1)
    ]
    asyncio.run(StartAsyncSerialServer(devices, framer=FramerType.RTU, port=port, baudrate=9600, stopbits=2))


def boards(masters: Sequence[int]) -> None:
    """Print the lines of all boards, each at its moment."""
    started = time.monotonic()
    seq = 0
    while True:
        for master in masters:
            line = b"CL1 b %d %d top=612.75C bottom=590.50C sitter=closed " % (seq, 1000 * seq / BOARD_HZ)
            os.write(master, b"@%s*%04X\r\n" % (line, binascii.crc_hqx(line, 0xFFFF)))
        seq += 1
        time.sleep(max(0.0, started + seq / BOARD_HZ - time.monotonic()))


def controllers(port: int) -> None:
    """Publish the states of all controllers, one after the other."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="controllers")
    client.connect("127.0.0.1", port)
    client.loop_start()
    started = time.monotonic()
    sent = 0
    while True:
        state = {
            "time_ms": int(1000 * sent / MESSAGES_PER_S),
            "kiln": {"temp_C": 336.9699 + sent % 7},
            "housing": {"temp_C": 10.5},
            "pwm": {"enabled": True, "dutyCycle_%": 36.94, "output_ms": 1847},
            "pid": {"enabled": True, "targetTemp_C": 335, "Kp": 12, "Ki": 0.1, "Kd": 5},
        }
        client.publish(f"qtkiln/{sent % CONTROLLERS}/state", json.dumps(state), qos=1)
        sent += 1
        time.sleep(max(0.0, started + sent / MESSAGES_PER_S - time.monotonic()))


def settings(http_port: int, line: str, ports: Sequence[str], broker_port: int) -> str:
    parts = [f'server = "http://127.0.0.1:{http_port}"\n[page]\nport = 0\n']
    parts.append(f'[[sources]]\ntype = "modbus"\nport = "{line}"\nframing = "8N2"\n')
    parts += [
        f'[[sources.instruments]]\naddress = {at}\ninstrument = "autonics_tk4"\nkiln = "m-{at}"\nchannels = ["top"]\n'
        for at in range(1, INSTRUMENTS + 1)
    ]
    parts += [
        f'[[sources]]\ntype = "serial"\nport = "{port}"\nbaud = 115200\nformat = "canhlo_line"\n'
        f'kiln = "s-{at}"\nchannels = ["top", "bottom", "sitter"]\n'
        for at, port in enumerate(ports)
    ]
    parts += [
        f'[[sources]]\ntype = "mqtt"\nhost = "127.0.0.1"\nport = {broker_port}\ntopic = "qtkiln/{at}/#"\n'
        f'format = "qtkiln"\nkiln = "q-{at}"\n'
        for at in range(CONTROLLERS)
    ]
    return "".join(parts)


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


def measure(bridge: "subprocess.Popen[bytes]", seconds: float) -> str:
    time.sleep(WARM_UP_S)
    began_s, used_s, readings = time.monotonic(), cpu_s(bridge.pid), Sink.readings
    time.sleep(seconds)
    took_s = time.monotonic() - began_s
    share = 100 * (cpu_s(bridge.pid) - used_s) / took_s
    rate = (Sink.readings - readings) / took_s
    return f"{share:.1f} % of a core, {rss_mb(bridge.pid):.1f} MB, {rate:.0f} readings/s stored"


def expected_per_s() -> float:
    return INSTRUMENTS + 3 * BOARDS * BOARD_HZ + MESSAGES_PER_S


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--profile", type=Path, help="run the bridge under cProfile and leave its figures here")
    told = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        http = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
        threading.Thread(target=http.serve_forever, daemon=True).start()
        broker_port = free_port()
        (folder / "broker.conf").write_text(f"listener {broker_port} 127.0.0.1\nallow_anonymous true\n")
        log = stack.enter_context((folder / "log").open("wb"))
        command = ["/usr/sbin/mosquitto", "-c", str(folder / "broker.conf")]
        broker = subprocess.Popen(command, stdout=log, stderr=log)
        stack.callback(broker.terminate)
        ends = [raw_pty() for _ in range(2)]
        carry([master for master, _ in ends])
        probes = [raw_pty() for _ in range(BOARDS)]
        (folder / "bridge.token").write_text("secret")
        text = settings(http.server_port, ends[1][1], [port for _, port in probes], broker_port)
        (folder / "bridge.toml").write_text(text)
        time.sleep(0.5)
        peers = [
            multiprocessing.Process(target=modbus_server, args=(ends[0][1],), daemon=True),
            multiprocessing.Process(target=boards, args=([master for master, _ in probes],), daemon=True),
            multiprocessing.Process(target=controllers, args=(broker_port,), daemon=True),
        ]
        for peer in peers:
            peer.start()
            stack.callback(peer.terminate)
        profile = ["-m", "cProfile", "-o", str(told.profile)] if told.profile else []
        command = [sys.executable, *profile, "-m", "firmware_bridge", "--config", str(folder / "bridge.toml")]
        bridge = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            print(measure(bridge, told.seconds), f"(said: {expected_per_s():.0f})")
        finally:
            bridge.terminate()
            bridge.wait(20)
            print((folder / "log").read_text()[-1500:] if bridge.returncode else "")


if __name__ == "__main__":
    main()
