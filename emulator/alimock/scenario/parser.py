"""Parses the text of a scenario into nodes.

Scalars stay text: PyYAML's own types read `off` as False and `0123` as 83.
"""

from __future__ import annotations

import json
import re

import yaml

from alimock.scenario.diagnostics import Diagnostic, ScenarioError
from alimock.scenario.nodes import MappingNode, Node, ScalarNode, SequenceNode

# The parser in C is ten times as fast; some builds of PyYAML lack it.
_Loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAXIMUM_DEPTH = 100
SCENARIO_BEGINNING = "a mapping that begins with `alimock: 1`"


def decode(content: bytes, file: str) -> str:
    """Decode a scenario as UTF-8; raise `ScenarioError` at the first invalid byte."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        found = f"the byte 0x{content[error.start]:02x}"
        raise ScenarioError([Diagnostic(file, line, column, "", found, "UTF-8 text")]) from None


def compose(text: str, file: str, expected: str = SCENARIO_BEGINNING) -> Node:
    """Parse YAML text into nodes; raise `ScenarioError` with the first syntax error.

    Uses PyYAML's events and a stack of its own, because PyYAML's recursion crashes the process on deeply nested text.
    """
    root = SequenceNode(0, 0)
    stack: list[SequenceNode | MappingNode] = [root]
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.ScalarEvent):
                stack[-1].items.append(ScalarNode(*_position(event), event.tag, event.value, not event.style))
            elif isinstance(event, yaml.CollectionStartEvent):
                collection = MappingNode if isinstance(event, yaml.MappingStartEvent) else SequenceNode
                node = collection(*_position(event), event.tag)
                stack[-1].items.append(node)
                stack.append(node)
                if len(stack) > MAXIMUM_DEPTH:
                    raise ScenarioError([Diagnostic(file, *_position(event), "", "very deep nesting", expected)])
            elif isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
            elif isinstance(event, yaml.AliasEvent):
                stack[-1].items.append(Node(*_position(event)))
            elif isinstance(event, yaml.DocumentStartEvent) and root.items:
                raise ScenarioError([Diagnostic(file, *_position(event), "", "a second document", "one document")])
    except yaml.YAMLError as error:
        raise ScenarioError([_syntax_error(error, text, file)]) from None
    except ValueError as error:
        # PyYAML's parser in Python accepts escapes beyond Unicode and fails on them.
        raise ScenarioError([Diagnostic(file, 1, 1, "", str(error), "valid YAML")]) from None
    if not root.items:
        raise ScenarioError([Diagnostic(file, 1, 1, "", "no content", expected)])
    return root.items[0]


def compose_json(text: str, file: str) -> Node:
    """Parse JSON text into the same nodes, all in the first line, so that their paths have to tell the location."""
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


def _position(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _hint(text: str, line: int, column: int) -> str:
    """Return how to write what was probably meant."""
    lines = text.split("\n")
    here = lines[line - 1] if line <= len(lines) else ""
    if "*" in here[max(column - 2, 0) : column]:
        return " (put quotes around a pattern that begins with *)"
    if "${" in here and not re.search(r"""["']\$\{""", here):
        return " (put quotes around ${NAME})"
    return " (indent with spaces, not tabs)" if here.startswith("\t") or here[column - 1 : column] == "\t" else ""


def _syntax_error(error: yaml.YAMLError, text: str, file: str) -> Diagnostic:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        found = (error.problem or error.context or "a syntax error").removeprefix("found ")
        found = found.replace("did not find expected", "no")
        return Diagnostic(file, line, column, "", found, f"valid YAML{_hint(text, line, column)}")
    before = text[: getattr(error, "position", 0) or 0]
    found = getattr(error, "reason", None) or "a syntax error"
    return Diagnostic(file, before.count("\n") + 1, len(before) - before.rfind("\n"), "", found, "valid YAML")
