"""Many rows in one statement.

Python gives its interpreter away at every step of SQLite, and has to wait for it again: while the watch computes, a
statement for each row would make a commit of some hundred blocks last for seconds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

from sqlalchemy import Dialect, Table
from sqlalchemy.engine import Connection

SIZES: Final = (64, 16, 4, 1)  # rows in a statement
_PLACE: Final = {"qmark": "?", "pyformat": "%s"}


def insert_rows(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, raising: str | None = None
) -> None:
    """Insert rows that all have the same columns; of one that is there by its key, `raising` is only ever raised."""
    if not rows:
        return
    names = tuple(rows[0])
    said = list(zip(*_columns(connection.dialect, table, names, rows), strict=True))
    begin = 0
    for size in SIZES:
        statement = _insert(connection.dialect, table, names, raising, size)
        while len(rows) - begin >= size:
            connection.exec_driver_sql(statement, tuple(chain.from_iterable(said[begin : begin + size])))
            begin += size


def _columns(
    dialect: Dialect, table: Table, names: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
) -> Iterator[list[Any]]:
    """Go through the columns of some rows as the driver takes them; a value that comes again is made once."""
    for name, make in _processors(dialect, table, names).items():
        values = [row[name] for row in rows]
        if make is not None and values.count(values[0]) == len(values):
            values = [make(values[0])] * len(values)
        elif make is not None:
            values = [make(value) for value in values]
        yield values


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
