"""The field types of the schema: how each reads a value from a node, and the JSON Schema of each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from alimock.scenario.diagnostics import Diagnostics, describe, nearest, quoted
from alimock.scenario.nodes import MappingNode, Node, ScalarNode, SequenceNode
from alimock.scenario.text_parsers import non_empty
from alimock.spec.address import fold, has_variable

JsonSchema = dict[str, Any]

LISTED_VALUES = 8
# As in YAML 1.2.
NULLS = ("null", "Null", "NULL", "~", "")
_ANY_SCALAR: JsonSchema = {"type": ["string", "number", "boolean"]}
NOT_EXPANDED = "the text itself (`${NAME}` is replaced only in `secret` and `security_token`)"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Field:
    """One type of value; `expected` describes it in error messages."""

    expected: str

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        """Return the value of a node; report an error and return None if it has none."""
        raise NotImplementedError

    def json_schema(self) -> JsonSchema:
        """Return the JSON Schema of this type, as far as JSON Schema can express it."""
        raise NotImplementedError


class Key(NamedTuple):
    """One key of a mapping: its type, its meaning, and the default."""

    takes: Field
    meaning: str
    without: str = ""


@dataclass(frozen=True)
class Scalar(Field):
    """A single value; `parse` converts its text or raises `ValueError`."""

    expected: str
    parse: Callable[[str], object]
    nullable: bool = False
    json: JsonSchema = field(default_factory=lambda: _ANY_SCALAR)

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        if not diagnostics.accepts(node, path):
            return None
        is_null = isinstance(node, ScalarNode) and node.plain and node.text in NULLS
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
        """Return `expected`, with a suggestion where the values are too many to list."""
        values = self.json.get("enum", ())
        if len(values) <= LISTED_VALUES or not isinstance(node, ScalarNode):
            return self.expected
        near = difflib.get_close_matches(node.text, values, n=1)
        return f"{self.expected}; did you mean `{near[0]}`?" if near else self.expected

    def json_schema(self) -> JsonSchema:
        return {"anyOf": [self.json, {"type": "null"}]} if self.nullable else self.json


class Literal(Scalar):
    """A single value that cannot be meant to contain `${NAME}`."""

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        value = super().read(node, path, diagnostics)
        if value is not None and isinstance(node, ScalarNode) and has_variable(node.text):
            diagnostics.add(node, path, quoted(node.text), NOT_EXPANDED)
            return None
        return value


class Secret(Field):
    """A text, or `${NAME}` for the value of an environment variable."""

    expected = "a text, or ${NAME} for an environment variable"

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        text = Scalar(self.expected, non_empty).read(node, path, diagnostics)
        variable = _VARIABLE.fullmatch(text or "")
        if variable is None:
            if has_variable(text or ""):
                diagnostics.add(node, path, f"`{text}`", "a secret without `${`, or `${NAME}` alone")
            return text
        if diagnostics.variable is None:
            diagnostics.add(node, path, f"`{text}`", "the secret itself (a request cannot read environment variables)")
        elif not (value := diagnostics.variable(variable[1])):
            diagnostics.add(node, path, f"`{text}`", f"the environment variable {variable[1]} to be set")
        else:
            return value
        return None

    def json_schema(self) -> JsonSchema:
        return _ANY_SCALAR


class Values(dict[str, Any]):
    """The values of a mapping with known keys, with the node of each key."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node
        self.nodes: dict[str, Node] = {}

    def node_of(self, key: str) -> Node:
        """Return the node of a key, or of the mapping if it lacks the key."""
        return self.nodes.get(key, self.node)


@dataclass(frozen=True)
class Keys(Field):
    """A mapping with the keys of a table; `also` holds further constraints of its JSON Schema."""

    table: Mapping[str, Key]
    required: tuple[str, ...] = ()
    expected: str = "a mapping"
    also: JsonSchema = field(default_factory=dict)

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        values = Values(node)
        for key, key_node, value_node in pairs(self, node, path, diagnostics):
            known = self.table.get(key)
            values.nodes[key] = key_node
            if known is None:
                # The search for a similar key is slow, and a full report does not show it.
                expected = nearest(key, self.table) if not diagnostics.is_full else ""
                diagnostics.add(key_node, path, f"the unknown key {quoted(key)}", expected)
            else:
                values[key] = known.takes.read(value_node, join(path, key), diagnostics)
        for key in self.required if isinstance(node, MappingNode) else ():
            if key not in values:
                diagnostics.add(node, path, f"no `{key}`", f"`{key}:` with {self.table[key].takes.expected}")
        return values

    def json_schema(self) -> JsonSchema:
        properties = {name: {**key.takes.json_schema(), "description": key.meaning} for name, key in self.table.items()}
        required = {"required": list(self.required)} if self.required else {}
        return {"type": "object", "properties": properties, "additionalProperties": False, **required, **self.also}


