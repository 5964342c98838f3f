"""Print the section of CHANGELOG.md for a tag, and fail if there is none: `python .github/release_notes.py v1.2.3`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

version = sys.argv[1].removeprefix("v")
changelog = Path("CHANGELOG.md").read_text(encoding="utf-8")
found = re.search(rf"^## {re.escape(version)}(?: [^\n]*)?\n(.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE)
if not found or not found[1].strip():
    sys.exit(
        f"CHANGELOG.md has no entries under `## {version}`. Rename `## Unreleased` to `## {version} - DATE`, and tag that commit."
    )
print(found[1].strip())
