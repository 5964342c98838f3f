"""The examples that need no installation. `make examples` runs all of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
README = (EXAMPLES / "README.md").read_text()
GENERATED = {"__pycache__", "node_modules", "target"}
FILES = [path for path in EXAMPLES.rglob("*") if path.is_file() and GENERATED.isdisjoint(path.parts)]


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_pytest_example_passes(options: list[str]) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("ALIMOCK_", "PYTEST_"))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:hypothesispytest",
        "-p",
        "no:schemathesis",
        *options,
    ]
    done = subprocess.run(command, cwd=EXAMPLES / "pytest", capture_output=True, text=True, timeout=120, env=environ)
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


def test_readme_lists_every_example_and_no_missing_file() -> None:
    linked = {link.rstrip("/") for link in re.findall(r"\]\((?!\.\./docs/)([^)]+)\)", README)}
    assert linked == {path.name for path in EXAMPLES.iterdir() if path.is_dir()}


def test_how_to_pages_have_the_commands_of_the_readme() -> None:
    rows = re.findall(r"^\| \[(?!pytest/).*\]\((\.\./docs/how-to/\S+)\) \| `(.*)` \|$", README, re.MULTILINE)
    assert len(rows) > 5
    assert [(page, command) for page, command in rows if command not in (EXAMPLES / page).read_text()] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_example_refers_to_no_file_outside_its_folder(path: Path) -> None:
    links = path == EXAMPLES / "README.md"
    assert links or not re.search(r"\.\./", path.read_text())


@pytest.mark.parametrize("variables", [{}, {"ALIMOCK_PACKAGE": ""}], ids=["unset", "empty"])
def test_requirements_without_the_package_name_the_variable(variables: dict[str, str]) -> None:
    """pip leaves a variable that is not set as it is, so its message names the variable and the line below its explanation."""
    environ = {name: value for name, value in os.environ.items() if name != "ALIMOCK_PACKAGE"}
    requirements = EXAMPLES / "pytest" / "requirements.txt"
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-deps", "-r", requirements]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**environ, **variables})
    assert done.returncode != 0
    assert "Invalid requirement: '${ALIMOCK_PACKAGE}[pytest]'" in done.stderr
    assert f"(from line 3 of {requirements})" in done.stderr
