"""Examples for the OpenAPI document: of every body that is sent and told, made from its form and from these values."""

import re
from collections.abc import Mapping
from typing import Any, Final

# What a field of this name says in examples; a name that is not here says what its form allows.
_SAID: Final[Mapping[str, Any]] = {
    "name": "Lò gas số 1",
    "kiln_name": "Lò gas số 1",
    "workshop_name": "Xưởng gốm Lan",
    "invited_by": "Lan",
    "who": "Lan",
    "by": "Lan",
    "made_by": "Lan",
    "acknowledged_by": "Lan",
    "login": "lan@example.org",
    "password": "mot-cau-dai-de-nho",  # an example, of nobody  # nosec B105
    "token": "kD3v…",  # as above  # nosec B105
    "code": "not_found",
    "title": "not found",
    "detail": "there is no firing 12 in your workshops",
    "status": 404,
    "type": "about:blank",
    "key": "lo-gas-so-1",
    "channel": "top",
    "label": "Can trên",
    "unit": "c",
    "target_cone": "6",
    "cone": "6",
    "cone_reached": "5",
    "next_cone": "6",
    "heat_work_cone": "6",
    "kind": "uneven_heating",
    "advice_key": "even_out",
    "ware": "Bát men rạn",
    "note": "gió to",
    "device": "Điện thoại của Lan",
    "options": {"challenge": "Vu8u…", "rpId": "lo.example.org", "userVerification": "required"},
    "url": "https://id.example.org/authorize?client_id=canhlo…",
    "state": "9dHkV3",
    "known_as": "lan@example.org",
    "client_data": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
    "attestation": "o2NmbXRkbm9uZQ",
    "credential_id": "3q2-7w",
    "authenticator_data": "SZYN5YgOjGh0NBcPZHZgWw",
    "signature": "MEQCIA",
    "p256dh": "B" + 86 * "A",
    "auth": 22 * "A",
    "endpoint": "https://fcm.googleapis.com/fcm/send/abc",
    "link": "https://lo.example.org/join#kD3v…",
    "qr_svg": "<svg …></svg>",
    "what": "kiln changed",
    "version": "08e7d766cd6e",
    "file_name": "cone-6.json",
    "content": '{"type": "profile", "name": "cone-6", "data": [[0, 25], [3600, 125]]}',
    "quality": "good",
    "indicated_c": 1200.0,
    "error_c": 4.0,
    "offset_c": -2.5,
    "temp_c": 1220.0,
    "time_s": 0.0,
    "peak_c": 1224.5,
    "amount": 38.5,
    "progress": 0.62,
    "probability": 0.8,
    "clock_rate": 1.0,
    "evidence": {"spread_c": 42.0},
    "details": {"kiln": 1},
    "pieces_loaded": 120,
    "count": 96,
    "days": 30,
    "fuel_used": {"amount": 38.5, "unit": "kg_lpg"},
}
_MOMENT: Final = "2026-11-20T12:30:00Z"


def add_examples(document: dict[str, Any]) -> None:
    """Put an example beside every JSON body of the document that has none."""
    known = document["components"]["schemas"]
    for operations in document["paths"].values():
        for operation in operations.values():
            bodies = [operation.get("requestBody", {}), *operation.get("responses", {}).values()]
            for body in bodies:
                content = body.get("content", {}).get("application/json", {})
                if content.get("schema") and "example" not in content:
                    content["example"] = example_of(content["schema"], known)


def example_of(schema: Mapping[str, Any], known: Mapping[str, Any], name: str = "") -> Any:
    """Return what such a value may look like; `known` has the schemas that are referred to."""
    if "$ref" in schema:
        return example_of(known[schema["$ref"].rpartition("/")[2]], known, name)
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], known, name)
    if "properties" in schema:
        return {key: example_of(one, known, key) for key, one in schema["properties"].items()}
    for fixed in ("const", "enum"):
        if fixed in schema:
            return schema[fixed] if fixed == "const" else schema[fixed][0]
    kind = schema.get("type")
    if _may_say(_SAID.get(name), kind):
        return _SAID[name]
    if kind == "array":
        return _list(schema, known, name)
    if schema.get("format") == "date-time":
        return _MOMENT
    if schema.get("pattern", "").startswith("^[0-9a-f]{"):
        return "0" * int(re.findall(r"\d+", schema["pattern"])[-1])
    least = schema.get("minimum", 1)
    numbers = {"integer": max(1, least), "number": float(least), "boolean": False, "null": None, "object": {}}
    return numbers.get(str(kind), "x" * max(1, schema.get("minLength", 1)))


def _list(schema: Mapping[str, Any], known: Mapping[str, Any], name: str) -> list[Any]:
    one = example_of(schema["items"], known, name)
    if name == "points" and isinstance(one, dict) and "time_s" in one:
        return [{"time_s": 0.0, "temp_c": 25.0}, {"time_s": 36_000.0, "temp_c": 1220.0}]
    return [one] * max(1, schema.get("minItems", 1))


def _may_say(value: object, kind: object) -> bool:
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "object": (dict,),
    }
    return isinstance(value, kinds.get(str(kind), ()))
