"""Blocks as they are read back: what was checked when it came in is not checked once more."""

from collections.abc import Iterable
from typing import Final

import msgspec

from firmware_bridge.wire import LAST_MS, Quality, Unit


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


class DamagedBlockError(Exception):
    """What is stored of a block is not what was written."""


def read_whole(payload: bytes, readings: int) -> KeptBlock:
    """Return a block with so many readings; raise DamagedBlockError if it is not whole."""
    try:
        block = read_block(payload)
    except (msgspec.MsgspecError, ValueError) as error:  # ValueError: not UTF-8
        msg = f"cannot be read: {error}"
        raise DamagedBlockError(msg) from error
    found = 0
    for column in block.columns:
        number = len(column.at_ms)
        if number != len(column.value) or (number and not 0 <= min(column.at_ms) <= max(column.at_ms) <= LAST_MS):
            msg = f"column {column.channel}: {len(column.value)} values, and {number} times that readings can have"
            raise DamagedBlockError(msg)
        found += number
    if found != readings:
        msg = f"{found} readings, and {readings} were written"
        raise DamagedBlockError(msg)
    return block


write_block: Final = msgspec.msgpack.Encoder().encode


def joined(blocks: Iterable[KeptBlock]) -> KeptBlock:
    """Return blocks of one kind as one: each column once, with its readings in the order in which they came."""
    columns: dict[tuple[str, Unit], KeptColumn] = {}
    until_ms, is_estimated = 0, False
    for block in blocks:
        until_ms, is_estimated = max(until_ms, block.until_ms), block.is_estimated
        for column in block.columns:
            into = columns.get((column.channel, column.unit))
            if into is None:
                into = KeptColumn(column.channel, column.unit, [], [])
                columns[column.channel, column.unit] = into
            if column.fault:
                into.fault.update({len(into.at_ms) + index: fault for index, fault in column.fault.items()})
            into.at_ms.extend(column.at_ms)
            into.value.extend(column.value)
    return KeptBlock(until_ms, list(columns.values()), is_estimated)
