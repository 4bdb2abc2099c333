"""Pages of the interfaces: the HTTP API and the command line."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import typer

from api.app import create_app
from api.errors import STATUS_OF
from gridmgmt.cli import app as command_line
from gridmgmt.settings import Environment, Settings
from pages.markdown import code, english, page, prose, table

Json = Mapping[str, Any]
ORDER = ("get", "post", "put", "patch", "delete")


@cache
def _document() -> dict[str, Any]:
    """The OpenAPI document; the application is made, but nothing connects."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(
            environment=Environment.DEMO,
            database_url="postgresql+psycopg://nobody@localhost/nothing",
            home=Path(home),
        )
        return create_app(settings).openapi()


def openapi() -> str:
    """``openapi.json``, for generators of clients."""
    return json.dumps(_document(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def api() -> str:
    """Every endpoint with its parameters, answers and refusals, and every model."""
    document = _document()
    codes: dict[int, list[str]] = {}
    for kind, status in STATUS_OF.items():
        codes.setdefault(status, []).append(kind.code)
    statuses = [(status, code(names)) for status, names in sorted(codes.items())]
    schemas = document["components"]["schemas"]
    return page(
        "HTTP API",
        f"Version {document['info']['version']}. The machine-readable document is [openapi.json](openapi.json); a "
        "running server has it at `/api/v1/openapi.json`.",
        "Every endpoint below `/api/v1` but sign-in and `/api/v1/demo` needs a session: the cookie "
        "`__Host-gridmgmt` (outside production `gridmgmt_session`) or `Authorization: Bearer <token>`. Times are "
        "ISO 8601 in UTC with `Z`. Positions are "
        "longitude, latitude and always name their datum. Writes are idempotent by an id that the client makes.",
        "## Refusals",
        "A refusal is a problem document; see [errors](errors.md). Statuses and codes:",
        table(("Status", "Codes"), statuses),
        "## Endpoints",
        *_endpoints(document),
        "## Models",
        *(part for name in sorted(schemas) if name not in _FRAMEWORK for part in _model(name, schemas[name])),
    )


_FRAMEWORK = {"HTTPValidationError", "ValidationError"}


def _endpoints(document: Json) -> Iterator[str]:
    for path, operations in document["paths"].items():
        for method in (m for m in ORDER if m in operations):
            operation = operations[method]
            yield f"### `{method.upper()} {path}`"
            yield prose(operation.get("description") or operation.get("summary"))
            rows = [
                (
                    f"`{p['name']}`",
                    p["in"],
                    "yes" if p.get("required") else _default(p.get("schema", {})),
                    _shape(p.get("schema", {})),
                )
                for p in operation.get("parameters", ())
            ]
            if rows:
                yield table(("Parameter", "In", "Required", "Kind"), rows)
            body = operation.get("requestBody", {}).get("content", {})
            if body:
                yield "Body: " + ", ".join(
                    f"`{kind}` {_shape(m.get('schema', {}))}" for kind, m in body.items()
                )
            yield _answers(operation["responses"])


def _answers(responses: Json) -> str:
    good = [
        f"{status} "
        + (", ".join(_content(kind, m) for kind, m in answer.get("content", {}).items()) or "no body")
        for status, answer in responses.items()
        if status < "400"
    ]
    refused = sorted(status for status in responses if status >= "400")
    return f"Answers: {'; '.join(good)}. Refusals: {', '.join(refused) or 'none of its own'}."


def _content(kind: str, media: Json) -> str:
    shape = _shape(media.get("schema", {}))
    return f"`{kind}`" if shape == "anything" else f"`{kind}` {shape}"


def _model(name: str, schema: Json) -> Iterator[str]:
    yield f"### {name}"
    if schema.get("description"):
        yield prose(schema["description"])
    required = set(schema.get("required", ()))
    rows = [
        (
            f"`{field}`",
            _shape(shape),
            "yes" if field in required else _default(shape),
            shape.get("description", ""),
        )
        for field, shape in schema.get("properties", {}).items()
    ]
    if rows:
        yield table(("Field", "Kind", "Required", "Meaning"), rows)
    elif "enum" in schema:
        yield "One of " + code(schema["enum"]) + "."


def _default(schema: Json) -> str:
    return "no" if schema.get("default") in (None, "", {}, []) else f"no, `{json.dumps(schema['default'])}`"


_LIMITS = {
    "minimum": "≥ {:g}",
    "maximum": "≤ {:g}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matching `{}`",
}


def _shape(schema: Json) -> str:  # noqa: PLR0911  one line per kind of schema
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_shape(one) for one in schema["anyOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return "one of " + code(schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        most = f", at most {schema['maxItems']}" if "maxItems" in schema else ""
        return f"list of {_shape(schema.get('items', schema.get('prefixItems', [{}])[0]))}{most}"
    if kind is None:
        return "anything"
    limits = [words.format(schema[key]) for key, words in _LIMITS.items() if key in schema]
    return ", ".join([schema.get("format", kind), *limits])


def cli() -> str:
    """Every command with its arguments and options."""
    root = typer.main.get_command(command_line)
    return page(
        "Command line",
        prose(root.help),
        "`gridmgmt COMMAND --help` shows the same.",
        *_commands(root, "gridmgmt"),
    )


def _commands(group: Any, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            yield f"## `{path} {name}`"
            yield prose(command.help)
            yield from _commands(command, f"{path} {name}")
            continue
        yield f"### `{path} {name}`"
        yield prose(command.help)
        rows = [
            (
                ", ".join(f"`{option}`" for option in (*p.opts, *p.secondary_opts)) or f"`{p.name}`",
                "yes" if p.required else "no",
                "" if p.default in (None, False, ()) or callable(p.default) else f"`{p.default}`",
                getattr(p, "help", None) or english(p.name),
            )
            for p in command.params
            if p.name != "help"
        ]
        if rows:
            yield table(("Argument", "Required", "Default", "Meaning"), rows)
