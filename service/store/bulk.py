"""Many rows in one statement.

Python gives its interpreter away at every step of SQLite, and has to wait for it again: while the watch computes, a
statement for each row would make a commit of some hundred blocks last for seconds.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Dialect, Table
from sqlalchemy.engine import Connection

SIZES: Final = (64, 16, 4, 1)  # rows in a statement
_PLACE: Final = {"qmark": "?", "pyformat": "%s"}


def insert_rows(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, raising: str | None = None
) -> None:
    """Insert rows that all have the same columns; of one that is there by its key, `raising` is only ever raised."""
    begin = 0
    for size in SIZES:
        while len(rows) - begin >= size:
            names = tuple(rows[begin])
            make = _processors(connection.dialect, table, names)
            said = [make[name](row[name]) for row in rows[begin : begin + size] for name in names]
            connection.exec_driver_sql(_insert(connection.dialect, table, names, raising, size), tuple(said))
            begin += size


@cache
def _insert(dialect: Dialect, table: Table, names: tuple[str, ...], raising: str | None, size: int) -> str:
    row = f"({', '.join([_PLACE[dialect.paramstyle]] * len(names))})"
    text = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES {', '.join([row] * size)}"  # noqa: S608  # nosec B608 - own names
    if raising is None:
        return text
    key = ", ".join(column.name for column in table.primary_key)
    higher = f"excluded.{raising}"
    is_higher = f"{higher} > {table.name}.{raising}"
    return f"{text} ON CONFLICT ({key}) DO UPDATE SET {raising} = {higher} WHERE {is_higher}"  # nosec B608 - own names


@cache
def _processors(dialect: Dialect, table: Table, names: tuple[str, ...]) -> dict[str, Callable[[Any], Any]]:
    """Return what makes of a value, by its column's type, what the driver takes."""
    found = {name: table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names}
    return {name: one or _as_it_is for name, one in found.items()}


def _as_it_is(value: Any) -> Any:
    return value
