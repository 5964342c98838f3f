"""The reference of the control API in Markdown, from its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

import yaml
from alimock import package_data

Node = Mapping[str, Any]
_DOCUMENT: Node = yaml.safe_load(package_data.read("control/openapi.yaml"))
_METHODS = ("get", "put", "post", "delete")
_JSON = "application/json"


def control_api() -> str:
    """Return a section for each resource, and the fields of the objects in bodies and responses."""
    paths = groupby(_DOCUMENT["paths"].items(), key=lambda item: _resource(item[0]))
    sections = [section for title, items in paths for section in (f"## {title}\n", *_operations(dict(items)))]
    return "\n".join([*sections, "## Objects\n", *_objects()])


def _resource(path: str) -> str:
    name = path.removeprefix("/_alimock/").strip("/").split("/")[0].split(".")[0]
    return {"livez": "Health checks", "readyz": "Health checks", "openapi": "OpenAPI document"}.get(
        name, name.replace("-", " ").capitalize()
    )


def _operations(paths: Node) -> Iterator[str]:
    for path, item in paths.items():
        for method in _METHODS:
            if method in item:
                parameters = [*item.get("parameters", ()), *item[method].get("parameters", ())]
                yield from _operation(f"{method.upper()} {path}", item[method], [_resolved(one) for one in parameters])


def _operation(title: str, operation: Node, parameters: list[Node]) -> Iterator[str]:
    yield f"### {title}\n"
    yield f"{operation['summary']}\n"
    if parameters:
        yield _table("parameter", ((one["name"], _type(one["schema"]), one.get("description", "")) for one in parameters))
    if "requestBody" in operation:
        yield from _content("Body", operation["requestBody"]["content"])
    success = _resolved(operation["responses"]["200"])
    yield f"Response: {_lower(success['description'])}\n"
    yield from _content("", success["content"])


def _content(title: str, content: Node) -> Iterator[str]:
    """Yield the media types of a body, and the fields of the one in JSON."""
    if title:
        yield f"{title}: {' or '.join(f'`{media_type}`' for media_type in content)}.\n"
    schema = content.get(_JSON, {}).get("schema", {})
    if "$ref" in schema:
        yield f"Fields: those of {_type(schema)}.\n"
    rows = list(_fields(schema))
    if rows:
        yield _table("field", rows)


def _objects() -> Iterator[str]:
    for name, schema in _DOCUMENT["components"]["schemas"].items():
        rows = list(_fields(schema))
        if rows:
            yield f"### {name}\n"
            yield _table("field", rows)


def _fields(schema: Node, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield the fields of an object and of the objects in it."""
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
        if "$ref" in part:
            yield "...", f"the fields of {_type(part)}", ""
        yield from _fields(part, prefix)
    for name, field in schema.get("properties", {}).items():
        yield f"{prefix}{name}", _type(field), field.get("description", _resolved(field).get("description", ""))
        yield from _fields(field, f"{prefix}{name}.")
        yield from _fields(field.get("items", {}), f"{prefix}{name}[].")


def _type(schema: Node) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        target = _resolved(schema)
        return f"[{name}](#{name.lower()})" if list(_fields(target)) else _type(target)
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if "oneOf" in schema:
        return " or ".join(map(_type, schema["oneOf"]))
    if "items" in schema:
        return f"list of {_type(schema['items'])}"
    types = schema.get("type", "any")
    words = " or ".join(types) if isinstance(types, list) else str(types)
    limits = [
        f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to"), ("default", "default")) if key in schema
    ]
    return f"{words}{', ' if limits else ''}{', '.join(limits)}".replace("False", "false")


def _table(first: str, rows: Iterable[tuple[str, str, str]]) -> str:
    lines = (f"| {name if name == '...' else f'`{name}`'} | {kind} | {meaning.strip()} |\n" for name, kind, meaning in rows)
    return f"| {first} | type | meaning |\n|---|---|---|\n" + "".join(lines)


def _resolved(node: Node) -> Node:
    """Return what a reference refers to, or the node itself."""
    if "$ref" not in node:
        return node
    found = _DOCUMENT
    for key in node["$ref"].removeprefix("#/").split("/"):
        found = found[key]
    return found


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]
