"""Parses the text of a scenario into nodes.

Scalars stay text: PyYAML's own types read `off` as False and `0123` as 83.
"""

from __future__ import annotations

import json
import re

import yaml

from alimock.scenario.diagnostics import Diagnostic, ScenarioError, quoted
from alimock.scenario.nodes import MappingNode, Node, ScalarNode, SequenceNode

Loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# The parser in C is ten times as fast. Some builds of PyYAML lack it. After a second import of PyYAML, as under pyfakefs, it yields
# the events of the first.
if not isinstance(next(yaml.parse("", Loader=Loader)), yaml.Event):
    Loader = yaml.SafeLoader

MAXIMUM_DEPTH = 100
SCENARIO_BEGINNING = "a mapping that begins with `alimock: 1`"

_JSON_ONLY = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|\\.|[\t\x7f-\x9f\u2028\u2029\ufffe\uffff]", re.IGNORECASE)


_JSON_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(-?Infinity|NaN)')


def decode(content: bytes, file: str) -> str:
    """Decode a scenario as UTF-8; raise `ScenarioError` at the first invalid byte."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        found = f"the byte 0x{content[error.start]:02x}"
        raise ScenarioError([Diagnostic(file, line, column, "", found, "UTF-8 text")]) from None


def yaml_of_json(text: str) -> str:
    """Rewrite the few parts of JSON that YAML 1.1 rejects or reads differently; every line keeps its number.

    These are surrogate pairs in escapes, tabs between tokens, and characters in strings that YAML rejects or folds as line breaks.
    """
    return _JSON_ONLY.sub(_yaml_of_match, text)


def _yaml_of_match(match: re.Match[str]) -> str:
    found, high, low = match[0], match[1], match[2]
    if high:
        return f"\\U{0x10000 + (int(high, 16) - 0xD800) * 0x400 + int(low, 16) - 0xDC00:08x}"
    if found == "\t":
        return " "
    return found if found[0] == "\\" else f"\\u{ord(found):04x}"


def yaml_of_strict_json(text: str, file: str) -> str:
    """Return JSON as YAML, as `yaml_of_json` does; raise `ScenarioError` with the first syntax error."""
    constants: list[str] = []
    try:
        json.loads(text, parse_constant=constants.append)
    except json.JSONDecodeError as error:
        raise ScenarioError([_json_error(error, file)]) from None
    except RecursionError:
        raise ScenarioError([Diagnostic(file, 1, 1, "", "very deep nesting", SCENARIO_BEGINNING)]) from None
    if constants:
        # Python accepts NaN and Infinity.
        match = next(match for match in _JSON_CONSTANT.finditer(text) if match[1])
        raise ScenarioError([_json_error(json.JSONDecodeError("Expecting value", text, match.start()), file)])
    return yaml_of_json(text)


def _json_error(error: json.JSONDecodeError, file: str) -> Diagnostic:
    wanted = error.msg.removeprefix("Expecting ")
    if wanted == error.msg:
        found = re.sub(" (starting )?at$", "", error.msg)
        return Diagnostic(file, error.lineno, error.colno, "", f"{found[:1].lower()}{found[1:]}", "valid JSON")
    found = re.match(r"[\w.+-]+|.?", error.doc[error.pos :], re.DOTALL)[0]  # type: ignore[index]
    return Diagnostic(file, error.lineno, error.colno, "", quoted(found) if found else "the end of the file", f"a {wanted}")


def compose(text: str, file: str, expected: str = SCENARIO_BEGINNING) -> Node:
    """Parse YAML text into nodes; raise `ScenarioError` with the first syntax error.

    Uses PyYAML's events and a stack of its own, because PyYAML's recursion crashes the process on deeply nested text.
    """
    root = SequenceNode(0, 0)
    stack: list[SequenceNode | MappingNode] = [root]
    try:
        for event in yaml.parse(text, Loader=Loader):
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
