"""`IN` for many ids: an association sees thousands of workshops; a parameter for each takes longer than the query."""

import json
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.functions import FunctionElement

FEW: Final = 50


class EachOf(FunctionElement[int]):
    """The numbers of a JSON list, as rows."""

    name = "each_of"
    type = Integer()
    inherit_cache = True


@compiles(EachOf, "sqlite")
def _sqlite(element: EachOf, compiler: Any, **how: Any) -> str:
    packed = compiler.process(element.clauses, **how)  # the place of a parameter, as the dialect writes it
    return f"(SELECT value FROM json_each({packed}))"  # noqa: S608  # nosec B608


@compiles(EachOf, "postgresql")
def _postgresql(element: EachOf, compiler: Any, **how: Any) -> str:
    packed = compiler.process(element.clauses, **how)
    return f"(SELECT value::integer FROM json_array_elements_text(CAST({packed} AS json)))"  # noqa: S608  # nosec B608


def each_of(ids: Collection[int]) -> EachOf:
    """Return ids as rows: one parameter, however many they are."""
    return EachOf(json.dumps(sorted(ids)))


def is_in(column: InstrumentedAttribute[int], rows: EachOf) -> ColumnElement[bool]:
    return column.op("IN", is_comparison=True)(rows)


def among(column: InstrumentedAttribute[int], ids: Collection[int]) -> ColumnElement[bool]:
    """Return the condition that a column is one of these ids."""
    return column.in_(ids) if len(ids) <= FEW else is_in(column, each_of(ids))
