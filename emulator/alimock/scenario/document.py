"""A scenario's text as marked nodes, and the mistakes that can be found in it.

Scalars stay text here: PyYAML's own types are never used, because they read `off` as False and `0123` as 83.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import yaml

# The loader in C keeps the marks and is ten times as fast; some builds of PyYAML lack it.
_Loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_STRING_TAG = "tag:yaml.org,2002:str"


@dataclass(frozen=True)
class Mistake:
    """One mistake of a scenario: where it stands, what was found there, and what was expected. Lines and columns
    count from 1; line 0 means the file as a whole."""

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

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


def decode(content: bytes, file: str) -> str:
    """Reads the bytes of a scenario as UTF-8; raises `ScenarioError` at the first byte that is not."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        found = f"the byte 0x{content[error.start]:02x}"
        raise ScenarioError([Mistake(file, line, column, "", found, "UTF-8 text")]) from None


def compose(text: str, file: str) -> yaml.Node:
    """Parses YAML text into nodes; raises `ScenarioError` with the one mistake that a syntax error is."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except RecursionError:
        raise ScenarioError([Mistake(file, 1, 1, "", "very deep nesting", "a scenario (see fixtures/README.md)")]) from None
    except yaml.YAMLError as error:
        raise ScenarioError([_syntax_mistake(error, text, file)]) from None
    if node is None:
        raise ScenarioError([Mistake(file, 1, 1, "", "no content", "a mapping that begins with `alimock: 1`")])
    return node


def compose_json(text: str, file: str) -> yaml.Node:
    """Parses JSON text into the same nodes as YAML's; their marks all say the first line, so that paths have to tell the place."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ScenarioError([Mistake(file, error.lineno, error.colno, "", error.msg, "valid JSON")]) from None
    except RecursionError:
        raise ScenarioError([Mistake(file, 1, 1, "", "very deep nesting", "a scenario (see fixtures/README.md)")]) from None
    return _node(value)


def _syntax_mistake(error: yaml.YAMLError, text: str, file: str) -> Mistake:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return Mistake(file, line, column, "", error.problem or error.context or "a syntax error", "valid YAML")
    before = text[: getattr(error, "position", 0) or 0]
    found = getattr(error, "reason", None) or "a syntax error"
    return Mistake(file, before.count("\n") + 1, len(before) - before.rfind("\n"), "", found, "valid YAML")


def _node(value: object) -> yaml.Node:
    mark = yaml.Mark("", 0, 0, 0, None, 0)
    if isinstance(value, dict):
        pairs = [(_node(key), _node(item)) for key, item in value.items()]
        return yaml.MappingNode("tag:yaml.org,2002:map", pairs, mark, mark)
    if isinstance(value, list):
        return yaml.SequenceNode("tag:yaml.org,2002:seq", [_node(item) for item in value], mark, mark)
    if isinstance(value, str):
        return yaml.ScalarNode(_STRING_TAG, value, mark, mark, style='"')
    return yaml.ScalarNode(_STRING_TAG, json.dumps(value), mark, mark)
