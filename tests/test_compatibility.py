"""The page about compatibility has the neighbors and versions that `make compatibility` tries."""

from __future__ import annotations

import re
from pathlib import Path

from compatibility.run import NEIGHBORS

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "compatibility.md"


def test_page_has_every_neighbor_with_its_versions() -> None:
    section = PAGE.read_text().partition("## Neighbors")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([\w-]+) \| ([\w., ]+) \| ", section, re.MULTILINE)
    assert rows[1:] == [(one.name, ", ".join(one.versions) or "of Python") for one in NEIGHBORS]
