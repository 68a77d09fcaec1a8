"""Lines out of a stream of bytes, however the port cut it."""

from dataclasses import dataclass
from typing import Final

MAX_LINE_BYTES: Final = 4096


@dataclass(frozen=True)
class Frame:
    """One line without its end."""

    line: bytes


class Framer:
    """Split a byte stream into lines; damage is counted in `rejected`, never raised.

    A line longer than the buffer is dropped and the next newline begins anew. NUL bytes, which boards leave behind
    when they lose power, are taken out. `skips_first` drops what comes before the first newline: where lines have no
    fixed form, the end of one that was cut when the port was opened would pass for a whole one.
    """

    def __init__(self, *, skips_first: bool = False) -> None:
        self.rejected = 0
        self._begun = b""
        self._is_skipping = skips_first

    def feed(self, chunk: bytes) -> list[Frame]:
        """Return the lines that this chunk completes; half a line waits for the next chunk."""
        *complete, begun = chunk.split(b"\n")
        frames = [frame for piece in complete if (frame := self._end_line(piece)) is not None]
        self._hold(begun)
        return frames

    def _end_line(self, piece: bytes) -> Frame | None:
        self._hold(piece)
        line, was_skipping = self._begun, self._is_skipping
        self._begun, self._is_skipping = b"", False
        text = line.replace(b"\0", b"").rstrip(b"\r")
        return Frame(text) if text and not was_skipping else None

    def _hold(self, piece: bytes) -> None:
        if self._is_skipping:
            return
        self._begun += piece
        if len(self._begun) > MAX_LINE_BYTES:
            self.rejected += 1
            self._is_skipping = True
            self._begun = b""
