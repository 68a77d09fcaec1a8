"""A text message through a GSM modem on a serial port (3GPP TS 27.005, text mode): no Internet is needed."""

import asyncio
import time
import unicodedata
from collections.abc import Sequence
from typing import Final

import serial

from firmware_bridge.notice import ActionError, Notice

ANSWER_S: Final = 5.0
SENDING_S: Final = 60.0  # a network may take that long to take a message
MAX_CHARS: Final = 160
_SUBMIT: Final = b"\x1a"


class Sms:
    """One modem, one message to each number."""

    name = "sms"

    def __init__(self, port: str, baud: int, numbers: Sequence[str]) -> None:
        self._port = port
        self._baud = baud
        self._numbers = tuple(numbers)
        self._one_at_a_time = asyncio.Lock()

    async def tell(self, notice: Notice) -> None:
        """Send what was raised; raise ActionError if any number was not reached."""
        if not notice.is_raised:
            return
        async with self._one_at_a_time:
            await asyncio.to_thread(self._send_to_all, plain_text(notice.text))

    async def close(self) -> None:
        """Nothing is held."""

    def _send_to_all(self, text: str) -> None:
        failed: list[str] = []
        for number in self._numbers:
            try:
                self._send(number, text)
            except (OSError, ActionError) as error:
                failed.append(f"{number}: {error}")
        if failed:
            raise ActionError("; ".join(failed))

    def _send(self, number: str, text: str) -> None:
        with serial.Serial(self._port, self._baud, timeout=0.1, write_timeout=ANSWER_S, exclusive=True) as modem:
            for command in ("ATE0", "AT+CMGF=1", 'AT+CSCS="GSM"'):
                _ask(modem, command.encode() + b"\r", b"OK\r\n", ANSWER_S)
            _ask(modem, f'AT+CMGS="{number}"\r'.encode(), b"> ", ANSWER_S)
            _ask(modem, text.encode() + _SUBMIT, b"OK\r\n", SENDING_S)


def plain_text(text: str) -> str:
    """Return the text as every phone and modem can take it: 160 letters without marks."""
    bare = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D").replace("°", "").replace("−", "-"))
    return bare.encode("ascii", "ignore").decode()[:MAX_CHARS]


def _ask(modem: serial.Serial, words: bytes, wanted: bytes, timeout_s: float) -> None:
    modem.write(words)
    said = b""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        said += modem.read(max(1, modem.in_waiting))
        if wanted in said:
            return
        if b"ERROR" in said:
            msg = f"the modem said {said.strip()!r} to {words.strip()!r}"
            raise ActionError(msg)
    msg = f"the modem did not answer {words.strip()!r} in {timeout_s:g} s"
    raise ActionError(msg)
