"""Blocks as they are read back: what was checked when it came in is not checked once more."""

from collections.abc import Iterable
from typing import Final

import msgspec

from firmware_bridge.wire import Quality, Unit


class KeptColumn(msgspec.Struct, frozen=True, gc=False):
    """A `wire.Column`, taken at its word."""

    channel: str
    unit: Unit
    at_ms: list[int]
    value: list[float | None]
    fault: dict[int, Quality] = {}


class KeptBlock(msgspec.Struct, frozen=True, gc=False):
    """What is asked of a `wire.Block` once it is stored."""

    until_ms: int
    columns: list[KeptColumn]
    is_estimated: bool = False


read_block: Final = msgspec.msgpack.Decoder(KeptBlock).decode
write_block: Final = msgspec.msgpack.Encoder().encode


def joined(blocks: Iterable[KeptBlock]) -> KeptBlock:
    """Return blocks of one kind as one: each column once, with its readings in the order in which they came."""
    columns: dict[tuple[str, Unit], KeptColumn] = {}
    until_ms, is_estimated = 0, False
    for block in blocks:
        until_ms, is_estimated = max(until_ms, block.until_ms), block.is_estimated
        for column in block.columns:
            into = columns.setdefault((column.channel, column.unit), KeptColumn(column.channel, column.unit, [], []))
            for index, fault in column.fault.items():
                into.fault[len(into.at_ms) + index] = fault
            into.at_ms.extend(column.at_ms)
            into.value.extend(column.value)
    return KeptBlock(until_ms, list(columns.values()), is_estimated)
