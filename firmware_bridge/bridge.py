"""The bridge as a whole: sources -> intakes -> spool -> uplink, and how they end."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from firmware_bridge.clock import Clock
from firmware_bridge.decoders.camera_logger import CameraLogger
from firmware_bridge.decoders.qtkiln import QtKiln
from firmware_bridge.intake import Intake
from firmware_bridge.message import Decoder, Listener
from firmware_bridge.recorder import Recorder
from firmware_bridge.settings import MqttSettings, SerialSettings, Settings, SettingsError
from firmware_bridge.sources.mqtt import Broker, MqttSource
from firmware_bridge.sources.serial_port import SerialSource
from firmware_bridge.spool import Spool
from firmware_bridge.status import StatusFile
from firmware_bridge.uplink import Uplink

logger = logging.getLogger(__name__)

STATUS_EVERY_S: Final = 1.0


async def run_bridge(settings: Settings, clock: Clock, stop: asyncio.Event) -> None:
    """Watch until told to stop; then write what was heard, and try once to send it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    spool = Spool(settings.data_dir / "spool.sqlite3")
    try:
        await _run(settings, clock, spool, stop)
    finally:
        spool.close()


async def _run(settings: Settings, clock: Clock, spool: Spool, stop: asyncio.Event) -> None:
    intakes = [_intake(source, spool, clock) for source in settings.sources]
    sources = [_source(told, intake, clock.now) for told, intake in zip(settings.sources, intakes, strict=True)]
    uplink = Uplink(settings.server, settings.token_file, spool)
    recorder = Recorder(intakes, spool, clock, uplink.wake)
    status = StatusFile(settings.data_dir / "status.json", intakes, recorder, spool, uplink)
    sources_ended = asyncio.Event()
    logger.info("watching", extra={"sources": [intake.key for intake in intakes], "server": settings.server})
    try:
        async with asyncio.TaskGroup() as group:
            listening = [group.create_task(source.run(stop)) for source in sources]
            recording = group.create_task(recorder.run(sources_ended))
            others = [group.create_task(uplink.run()), group.create_task(_keep_status(status))]
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


def _intake(source: SerialSettings | MqttSettings, spool: Spool, clock: Clock) -> Intake:
    return Intake(source.key, source.kiln, _decoder(source), spool.recall(source.key), now=clock.now())


def _decoder(source: SerialSettings | MqttSettings) -> Decoder:
    match source:
        case SerialSettings():
            return CameraLogger(source.channels, ZoneInfo(source.time_zone))
        case MqttSettings():
            return QtKiln(source.channels[0])


def _source(
    told: SerialSettings | MqttSettings, listener: Listener, now: Callable[[], datetime]
) -> SerialSource | MqttSource:
    match told:
        case SerialSettings():
            return SerialSource(told.port, told.baud, listener, now)
        case MqttSettings():
            broker = Broker(
                told.host,
                told.port,
                told.topic,
                told.client_id or f"canhlo-bridge-{told.kiln}-{told.channels[0]}",
                told.username,
                _password(told),
            )
            return MqttSource(broker, listener, now)


def _password(told: MqttSettings) -> str | None:
    if told.password_file is None:
        return None
    try:
        return told.password_file.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        msg = f"password_file: {told.password_file} cannot be read: {error}"
        raise SettingsError(msg) from error


async def _keep_status(status: StatusFile) -> None:
    while True:
        try:
            await asyncio.to_thread(status.write)
        except OSError as error:
            logger.warning("status not written", extra={"reason": str(error)})
        await asyncio.sleep(STATUS_EVERY_S)
