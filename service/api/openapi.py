"""The OpenAPI document: what FastAPI makes of the routes, and the problem document that every one may answer with."""

from typing import Any

from fastapi import FastAPI

from service.api import schemas
from service.api.texts import WRITABLE


def install(app: FastAPI) -> None:
    made = app.openapi

    def document() -> dict[str, Any]:
        whole = made()
        whole["components"]["schemas"]["Problem"] = schemas.Problem.model_json_schema()
        _say_what_is_writable(whole)
        return whole

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to extend it


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
