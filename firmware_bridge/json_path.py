"""Where a value stands in JSON: `sensors[0].temp`, `['key with space'].t`."""

import re
from collections.abc import Sequence
from typing import Any, Final

Path = tuple[str | int, ...]

_STEP: Final = re.compile(r"""(?:^|\.)(\w[\w\-]*)|\[(-?\d+)\]|\['([^']*)'\]|\["([^"]*)"\]""")
_ABSENT: Final = object()


class NotThereError(LookupError):
    """The JSON has nothing at this path."""


def read_path(text: str) -> Path:
    """Return the steps of a path; ValueError if it is none."""
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or found.end() == at:
            msg = f"{text!r} is no path; wanted one such as sensors[0].temp or ['MAX31855-0'].Temperature"
            raise ValueError(msg)
        name, index, *quoted = found.groups()
        steps.append(int(index) if index is not None else next(one for one in (name, *quoted) if one is not None))
        at = found.end()
    if not steps:
        msg = "wanted a path such as sensors[0].temp"
        raise ValueError(msg)
    return tuple(steps)


def follow(said: Any, path: Sequence[str | int]) -> Any:
    """Return what stands at the path."""
    for step in path:
        said = _child(said, step)
        if said is _ABSENT:
            raise NotThereError(step)
    return said


def _child(said: Any, step: str | int) -> Any:
    if isinstance(said, dict):
        return said.get(str(step), _ABSENT)
    if isinstance(said, list) and isinstance(step, int) and -len(said) <= step < len(said):
        return said[step]
    return _ABSENT
