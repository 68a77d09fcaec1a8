"""Which Modbus instruments answer on a line, and which known register maps they answer to. It only ever reads."""

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmware_bridge.message import Rejected
from firmware_bridge.register_map import MapValue, Span, known_maps, load_map, spans
from firmware_bridge.sources.modbus import Line, ask_once

# How kiln instruments leave the factory; a line with other settings has to be set up by hand.
USUAL: Final = (("rtu", "8N1"), ("rtu", "8E1"), ("ascii", "7E1"))
FIRST_ADDRESSES: Final = 8  # most lines begin at 1; so the way they speak is found soon
HIGHEST_ADDRESS: Final = 31  # what one RS-485 line carries
# Whoever is there answers this, if only to refuse.
_ANY: Final = Span(3, 0, 1)


@dataclass(frozen=True)
class Found:
    """An instrument that answers, and the maps of which it answers the first value, with the words it said."""

    address: int
    maps: tuple[tuple[str, tuple[int, ...]], ...]


async def look(port: str, baud: int, highest: int = HIGHEST_ADDRESS) -> tuple[Line, list[Found]]:
    """Try the usual ways to speak, up to the first in which anybody answers; then ask everybody."""
    near = range(1, min(FIRST_ADDRESSES, highest) + 1)
    far = range(near.stop, highest + 1)
    for addresses, others in ((near, far), (far, ())):
        for n, (protocol, framing) in enumerate(USUAL if addresses else ()):
            line = Line(port, baud, framing, protocol)
            try:
                present = await _present(line, addresses)
            except OSError:
                if n == 0:
                    raise
                continue  # an adapter that cannot do this framing
            if present:
                present += await _present(line, others)
                return line, [Found(address, await _fitting(line, address)) for address in present]
    return Line(port, baud), []


async def _present(line: Line, addresses: Iterable[int]) -> list[int]:
    return [address for address, _, _ in await _answers(line, ((address, _ANY) for address in addresses))]


def first_value(name: str) -> MapValue:
    """Return what a map puts first: the measured temperature."""
    return load_map(name, Path()).values[0]


async def _fitting(line: Line, address: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
    found: list[tuple[str, tuple[int, ...]]] = []
    for name in known_maps():
        wanted = spans([first_value(name)])
        said = [words for _, _, words in await _answers(line, ((address, span) for span in wanted))]
        read = [words for words in said if not isinstance(words, Rejected)]
        if len(read) == len(wanted):
            found.append((name, tuple(word for words in read for word in words)))
    return tuple(found)


async def _answers(
    line: Line, questions: Iterable[tuple[int, Span]]
) -> Sequence[tuple[int, Span, list[int] | Rejected]]:
    async with aclosing(ask_once(line, questions)) as answers:
        return [answer async for answer in answers]
