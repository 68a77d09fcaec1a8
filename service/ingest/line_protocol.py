"""InfluxDB line protocol: text to points, without a guess; a line that is none is told by its number.

`measurement[,tag=value...] field=value[,field=value...] [time]`, as
https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/ describes it.
"""

import re
from collections.abc import Iterator
from math import isfinite
from typing import Final, NamedTuple

FieldValue = float | int | bool | str

MAX_LINE_CHARS: Final = 64_000  # as InfluxDB has it for a tag or a field
# Each class of characters ends where the next begins, and `++` never goes back: the time is linear, whatever comes.
_NAME: Final = r"(?:[^,=\\ \n]|\\[^\n])++"
_TEXT: Final = r'"(?:[^"\\]|\\.)*+"'
_LINE: Final = re.compile(
    rf"(?P<measurement>(?:[^,\\ \n]|\\[^\n])++)"
    rf"(?P<tags>(?:,{_NAME}={_NAME})*+)"
    rf" ++(?P<fields>{_NAME}=(?:{_TEXT}|[^,\" \n]++)(?:,{_NAME}=(?:{_TEXT}|[^,\" \n]++))*+)"
    rf"(?: ++(?P<at>-?[0-9]{{1,19}}))?+ *+\r?+(?:\n|\Z)",
    re.DOTALL,
)
_PAIR: Final = re.compile(rf"({_NAME})=({_NAME})")
_FIELD: Final = re.compile(rf'({_NAME})=({_TEXT}|[^,"\r\n ]++)', re.DOTALL)
_FLOAT: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_WHOLE: Final = re.compile(r"(-?[0-9]{1,19})[iu]")
_TRUTH: Final = dict.fromkeys(("t", "T", "true", "True", "TRUE"), True) | dict.fromkeys(
    ("f", "F", "false", "False", "FALSE"), False
)
_ESCAPED: Final = re.compile(r"\\([,= ])")
_ESCAPED_TEXT: Final = re.compile(r'\\(["\\])')


class Point(NamedTuple):
    """One line; `at` is in whatever unit the sender says, None if it leaves the time to us."""

    line: int
    measurement: str
    tags: dict[str, str]
    fields: dict[str, FieldValue]
    at: int | None


class BadLine(NamedTuple):
    """A line that means nothing, and why."""

    line: int
    why: str


def parse(text: str) -> Iterator[Point | BadLine]:
    """Go through the lines of a body; those that are empty or begin with `#` are passed over."""
    place, number = 0, 1
    while place < len(text):
        if text[place] in "\r\n# \t":
            end = text.find("\n", place) + 1 or len(text)
            if text[place] != "#" and (said := text[place:end].strip()):
                yield BadLine(number, f"it begins with a blank: {said[:40]!r}")
            place, number = end, number + 1
            continue
        found = _LINE.match(text, place)
        if found is None or found.end() - place > MAX_LINE_CHARS:
            end = text.find("\n", place) + 1 or len(text)
            seen = text[place:end].strip()[:60]
            yield BadLine(number, f"it is not `measurement,tag=value field=value time`: {seen!r}")
            place, number = end, number + 1
            continue
        yield _point(number, found)
        number += text.count("\n", place, found.end())
        place = found.end()


def _point(number: int, found: re.Match[str]) -> Point | BadLine:
    fields: dict[str, FieldValue] = {}
    for name, said in _FIELD.findall(found["fields"]):
        value = _value(said)
        if value is None:
            return BadLine(number, f"field {name!r} has no value that line protocol knows: {said[:40]!r}")
        fields[_plain(name)] = value
    tags = {_plain(name): _plain(value) for name, value in _PAIR.findall(found["tags"])}
    at = None if found["at"] is None else int(found["at"])
    return Point(number, _plain(found["measurement"]), tags, fields, at)


def _value(said: str) -> FieldValue | None:
    if said.startswith('"'):
        return _ESCAPED_TEXT.sub(r"\1", said[1:-1])
    if said in _TRUTH:
        return _TRUTH[said]
    if whole := _WHOLE.fullmatch(said):
        return int(whole[1])
    if _FLOAT.fullmatch(said) and isfinite(value := float(said)):
        return value
    return None


def _plain(name: str) -> str:
    return _ESCAPED.sub(r"\1", name) if "\\" in name else name
