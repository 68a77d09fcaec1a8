"""The state of an analysis as few bytes and back, exactly.

msgspec knows all of a state but arrays, which are packed as they lie in memory; `core.snapshot` says the same as JSON,
and takes twenty times as long.
"""

import zlib
from array import array
from typing import Any, Final, get_origin

import msgspec
import numpy as np

from service.core.kiln import Kiln as State

FAST: Final = 1  # of zlib; the slowest makes it a tenth smaller in five times the time


class DamagedStateError(Exception):
    """What is stored of an analysis cannot be read."""


def pack(state: State) -> bytes:
    """Return a state as the table holds it."""
    return zlib.compress(_encode(state), FAST)


def unpack(packed: bytes) -> State:
    """Return the state that `pack` was given.

    Raises
    ------
    DamagedStateError
        If it is not what was written, or was written by another version.
    """
    try:
        return _decode(zlib.decompress(packed))
    except (zlib.error, msgspec.MsgspecError, ValueError) as error:
        raise DamagedStateError from error


def _array(kind: Any, numbers: bytes | list[float]) -> Any:
    """Return an array as it was; a list of numbers is how version 0001 to 0008 of the tables had it."""
    is_numpy = (get_origin(kind) or kind) is np.ndarray
    if isinstance(numbers, bytes):
        return np.frombuffer(numbers).copy() if is_numpy else array("d", numbers)
    return np.array(numbers, dtype=np.float64) if is_numpy else array("d", numbers)


_encode = msgspec.msgpack.Encoder(enc_hook=lambda numbers: numbers.tobytes()).encode
_decode = msgspec.msgpack.Decoder(State, dec_hook=_array).decode
