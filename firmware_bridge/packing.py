"""A block as few bytes: what a small card writes every second, for as long as the service is away.

Times are kept as whole ms before `until_ms`, values as whole multiples of the instrument's step where that is exact (it
nearly always is), both in the narrowest integers that hold them. A block of eight probes takes about 60 bytes instead
of 500.
"""

from array import array
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import structs

from firmware_bridge.wire import Block, Column

# Steps of instruments: whole degrees, quarters and sixteenths (MAX31855), tenths and hundredths, thousandths.
STEPS_PER_UNIT: Final = (1, 4, 10, 16, 100, 1000)
_INTEGERS: Final = ("b", "h", "i", "q")
_FLOATS: Final = "d"
_LIMITS: Final = {"b": 2**7, "h": 2**15, "i": 2**31, "q": 2**63}

Layout = tuple[str, tuple[tuple[str, str], ...]]  # kiln, (channel, unit) of each column

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def layout_of(block: Block) -> Layout:
    """Return what is the same in thousands of blocks, and so is kept once."""
    return block.kiln, tuple((column.channel, column.unit.value) for column in block.columns)


def pack(block: Block) -> bytes:
    """Return all of a block but its name and its layout; nothing of one that says nothing."""
    if not block.columns and not block.until_ms:
        return b""
    counts = [len(column.at_ms) for column in block.columns]
    ages = [block.until_ms - at_ms for column in block.columns for at_ms in column.at_ms]
    values = [value for column in block.columns for value in column.value]
    missing = [index for index, value in enumerate(values) if value is None]
    packed: list[Any] = [
        block.until_ms,
        None if all(count == 1 for count in counts) else counts,
        *_pack_integers(ages),
        *_pack_values([0.0 if value is None else value for value in values]),
    ]
    faults = [{index: quality.value for index, quality in column.fault.items()} for column in block.columns]
    if missing or any(faults):
        packed += [missing, faults]
    return _encode(packed)


def unpack(boot: str, seq: int, layout: Layout, packed: bytes) -> Block:
    """Return the block that was packed."""
    if not packed:
        return Block(boot, seq, layout[0], 0, [])
    until_ms, counts, age_type, ages, steps, value_type, values, *rest = _decode(packed)
    kiln, columns = layout
    missing, faults = rest or ((), [{}] * len(columns))
    times = [until_ms - age for age in _array(age_type, ages)]
    numbers: list[float | None] = [number / steps for number in _array(value_type, values)]
    for index in missing:
        numbers[index] = None
    end = 0
    unpacked: list[dict[str, Any]] = []
    for (channel, unit), count, fault in zip(columns, counts or [1] * len(columns), faults, strict=True):
        begin, end = end, end + count
        unpacked.append(
            {"channel": channel, "unit": unit, "at_ms": times[begin:end], "value": numbers[begin:end], "fault": fault}
        )
    return Block(boot, seq, kiln, until_ms, msgspec.convert(unpacked, list[Column]))


def moved(block: Block, shift_ms: int) -> Block:
    """Return a block with all its times moved; never before 1970."""
    columns = [
        structs.replace(column, at_ms=[max(0, at_ms + shift_ms) for at_ms in column.at_ms]) for column in block.columns
    ]
    return structs.replace(block, until_ms=max(0, block.until_ms + shift_ms), columns=columns)


def _pack_integers(numbers: Sequence[int]) -> tuple[str, bytes]:
    largest = max((abs(number) for number in numbers), default=0)
    narrowest = next(name for name in _INTEGERS if largest < _LIMITS[name])
    return narrowest, array(narrowest, numbers).tobytes()


def _pack_values(values: Sequence[float]) -> tuple[int, str, bytes]:
    for steps in STEPS_PER_UNIT:
        whole = [round(value * steps) for value in values] if all(abs(value) < 1e12 for value in values) else []
        if len(whole) == len(values) and all(
            number / steps == value for number, value in zip(whole, values, strict=True)
        ):
            return steps, *_pack_integers(whole)
    return 1, _FLOATS, array(_FLOATS, values).tobytes()


def _array(kind: str, packed: bytes) -> "array[Any]":
    numbers: array[Any] = array(kind)
    numbers.frombytes(packed)
    return numbers
