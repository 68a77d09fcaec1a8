"""The `canhlo-bridge` command."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, NoReturn

from rich.console import Console

from firmware_bridge.bridge import STATUS_FILE, make_actions, run_bridge
from firmware_bridge.clock import Clock
from firmware_bridge.logs import set_up_logs
from firmware_bridge.pairing import PairingError, pair
from firmware_bridge.set_up.bus import HIGHEST_ADDRESS
from firmware_bridge.set_up.check import Finding, Level, check
from firmware_bridge.set_up.doctor import examine, send_again
from firmware_bridge.set_up.ring import ring
from firmware_bridge.set_up.scan import scan_broker, scan_line, scan_ports
from firmware_bridge.set_up.watch import watch
from firmware_bridge.settings import Settings, SettingsError, load_settings
from firmware_bridge.spool_file import SpoolError
from firmware_bridge.words import LANGUAGES, Words, choose_language

MQTT_PORT: Final = 1883
LAST_PORT: Final = 65535


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line; 2 means that something it was told must be changed."""
    try:
        told = _parser().parse_args(words)
        is_well = _COMMANDS[told.command](told, Words(choose_language(told.lang)))
    except (SettingsError, PairingError, SpoolError) as error:
        print(f"canhlo-bridge: {error}", file=sys.stderr)
        is_well = False
    except KeyboardInterrupt:
        sys.exit(130)
    if not is_well:
        sys.exit(2)


def _run(told: argparse.Namespace, words: Words) -> bool:
    if told.check:
        return _tell(check(told.config), words)
    set_up_logs()
    settings, clock = load_settings(told.config), parse_clock(os.environ.get("CANHLO_CLOCK", ""))
    asyncio.run(_bridge(settings, clock))
    return True


def _pair(told: argparse.Namespace, words: Words) -> bool:
    paired = pair(told.code, told.server, told.config)
    names = {"bridge": paired.bridge_name, "workshop": paired.workshop_name, "config": told.config}
    print(words("pair.done", **names))
    return True


def _scan(told: argparse.Namespace, words: Words) -> bool:
    if told.mqtt is not None:
        host, port = told.mqtt
        print("\n\n".join(asyncio.run(scan_broker(host, port, told.seconds, words))))
    elif told.modbus is not None:
        print(words("scan.asking", port=told.modbus, highest=HIGHEST_ADDRESS), flush=True)
        print("\n\n".join(asyncio.run(scan_line(told.modbus, told.baud, words))))
    else:
        for line in scan_ports(told.port, told.seconds, words):
            print(line, flush=True)
    return True


def _watch(told: argparse.Namespace, words: Words) -> bool:
    status_file = load_settings(told.config).data_dir / STATUS_FILE
    return watch(status_file, words, Console(), is_once=told.once)


def _doctor(told: argparse.Namespace, words: Words) -> bool:
    data_dir = load_settings(told.config).data_dir
    if told.send_again:
        _tell(send_again(data_dir), words)
    return _tell(examine(data_dir), words)


def _ring(told: argparse.Namespace, words: Words) -> bool:
    actions = make_actions(load_settings(told.config))

    async def tell() -> bool:
        return all([_tell([finding], words) async for finding in ring(actions, words)])

    return asyncio.run(tell())


def _tell(findings: Iterable[Finding], words: Words) -> bool:
    """Print what was found as it is found; say whether all of it will do."""
    is_well = True
    for finding in findings:
        print(finding.say(words), flush=True)
        is_well &= finding.level is not Level.WRONG
    return is_well


_COMMANDS: Final[Mapping[str | None, Callable[[argparse.Namespace, Words], bool]]] = {
    None: _run,
    "pair": _pair,
    "scan": _scan,
    "watch": _watch,
    "doctor": _doctor,
    "ring": _ring,
}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a command in one line, and where more stands."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} ({self.prog} --help)\n")


