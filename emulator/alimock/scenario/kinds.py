"""The kinds of values that a schema is made of, and the reading of nodes by them.

A reading goes on after a mistake, so that all mistakes of a file are found together.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alimock.address import fold
from alimock.parsing import is_unicode
from alimock.scenario.document import MappingNode, Mistake, Node, ScalarNode, SequenceNode

_NULLS = ("null", "~", "")


@dataclass
class Reading:
    """One file being read, and the mistakes found so far."""

    file: str
    mistakes: list[Mistake] = field(default_factory=list)

    def mistake(self, node: Node, path: str, found: str, expected: str) -> None:
        """Notes a mistake at the place where a node begins."""
        self.mistakes.append(Mistake(self.file, node.line, node.column, path, found, expected))

    def place(self, node: Node) -> str:
        """Gives the file and line where a node begins, as answers and logs show it."""
        return f"{self.file}:{node.line}"

    def accepts(self, node: Node, path: str) -> bool:
        """Refuses what no part of a scenario may have: aliases, tags, and text that cannot be written as UTF-8."""
        if type(node) is Node:
            self.mistake(node, path, "an alias", "the value itself (`extends` is the way to share)")
        elif node.tag is not None:
            self.mistake(node, path, f"the tag {node.tag}", "a value without a tag")
        elif isinstance(node, ScalarNode) and not is_unicode(node.text):
            self.mistake(node, path, f"{ascii(node.text)[:60]}", "text without lone surrogates")
        else:
            return True
        return False


class Schema:
    """One kind of value; `expected` says in words what it takes."""

    expected: str

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        """Gives the value that a node stands for, or notes a mistake and gives None."""
        raise NotImplementedError


@dataclass(frozen=True)
class Scalar(Schema):
    """A single value; `parse` takes its text and raises `ValueError`."""

    expected: str
    parse: Callable[[str], object]
    nullable: bool = False

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        if not reading.accepts(node, path):
            return None
        if isinstance(node, ScalarNode):
            if self.nullable and node.plain and node.text in _NULLS:
                return None
            try:
                return self.parse(node.text)
            except ValueError:
                pass
        reading.mistake(node, path, describe(node), self.expected)
        return None


@dataclass(frozen=True)
class Keys(Schema):
    """A mapping with the keys of a table."""

    table: Mapping[str, Schema]
    required: tuple[str, ...] = ()
    expected: str = "a mapping"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        values: dict[str, Any] = {}
        for key, key_node, value_node in _pairs(self, node, path, reading):
            schema = self.table.get(key)
            if schema is None:
                reading.mistake(key_node, path, f"the unknown key `{key}`", _nearest(key, self.table))
            else:
                values[key] = schema.read(value_node, _join(path, key), reading)
        for key in self.required if isinstance(node, MappingNode) else ():
            if key not in values:
                reading.mistake(node, path, f"no `{key}`", f"`{key}:` with {self.table[key].expected}")
        return values


@dataclass(frozen=True)
class Entry:
    """One entry of a list, or of a mapping whose keys are the user's own; `place` is its file and line."""

    key: str
    value: Any
    place: str
    node: Node


@dataclass(frozen=True)
class Entries(Schema):
    """A mapping whose keys are the user's own; `folded` compares them without regard to letter case."""

    key: Scalar
    value: Schema
    folded: bool = False
    expected: str = "a mapping"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        entries: list[Entry] = []
        for key, key_node, value_node in _pairs(self, node, path, reading, folded=self.folded):
            here = _join(path, key)
            try:
                self.key.parse(key)
            except ValueError:
                reading.mistake(key_node, path, f"`{key}`", self.key.expected)
            value = self.value.read(value_node, here, reading)
            entries.append(Entry(key, value, reading.place(key_node), key_node))
        return entries


@dataclass(frozen=True)
class Items(Schema):
    """A list."""

    item: Schema
    expected: str = "a list"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        if not reading.accepts(node, path):
            return []
        if not isinstance(node, SequenceNode):
            reading.mistake(node, path, describe(node), self.expected)
            return []
        entries = []
        for number, item in enumerate(node.items):
            value = self.item.read(item, f"{path}[{number}]", reading)
            entries.append(Entry(str(number), value, reading.place(item), item))
        return entries


@dataclass(frozen=True)
class Either(Schema):
    """A single value or a mapping."""

    scalar: Scalar
    mapping: Keys

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.scalar.expected}, or a mapping"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        if isinstance(node, MappingNode):
            return self.mapping.read(node, path, reading)
        return Scalar(self.expected, self.scalar.parse).read(node, path, reading)


def describe(node: Node) -> str:
    """Says in words what a node is, with the beginning of its text."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    if not isinstance(node, ScalarNode):
        return "an alias"
    text = node.text
    return f"`{text[:60]}{'...' if len(text) > 60 else ''}`" if text else "nothing"


def _pairs(schema: Schema, node: Node, path: str, reading: Reading, *, folded: bool = False) -> Iterable[tuple[str, Node, Node]]:
    """Goes through a mapping's pairs, noting keys that are no text or stand there twice."""
    if not reading.accepts(node, path):
        return
    if not isinstance(node, MappingNode):
        reading.mistake(node, path, describe(node), schema.expected)
        return
    lines: dict[str, int] = {}
    for key_node, value_node in zip(node.items[::2], node.items[1::2], strict=True):
        if not isinstance(key_node, ScalarNode) or not reading.accepts(key_node, path):
            reading.mistake(
                key_node, path, f"{describe(key_node)} as a key", "a plain text (put quotes around a pattern that begins with *)"
            )
            continue
        key = key_node.text
        same = fold(key) if folded else key
        if same in lines:
            reading.mistake(key_node, path, f"`{key}` again", f"each key once (line {lines[same]} has it)")
            continue
        lines[same] = key_node.line
        yield key, key_node, value_node


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _nearest(key: str, table: Mapping[str, Schema]) -> str:
    near = difflib.get_close_matches(key, table, n=1, cutoff=0.75)
    return f"`{near[0]}`" if near else f"one of {', '.join(table)}"
