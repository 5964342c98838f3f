"""The errors of a scenario: one `Diagnostic` each, collected per file by `Diagnostics`, raised together as a `ScenarioError`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from alimock.scenario.nodes import MappingNode, Node, ScalarNode, SequenceNode
from alimock.scenario.text_parsers import is_unicode

MAXIMUM_PER_FILE = 100


@dataclass(frozen=True)
class Diagnostic:
    """One error of a scenario: its location, the value found, and what was expected.

    Lines and columns count from 1; line 0 is the file as a whole.
    """

    file: str
    line: int
    column: int
    path: str
    found: str
    expected: str

    def __str__(self) -> str:
        location = f"{self.file}:{self.line}:{self.column}: " if self.line else f"{self.file}: "
        text = f"found {self.found}, expected {self.expected}" if self.expected else self.found
        return f"{location}{self.path + ': ' if self.path else ''}{text}"


class ScenarioError(Exception):
    """A scenario that cannot be used, with all its errors.

    Attributes:
        mistakes: The errors, each with `file`, `line`, `column`, `path`, `found` and `expected`.
    """

    def __init__(self, mistakes: Iterable[Diagnostic]) -> None:
        self.mistakes = tuple(mistakes)
        # The files that were read, for a watcher that retries when one of them changes.
        self.files: tuple[Path, ...] = ()
        super().__init__("\n".join(map(str, self.mistakes)))


@dataclass
class Diagnostics:
    """The errors found so far in one file; reading goes on after an error, so that all are reported together.

    `variable` looks up secrets in the environment; None where a scenario must not read it. A file made from a mapping has no
    lines that its author knows (`has_lines`).
    """

    file: str
    variable: Callable[[str], str | None] | None = None
    has_lines: bool = True
    mistakes: list[Diagnostic] = field(default_factory=list)
    omitted: int = 0

    def add(self, node: Node, path: str, found: str, expected: str) -> None:
        """Report an error at the start of a node."""
        if self.is_full:
            self.omitted += 1
        else:
            self.mistakes.append(Diagnostic(self.file, node.line, node.column, path, found, expected))

    @property
    def is_full(self) -> bool:
        """Whether further errors are only counted."""
        return len(self.mistakes) >= MAXIMUM_PER_FILE

    def report(self) -> list[Diagnostic]:
        """Return the errors in file order, followed by the number of those omitted."""
        mistakes = sorted(self.mistakes, key=lambda one: (one.file != self.file, one.line, one.column))
        if self.omitted:
            mistakes.append(Diagnostic(self.file, 0, 0, "", f"{self.omitted} more errors; fix the errors above first", ""))
        return mistakes

    def raise_any(self) -> None:
        """Raise a `ScenarioError` if there are errors."""
        if self.mistakes:
            raise ScenarioError(self.report())

    def location(self, node: Node) -> str:
        """Return the file and line of a node, as responses and logs show it."""
        return f"{self.file}:{node.line}" if self.has_lines else self.file

    def accepts(self, node: Node, path: str) -> bool:
        """Reject what no scenario may contain: aliases, tags, and text that UTF-8 cannot encode."""
        if type(node) is Node:
            self.add(node, path, "an alias", "the value itself (`extends` is the way to share)")
        elif node.tag is not None:
            self.add(node, path, f"the tag {node.tag}", "a value without a tag")
        elif isinstance(node, ScalarNode) and not is_unicode(node.text):
            self.add(node, path, f"{ascii(node.text)[:60]}", "text without lone surrogates")
        else:
            return True
        return False


def split_location(location: str) -> tuple[str, int]:
    """Split a location into file and line; 0 if it has no line."""
    file, _, line = location.rpartition(":")
    return (file, int(line)) if file and line.isdecimal() else (location, 0)


def describe(node: Node) -> str:
    """Describe a node in words, a scalar by the start of its text."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    if not isinstance(node, ScalarNode):
        return "an alias"
    return quoted(node.text) if node.text else "nothing"


def quoted(text: str) -> str:
    """Return the start of a text in backticks."""
    return f"`{text[:60]}{'...' if len(text) > 60 else ''}`"


def nearest(word: str, known: Collection[str]) -> str:
    """Return the known word most similar to an unknown one, or all known words if none is similar."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.75)
    return f"`{near[0]}`" if near else f"one of {', '.join(known)}"
