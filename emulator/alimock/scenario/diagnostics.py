"""The reading of one file: the mistakes found in it so far, and the words in which they are told.

A reading goes on after a mistake, so that all mistakes of a file are found together.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from alimock.scenario.parser import Diagnostic, MappingNode, Node, ScalarNode, SequenceNode
from alimock.scenario.text import is_unicode

# Of one file.
MAXIMUM_MISTAKES = 100


@dataclass
class Diagnostics:
    """One file being read, and the mistakes found so far; `variable` gives secrets, None where a file must not have them.

    What was made of a mapping has no lines that its user knows of.
    """

    file: str
    variable: Callable[[str], str | None] | None = None
    has_lines: bool = True
    mistakes: list[Diagnostic] = field(default_factory=list)
    left_out: int = 0

    def add(self, node: Node, path: str, found: str, expected: str) -> None:
        """Notes a mistake at the place where a node begins."""
        if len(self.mistakes) < MAXIMUM_MISTAKES:
            self.mistakes.append(Diagnostic(self.file, node.line, node.column, path, found, expected))
        else:
            self.left_out += 1

    @property
    def is_full(self) -> bool:
        """Whether no further mistake will be told."""
        return len(self.mistakes) >= MAXIMUM_MISTAKES

    def told(self) -> list[Diagnostic]:
        """Gives the mistakes in the order of the file, and at the end how many more there are."""
        mistakes = sorted(self.mistakes, key=lambda one: (one.file != self.file, one.line, one.column))
        if self.left_out:
            mistakes.append(Diagnostic(self.file, 0, 0, "", f"{self.left_out} more mistakes", "those above to be mended first"))
        return mistakes

    def location(self, node: Node) -> str:
        """Gives the file and line where a node begins, as answers and logs show it."""
        return f"{self.file}:{node.line}" if self.has_lines else self.file

    def accepts(self, node: Node, path: str) -> bool:
        """Refuses what no part of a scenario may have: aliases, tags, and text that cannot be written as UTF-8."""
        if type(node) is Node:
            self.add(node, path, "an alias", "the value itself (`extends` is the way to share)")
        elif node.tag is not None:
            self.add(node, path, f"the tag {node.tag}", "a value without a tag")
        elif isinstance(node, ScalarNode) and not is_unicode(node.text):
            self.add(node, path, f"{ascii(node.text)[:60]}", "text without lone surrogates")
        else:
            return True
        return False


def split_location(text: str) -> tuple[str, int]:
    """Parts a place into the file and its line, 0 if it has none."""
    file, _, line = text.rpartition(":")
    return (file, int(line)) if file and line.isdecimal() else (text, 0)


def describe(node: Node) -> str:
    """Says in words what a node is, with the beginning of its text."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    if not isinstance(node, ScalarNode):
        return "an alias"
    return quoted(node.text) if node.text else "nothing"


def quoted(text: str) -> str:
    """Writes the beginning of a text between backticks."""
    return f"`{text[:60]}{'...' if len(text) > 60 else ''}`"


def nearest(word: str, known: Collection[str]) -> str:
    """Says what was expected in place of an unknown word: the one that is nearly the same, else all that are known."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.75)
    return f"`{near[0]}`" if near else f"one of {', '.join(known)}"
