"""The bridge as a whole: sources -> intakes -> spool -> uplink, and how they end."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import Final

from firmware_bridge.clock import Clock
from firmware_bridge.intake import Intake
from firmware_bridge.latest import Latest
from firmware_bridge.local_server import LocalServer
from firmware_bridge.message import Decoder, FindsTopics, Listener, Source
from firmware_bridge.recorder import Recorder
from firmware_bridge.settings import (
    KilnControllerSettings,
    MqttSettings,
    SerialSettings,
    Settings,
    SettingsError,
    SourceSettings,
)
from firmware_bridge.sources.kiln_controller import KilnControllerSource
from firmware_bridge.sources.mqtt import Broker, MqttSource
from firmware_bridge.sources.serial_port import SerialSource
from firmware_bridge.spool import Spool
from firmware_bridge.status import Status
from firmware_bridge.uplink import Uplink

logger = logging.getLogger(__name__)

STATUS_EVERY_S: Final = 1.0
STATUS_FILE: Final = "status.json"


async def run_bridge(settings: Settings, clock: Clock, stop: asyncio.Event) -> None:
    """Watch until told to stop; then write what was heard, and try once to send it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    spool = Spool(settings.data_dir / "spool.sqlite3")
    try:
        await _run(settings, clock, spool, stop)
    finally:
        spool.close()


async def _run(settings: Settings, clock: Clock, spool: Spool, stop: asyncio.Event) -> None:
    decoders = [told.spoken.make(told.told) for told in settings.sources]
    intakes = [
        Intake(told.key, told.kiln, decoder, spool.recall(told.key), now=clock.now())
        for told, decoder in zip(settings.sources, decoders, strict=True)
    ]
    sources = [make_source(*each, clock.now) for each in zip(settings.sources, decoders, intakes, strict=True)]
    uplink = Uplink(settings.server, settings.token_file, spool)
    latest = Latest()
    recorder = Recorder(intakes, spool, clock, uplink.wake, latest=latest)
    status = Status(settings.data_dir / STATUS_FILE, intakes, recorder, spool, uplink, latest, clock.now)
    sources_ended = asyncio.Event()
    logger.info("watching", extra={"sources": [intake.key for intake in intakes], "server": settings.server})
    try:
        async with asyncio.TaskGroup() as group:
            listening = [group.create_task(source.run(stop)) for source in sources]
            recording = group.create_task(recorder.run(sources_ended))
            others = [group.create_task(one) for one in _companions(settings, uplink, status)]
            await asyncio.wait(listening)
            sources_ended.set()
            await recording
            for task in others:
                task.cancel()
    finally:
        stop.set()  # threads look at it too, and a failure must not leave one behind
    await uplink.send_last()
    await asyncio.to_thread(status.write)
    logger.info("ended")


def _companions(settings: Settings, uplink: Uplink, status: Status) -> list[Coroutine[None, None, None]]:
    """Return what runs beside the recording, for as long as it does."""
    page = LocalServer(settings.page.host, settings.page.port, status.snapshot, settings.page.lang)
    return [uplink.run(), _keep_status(status), *([page.run()] if settings.page.on else [])]


def make_source(told: SourceSettings, decoder: Decoder, listener: Listener, now: Callable[[], datetime]) -> Source:
    """Return where the words of an instrument come from."""
    match told:
        case SerialSettings():
            return SerialSource(told.port, told.baud, listener, now, skips_first_line=told.spoken.skips_first_line)
        case MqttSettings():
            return MqttSource(broker_of(told), _topics(told, decoder), listener, now)
        case KilnControllerSettings():
            return KilnControllerSource(told.url, listener, now)


def broker_of(told: MqttSettings) -> Broker:
    """Return the broker as the settings describe it; its port is the usual one unless they say another."""
    return Broker(
        told.host,
        told.port or (8883 if told.is_encrypted else 1883),
        told.client_id or f"canhlo-bridge-{told.kiln}-{told.channels[0]}",
        told.username,
        _password(told),
        is_v5=told.version == "5",
        is_encrypted=told.is_encrypted,
        ca_file=told.ca_file,
        keeps=told.spoken.is_dated,
    )


def _topics(told: MqttSettings, decoder: Decoder) -> Callable[[], Iterable[str]]:
    topic = told.topic or told.spoken.topic
    return lambda: {topic, *decoder.topics} if isinstance(decoder, FindsTopics) else {topic}


def _password(told: MqttSettings) -> str | None:
    if told.password_file is None:
        return None
    try:
        return told.password_file.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        msg = f"password_file: {told.password_file} cannot be read: {error}"
        raise SettingsError(msg) from error


async def _keep_status(status: Status) -> None:
    while True:
        try:
            await asyncio.to_thread(status.write)
        except OSError as error:
            logger.warning("status not written", extra={"reason": str(error)})
        await asyncio.sleep(STATUS_EVERY_S)
