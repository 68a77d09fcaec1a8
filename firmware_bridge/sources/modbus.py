"""Instruments on one RS-485 line, asked one after the other over Modbus RTU or ASCII. It only ever reads."""

import asyncio
import logging
import struct
import termios
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ModbusException, ModbusIOException
from pymodbus.framer import FramerAscii, FramerRTU
from pymodbus.pdu import DecodePDU, ModbusPDU

from firmware_bridge.backoff import Backoff, wait_for_event
from firmware_bridge.line_status import LineStatus
from firmware_bridge.message import Listener, Message, Rejected
from firmware_bridge.register_map import Span

logger = logging.getLogger(__name__)
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # a silent instrument is news once, not every time

MISSES_UNTIL_ABSENT: Final = 3
# Backoff shortens its waits by up to half: an absent instrument is asked every 10 to 30 s.
PROBE_FIRST_S: Final = 20.0
PROBE_LONGEST_S: Final = 30.0
QUIET_AFTER_MISS_S: Final = 0.1
_GAP_CHARACTERS: Final = 3.5 * 11  # bits of silence between two RTU frames: Modbus over serial line V1.02, 2.5.1.1
_SHORTEST_GAP_S: Final = 0.00175
_GATEWAY_HEARD_NOTHING: Final = (0x0A, 0x0B)
WRONG_ANSWER: Final = Rejected("wrong_answer", "as many registers as were asked for")


@dataclass(frozen=True)
class Line:
    """How the instruments of one line speak, and how often they are asked."""

    port: str
    baud: int = 9600
    framing: str = "8N1"
    protocol: str = "rtu"
    every_s: float = 1.0
    timeout_s: float = 0.3


@dataclass(eq=False)
class Instrument:
    """One address on the line: what to ask it, who listens, and how it has answered so far."""

    name: str
    address: int
    spans: tuple[Span, ...]
    listener: Listener
    misses: int = MISSES_UNTIL_ABSENT - 1  # not counted on until it has answered
    due_s: float = 0.0
    is_told_absent: bool = False
    backoff: Backoff = field(default_factory=lambda: Backoff(first_s=PROBE_FIRST_S, longest_s=PROBE_LONGEST_S))

    @property
    def is_sound(self) -> bool:
        return self.misses == 0

    @property
    def is_absent(self) -> bool:
        return self.misses >= MISSES_UNTIL_ABSENT


