"""State as plain JSON and back, exactly: dataclasses of numbers, texts, lists, arrays and further dataclasses."""

import types
from array import array
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

S = TypeVar("S")
_AS_THEY_ARE: Final = frozenset((float, int, str, bool, type(None)))


def dump(state: object) -> Any:
    """Return a state as what JSON can say; nothing in it is shared with the state.

    Examples
    --------
    >>> from service.core.standing import Standing
    >>> dump(Standing(since_s=12.5))["since_s"]
    12.5
    """
    kind: Any = type(state)
    if kind in _AS_THEY_ARE:
        return state
    if is_dataclass(state):
        return {name: dump(getattr(state, name)) for name in _names(kind)}
    if isinstance(state, np.ndarray | array):
        return state.tolist()
    if isinstance(state, list | tuple):
        return [dump(item) for item in state]
    if isinstance(state, Mapping):
        return {key: dump(value) for key, value in state.items()}
    return state.value if isinstance(state, StrEnum) else state


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def load(kind: type[S], plain: Mapping[str, Any]) -> S:
    """Return the state that `dump` was given.

    Raises
    ------
    KeyError
        If `plain` lacks a field of `kind`: it was not written by this version.

    Examples
    --------
    >>> from service.core.standing import Standing
    >>> load(Standing, dump(Standing(since_s=12.5))) == Standing(since_s=12.5)
    True
    """
    restored: S = _load(kind, plain)
    return restored


def _load(kind: Any, plain: Any) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**{name: _load(hint, plain[name]) for name, hint in _hints(kind).items()})
    if get_origin(kind) in (Union, types.UnionType):
        options = [option for option in get_args(kind) if option is not type(None)]
        return None if plain is None else _load(options[0], plain)
    if get_origin(kind) is np.ndarray:
        return np.array(plain, dtype=np.float64)
    if kind is array:
        return array("d", plain)
    if get_origin(kind) is list:
        return [_load(get_args(kind)[0], item) for item in plain]
    if get_origin(kind) is tuple:
        return tuple(_load(hint, item) for hint, item in zip(get_args(kind), plain, strict=True))
    if get_origin(kind) is dict:
        return {key: _load(get_args(kind)[1], value) for key, value in plain.items()}
    return kind(plain) if isinstance(kind, type) and issubclass(kind, StrEnum) else plain


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
