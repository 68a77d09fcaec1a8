"""The `canhlo-bridge` command."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from firmware_bridge.bridge import run_bridge
from firmware_bridge.clock import Clock
from firmware_bridge.logs import set_up_logs
from firmware_bridge.pairing import PairingError, pair
from firmware_bridge.settings import Settings, SettingsError, load_settings
from firmware_bridge.spool_file import SpoolError

PAIRED = """\
Đã ghép "{bridge}" với xưởng "{workshop}".
Tiếp theo: mở {config}, khai báo thiết bị đo trong [[sources]], rồi chạy:
    canhlo-bridge --config {config}

"{bridge}" is now paired with the workshop "{workshop}".
Next: open {config}, describe your instruments under [[sources]], then run the command above.
"""


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line; 2 means that something it was told must be changed."""
    told = _parser().parse_args(words)
    try:
        if told.command == "pair":
            paired = pair(told.code, told.server, told.config)
            print(PAIRED.format(bridge=paired.bridge_name, workshop=paired.workshop_name, config=told.config))
        else:
            set_up_logs()
            settings, clock = load_settings(told.config), parse_clock(os.environ.get("CANHLO_CLOCK", ""))
            asyncio.run(_watch(settings, clock))
    except (SettingsError, PairingError, SpoolError) as error:
        print(f"canhlo-bridge: {error}", file=sys.stderr)
        sys.exit(2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("canhlo-bridge", description="Read kiln instruments and send what they say.")
    parser.add_argument("--config", type=Path, default=Path("canhlo-bridge.toml"), help="the settings file")
    commands = parser.add_subparsers(dest="command", metavar="pair CODE")
    pairing = commands.add_parser("pair", help="exchange a code from the page for this bridge's own key")
    pairing.add_argument("code", help="the code that the page shows")
    pairing.add_argument("--server", required=True, help="the service, such as http://192.168.1.10:8600")
    pairing.add_argument("--config", type=Path, default=argparse.SUPPRESS, help="the settings file")
    return parser


def parse_clock(text: str) -> Clock:
    """Return the clock that CANHLO_CLOCK describes: rate, the time it started at, the machine's time then."""
    if not text:
        return Clock()
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


async def _watch(settings: Settings, clock: Clock) -> None:
    stop = asyncio.Event()
    for end in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(end, stop.set)
    await run_bridge(settings, clock, stop)


if __name__ == "__main__":
    main()
