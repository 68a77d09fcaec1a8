"""Blocks as they are read back: what was checked when it came in is not checked once more."""

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