def _broker(text: str) -> tuple[str, int]:
    host, colon, port = text.partition(":")
    if not host or (colon and not (port.isascii() and port.isdigit() and int(port) <= LAST_PORT)):
        msg = f"cần tên máy như / wanted a host such as 192.168.1.10 / 192.168.1.10:1883, not {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return host, int(port or MQTT_PORT)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "canhlo-bridge", description="Đọc can của lò và gửi số đo đi. / Read kiln instruments and send what they say."
    )
    common = _Parser(add_help=False)
    for each, config, lang in (
        (parser, Path("canhlo-bridge.toml"), None),
        (common, argparse.SUPPRESS, argparse.SUPPRESS),  # said after the command, it goes before
    ):
        each.add_argument("--config", type=Path, default=config, help="tệp cài đặt / the settings file")
        each.add_argument("--lang", choices=LANGUAGES, default=lang, help="ngôn ngữ / language")
    parser.add_argument("--version", action="version", version=f"canhlo-bridge {version('canhlo')}")
    parser.add_argument(
        "--check", action="store_true", help="xem có gì sai trước khi chạy / say what is wrong, then end"
    )
    commands = parser.add_subparsers(dest="command", metavar="pair | scan | watch | doctor | ring")

    pairing = commands.add_parser("pair", parents=[common], help="ghép nối bằng mã trên trang / a code for a key")
    pairing.add_argument("code", help="mã trên trang / the code that the page shows")
    pairing.add_argument("--server", help="máy chủ / the service, such as https://lo.example.org")

    scanning = commands.add_parser("scan", parents=[common], help="tìm thiết bị đo / what instruments can be heard")
    scanning.add_argument("port", nargs="*", help="cổng nối tiếp; để trống là tất cả / serial ports, or all of them")
    scanning.add_argument(
        "--mqtt", type=_broker, metavar="HOST[:PORT]", help="nghe trên broker này / listen on this broker"
    )
    scanning.add_argument("--modbus", metavar="PORT", help="hỏi đồng hồ trên đường RS-485, chỉ đọc / ask, only reading")
    scanning.add_argument("--baud", type=int, default=9600, help="tốc độ đường RS-485 / the line's speed")
    scanning.add_argument("--seconds", type=float, default=6.0, help="nghe bao lâu / how long to listen")

    watching = commands.add_parser("watch", parents=[common], help="xem số đo / the readings, live")
    watching.add_argument("--once", action="store_true", help="xem một lần / once, not live")
    looking = commands.add_parser("doctor", parents=[common], help="xem bộ nhớ của máy / look at the bridge's own disk")
    looking.add_argument(
        "--send-again",
        action="store_true",
        help="gửi lại khối bị máy chủ từ chối, khi máy đọc can đã dừng / what was refused, while the bridge is stopped",
    )
    commands.add_parser("ring", parents=[common], help="báo thử: tin nhắn, còi / try the message, the siren")
    return parser


def parse_clock(text: str) -> Clock | None:
    """Return a replay's clock, as CANHLO_CLOCK describes it: rate, the time it started at, the machine's time then."""
    if not text:
        return None
    try:
        rate, start_at, machine_start_s = text.split(",")
        clock = Clock(float(rate), datetime.fromisoformat(start_at), float(machine_start_s))
        clock.now().astimezone()
    except (ValueError, OverflowError) as error:
        msg = f"CANHLO_CLOCK={text!r}: wanted rate,start_at,machine_start_s such as 60,2026-01-01T00:00:00+00:00,1e9"
        raise SettingsError(msg) from error
    if clock.start_at is None or clock.start_at.tzinfo is None or clock.rate <= 0:
        msg = f"CANHLO_CLOCK={text!r}: wanted a rate above 0 and a start with its offset from UTC"
        raise SettingsError(msg)
    return clock


async def _bridge(settings: Settings, clock: Clock | None) -> None:
    stop = asyncio.Event()
    for end in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(end, stop.set)
    await run_bridge(settings, clock, stop)
