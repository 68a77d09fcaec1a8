"""The bridge as a whole: sources -> intakes -> spool -> uplink, and how they end."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Final

from firmware_bridge.action_settings import ActionSettings, CommandSettings, SmsSettings
from firmware_bridge.actions.command import Command
from firmware_bridge.actions.sms import Sms
from firmware_bridge.ballast import Ballast
from firmware_bridge.clock import Clock, SteadyClock
from firmware_bridge.duty import Duty
from firmware_bridge.framing import Framer
from firmware_bridge.intake import Intake
from firmware_bridge.latest import Latest
from firmware_bridge.local_server import LocalServer
from firmware_bridge.machine_clock import is_clock_synchronised
from firmware_bridge.message import Decoder, FindsTopics, Listener, ReadsHeader, Source
from firmware_bridge.modbus_settings import ModbusSettings
from firmware_bridge.notice import Action
from firmware_bridge.recorder import Recorder
from firmware_bridge.register_map import spans
from firmware_bridge.settings import (
    KilnControllerSettings,
    MqttSettings,
    OneInstrument,
    SerialSettings,
    Settings,
    SettingsError,
    parts_of,
)
from firmware_bridge.sources.kiln_controller import KilnControllerSource
from firmware_bridge.sources.modbus import Instrument, Line, ModbusLine
from firmware_bridge.sources.mqtt import Broker, MqttSource
from firmware_bridge.sources.serial_port import SerialSource
from firmware_bridge.spool import Spool
from firmware_bridge.spool_file import make_folder
from firmware_bridge.status import Status
from firmware_bridge.uplink import Uplink
from firmware_bridge.words import Words

logger = logging.getLogger(__name__)

STATUS_EVERY_S: Final = 1.0
SPARE_THREADS: Final = 8  # for the disk, the network's look-ups and the status file
STATUS_FILE: Final = "status.json"


async def run_bridge(settings: Settings, clock: Clock | None, stop: asyncio.Event) -> None:
    """Watch until told to stop; then write what was heard, and try once to send it. A replay gives its clock."""
    make_folder(settings.data_dir)
    spool = Spool(settings.data_dir / "spool.sqlite3")
    try:
        await _run(settings, clock or SteadyClock(not_before=spool.newest_at()), spool, stop)
    finally:
        spool.close()


async def _run(settings: Settings, clock: Clock, spool: Spool, stop: asyncio.Event) -> None:
    sources, intakes = _listen(settings, spool, clock)
    # A source may keep a thread for as long as it listens; by default there are few more than processors.
    threads = ThreadPoolExecutor(len(sources) + SPARE_THREADS, thread_name_prefix="bridge")
    asyncio.get_running_loop().set_default_executor(threads)
    uplink = Uplink(settings.server, settings.token_file, spool, is_clock_sure=lambda: clock.is_sure)
    latest = Latest()
    recorder = Recorder(
        intakes,
        spool,
        clock,
        uplink.wake,
        latest=latest,
        true_now=lambda: _true_now(uplink),
        likely_now=uplink.service_guess,
        most_spool_bytes=settings.spool_mb * 1_000_000,
        ballast=Ballast(settings.data_dir / "ballast"),
    )
    words = Words(settings.page.lang)
    actions = make_actions(settings)
    duty = Duty(settings.data_dir / "limits.json", actions, latest, lambda: uplink.last_answer, clock.now, words)
    lines = [source.status for source in sources if isinstance(source, ModbusLine)]
    status = Status(settings.data_dir / STATUS_FILE, intakes, recorder, spool, uplink, latest, duty, clock, lines)
    sources_ended = asyncio.Event()
    whom = {"sources": [intake.key for intake in intakes], "kilns": settings.kilns, "server": settings.server}
    logger.info("watching", extra=whom)
    try:
        async with asyncio.TaskGroup() as group:
            listening = [group.create_task(source.run(stop)) for source in sources]
            recording = group.create_task(recorder.run(sources_ended))
            others = [group.create_task(one) for one in _companions(settings, uplink, status, duty)]
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


def _true_now(uplink: Uplink) -> datetime | None:
    """Return the time if anybody knows it: this machine when a time server has set it, else the service."""
    return datetime.now(UTC) if is_clock_synchronised() else uplink.service_now()


def _companions(settings: Settings, uplink: Uplink, status: Status, duty: Duty) -> list[Coroutine[None, None, None]]:
    """Return what runs beside the recording, for as long as it does."""
    page = LocalServer(settings.page.host, settings.page.port, status.snapshot, settings.page.lang)
    return [uplink.run(), duty.run(), _keep_status(status), *([page.run()] if settings.page.on else [])]


def make_actions(settings: Settings) -> list[Action]:
    """Return those who are told of breaches."""
    return [_action(told) for told in settings.actions]


def _action(told: ActionSettings) -> Action:
    match told:
        case CommandSettings():
            return Command(told.run, hold=told.hold)
        case SmsSettings():
            return Sms(told.port, told.baud, told.to)


def _listen(settings: Settings, spool: Spool, clock: Clock) -> tuple[list[Source], list[Intake]]:
    """Return where words come from, and the intake of each instrument."""
    sources: list[Source] = []
    intakes: list[Intake] = []
    for told in settings.sources:
        decoders = [one.make_decoder() for one in parts_of(told)]
        ours = [
            Intake(
                one.key,
                one.kiln,
                decoder,
                spool.recall(one.key),
                now=clock.now(),
                keeps_time=one.keeps_time,
                is_live=isinstance(told, SerialSettings),
            )
            for one, decoder in zip(parts_of(told), decoders, strict=True)
        ]
        if isinstance(told, ModbusSettings):
            sources.append(make_line(told, ours, clock.now))
        else:
            sources.append(make_source(told, decoders[0], ours[0], clock.now))
        intakes += ours
    return sources, intakes


def make_line(told: ModbusSettings, listeners: Sequence[Listener], now: Callable[[], datetime]) -> ModbusLine:
    """Return the line on which several instruments are asked in turn."""
    instruments = [
        Instrument(one.key, one.address, spans(mapped.value for mapped in one.mapped), listener)
        for one, listener in zip(told.instruments, listeners, strict=True)
    ]
    line = Line(told.port, told.baud, told.framing, told.protocol, told.every_s, told.timeout_s)
    return ModbusLine(line, instruments, now)


def make_source(told: OneInstrument, decoder: Decoder, listener: Listener, now: Callable[[], datetime]) -> Source:
    """Return where the words of an instrument come from."""
    match told:
        case SerialSettings():
            is_whole = decoder.is_header if isinstance(decoder, ReadsHeader) else None
            framer = partial(Framer, skips_first=told.spoken.skips_first_line, is_whole=is_whole)
            return SerialSource(told.port, told.baud, listener, now, framer)
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
