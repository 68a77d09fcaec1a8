"""Readings of a kiln as bytes: whole numbers at the instrument's own resolution, packed by a numeric codec.

Nothing is lost: a value comes back as the float that was stored. Channels that were read together share their times.
"""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
from pcodec import ChunkConfig, standalone

from firmware_bridge.wire import Unit
from service.core.series import FloatArray
from service.errors import ServiceError
from service.series.columns import IntArray, Key, Readings

# How many steps of an instrument make one unit; the first that gives every value back exactly is taken.
STEPS_PER_UNIT: Final = (1.0, 10.0, 100.0, 1000.0, 128.0, 256.0, 1e4, 1e5, 1e6, 1e8)
_AS_FLOATS: Final = 0.0
_LARGEST: Final = 1e9  # as whole steps it is still exact
_CONFIG: Final = ChunkConfig(compression_level=8)


class DamagedError(ServiceError):
    """Sealed readings that cannot be read back."""

    code = "damaged"


class _Column(msgspec.Struct, array_like=True, frozen=True):
    channel: str
    unit: Unit
    kind: str
    times: int  # its place in the times of the whole
    empty_at: bytes  # where there is no value
    steps_per_unit: float
    value: bytes
    fault_at: bytes
    fault: bytes


class _Packed(msgspec.Struct, array_like=True, frozen=True):
    times: list[bytes]
    columns: list[_Column]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode


def pack(columns: Mapping[Key, Readings]) -> bytes:
    """Return columns as bytes."""
    places: dict[bytes, int] = {}
    packed = []
    for key, readings in sorted(columns.items()):
        times = places.setdefault(readings.at_ms.tobytes(), len(places))
        empty = np.isnan(readings.value)
        steps, value = _whole(readings.value[~empty])
        faulty = np.flatnonzero(readings.quality)
        packed.append(
            _Column(
                *key,
                times,
                _pack(np.flatnonzero(empty)),
                steps,
                _pack(value),
                _pack(faulty),
                readings.quality[faulty].tobytes(),
            )
        )
    return _encode(_Packed([_pack(np.frombuffer(times, np.int64)) for times in places], packed))


def unpack(
    payload: bytes, units: Collection[Unit] = frozenset(Unit), kinds: Collection[str] | None = None
) -> dict[Key, Readings]:
    """Return the columns in bytes from `pack`: those of some units, and of some kinds unless None.

    Raises
    ------
    DamagedError
        If they are no such bytes.
    """
    try:
        packed = _decode(payload)
        times: dict[int, IntArray] = {}
        columns = {}
        for column in packed.columns:
            if column.unit in units and (kinds is None or column.kind in kinds):
                if column.times not in times:
                    times[column.times] = _unpack(packed.times[column.times]).astype(np.int64, copy=False)
                columns[Key(column.channel, column.unit, column.kind)] = _readings(column, times[column.times])
    except (msgspec.DecodeError, RuntimeError, ValueError, IndexError) as error:
        msg = f"sealed readings cannot be read back: {error}"
        raise DamagedError(msg) from error
    return columns


def _readings(column: _Column, at_ms: IntArray) -> Readings:
    value = np.full(len(at_ms), np.nan)
    good = np.ones(len(at_ms), dtype=np.bool_)
    good[_unpack(column.empty_at)] = False
    numbers = _unpack(column.value)
    value[good] = numbers if column.steps_per_unit == _AS_FLOATS else numbers / column.steps_per_unit
    quality = np.zeros(len(at_ms), dtype=np.uint8)
    quality[_unpack(column.fault_at)] = np.frombuffer(column.fault, np.uint8)
    return Readings(at_ms, value, quality)


def _whole(value: FloatArray) -> tuple[float, IntArray | FloatArray]:
    """Return values as whole steps of the coarsest resolution that gives them back exactly; as floats without one."""
    steps_tried = STEPS_PER_UNIT if (np.abs(value) < _LARGEST).all() else ()
    for steps in steps_tried:
        whole = np.rint(value * steps)
        if (whole / steps == value).all():
            return steps, whole.astype(np.int64)
    return _AS_FLOATS, value


def _pack(numbers: npt.NDArray[np.int64] | npt.NDArray[np.float64]) -> bytes:
    return bytes(standalone.simple_compress(np.ascontiguousarray(numbers), _CONFIG)) if len(numbers) else b""


def _unpack(packed: bytes) -> npt.NDArray[np.int64]:
    if not packed:
        return np.empty(0, np.int64)
    numbers = standalone.simple_decompress(packed)
    return np.empty(0, np.int64) if numbers is None else numbers
