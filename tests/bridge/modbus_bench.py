"""An RS-485 line on the bench: pymodbus's own server at one end of a pair of ptys, the bridge at the other."""

import asyncio
import contextlib
import os
import tty
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from bridge_fakes import NOON, Ear
from pymodbus import FramerType
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from firmware_bridge.register_map import Span
from firmware_bridge.sources.modbus import Instrument, Line, ModbusLine

Pass = Callable[[bytes], bytes]


class Cable:
    """Carries bytes between two ptys; a test may listen in, cut it or add noise, in either direction."""

    def __init__(self) -> None:
        self.to_server: Pass = bytes
        self.to_bridge: Pass = bytes
        self.asked: list[bytes] = []
        self.present: set[int] = set()  # the server itself answers for every address, if only with a refusal
        self._masters, self._slaves = zip(*(os.openpty() for _ in range(2)), strict=True)
        for slave in self._slaves:
            tty.setraw(slave)
        self.server_port, self.bridge_port = (os.ttyname(slave) for slave in self._slaves)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._masters[0], self._from_server)
        loop.add_reader(self._masters[1], self._from_bridge)

    def _from_server(self) -> None:
        os.write(self._masters[1], self.to_bridge(os.read(self._masters[0], 4096)))

    def _from_bridge(self) -> None:
        said = os.read(self._masters[1], 4096)
        self.asked.append(said)
        address = int(said[1:3], 16) if said[:1] == b":" else said[0]
        if address in self.present:
            os.write(self._masters[0], self.to_server(said))

    def spoil_next_answer(self, spoil: Pass) -> None:
        """Change the next answer on its way, and only that."""

        def once(said: bytes) -> bytes:
            self.to_bridge = bytes
            return spoil(said)

        self.to_bridge = once

    def whisper(self, said: bytes) -> None:
        """Say something to the bridge that no server said."""
        os.write(self._masters[1], said)

    def close(self) -> None:
        for master in self._masters:
            asyncio.get_running_loop().remove_reader(master)
        for end in (*self._masters, *self._slaves):
            os.close(end)


Registers = dict[int, int]


def device(address: int, registers: Registers) -> SimDevice:
    """Return an instrument whose registers are those of the dict, now and when a test changes it."""

    async def look(
        _function: int, start: int, asked: int, count: int, current: list[int], _told: list[int] | list[bool] | None
    ) -> None:
        for at in range(asked, asked + count):
            if at in registers:
                current[at - start] = registers[at]

    first, last = min(registers), max(registers)
    data = SimData(first, values=[registers.get(at, 0) for at in range(first, last + 1)], datatype=DataType.REGISTERS)
    return SimDevice(address, [data], action=look)


@contextlib.asynccontextmanager
async def serving(
    cable: Cable, devices: Mapping[int, Registers], framer: FramerType = FramerType.RTU
) -> AsyncIterator[None]:
    """Run the server; addresses that it does not have stay silent, as on a real line."""
    cable.present = set(devices)
    server = ModbusSerialServer(
        [device(*one) for one in devices.items()],
        framer=framer,
        port=cable.server_port,
    )
    await server.serve_forever(background=True)
    try:
        yield
    finally:
        await server.shutdown()


@contextlib.asynccontextmanager
async def asking(
    cable: Cable, asked: Mapping[int, tuple[Sequence[Span], Ear]], protocol: str = "rtu", every_s: float = 0.05
) -> AsyncIterator[ModbusLine]:
    """Run the bridge's line."""
    instruments = [Instrument(f"lo-{at}/top", at, tuple(spans), ear) for at, (spans, ear) in asked.items()]
    line = Line(cable.bridge_port, 115_200, "8N1", protocol, every_s, timeout_s=0.1)
    source, stop = ModbusLine(line, instruments, lambda: NOON), asyncio.Event()
    running = asyncio.create_task(source.run(stop))
    try:
        yield source
    finally:
        stop.set()
        await running
