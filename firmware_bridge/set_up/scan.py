"""What this machine can hear: serial ports, a broker, a Modbus line. It listens, and on the line it only reads."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from firmware_bridge.formats import SERIAL
from firmware_bridge.message import Message, Rejected
from firmware_bridge.set_up.bus import HIGHEST_ADDRESS, look
from firmware_bridge.set_up.lines import Spoken, find_ports, listen
from firmware_bridge.set_up.proposal import propose_line, propose_port, propose_topics
from firmware_bridge.set_up.topics import recognise
from firmware_bridge.sources.mqtt import Broker, MqttSource
from firmware_bridge.words import Words

MOST_MESSAGES: Final = 10_000
SHOWN_CHARS: Final = 80


def scan_ports(ports: Sequence[str], seconds: float, words: Words) -> Iterator[str]:
    """Say of each port what it is and says; without names, of every port that the machine knows."""
    found = {port.path: port.what for port in find_ports()}
    if not (ports or found):
        yield words("scan.no_ports")
    for port in ports or found:
        yield words("scan.port", port=port, what=found.get(port, ""))
        try:
            yield _said(listen(port, seconds), words)
        except OSError as error:
            yield _failed(port, error, words)


def _failed(port: str, error: OSError, words: Words) -> str:
    """Say why a port cannot be opened, and what to do."""
    path = Path(port)
    if not path.exists():
        return words("scan.port_absent", port=port)
    if not os.access(path, os.R_OK | os.W_OK):
        return words("scan.port_forbidden", port=port)
    # Modbus and serial say it in different words; a lock that somebody holds is the usual reason.
    return words("scan.port_busy", port=port, detail=error.strerror or error)


def _said(spoken: Spoken, words: Words) -> str:
    if spoken.guess is not None:
        head = words("scan.understood", format=spoken.guess.format, n=spoken.guess.channels)
        return f"{head}\n\n{propose_port(spoken.port, spoken.baud, spoken.guess, words)}\n"
    if not spoken.lines:
        return words("scan.silent")
    known = [f"    {name}: {one.example}" for name, one in SERIAL.items()]
    said = words("scan.not_understood", line=repr(spoken.lines[-1])[:SHOWN_CHARS], baud=spoken.baud)
    return "\n".join([said, *known])


async def scan_line(port: str, baud: int, words: Words, highest: int = HIGHEST_ADDRESS) -> list[str]:
    """Say which Modbus instruments answer on a line."""
    try:
        line, found = await look(port, baud, highest)
    except OSError as error:
        return [_failed(port, error, words)]
    if not found:
        return [words("scan.no_instrument", port=port, baud=baud, highest=highest)]
    return [words("scan.instruments", port=port, n=len(found)), propose_line(line, found, words)]


async def scan_broker(host: str, port: int, seconds: float, words: Words) -> list[str]:
    """Say what temperatures are on a broker."""
    ear, stop = _Ear(), asyncio.Event()
    source = MqttSource(Broker(host, port, "canhlo-scan", keeps=False), lambda: {"#"}, ear, lambda: datetime.now(UTC))
    running = asyncio.create_task(source.run(stop))
    await asyncio.sleep(seconds)
    stop.set()
    await running
    if not ear.was_connected:
        return [words("scan.no_broker", host=host, port=port)]
    proposals = propose_topics(host, port, recognise(ear.messages), words)
    return [words("scan.broker", host=host, messages=len(ear.messages), n=len(proposals)), *proposals]


class _Ear:
    """Keeps the last words said on each topic."""

    def __init__(self) -> None:
        self.was_connected = False
        self._by_topic: dict[str, Message] = {}

    @property
    def messages(self) -> list[Message]:
        return list(self._by_topic.values())

    def take(self, message: Message) -> None:
        if message.topic in self._by_topic or len(self._by_topic) < MOST_MESSAGES:
            self._by_topic[message.topic] = message

    def refuse(self, rejected: Rejected, count: int) -> None:
        """Let it go: what cannot be read cannot be proposed."""

    def pause(self, now: datetime) -> None:
        """Let it go: only what was said is looked at."""

    def set_connected(self, is_connected: bool, now: datetime) -> None:
        self.was_connected |= is_connected
