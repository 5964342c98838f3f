"""The release notes: the section of the changelog for the tag."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / ".github" / "release_notes.py"
CHANGELOG = """# Changelog

## Unreleased

- next

## 1.10.0 - 2026-12-01

### Added

- ten

## 1.1.0

- one

## 1.0.0 - 2026-11-01
"""


def notes(folder: Path, tag: str) -> subprocess.CompletedProcess[str]:
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    return subprocess.run([sys.executable, SCRIPT, tag], cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("tag", "expected"), [("v1.10.0", "### Added\n\n- ten\n"), ("v1.1.0", "- one\n")])
def test_release_notes_are_the_section_of_the_version(tmp_path: Path, tag: str, expected: str) -> None:
    assert notes(tmp_path, tag).stdout == expected


@pytest.mark.parametrize("tag", ["v1.1", "v1.1.1", "v1.0.0", "v1x1.0"])
def test_release_without_entries_in_the_changelog_fails(tmp_path: Path, tag: str) -> None:
    done = notes(tmp_path, tag)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"CHANGELOG.md has no entries under `## {tag[1:]}`. Rename ")
