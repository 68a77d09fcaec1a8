"""Lines from a serial port; opened again whenever it goes away."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from typing import Final

import serial

from firmware_bridge.backoff import Backoff
from firmware_bridge.framing import MAX_LINE_BYTES, Framer
from firmware_bridge.message import Listener, Message, Rejected

logger = logging.getLogger(__name__)

READ_TIMEOUT_S: Final = 0.2
LINE_TOO_LONG: Final = Rejected("line_too_long", f"lines of at most {MAX_LINE_BYTES} bytes")


class SerialSource:
    """One instrument that prints lines."""

    def __init__(
        self,
        port: str,
        baud: int,
        listener: Listener,
        now: Callable[[], datetime],
        new_framer: Callable[[], Framer] = Framer,
    ) -> None:
        self._port = port
        self._baud = baud
        self._listener = listener
        self._now = now
        self._new_framer = new_framer
        self._backoff = Backoff(first_s=0.2, longest_s=5.0)

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until told to stop; a port that is away is looked for again and again."""
        while not stop.is_set():
            try:
                await self._listen(stop)
            except OSError as error:  # serial.SerialException is one
                self._note_away(error)
            except Exception:
                logger.exception("port failed", extra={"port": self._port})
            finally:
                self._listener.set_connected(False, self._now())
            await self._backoff.wait(stop)

    async def _listen(self, stop: asyncio.Event) -> None:
        port = await asyncio.to_thread(_open, self._port, self._baud)
        with closing(port):
            logger.info("port opened", extra={"port": self._port, "baud": self._baud})
            self._listener.set_connected(True, self._now())
            framer = self._new_framer()
            while not stop.is_set():
                chunk = await asyncio.to_thread(_read, port)
                self._hear(framer, chunk)
                if not chunk:
                    self._listener.pause(self._now())

    def _hear(self, framer: Framer, chunk: bytes) -> None:
        now = self._now()
        if chunk:
            self._backoff.reset()
        refused_before = framer.rejected
        for frame in framer.feed(chunk):
            self._listener.take(Message(frame.line, now))
        if framer.rejected > refused_before:
            self._listener.refuse(LINE_TOO_LONG, framer.rejected - refused_before)

    def _note_away(self, error: OSError) -> None:
        if self._backoff.failures == 0:
            logger.warning("port is away; looking for it", extra={"port": self._port, "reason": str(error)})


def _open(port: str, baud: int) -> serial.Serial:
    """Open the port for us alone: two readers on one port each get some of the bytes, and neither notices."""
    return serial.Serial(port, baud, timeout=READ_TIMEOUT_S, exclusive=True)


def _read(port: serial.Serial) -> bytes:
    """Return what is there, waiting a little for the first byte."""
    chunk: bytes = port.read(max(1, port.in_waiting))
    return chunk
