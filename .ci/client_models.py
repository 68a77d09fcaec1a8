"""Write the client's types from the OpenAPI document: `python .ci/client_models.py < dashboards/web/openapi.json`."""

import json
import sys
from collections.abc import Mapping
from typing import Any, Final

WANTED: Final = (
    *("KilnOut", "ChannelOut", "CalibrationOut", "PlanOut", "FiringOut", "FiringDetail", "SecondLookOut"),
    *("FindingOut", "CurveOut", "BatchOut", "WitnessConesOut", "ConeOffsetOut", "AlarmOut", "BroughtInOut"),
)
HEAD: Final = '''"""What the service tells, as types; made by `.ci/client_models.py` from the OpenAPI document."""

from datetime import datetime
from typing import Any, Literal

import msgspec
'''
SAME: Final = {"VerdictOut": "VerdictOut"}  # without its ending it would be called as another
PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def models(document: Mapping[str, Any]) -> str:
    """Return the module: a struct for each form that answers are made of, those that others need first."""
    schemas = document["components"]["schemas"]
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        for needed in _refs(schemas[name]):
            visit(needed)
        order.append(name)

    for name in WANTED:
        visit(name)
    return HEAD + "".join(_one(name, schemas[name]) for name in order)


def _refs(schema: object) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"].rpartition("/")[2]] if "$ref" in schema else []
        return own + [one for part in schema.values() for one in _refs(part)]
    return [one for part in schema for one in _refs(part)] if isinstance(schema, list) else []


def _one(name: str, schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"\n{_named(name)} = {_type(schema)}\n"
    said = schema.get("description", f"A {_named(name)}.").splitlines()[0]
    lines = [f"\n\nclass {_named(name)}(msgspec.Struct, frozen=True, kw_only=True):", f'    """{said}"""', ""]
    return "\n".join([*lines, *(f"    {key}: {_type(one)}" for key, one in schema["properties"].items())]) + "\n"


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _named(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(one) for one in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return f"Literal[{', '.join(json.dumps(one) for one in schema.get('enum', [schema.get('const')]))}]"
    if schema.get("type") == "array":
        return f"list[{_type(schema['items'])}]"
    if schema.get("format") == "date-time":
        return "datetime"
    return PLAIN.get(schema.get("type", ""), "dict[str, Any]")


def _named(name: str) -> str:
    return SAME.get(name, name.removesuffix("Out"))


if __name__ == "__main__":
    print(models(json.load(sys.stdin)), end="")
