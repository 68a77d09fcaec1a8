"""The OpenAPI document: what FastAPI makes of the routes, and the problem document that every one may answer with."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from service.api import schemas
from service.api.examples import add_examples
from service.api.texts import WRITABLE

_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "the same key and body have the same answer for 24 h, and nothing is done twice",
    "schema": {"type": "string", "pattern": "^[!-~]{8,200}$"},
}


def operation_id(route: APIRoute) -> str:
    """Name an operation for clients that are made from the document: `kilns_read_curve`. The name stays."""
    return f"{route.tags[0]}_{route.name}"


def install(app: FastAPI) -> None:
    made = app.openapi

    def document() -> dict[str, Any]:
        whole = made()
        for one in (schemas.Problem, schemas.FieldProblem):
            form = one.model_json_schema(ref_template="#/components/schemas/{model}")
            whole["components"]["schemas"][one.__name__] = {key: form[key] for key in form if key != "$defs"}
        _say_keys(whole)
        add_examples(whole)
        _say_what_is_writable(whole)
        return whole

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _say_keys(whole: dict[str, Any]) -> None:
    """Say where `Idempotency-Key` may stand: at every POST, whatever its route."""
    for operations in whole["paths"].values():
        if "post" in operations:
            known = operations["post"].setdefault("parameters", [])
            if not any(one.get("name") == _KEY["name"] for one in known):
                known.append(dict(_KEY))


def _say_what_is_writable(part: object) -> None:
    """Give texts that are sent, which are those with a greatest length, the form that `schemas.In` holds them to."""
    if isinstance(part, dict):
        if part.get("type") == "string" and "maxLength" in part:
            part.setdefault("pattern", WRITABLE)
        for one in part.values():
            _say_what_is_writable(one)
    elif isinstance(part, list):
        for one in part:
            _say_what_is_writable(one)
