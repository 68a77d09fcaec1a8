"""Readings of a kiln as bytes: whole numbers at the instrument's own resolution, packed by a numeric codec.

Nothing is lost that an instrument can tell. A value on its resolution comes back as it was stored; a temperature that
is on none, for some program worked out its digits, to the nearest thousandth of a degree. Channels that were read
together share their times, and those read one after the other say how much later each was.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
from pcodec import ChunkConfig, DeltaSpec, standalone

from firmware_bridge.wire import Unit
from service.core.series import FloatArray
from service.errors import ServiceError
from service.series.columns import IntArray, Key, Readings

# How many steps of an instrument make one unit; the first that gives every value back is taken.
_COARSE: Final = (1.0, 10.0, 100.0, 1000.0, 128.0, 256.0)
_FINE: Final = (1e4, 1e5, 1e6, 1e8)
_FINEST_OF_A_DEGREE: Final = 1000.0  # own choice: the finest amplifier of thermocouples (MAX31856) tells 1/128 of one
_NOISE_C: Final = 1e-9  # what a program's sums leave in the last digit
ROUNDED_BY_C: Final = 0.5 / _FINEST_OF_A_DEGREE + _NOISE_C  # at most, when a temperature is sealed
_AS_FLOATS: Final = 0.0
_LARGEST: Final = 1e9  # as whole steps it is still exact
# What is tried: what the codec takes by itself, what goes on as steeply as before, and what comes back to where it was.
_CONFIGS: Final = tuple(
    ChunkConfig(compression_level=8, delta_spec=spec)
    for spec in (DeltaSpec.auto(), DeltaSpec.try_consecutive(2), DeltaSpec.try_lookback())
)


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
    later_than: list[int | None] = []  # the place of the times to which these are added


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode


def pack(columns: Mapping[Key, Readings]) -> bytes:
    """Return columns as bytes."""
    places: dict[bytes, int] = {}
    packed = []
    for key, readings in sorted(columns.items()):
        place = places.setdefault(readings.at_ms.tobytes(), len(places))
        empty = np.isnan(readings.value)
        steps, value = whole(readings.value[~empty], key.unit)
        faulty = np.flatnonzero(readings.quality)
        packed.append(
            _Column(
                *key,
                place,
                _pack(np.flatnonzero(empty)),
                steps,
                _pack(value),
                _pack(faulty),
                readings.quality[faulty].tobytes(),
            )
        )
    times = _pack_times([np.frombuffer(times, np.int64) for times in places])
    return _encode(_Packed([one for one, _ in times], packed, [after for _, after in times]))


def _pack_times(times: Sequence[IntArray]) -> list[tuple[bytes, int | None]]:
    """Return times as bytes, and the place of those they are added to; channels take turns, so most are a bit later."""
    packed: list[tuple[bytes, int | None]] = []
    for place, at_ms in enumerate(times):
        alike = next((before for before in range(place) if len(times[before]) == len(at_ms)), None)
        ways: list[tuple[bytes, int | None]] = [(_pack(at_ms), None)]
        if alike is not None:
            ways.append((_pack(at_ms - times[alike]), alike))
        packed.append(min(ways, key=lambda way: len(way[0])))
    return packed


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
                    times[column.times] = _times(packed, column.times)
                columns[Key(column.channel, column.unit, column.kind)] = _readings(column, times[column.times])
    except (msgspec.DecodeError, RuntimeError, ValueError, IndexError) as error:
        msg = f"sealed readings cannot be read back: {error}"
        raise DamagedError(msg) from error
    return columns


def _times(packed: _Packed, place: int) -> IntArray:
    own = _unpack(packed.times[place]).astype(np.int64, copy=False)
    after = packed.later_than[place] if packed.later_than else None
    if after is None:
        return own
    if not 0 <= after < place:
        msg = f"times {place} are said to be added to times {after}"
        raise ValueError(msg)
    return _times(packed, after) + own


def _readings(column: _Column, at_ms: IntArray) -> Readings:
    value = np.full(len(at_ms), np.nan)
    good = np.ones(len(at_ms), dtype=np.bool_)
    good[_unpack(column.empty_at)] = False
    numbers = _unpack(column.value)
    value[good] = numbers if column.steps_per_unit == _AS_FLOATS else numbers / column.steps_per_unit
    quality = np.zeros(len(at_ms), dtype=np.uint8)
    quality[_unpack(column.fault_at)] = np.frombuffer(column.fault, np.uint8)
    return Readings(at_ms, value, quality)


def whole(value: FloatArray, unit: Unit) -> tuple[float, IntArray | FloatArray]:
    """Return how many steps make one unit, at the coarsest resolution on which all values are, and values in steps.

    What is on none is in thousandths if it is a temperature, else as it was, at 0 steps.
    """
    if (np.abs(value) < _LARGEST).all():
        noise = _NOISE_C if unit == Unit.CELSIUS else 0.0
        for steps in _COARSE if unit == Unit.CELSIUS else _COARSE + _FINE:
            numbers = np.rint(value * steps)
            if (np.abs(numbers / steps - value) <= noise).all():
                return steps, numbers.astype(np.int64)
        if unit == Unit.CELSIUS:
            return _FINEST_OF_A_DEGREE, np.rint(value * _FINEST_OF_A_DEGREE).astype(np.int64)
    return _AS_FLOATS, value


def _pack(numbers: npt.NDArray[np.int64] | npt.NDArray[np.float64]) -> bytes:
    if not len(numbers):
        return b""
    contiguous = np.ascontiguousarray(numbers)
    return min((bytes(standalone.simple_compress(contiguous, config)) for config in _CONFIGS), key=len)


def _unpack(packed: bytes) -> npt.NDArray[np.int64]:
    if not packed:
        return np.empty(0, np.int64)
    numbers = standalone.simple_decompress(packed)
    return np.empty(0, np.int64) if numbers is None else numbers
