"""Every place in an OpenAPI document where a sender may give something without an upper bound."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
_BOUNDS_OF_TEXT = {"maxLength", "enum", "format", "pattern", "const"}
_UPPER, _LOWER = {"maximum", "exclusiveMaximum"}, {"minimum", "exclusiveMinimum"}


def unbounded(document: Schema) -> Iterator[str]:
    """Places as "method path field.field[]", whatever is wrong with them."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                yield from _below(document, parameter["schema"], f"{method} {path} {parameter['name']}")
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield from _below(document, content["schema"], f"{method} {path}")


def _below(document: Schema, schema: Schema, place: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    name = schema.get("$ref", "").rpartition("/")[2]
    if name in seen:
        return
    if name:
        schema, seen = document["components"]["schemas"][name], seen | {name}
    if _is_unbounded(schema):
        yield place
    for one in (*schema.get("anyOf", []), *schema.get("allOf", []), *schema.get("oneOf", [])):
        yield from _below(document, one, place, seen)
    if "items" in schema:
        yield from _below(document, schema["items"], f"{place}[]", seen)
    for field, one in schema.get("properties", {}).items():
        yield from _below(document, one, f"{place}.{field}", seen)


def _is_unbounded(schema: Schema) -> bool:
    given = schema.keys()
    match schema.get("type"):
        case "string":
            return not given & _BOUNDS_OF_TEXT
        case "integer" | "number":
            return not (given & _UPPER and given & _LOWER)
        case "array":
            return "maxItems" not in given
        case "object" if "properties" in given:
            return schema.get("additionalProperties") is not False
        case "object":
            return "maxProperties" not in given
    return False
