"""The kinds of values that a schema is made of: how each is read from a node, and what JSON Schema says of it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from alimock.scenario.diagnostics import Diagnostics, describe, nearest, quoted
from alimock.scenario.parser import MappingNode, Node, ScalarNode, SequenceNode
from alimock.scenario.text import non_empty
from alimock.spec.address import fold

JsonSchema = dict[str, Any]

LISTED_VALUES = 8
# As YAML 1.2 has them.
_NULLS = ("null", "Null", "NULL", "~", "")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_XML_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?")


class Schema:
    """One kind of value; `expected` says in words what it takes."""

    expected: str

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        """Gives the value that a node stands for, or notes a mistake and gives None."""
        raise NotImplementedError

    def json_schema(self) -> JsonSchema:
        """Says the same in JSON Schema, as far as that can say it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Key:
    """One key of a mapping: what it takes, what it is for, and what holds without it."""

    takes: Schema
    meaning: str
    without: str = ""


@dataclass(frozen=True)
class Scalar(Schema):
    """A single value; `parse` takes its text and raises `ValueError`. By itself JSON Schema calls it a text of any kind."""

    expected: str
    parse: Callable[[str], object]
    nullable: bool = False
    json: JsonSchema = field(default_factory=lambda: {"type": ["string", "number", "boolean"]})

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        if not diagnostics.accepts(node, path):
            return None
        is_null = isinstance(node, ScalarNode) and node.plain and node.text in _NULLS
        if is_null and self.nullable:
            return None
        if isinstance(node, ScalarNode) and not is_null:
            try:
                return self.parse(node.text)
            except ValueError:
                pass
        diagnostics.add(node, path, describe(node), self.expected_near(node))
        return None

    def expected_near(self, node: Node) -> str:
        """Says what it takes, and where those values are too many to list which of them is nearly what a node says."""
        values = self.json.get("enum", ())
        if len(values) <= LISTED_VALUES or not isinstance(node, ScalarNode):
            return self.expected
        near = difflib.get_close_matches(node.text, values, n=1)
        return f"{self.expected}; did you mean `{near[0]}`?" if near else self.expected

    def json_schema(self) -> JsonSchema:
        return {"anyOf": [self.json, {"type": "null"}]} if self.nullable else self.json


@dataclass(frozen=True)
class Secret(Schema):
    """A text that can come from the environment: `${NAME}` is the value of that variable."""

    expected: str = "a text, or ${NAME} for a variable of the environment"

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        text = Scalar(self.expected, non_empty).read(node, path, diagnostics)
        variable = _VARIABLE.fullmatch(text) if text is not None else None
        if variable is None:
            return text
        if diagnostics.variable is None:
            diagnostics.add(node, path, f"`{text}`", "the secret itself (what is sent must not read the environment)")
        elif not (value := diagnostics.variable(variable[1])):
            diagnostics.add(node, path, f"`{text}`", f"the variable {variable[1]} to be set in the environment")
        else:
            return value
        return None

    def json_schema(self) -> JsonSchema:
        return {"type": ["string", "number", "boolean"]}


class Values(dict[str, Any]):
    """What a mapping with known keys says, and where each of them stands."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node
        self.nodes: dict[str, Node] = {}

    def node_of(self, key: str) -> Node:
        """Gives the node of a key, that of the mapping for one that is not there."""
        return self.nodes.get(key, self.node)


@dataclass(frozen=True)
class Keys(Schema):
    """A mapping with the keys of a table; `also` is what only JSON Schema is told besides."""

    table: Mapping[str, Key]
    required: tuple[str, ...] = ()
    expected: str = "a mapping"
    also: JsonSchema = field(default_factory=dict)

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        values = Values(node)
        for key, key_node, value_node in _pairs(self, node, path, diagnostics):
            known = self.table.get(key)
            values.nodes[key] = key_node
            if known is None:
                expected = nearest(key, self.table) if not diagnostics.is_full else ""
                diagnostics.add(key_node, path, f"the unknown key {quoted(key)}", expected)
            else:
                values[key] = known.takes.read(value_node, _join(path, key), diagnostics)
        for key in self.required if isinstance(node, MappingNode) else ():
            if key not in values:
                diagnostics.add(node, path, f"no `{key}`", f"`{key}:` with {self.table[key].takes.expected}")
        return values

    def json_schema(self) -> JsonSchema:
        properties = {name: {**key.takes.json_schema(), "description": key.meaning} for name, key in self.table.items()}
        required = {"required": list(self.required)} if self.required else {}
        return {"type": "object", "properties": properties, "additionalProperties": False, **required, **self.also}


@dataclass(frozen=True)
class Entry:
    """One entry of a list, or of a mapping whose keys are the user's own; `location` is its file and line."""

    key: str
    value: Any
    location: str
    node: Node


@dataclass(frozen=True)
class Entries(Schema):
    """A mapping whose keys are the user's own; `folded` compares them without regard to letter case."""

    key: Scalar
    value: Schema
    folded: bool = False
    expected: str = "a mapping"

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        entries: list[Entry] = []
        for key, key_node, value_node in _pairs(self, node, path, diagnostics, folded=self.folded):
            here = _join(path, key)
            try:
                self.key.parse(key)
            except ValueError:
                diagnostics.add(key_node, path, quoted(key), self.key.expected_near(key_node))
            value = self.value.read(value_node, here, diagnostics)
            entries.append(Entry(key, value, diagnostics.location(key_node), key_node))
        return entries

    def json_schema(self) -> JsonSchema:
        return {"type": "object", "propertyNames": self.key.json, "additionalProperties": self.value.json_schema()}