class ModbusLine:
    """Asks the instruments that answer in time, again and again; between two rounds it asks one that does not."""

    def __init__(self, line: Line, instruments: Sequence[Instrument], now: Callable[[], datetime]) -> None:
        self.status = LineStatus(line.port)
        self._line = line
        self._instruments = tuple(instruments)
        self._now = now
        self._backoff = Backoff(first_s=0.2, longest_s=5.0)
        self._gap_s = _gap_s(line)

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until told to stop; a port that is away is looked for again and again."""
        while not stop.is_set():
            client = _client(self._line)
            try:
                await self._work(client, stop)
            except (OSError, ModbusException) as error:
                self._note_away(str(error))
            except Exception:
                logger.exception("line failed", extra={"port": self._line.port})
            finally:
                client.close()
                self._set_open(False)
            await self._backoff.wait(stop)

    async def _work(self, client: AsyncModbusSerialClient, stop: asyncio.Event) -> None:
        if not await client.connect():
            msg = "cannot be opened"
            raise OSError(msg)
        logger.info("line opened", extra={"port": self._line.port, "baud": self._line.baud})
        self._set_open(True)
        time_s = asyncio.get_running_loop().time
        while not stop.is_set():
            await self._ask_round(client, stop, time_s)
            self._tell()
            await wait_for_event(stop, max(0.0, min(one.due_s for one in self._instruments) - time_s()))

    async def _ask_round(
        self, client: AsyncModbusSerialClient, stop: asyncio.Event, time_s: Callable[[], float]
    ) -> None:
        """Ask every sound instrument that is due, then one of the others: no more of them can cost us a timeout."""
        due = sorted((one for one in self._instruments if one.due_s <= time_s()), key=lambda one: one.due_s)
        others = [one for one in due if not one.is_sound]
        for one in [*(one for one in due if one.is_sound), *others[:1]]:
            if stop.is_set():
                return
            has_answered = await self._ask(client, one)
            if not client.connected:
                msg = "went away"
                raise OSError(msg)
            self._plan(one, has_answered, time_s())

    async def _ask(self, client: AsyncModbusSerialClient, one: Instrument) -> bool:
        """Say whether the instrument answered, be it only to refuse."""
        words: list[int] = []
        for span in one.spans:
            await asyncio.sleep(self._gap_s)
            try:
                answer = await _read(client, one.address, span)
            except ModbusException:  # nothing came in time
                await asyncio.sleep(QUIET_AFTER_MISS_S)  # a late answer must not pass for that to the next question
                return False
            if isinstance(answer, Rejected):
                one.listener.refuse(answer, 1)
                return True
            words += answer
        one.listener.take(Message(struct.pack(f">{len(words)}H", *words), self._now()))
        return True

    def _plan(self, one: Instrument, has_answered: bool, now_s: float) -> None:
        if has_answered:
            self.status.answers += 1
            self._backoff.reset()
            one.misses = 0
            one.backoff.reset()
            one.due_s = max(one.due_s + self._line.every_s, now_s)
            return
        self.status.misses += 1
        one.misses += 1
        one.due_s = now_s + (one.backoff.next_s() if one.is_absent else self._line.every_s)

    def _tell(self) -> None:
        """Say what has changed: each instrument that fell silent, or else, if none is left, that the line did."""
        absent = [one for one in self._instruments if one.is_absent]
        was_silent, self.status.is_silent = self.status.is_silent, len(absent) == len(self._instruments)
        self.status.absent = [one.name for one in absent]
        if self.status.is_silent and not was_silent:
            logger.warning("line is silent: no instrument answers", extra={"port": self._line.port})
        if was_silent and not self.status.is_silent:
            logger.info("line answers again", extra={"port": self._line.port})
            for one in absent:
                one.due_s = 0.0
        if any(one.is_sound for one in self._instruments):
            for one in self._instruments:
                self._tell_of(one)

    def _tell_of(self, one: Instrument) -> None:
        fields = {"instrument": one.name, "address": one.address, "port": self._line.port}
        if one.is_absent and not one.is_told_absent:
            one.is_told_absent = True
            logger.warning("instrument does not answer; asked every 10 to 30 s", extra=fields)
        elif one.is_sound and one.is_told_absent:
            one.is_told_absent = False
            logger.info("instrument answers again", extra=fields)

    def _set_open(self, is_open: bool) -> None:
        self.status.is_open = is_open
        for one in self._instruments:
            one.listener.set_connected(is_open, self._now())
            one.due_s = asyncio.get_running_loop().time()

    def _note_away(self, reason: str) -> None:
        if self._backoff.failures == 0:
            logger.warning("line is away; looking for it", extra={"port": self._line.port, "reason": reason})


class CalmRTU(FramerRTU):
    """Noise that cannot be decoded is dropped, not raised into the event loop."""

    def handleFrame(self, data: bytes, exp_devid: int, exp_tid: int) -> tuple[int, ModbusPDU | None]:  # noqa: N802
        try:
            return super().handleFrame(data, exp_devid, exp_tid)
        except (ModbusException, ValueError, IndexError, struct.error):
            return len(data), None


class CalmAscii(FramerAscii):
    """Noise that cannot be decoded is dropped, not raised into the event loop."""

    def handleFrame(self, data: bytes, exp_devid: int, exp_tid: int) -> tuple[int, ModbusPDU | None]:  # noqa: N802
        try:
            return super().handleFrame(data, exp_devid, exp_tid)
        except (ModbusException, ValueError, IndexError, struct.error):
            return len(data), None


def _client(line: Line) -> AsyncModbusSerialClient:
    is_rtu = line.protocol == "rtu"
    client = AsyncModbusSerialClient(
        line.port,
        framer=FramerType.RTU if is_rtu else FramerType.ASCII,
        baudrate=line.baud,
        bytesize=int(line.framing[0]),
        parity=line.framing[1],
        stopbits=int(line.framing[2]),
        timeout=line.timeout_s,
        retries=0,
        reconnect_delay=0,
    )
    client.ctx.framer = (CalmRTU if is_rtu else CalmAscii)(DecodePDU(False))
    return client


async def ask_once(
    line: Line, questions: Iterable[tuple[int, Span]]
) -> AsyncGenerator[tuple[int, Span, list[int] | Rejected], None]:
    """Put each question, an address and what to read there, once; what nobody answers in time is left out."""
    client = _client(line)
    try:
        try:
            is_open = await client.connect()
        except termios.error as error:  # an adapter that cannot do this framing
            raise OSError(*error.args) from error
        if not is_open:
            msg = f"{line.port} cannot be opened"
            raise OSError(msg)
        for address, span in questions:
            await asyncio.sleep(_gap_s(line))
            try:
                yield address, span, await _read(client, address, span)
            except ModbusException:
                await asyncio.sleep(QUIET_AFTER_MISS_S)
    finally:
        client.close()


def _gap_s(line: Line) -> float:
    return max(_SHORTEST_GAP_S, _GAP_CHARACTERS / line.baud) if line.protocol == "rtu" else 0.0


async def _read(client: AsyncModbusSerialClient, address: int, span: Span) -> list[int] | Rejected:
    reads = {
        1: client.read_coils,
        2: client.read_discrete_inputs,
        3: client.read_holding_registers,
        4: client.read_input_registers,
    }
    answer = await reads[span.function](span.address, count=span.count, device_id=address)
    if answer.isError() and answer.exception_code in _GATEWAY_HEARD_NOTHING:
        msg = "a gateway answered in its place"
        raise ModbusIOException(msg)
    if answer.isError():
        return Rejected(f"modbus_exception_{answer.exception_code}", "registers that the instrument has")
    words = [int(bit) for bit in answer.bits[: span.count]] if span.function <= 2 else list(answer.registers)
    return words if len(words) == span.count and answer.function_code == span.function else WRONG_ANSWER
