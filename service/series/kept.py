"""Blocks as they are read back: what was checked when it came in is not checked once more."""

import logging
from collections.abc import Iterable
from typing import Final

import msgspec

from firmware_bridge.wire import LAST_MS, Quality, Unit
from service.counters import DAMAGED_ROWS

logger = logging.getLogger(__name__)


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


class _Until(msgspec.Struct):
    """Of a block, how far it vouches."""

    until_ms: int


_read: Final = msgspec.msgpack.Decoder(KeptBlock).decode
_until: Final = msgspec.msgpack.Decoder(_Until).decode
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError)  # ValueError: not UTF-8


class DamagedBlockError(Exception):
    """What is stored of a block is not what was written."""


def read_whole(payload: bytes, readings: int) -> KeptBlock:
    """Return a block with so many readings; raise DamagedBlockError if it is not whole."""
    try:
        block = _read(payload)
    except _UNREADABLE as error:
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


def read_or_tell(block_id: int, payload: bytes, readings: int) -> KeptBlock | None:
    """Return a block with so many readings; None if it is not whole, and say so: it stays for `canhlo verify`."""
    try:
        return read_whole(payload, readings)
    except DamagedBlockError as error:
        logger.warning("a block cannot be read", extra={"block": block_id, "reason": str(error)})
        DAMAGED_ROWS.inc()
        return None


def read_or_nothing(payload: bytes) -> KeptBlock:
    """Return a block; one that vouches for nothing in place of one that cannot be read."""
    try:
        return _read(payload)
    except _UNREADABLE as error:
        logger.warning("a block cannot be read", extra={"reason": str(error)})
        DAMAGED_ROWS.inc()
        return KeptBlock(0, [])


def vouched_to_ms(payload: bytes) -> int:
    """Return how far a block vouches, without reading the rest of it; 0 if it cannot be read."""
    try:
        return _until(payload).until_ms
    except _UNREADABLE:
        return 0


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
