"""The pages of the documentation, and their blocks of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHINESE_README = ROOT / "README.zh-CN.md"
# The blocks of the Chinese README are those of the English one.
_NOT_PAGES = (ROOT / "CHANGELOG.md", CHINESE_README)
PAGES = tuple(
    sorted(
        (
            *(page for page in ROOT.glob("*.md") if page not in _NOT_PAGES),
            *ROOT.glob("docs/**/*.md"),
            *ROOT.glob("examples/**/README.md"),
            ROOT / "fixtures" / "README.md",
        )
    )
)
# A fenced block, perhaps in an item of a list, with the directive in the line before it.
_BLOCK = re.compile(
    r"^(?: *<!-- (?P<directive>file|not run): (?P<argument>[^\n]+) -->\n)?"
    r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_IS_TEST = re.compile(r"^(def test_|class \w+\(.*TestCase\))", re.MULTILINE)
# The first line of a block that is a file of its page.
_FILE_NAME = re.compile(r"(?:#|//) (?P<name>[\w./-]+\.\w+)\n")


def page_name(page: Path) -> str:
    """Return the path of a page in the repository."""
    return page.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """One block of code: where it is, and what the directive before it says.

    The directive is `file` with the path of a file that contains the block, `not run` with the reason, or empty.
    """

    page: Path
    line: int
    language: str
    text: str
    directive: str
    argument: str

    @property
    def file_name(self) -> str | None:
        """The name in a comment in the first line, or None."""
        found = _FILE_NAME.match(self.text)
        return found["name"] if found else None

    @property
    def is_test(self) -> bool:
        """Whether it is a module of tests."""
        return self.language == "python" and _IS_TEST.search(self.text) is not None

    def __str__(self) -> str:
        """Return the location."""
        return f"{page_name(self.page)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page."""
    content = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(content):
        text = re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
        line = content.count("\n", 0, found.start("language")) + 1
        yield Block(page, line, found["language"], text, found["directive"] or "", found["argument"] or "")


ALL_BLOCKS = tuple(block for page in PAGES for block in blocks(page))
