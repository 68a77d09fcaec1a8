"""What a serial port says, and which of the known decoders read it."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import serial
from serial.tools import list_ports

from firmware_bridge.formats import SERIAL, Format, Told
from firmware_bridge.framing import Framer
from firmware_bridge.message import Measured, Message
from firmware_bridge.payload import Degrees

# The two speeds that sketches and loggers use; the first answers most often.
BAUDS: Final = (9600, 115_200)
MOST_CHANNELS: Final = 4
BY_ID: Final = Path("/dev/serial/by-id")
_READ_S: Final = 0.2


@dataclass(frozen=True)
class Port:
    """A serial port of this machine, by the name that stays when it is plugged in elsewhere, if there is one."""

    path: str
    what: str


@dataclass(frozen=True)
class Spoken:
    """What one port said at one speed, and the format that reads it best, if any does."""

    port: str
    baud: int
    lines: tuple[bytes, ...]
    format: str = ""
    channels: int = 0


def find_ports() -> list[Port]:
    return [Port(_lasting(found.device), found.description or "") for found in sorted(list_ports.comports())]


def _lasting(device: str, links: Path = BY_ID) -> str:
    """Return the name by which the same adapter is found again in another socket, if udev made one."""
    known = links.iterdir() if links.is_dir() else ()
    return next((str(link) for link in sorted(known) if link.resolve() == Path(device).resolve()), device)


def listen(port: str, seconds: float, bauds: Sequence[int] = BAUDS) -> Spoken:
    """Listen at each speed in turn, up to the first at which something is understood. Nothing is sent."""
    spoken = [Spoken(port, bauds[0], ())]
    for baud in bauds:
        lines = _hear(port, baud, seconds)
        spoken.append(Spoken(port, baud, lines, *recognise(lines)))
        if spoken[-1].format:
            return spoken[-1]
    return max(spoken, key=lambda one: len(one.lines))


def _hear(port: str, baud: int, seconds: float) -> tuple[bytes, ...]:
    framer, lines = Framer(), []
    deadline = time.monotonic() + seconds
    with serial.Serial(port, baud, timeout=_READ_S, exclusive=True) as opened:
        while time.monotonic() < deadline:
            lines += [frame.line for frame in framer.feed(opened.read(max(1, opened.in_waiting)))]
    return tuple(lines)


def recognise(lines: Sequence[bytes]) -> tuple[str, int]:
    """Return the format that reads most of the lines, and with how many channels; nothing if none reads any."""
    guesses = [(name, n) for name in SERIAL for n in range(1, MOST_CHANNELS + 1)]
    best = max(guesses, key=lambda guess: _read(SERIAL[guess[0]], guess[1], lines), default=("", 0))
    return best if best[0] and _read(SERIAL[best[0]], best[1], lines) else ("", 0)


def _read(spoken: Format, channels: int, lines: Iterable[bytes]) -> int:
    names = tuple(str(n + 1) for n in range(channels))
    try:
        decoder = spoken.make(Told(names, names, Degrees.CELSIUS, zone=ZoneInfo("UTC")))
    except ValueError:  # a format for fewer channels
        return 0
    now = datetime.now(UTC)
    return sum(isinstance(decoder.decode(Message(line, now), None), Measured) for line in lines)
