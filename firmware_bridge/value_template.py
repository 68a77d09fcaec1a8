"""The usual simple forms of Home Assistant's `value_template`; anything else is refused, not guessed at.

`{{ value }}`, `{{ value_json.a['b'][0] }}`, then `| float`, `| int` or `| round`, then one `*` or `/` by a number.
"""

import re
from dataclasses import dataclass
from typing import Final

from firmware_bridge.json_path import Path, read_path

_FILTERS: Final = r"(?:\|\s*(?:float|int|round)\s*(?:\([^()]*\))?\s*)*"
_FORM: Final = re.compile(
    r"\{\{-?\s*\(?\s*(value_json(?P<path>[\w\-.\[\]'\" ]*?)|value)\s*"
    + _FILTERS
    + r"\)?\s*(?:(?P<sign>[*/])\s*(?P<number>\d+(?:\.\d+)?)\s*)?"
    + _FILTERS
    + r"-?\}\}"
)


@dataclass(frozen=True)
class Template:
    """Where the value stands (None: the payload is the value itself), and what it is multiplied by."""

    path: Path | None = None
    scale: float = 1.0


def read_template(text: str) -> Template:
    """Return what a template says; ValueError if it is not one of the simple forms.

    A default, as in `float(0)`, is left out on purpose: a number nobody measured must not become a reading.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        msg = f"value_template {text!r}; wanted a simple one such as {{{{ value_json.temperature }}}}"
        raise ValueError(msg)
    number = float(found["number"] or 1)
    if number == 0:
        msg = f"value_template {text!r} multiplies or divides by 0"
        raise ValueError(msg)
    scale = 1 / number if found["sign"] == "/" else number
    if found["path"] is None:
        return Template(None, scale)
    return Template(read_path(found["path"].strip().removeprefix(".")), scale)
