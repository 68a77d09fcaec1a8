"""Many rows in one statement.

Python gives its interpreter away at every step of SQLite, and has to wait for it again: while the watch computes, a
statement for each row would make a commit of some hundred blocks last for seconds.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

from sqlalchemy import Dialect, Table
from sqlalchemy.engine import Connection

SIZES: Final = (64, 16, 4, 1)  # rows in a statement
_PLACE: Final = {"qmark": "?", "pyformat": "%s"}


def insert_columns(
    connection: Connection, table: Table, columns: Mapping[str, Sequence[Any]], *, raising: str | None = None
) -> None:
    """Insert rows, given column by column; of one that is there by its key, `raising` is only ever raised."""
    names = tuple(columns)
    made = [_made(make, columns[name]) for name, make in _processors(connection.dialect, table, names).items()]
    rows = list(zip(*made, strict=True))
    begin = 0
    for size in SIZES:
        statement = _insert(connection.dialect, table, names, raising, size)
        while len(rows) - begin >= size:
            connection.exec_driver_sql(statement, tuple(chain.from_iterable(rows[begin : begin + size])))
            begin += size


def _made(make: Callable[[Any], Any] | None, values: Sequence[Any]) -> Sequence[Any]:
    """Return values as the driver takes them; one that all rows share is made once."""
    if make is None or not values:
        return values
    if values.count(values[0]) == len(values):
        return [make(values[0])] * len(values)
    return [make(value) for value in values]


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
def _processors(dialect: Dialect, table: Table, names: tuple[str, ...]) -> dict[str, Callable[[Any], Any] | None]:
    """Return what makes of a value, by its column's type, what the driver takes; None if that is the value itself."""
    return {name: table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names}
