"""What would go wrong, said before it does: settings, ports, brokers, service, token, clock, disk."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import httpx
import msgspec

from firmware_bridge.action_settings import SmsSettings
from firmware_bridge.answers import Cause, no_answer, problem_words
from firmware_bridge.bridge import broker_of
from firmware_bridge.settings import (
    KilnControllerSettings,
    MqttSettings,
    Settings,
    SettingsError,
    SourceSettings,
    load_settings,
)
from firmware_bridge.sources.mqtt import knock
from firmware_bridge.wire import Post
from firmware_bridge.words import Words

TIMEOUT_S: Final = 5.0
# A reading is dated by this clock: the service's limit for calling it wrong is of the same size.
MAX_CLOCK_ERROR_S: Final = 5.0
# Some weeks of readings of a few probes, and room for the machine's own logs.
FREE_BYTES: Final = 200_000_000


class Level(StrEnum):
    WELL = "✓"
    WARNING = "!"
    WRONG = "✗"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how it is, and by its key what to say and what to do about it."""

    level: Level
    key: str
    values: Mapping[str, object] = field(default_factory=dict)

    def say(self, words: Words) -> str:
        values = {key: _shown(key, value, words) for key, value in self.values.items()}
        said = f"{self.level} {words(f'check.{self.key}', **values)}"
        return said if self.level is Level.WELL else f"{said}\n  → {words(f'check.{self.key}_do', **values)}"


def _shown(key: str, value: object, words: Words) -> object:
    if isinstance(value, Cause):
        return words(f"why.{value}")
    if isinstance(value, OSError):
        return value.strerror or value
    return words.size(value) if key.endswith("_bytes") and isinstance(value, int) else value


def check(config: Path) -> Iterator[Finding]:
    """Look at everything in turn; nothing is changed and nothing is sent that is stored."""
    try:
        settings = load_settings(config)
    except SettingsError as error:
        yield Finding(Level.WRONG, "config", {"path": config, "detail": str(error)})
        return
    feeds = {"path": config, "n": len(settings.sources), "kilns": ", ".join(settings.kilns)}
    yield Finding(Level.WELL, "config_well", feeds)
    for source in settings.sources:
        yield _source(source)
    for action in settings.actions:
        yield _port(action.port) if isinstance(action, SmsSettings) else _command(action.run[0])
    yield _disk(settings.data_dir)
    token = _token(settings.token_file)
    yield token
    yield from _service(settings, settings.token_file if token.level is not Level.WRONG else None)


def _source(source: SourceSettings) -> Finding:
    match source:
        case MqttSettings():
            return _broker(source)
        case KilnControllerSettings():
            return _controller(source)
        case _:
            return _port(source.port)


def _port(port: str) -> Finding:
    values: dict[str, object] = {"port": port}
    path = Path(port)
    if not path.exists():
        return Finding(Level.WRONG, "port_absent", values)
    if not os.access(path, os.R_OK | os.W_OK):
        return Finding(Level.WRONG, "port_forbidden", {**values, "group": _group(path)})
    return Finding(Level.WELL, "port_well", values)


def _command(name: str) -> Finding:
    level = Level.WRONG if shutil.which(name) is None else Level.WELL
    return Finding(level, "command" if level is Level.WRONG else "command_well", {"name": name})


def _group(path: Path) -> str:
    try:
        return path.group()
    except KeyError:  # a group without a name
        return str(path.stat().st_gid)


def _broker(source: MqttSettings) -> Finding:
    values: dict[str, object] = {"host": source.host}
    try:
        broker = broker_of(source)
        reason = knock(broker, TIMEOUT_S)
    except SettingsError as error:
        return Finding(Level.WRONG, "broker", {**values, "port": source.port, "detail": error})
    values["port"] = broker.port
    return (
        Finding(Level.WRONG, "broker", {**values, "detail": reason})
        if reason
        else Finding(Level.WELL, "broker_well", values)
    )


def _controller(source: KilnControllerSettings) -> Finding:
    values: dict[str, object] = {"url": source.url}
    try:
        socket.create_connection((source.host, source.port), timeout=TIMEOUT_S).close()
    except OSError as error:
        return Finding(Level.WRONG, "controller", {**values, "detail": error})
    return Finding(Level.WELL, "controller_well", values)


def _disk(folder: Path) -> Finding:
    values: dict[str, object] = {"path": folder}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
        free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(Level.WRONG, "disk", {**values, "detail": error.strerror or error})
    values["free_bytes"] = free_bytes
    return Finding(Level.WELL if free_bytes >= FREE_BYTES else Level.WARNING, "disk_room", values)


def _token(path: Path) -> Finding:
    values: dict[str, object] = {"path": path}
    try:
        if not path.read_text("ascii").strip():
            return Finding(Level.WRONG, "token", {**values, "detail": "–"})
        is_open = bool(path.stat().st_mode & 0o077)
    except (OSError, UnicodeError) as error:
        return Finding(
            Level.WRONG,
            "token_absent" if isinstance(error, FileNotFoundError) else "token",
            {**values, "detail": error},
        )
    return Finding(Level.WARNING, "token_open", values) if is_open else Finding(Level.WELL, "token_well", values)


def _service(settings: Settings, token_file: Path | None) -> Iterator[Finding]:
    values: dict[str, object] = {"url": settings.server}
    try:
        answer = httpx.get(f"{settings.server}/healthz", timeout=TIMEOUT_S)
        now = datetime.now(UTC)
        answer.raise_for_status()
    except httpx.HTTPStatusError as error:
        yield Finding(Level.WRONG, "service", {**values, "detail": error.response.status_code})
        return
    except httpx.HTTPError as error:
        yield Finding(Level.WRONG, "service", {**values, "detail": no_answer(error).cause})
        return
    yield (
        Finding(Level.WARNING, "service_in_clear", values)
        if settings.is_in_clear
        else Finding(Level.WELL, "service_well", values)
    )
    yield _clock(answer.headers.get("date", ""), now)
    if token_file is not None:
        yield _welcome(settings.server, token_file)


def _clock(service_date: str, now: datetime) -> Finding:
    try:
        off_s = (now - parsedate_to_datetime(service_date)).total_seconds()
    except (ValueError, TypeError):
        return Finding(Level.WARNING, "clock_unknown")
    # The service's date is cut to whole seconds.
    level = Level.WELL if abs(off_s) <= MAX_CLOCK_ERROR_S + 1 else Level.WRONG
    return Finding(level, "clock" if level is Level.WRONG else "clock_well", {"off_s": f"{off_s:+.0f}"})


def _welcome(server: str, token_file: Path) -> Finding:
    """Send a post without blocks: who is not welcome learns it, and nothing is stored."""
    headers = {
        "Authorization": f"Bearer {token_file.read_text('ascii').strip()}",
        "Content-Type": "application/msgpack",
    }
    try:
        body = msgspec.msgpack.encode(Post([]))
        answer = httpx.post(f"{server}/api/v1/blocks", content=body, headers=headers, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        return Finding(Level.WRONG, "service", {"url": server, "detail": no_answer(error).cause})
    if answer.status_code == 200:
        return Finding(Level.WELL, "welcome_well")
    return Finding(Level.WRONG, "welcome", {"detail": problem_words(answer.content) or answer.status_code})
