"""The nodes of a parsed scenario: values as text, each with its line and column."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Node:
    """A position in a file, counted from 1, with the YAML tag at it, if any. A bare node is an alias."""

    line: int
    column: int
    tag: str | None = None


@dataclass(slots=True)
class ScalarNode(Node):
    """A single value as text; `plain` if it has no quotes."""

    text: str = ""
    plain: bool = True


@dataclass(slots=True)
class SequenceNode(Node):
    """A list."""

    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class MappingNode(Node):
    """A mapping; keys and values alternate in `items`."""

    items: list[Node] = field(default_factory=list)
