"""What is wrong with a settings file, said with line, key and what was wanted: Vietnamese, then English."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic_core import ErrorDetails

Key = tuple[int | str, ...]
_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([\w\-.]+)\s*\]\]?")
_KEY: Final = re.compile(r"""\s*["']?([\w\-]+)["']?\s*[.=]""")
_LINE_IN_TOML_ERROR: Final = re.compile(r" \(at line (\d+), column \d+\)| \(at end of document\)")

_WORDS: Final = {
    "missing": "thiếu dòng này / this line is missing",
    "extra_forbidden": "không có tên này / there is no such key",
    "string_type": "cần chữ trong ngoặc kép / wanted text in quotes",
    "string_too_short": "không được để trống / must not be empty",
    "int_parsing": "cần số nguyên / wanted a whole number",
    "int_type": "cần số nguyên / wanted a whole number",
    "int_from_float": "cần số nguyên / wanted a whole number",
    "float_parsing": "cần một số / wanted a number",
    "float_type": "cần một số / wanted a number",
    "bool_parsing": "cần true hoặc false / wanted true or false",
    "greater_than_equal": "cần từ {ge} trở lên / wanted {ge} or more",
    "greater_than": "cần lớn hơn {gt} / wanted more than {gt}",
    "less_than_equal": "nhiều nhất là {le} / wanted at most {le}",
    "too_short": "cần ít nhất {min_length} / wanted at least {min_length}",
    "too_long": "nhiều nhất {max_length} / wanted at most {max_length}",
    "tuple_type": 'cần danh sách như ["top", "bottom"] / wanted a list such as ["top", "bottom"]',
    "literal_error": "cần một trong: {expected} / wanted one of: {expected}",
    "enum": "cần một trong: {expected} / wanted one of: {expected}",
    "union_tag_invalid": "cần một trong: {expected_tags} / wanted one of: {expected_tags}",
    "union_tag_not_found": "thiếu dòng type = ... / the line type = ... is missing",
}


def line_of(text: str, loc: Sequence[int | str]) -> int | None:
    """Return the line in which a key stands, or else its table's; counted from 1, None if it is nowhere.

    The TOML itself was read before; this looks only for lines that begin a table or name a key.
    """
    tables: Counter[Key] = Counter()
    here: Key = ()
    best: tuple[int, int | None] = (0, None)
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            here = _table(header[2].split("."), tables)
            if header[1] == "[[":
                tables[here] += 1
                here = (*here, tables[here] - 1)
            key: Key = here
        elif found := _KEY.match(line):
            key = (*here, found[1])
        else:
            continue
        if len(key) > best[0] and tuple(loc[: len(key)]) == key:
            best = (len(key), number)
    return best[1]


def _table(parts: Sequence[str], tables: Mapping[Key, int]) -> Key:
    """Return where a header stands: inside an array of tables it means the last one so far."""
    here: Key = ()
    for at, part in enumerate(parts):
        here = (*here, part)
        if at < len(parts) - 1 and here in tables:
            here = (*here, tables[here] - 1)
    return here


def say_problem(text: str, problem: ErrorDetails, kinds: Sequence[str]) -> str:
    """Return one problem as `line: key: what is wanted, what was seen`."""
    loc = [part for at, part in enumerate(problem["loc"]) if not (at == 2 and part in kinds)]
    key = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")
    line = line_of(text, loc)
    wanted = _WORDS.get(problem["type"], "").format_map(problem.get("ctx", {}))
    said = wanted or problem["msg"].removeprefix("Value error, ")
    seen = problem["input"]
    shown = (
        f" (đang là / seen: {seen!r})" if isinstance(seen, str | int | float) and problem["type"] != "missing" else ""
    )
    return ": ".join([*([f"dòng/line {line}"] if line else []), *([key] if key else []), said + shown])


def say_not_toml(text: str, error: ValueError) -> str:
    """Return where the file stops being TOML."""
    said = str(error)
    found = _LINE_IN_TOML_ERROR.search(said)
    line = int(found[1]) if found and found[1] else max(1, len(text.splitlines()))
    reason = _LINE_IN_TOML_ERROR.sub("", said)
    return f"dòng/line {line}: không phải TOML / not TOML: {reason}"