@dataclass(frozen=True)
class Items(Schema):
    """A list."""

    item: Schema
    expected: str = "a list"

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        if not diagnostics.accepts(node, path):
            return []
        if not isinstance(node, SequenceNode):
            diagnostics.add(node, path, describe(node), self.expected)
            return []
        entries = []
        for number, item in enumerate(node.items):
            value = self.item.read(item, f"{path}[{number}]", diagnostics)
            entries.append(Entry(str(number), value, diagnostics.location(item), item))
        return entries

    def json_schema(self) -> JsonSchema:
        return {"type": "array", "items": self.item.json_schema()}


@dataclass(frozen=True)
class OneOrMore(Schema):
    """A single value or a list of such; either way it is read as a list."""

    item: Scalar

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.item.expected}, or a list of such"

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        if isinstance(node, SequenceNode):
            return Items(self.item).read(node, path, diagnostics)
        value = Scalar(self.expected, self.item.parse).read(node, path, diagnostics)
        return [Entry("0", value, diagnostics.location(node), node)]

    def json_schema(self) -> JsonSchema:
        return {"anyOf": [self.item.json_schema(), Items(self.item).json_schema()]}


@dataclass(frozen=True)
class Either(Schema):
    """A single value or a mapping."""

    scalar: Scalar
    mapping: Keys

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.scalar.expected}, or a mapping"

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        if isinstance(node, MappingNode):
            return self.mapping.read(node, path, diagnostics)
        return replace(self.scalar, expected=self.expected).read(node, path, diagnostics)

    def json_schema(self) -> JsonSchema:
        return {"anyOf": [self.scalar.json_schema(), self.mapping.json_schema()]}


@dataclass(frozen=True)
class Reference(Schema):
    """A kind that stands elsewhere under a name, so that it can hold itself."""

    name: str
    expected: str
    refers_to: Callable[[], Schema]

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        return self.refers_to().read(node, path, diagnostics)

    def json_schema(self) -> JsonSchema:
        return {"$ref": f"#/$defs/{self.name}"}


@dataclass(frozen=True)
class AnyValue(Schema):
    """Any value that JSON has: plain numbers, `true`, `false` and `null` are what they look like, all else is text.

    The keys of its mappings can be names of XML elements, and no list stands directly in a list, so that both formats can say it.
    """

    expected: str = "a value"

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        if not diagnostics.accepts(node, path):
            return None
        if isinstance(node, MappingNode):
            pairs = list(_pairs(self, node, path, diagnostics))
            for key, key_node, _ in pairs:
                if not _XML_NAME.fullmatch(key):
                    diagnostics.add(key_node, path, f"the key {quoted(key)}", "a name of letters, digits, ., - and _, as XML has")
            return {key: self.read(value_node, _join(path, key), diagnostics) for key, _, value_node in pairs}
        if isinstance(node, SequenceNode):
            for number, item in enumerate(node.items):
                if isinstance(item, SequenceNode):
                    diagnostics.add(item, f"{path}[{number}]", "a list in a list", "a value or a mapping (XML has no such lists)")
            return [self.read(item, f"{path}[{number}]", diagnostics) for number, item in enumerate(node.items)]
        assert isinstance(node, ScalarNode)
        return json_value(node.text) if node.plain else node.text

    def json_schema(self) -> JsonSchema:
        return {"type": "object"}


def _pairs(
    schema: Schema, node: Node, path: str, diagnostics: Diagnostics, *, folded: bool = False
) -> Iterable[tuple[str, Node, Node]]:
    """Goes through a mapping's pairs, noting keys that are no text or stand there twice."""
    if not diagnostics.accepts(node, path):
        return
    if not isinstance(node, MappingNode):
        hint = " (with a space after the colon)" if isinstance(node, ScalarNode) and ":" in node.text.rstrip(":") else ""
        diagnostics.add(node, path, describe(node), f"{schema.expected}{hint}")
        return
    lines: dict[str, int] = {}
    for key_node, value_node in zip(node.items[::2], node.items[1::2], strict=True):
        if not isinstance(key_node, ScalarNode) or not diagnostics.accepts(key_node, path):
            diagnostics.add(
                key_node, path, f"{describe(key_node)} as a key", "a plain text (put quotes around a pattern that begins with *)"
            )
            continue
        key = key_node.text
        same = fold(key) if folded else key
        if same in lines:
            diagnostics.add(key_node, path, f"{quoted(key)} again", f"each key once (line {lines[same]} has it)")
            continue
        lines[same] = key_node.line
        yield key, key_node, value_node


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def json_value(text: str) -> object:
    """Reads a plain text as JSON would; what JSON does not know is text, and so is `0123`."""
    if text in _NULLS:
        return None
    if text.lower() not in ("true", "false") and not _JSON_NUMBER.fullmatch(text):
        return text
    return json.loads(text.lower())
