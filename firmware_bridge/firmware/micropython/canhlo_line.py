"""One Canh Lò line (docs/line-format.md) on a MicroPython board: numbered, dated by its uptime, with a checksum.

On the board, once a second (`read_probe` is yours):

    line = CanhLoLine("lo-1")
    while True:
        print(line.text(time.ticks_ms(), [number("top", read_probe(), "C"), contact("sitter", pin.value() == 0)]))
        time.sleep_ms(1000)
"""


def crc16(covered: bytes) -> int:
    """Return the CRC-16 with polynomial 0x1021 that begins at 0xFFFF."""
    crc = 0xFFFF
    for byte in covered:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return crc


def number(channel: str, value: float, unit: str) -> str:
    """Return a reading; one that is not a number goes out as a fault."""
    if value != value:  # nan; small boards have no math.isnan
        return fault(channel, "none")
    if not -9999999 <= value <= 9999999:
        return fault(channel, "range")
    return "%s=%.2f%s" % (channel, value, unit)


def fault(channel: str, word: str) -> str:
    """Return a fault: open, gnd, vcc, range, fault or none."""
    return channel + "=!" + word


def contact(channel: str, is_closed: bool) -> str:
    """Return the state of a cone-sitter's contact."""
    return channel + ("=closed" if is_closed else "=open")


class CanhLoLine:
    """Numbers the lines of one board."""

    def __init__(self, board: str) -> None:
        self._board = board
        self._seq = 0

    def text(self, uptime_ms: int, fields: list[str]) -> str:
        """Return the next line, without its end."""
        covered = "CL1 %s %d %d %s " % (self._board, self._seq, uptime_ms, " ".join(fields))
        self._seq += 1
        return "@%s*%04X" % (covered, crc16(covered.encode()))
