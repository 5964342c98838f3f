"""A scenario's text as nodes that know their place, and the mistakes that can be found in it.

Scalars stay text here: PyYAML's own types are never used, because they read `off` as False and `0123` as 83.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

# The parser in C is ten times as fast; some builds of PyYAML lack it.
_Loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAXIMUM_DEPTH = 100
SCENARIO_BEGINNING = "a mapping that begins with `alimock: 1`"


@dataclass(frozen=True)
class Diagnostic:
    """One mistake of a scenario: where it stands, what was found there, and what was expected.

    Lines and columns count from 1; line 0 means the file as a whole.
    """

    file: str
    line: int
    column: int
    path: str
    found: str
    expected: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else f"{self.file}: "
        return f"{place}{self.path + ': ' if self.path else ''}found {self.found}, expected {self.expected}"


class ScenarioError(Exception):
    """A scenario that cannot be used, with every mistake that was found in it."""

    def __init__(self, mistakes: Iterable[Diagnostic]) -> None:
        self.mistakes = tuple(mistakes)
        # The files that were read on the way to it, to be watched for its mending.
        self.files: tuple[Path, ...] = ()
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


@dataclass(slots=True)
class Node:
    """A place in a file, counted from 1, with the tag that stands there, if any. By itself it is an alias."""

    line: int
    column: int
    tag: str | None = None


@dataclass(slots=True)
class ScalarNode(Node):
    """A single value as text; `plain` if it stands without quotes."""

    text: str = ""
    plain: bool = True


@dataclass(slots=True)
class SequenceNode(Node):
    """A list."""

    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class MappingNode(Node):
    """A mapping, as its keys and values in turn."""

    items: list[Node] = field(default_factory=list)


def decode(content: bytes, file: str) -> str:
    """Reads the bytes of a scenario as UTF-8; raises `ScenarioError` at the first byte that is not."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        found = f"the byte 0x{content[error.start]:02x}"
        raise ScenarioError([Diagnostic(file, line, column, "", found, "UTF-8 text")]) from None


def compose(text: str, file: str, expected: str = SCENARIO_BEGINNING) -> Node:
    """Parses YAML text into nodes; raises `ScenarioError` with the one mistake that a syntax error is.

    It goes by events and its own stack, since PyYAML's recursion ends the process where a text is nested deep enough.
    """
    root = SequenceNode(0, 0)
    stack: list[SequenceNode | MappingNode] = [root]
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.ScalarEvent):
                stack[-1].items.append(ScalarNode(*_place(event), event.tag, event.value, not event.style))
            elif isinstance(event, yaml.CollectionStartEvent):
                made = MappingNode if isinstance(event, yaml.MappingStartEvent) else SequenceNode
                node = made(*_place(event), event.tag)
                stack[-1].items.append(node)
                stack.append(node)
                if len(stack) > MAXIMUM_DEPTH:
                    raise ScenarioError([Diagnostic(file, *_place(event), "", "very deep nesting", expected)])
            elif isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
            elif isinstance(event, yaml.AliasEvent):
                stack[-1].items.append(Node(*_place(event)))
            elif isinstance(event, yaml.DocumentStartEvent) and root.items:
                raise ScenarioError([Diagnostic(file, *_place(event), "", "a second document", "one document")])
    except yaml.YAMLError as error:
        raise ScenarioError([_syntax_mistake(error, text, file)]) from None
    except ValueError as error:
        # PyYAML's own parser lets escapes through that are no characters.
        raise ScenarioError([Diagnostic(file, 1, 1, "", str(error), "valid YAML")]) from None
    if not root.items:
        raise ScenarioError([Diagnostic(file, 1, 1, "", "no content", expected)])
    return root.items[0]


def compose_json(text: str, file: str) -> Node:
    """Parses JSON text into the same nodes as YAML's, all in the first line, so that their paths have to tell the place."""
    try:
        node = _node_of_json(json.loads(text, object_pairs_hook=_Object))
    except json.JSONDecodeError as error:
        raise ScenarioError([Diagnostic(file, error.lineno, error.colno, "", error.msg, "valid JSON")]) from None
    except ValueError as error:
        # Python limits the digits of a number.
        raise ScenarioError([Diagnostic(file, 1, 1, "", str(error), "valid JSON")]) from None
    except RecursionError:
        raise ScenarioError([Diagnostic(file, 1, 1, "", "very deep nesting", SCENARIO_BEGINNING)]) from None
    return node


def _place(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


class _Object(list[tuple[str, object]]):
    """A JSON object as its pairs, so that a key that comes twice is not lost."""


def _node_of_json(value: object, depth: int = 0) -> Node:
    if depth > MAXIMUM_DEPTH:
        raise RecursionError
    if isinstance(value, _Object):
        return MappingNode(1, 1, None, [_node_of_json(part, depth + 1) for pair in value for part in pair])
    if isinstance(value, list):
        return SequenceNode(1, 1, None, [_node_of_json(item, depth + 1) for item in value])
    if isinstance(value, str):
        return ScalarNode(1, 1, None, value, plain=False)
    return ScalarNode(1, 1, None, json.dumps(value))


def _hint(text: str, line: int, column: int) -> str:
    """Says what is commonly meant where YAML has a meaning of its own."""
    lines = text.split("\n")
    here = lines[line - 1] if line <= len(lines) else ""
    if "*" in here[max(column - 2, 0) : column]:
        return " (put quotes around a pattern that begins with *)"
    if "${" in here and not re.search(r"""["']\$\{""", here):
        return " (put quotes around ${NAME})"
    return " (indent with spaces, not tabs)" if here.startswith("\t") or here[column - 1 : column] == "\t" else ""


def _syntax_mistake(error: yaml.YAMLError, text: str, file: str) -> Diagnostic:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        found = (error.problem or error.context or "a syntax error").removeprefix("found ")
        found = found.replace("did not find expected", "no")
        return Diagnostic(file, line, column, "", found, f"valid YAML{_hint(text, line, column)}")
    before = text[: getattr(error, "position", 0) or 0]
    found = getattr(error, "reason", None) or "a syntax error"
    return Diagnostic(file, before.count("\n") + 1, len(before) - before.rfind("\n"), "", found, "valid YAML")
