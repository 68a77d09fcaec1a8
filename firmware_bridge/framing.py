"""Lines out of a stream of bytes, however the port cut it."""

from collections.abc import Callable
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
    fixed form, the end of one that was cut when the port was opened would pass for a whole one. `is_whole` says of
    which line that cannot be.
    """

    def __init__(self, *, skips_first: bool = False, is_whole: Callable[[bytes], bool] | None = None) -> None:
        self.rejected = 0
        self._begun = b""
        self._is_whole = is_whole
        self._is_first = skips_first
        self._is_skipping = False

    def feed(self, chunk: bytes) -> list[Frame]:
        """Return the lines that this chunk completes; half a line waits for the next chunk."""
        *complete, begun = chunk.split(b"\n")
        frames = [frame for piece in complete if (frame := self._end_line(piece)) is not None]
        self._hold(begun)
        return frames

    def _end_line(self, piece: bytes) -> Frame | None:
        self._hold(piece)
        line, was_skipping, was_first = self._begun, self._is_skipping, self._is_first
        self._begun, self._is_skipping, self._is_first = b"", False, False
        text = line.replace(b"\0", b"").rstrip(b"\r")
        if not text or was_skipping or (was_first and not (self._is_whole and self._is_whole(text))):
            return None
        return Frame(text)

    def _hold(self, piece: bytes) -> None:
        if self._is_skipping:
            return
        self._begun += piece
        if len(self._begun) > MAX_LINE_BYTES:
            self.rejected += 1
            self._is_skipping = True
            self._begun = b""
