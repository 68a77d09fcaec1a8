"""What a serial port says, and which of the known decoders read it."""

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import serial
from serial.tools import list_ports

from firmware_bridge.formats import SERIAL, Told
from firmware_bridge.framing import Framer
from firmware_bridge.message import Measured, Message
from firmware_bridge.payload import Degrees

# The two speeds that sketches and loggers use; the first answers most often.
BAUDS: Final = (9600, 115_200)
MOST_CHANNELS: Final = 4
MOST_NAMES: Final = 8
# Sketches say other things too, and some formats take three lines for one reading.
LEAST_SHARE: Final = 0.2
_ASKED: Final = frozenset({"names", "unit"})
_KEY: Final = re.compile(r"(?<!\w)([A-Za-z][\w\-]{0,39})\s{0,4}[=:]\s{0,4}[+-]?(?:\d|nan)")
_BETWEEN: Final = re.compile(r"[,;\t]")
_TEMPERATURE: Final = re.compile(r"temp|[(\[]\s*°?[CF]\s*[)\]]|_[cf]$", re.IGNORECASE)
BY_ID: Final = Path("/dev/serial/by-id")
_READ_S: Final = 0.2


@dataclass(frozen=True)
class Port:
    """A serial port of this machine, by the name that stays when it is plugged in elsewhere, if there is one."""

    path: str
    what: str


@dataclass(frozen=True)
class Guess:
    """The format that reads what a port says; `names` are what the instrument calls its values, where it does."""

    format: str
    channels: int
    names: tuple[str, ...] = ()
    is_unit_said: bool = True


@dataclass(frozen=True)
class Spoken:
    """What one port said at one speed, and how to read it, if anybody knows."""

    port: str
    baud: int
    lines: tuple[bytes, ...]
    guess: Guess | None = None


def find_ports() -> list[Port]:
    return [Port(_lasting(found.device), found.description or "") for found in sorted(list_ports.comports())]


def _lasting(device: str, links: Path = BY_ID) -> str:
    """Return the name by which the same adapter is found again in another socket, if udev made one."""
    known = links.iterdir() if links.is_dir() else ()
    return next((str(link) for link in sorted(known) if link.resolve() == Path(device).resolve()), device)


def listen(port: str, seconds: float, bauds: Sequence[int] = BAUDS) -> Spoken:
    """Listen at each speed in turn, up to the first at which something is understood. Nothing is sent."""
    spoken: list[Spoken] = []
    for baud in bauds:
        lines = _hear(port, baud, seconds)
        spoken.append(Spoken(port, baud, lines, recognise(lines)))
        if spoken[-1].guess is not None:
            return spoken[-1]
    return max(spoken, key=lambda one: len(one.lines))


def _hear(port: str, baud: int, seconds: float) -> tuple[bytes, ...]:
    framer, lines = Framer(), []
    deadline = time.monotonic() + seconds
    with serial.Serial(port, baud, timeout=_READ_S, exclusive=True) as opened:
        while time.monotonic() < deadline:
            lines += [frame.line for frame in framer.feed(opened.read(max(1, opened.in_waiting)))]
    return tuple(lines)


def recognise(lines: Sequence[bytes]) -> Guess | None:
    """Return what reads the lines best; the more an instrument says by itself, the less is guessed."""
    scores = {guess: _read(guess, lines) for guess in _guesses(lines)}
    fitting = [guess for guess, read in scores.items() if read and read >= LEAST_SHARE * len(lines)]
    return max(fitting, key=lambda guess: (*_says_itself(guess), scores[guess]), default=None)


def _says_itself(guess: Guess) -> tuple[bool, bool, bool]:
    return (not SERIAL[guess.format].needs & _ASKED, bool(guess.names), guess.is_unit_said)


def _guesses(lines: Iterable[bytes]) -> Iterator[Guess]:
    names = _names_in(lines)
    for name, spoken in SERIAL.items():
        for is_unit_said in (True, False) if "unit" in spoken.needs | spoken.takes else (True,):
            if "names" in spoken.needs | spoken.takes:
                yield from (Guess(name, len(some), some, is_unit_said) for some in names if some)
            else:
                yield from (Guess(name, n, (), is_unit_said) for n in range(1, MOST_CHANNELS + 1))


def _names_in(lines: Iterable[bytes]) -> list[tuple[str, ...]]:
    """Return the names before numbers, and the columns of a header that speak of temperatures."""
    texts = [line.decode("utf-8", errors="replace") for line in lines]
    keys = dict.fromkeys(found for text in texts for found in _KEY.findall(text))
    headers = [[field.strip() for field in _BETWEEN.split(text)] for text in texts if not _KEY.search(text)]
    columns = next((found for fields in headers if (found := [one for one in fields if _TEMPERATURE.search(one)])), [])
    return [tuple(keys)[:MOST_NAMES], tuple(columns)[:MOST_NAMES]]


def _read(guess: Guess, lines: Iterable[bytes]) -> int:
    """Return how many lines give readings."""
    channels = tuple(f"c{n + 1}" for n in range(guess.channels))
    unit = None if guess.is_unit_said else Degrees.CELSIUS
    try:
        decoder = SERIAL[guess.format].make(Told(channels, guess.names, unit, zone=ZoneInfo("UTC")))
    except ValueError:  # a format for fewer channels
        return 0
    now = datetime.now(UTC)
    decoded = [decoder.decode(Message(line, now), None) for line in lines]
    return sum(isinstance(one, Measured) and bool(one.values) for one in decoded)
