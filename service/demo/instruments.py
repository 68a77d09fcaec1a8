"""The replayed instruments: one speaks lines on a serial device (a pty), one publishes to an MQTT broker."""

import asyncio
import os
import select
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from service.clock import Clock
from service.demo.recordings import Utterance

# Like a logger with a memory: when its port is opened anew it says its last lines again, then goes on.
REPEATED_LINES: Final = 1000
BOOT_S: Final = 0.5  # like a board that restarts when its port is opened; pyserial empties the buffer meanwhile
LOOK_AGAIN_S: Final = 0.02


async def until_due(clock: Clock, utterance: Utterance) -> None:
    """Sleep until the clock reaches the time of an utterance."""
    wait_s = (utterance.at - clock.now()).total_seconds() / clock.rate
    if wait_s > 0:
        await asyncio.sleep(wait_s)


class SerialInstrument:
    """Speaks recorded lines on one end of a pty; `path` is the device a bridge opens."""

    def __init__(self, lines: Sequence[Utterance], clock: Clock, link: Path) -> None:
        self._lines = lines
        self._clock = clock
        self._master, slave = os.openpty()
        os.set_blocking(self._master, False)
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(slave))
        os.close(slave)
        self.path = link
        self.spoken = 0

    async def run(self) -> None:
        while not self._is_open():
            await asyncio.sleep(LOOK_AGAIN_S)
        await asyncio.sleep(BOOT_S)
        while self.spoken < len(self._lines):
            if not self._is_open():
                await self._wait_for_reader()
            await until_due(self._clock, self._lines[self.spoken])
            if await self._write(self._lines[self.spoken].payload):
                self.spoken += 1

    async def stay(self) -> None:
        """Keep the finished instrument plugged in, and its last lines ready for a reader that comes again."""
        while True:
            if self._is_open():
                await asyncio.sleep(LOOK_AGAIN_S)
            else:
                await self._wait_for_reader()
                await self.run()

    async def _wait_for_reader(self) -> None:
        while not self._is_open():
            await asyncio.sleep(LOOK_AGAIN_S)
        await asyncio.sleep(BOOT_S)
        self.spoken = max(0, self.spoken - REPEATED_LINES)

    def _is_open(self) -> bool:
        """Say whether somebody has the other end open: the kernel reports a hang-up while nobody does."""
        poll = select.poll()
        poll.register(self._master, select.POLLHUP)
        return not any(event & select.POLLHUP for _, event in poll.poll(0))

    async def _write(self, line: bytes) -> bool:
        """Write a whole line, waiting while the device's buffer is full; False if the reader went away."""
        while line:
            try:
                line = line[os.write(self._master, line) :]
            except BlockingIOError:
                if not self._is_open():
                    return False
                await asyncio.sleep(LOOK_AGAIN_S)
        return True

    def close(self) -> None:
        os.close(self._master)
        self.path.unlink(missing_ok=True)


class MqttInstrument:
    """Publishes recorded messages, QoS 1; what the broker has not acknowledged is sent again after a reconnect."""

    def __init__(self, messages: Sequence[Utterance], clock: Clock, port: int) -> None:
        self._messages = messages
        self._clock = clock
        self.spoken = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="demo-kiln", clean_session=False)
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        self._client.connect_async("127.0.0.1", port, keepalive=10)
        self._client.loop_start()

    async def run(self) -> None:
        for message in self._messages:
            await until_due(self._clock, message)
            sent = self._client.publish(message.topic, message.payload, qos=1)
            self.spoken += 1
        while not sent.is_published():
            await asyncio.sleep(LOOK_AGAIN_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