class Entry(NamedTuple):
    """One entry of a list, or of a mapping with free keys."""

    key: str
    value: Any
    node: Node


@dataclass(frozen=True)
class Entries(Field):
    """A mapping with free keys; `folded` compares them without regard to case."""

    key: Scalar
    value: Field
    folded: bool = False
    expected: str = "a mapping"

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        entries: list[Entry] = []
        for key, key_node, value_node in pairs(self, node, path, diagnostics, folded=self.folded):
            try:
                self.key.parse(key)
            except ValueError:
                diagnostics.add(key_node, path, quoted(key), self.key.expected_near(key_node))
            value = self.value.read(value_node, join(path, key), diagnostics)
            entries.append(Entry(key, value, key_node))
        return entries

    def json_schema(self) -> JsonSchema:
        return {"type": "object", "propertyNames": self.key.json, "additionalProperties": self.value.json_schema()}


@dataclass(frozen=True)
class Items(Field):
    """A list."""

    item: Field
    expected: str = "a list"

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        if not diagnostics.accepts(node, path):
            return []
        if not isinstance(node, SequenceNode):
            diagnostics.add(node, path, describe(node), self.expected)
            return []
        return [
            Entry(str(number), self.item.read(item, f"{path}[{number}]", diagnostics), item)
            for number, item in enumerate(node.items)
        ]

    def json_schema(self) -> JsonSchema:
        return {"type": "array", "items": self.item.json_schema()}


@dataclass(frozen=True)
class OneOrMore(Field):
    """A single value or a list of values, read as a list."""

    item: Scalar

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.item.expected}, or a list of these"

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        if isinstance(node, SequenceNode):
            return Items(self.item).read(node, path, diagnostics)
        value = replace(self.item, expected=self.expected).read(node, path, diagnostics)
        return [Entry("0", value, node)]

    def json_schema(self) -> JsonSchema:
        return {"anyOf": [self.item.json_schema(), Items(self.item).json_schema()]}


@dataclass(frozen=True)
class Either(Field):
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
class Reference(Field):
    """A named type defined elsewhere, which may contain itself."""

    name: str
    expected: str
    refers_to: Callable[[], Field]

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        return self.refers_to().read(node, path, diagnostics)

    def json_schema(self) -> JsonSchema:
        return {"$ref": f"#/$defs/{self.name}"}


def pairs(
    field: Field, node: Node, path: str, diagnostics: Diagnostics, *, folded: bool = False
) -> Iterator[tuple[str, Node, Node]]:
    """Yield the keys of a mapping with the nodes of key and value; report keys that are no text or repeated."""
    if not diagnostics.accepts(node, path):
        return
    if not isinstance(node, MappingNode):
        hint = " (with a space after the colon)" if isinstance(node, ScalarNode) and ":" in node.text.rstrip(":") else ""
        diagnostics.add(node, path, describe(node), f"{field.expected}{hint}")
        return
    lines: dict[str, int] = {}
    for key_node, value_node in zip(node.items[::2], node.items[1::2], strict=True):
        if not isinstance(key_node, ScalarNode) or not diagnostics.accepts(key_node, path):
            quotable = "{{ ... }}" if isinstance(key_node, MappingNode) else "a pattern that begins with *"
            expected = f"a plain text (put quotes around {quotable})"
            diagnostics.add(key_node, path, f"{describe(key_node)} as a key", expected)
            continue
        key = key_node.text
        unique = fold(key) if folded else key
        if unique in lines:
            diagnostics.add(key_node, path, f"{quoted(key)} again", f"each key once (line {lines[unique]} has it)")
            continue
        lines[unique] = key_node.line
        yield key, key_node, value_node


def join(path: str, key: str) -> str:
    """Return the path of a key in the mapping at a path."""
    return f"{path}.{key}" if path else key
