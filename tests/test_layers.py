"""The layers: what stands above may use what stands below, never the other way round."""

from __future__ import annotations

import ast
from pathlib import Path

import alimock
import pytest

PACKAGE = Path(alimock.__file__).parent

# From the top; the parts of one row do not use each other, but for those of one name.
LAYERS = (
    ("__main__",),
    ("cli",),
    ("commands", "pytest_plugin"),
    ("visit",),
    ("strictness",),
    ("emulator", "environment", "timeline"),
    ("server", "client", "watch", "occupant"),
    ("settings", "certificates", "process"),
    ("delivery", "connections"),
    ("app",),
    ("site",),
    ("mailpit",),
    ("control", "pages"),
    ("relay",),
    ("fidelity",),
    ("doors", "service"),
    ("exchange",),
    ("gateway", "operations", "faults"),
    ("mail",),
    ("world",),
    ("scenario",),
    ("address", "timeformat", "parsing"),
    ("contract", "errors", "behaviours", "limits"),
    ("evidence", "wire"),
    ("__init__",),
)
HEIGHT = {part: len(LAYERS) - number for number, row in enumerate(LAYERS) for part in row}
# Modules that only some part may use.
RESERVED = {
    "flask": {"app", "site", "control", "mailpit", "pages"},
    "cheroot": {"server", "connections", "wire"},
    "lxml": {"gateway"},
    "yaml": {"scenario", "control"},
    "trustme": {"certificates"},
}
FILES = sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, path
            found |= {f"{node.module}.{name.name}" for name in node.names} if node.module == "alimock" else {node.module}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_uses_only_what_stands_below_it(path: Path) -> None:
    part = part_of(path)
    # The package's own file says to type checkers where the public names are.
    for name in imported(path) if part != "__init__" else ():
        top, _, rest = name.partition(".")
        if top == "alimock":
            used = rest.partition(".")[0]
            used = used if used in HEIGHT else "__init__"
            assert used == part or HEIGHT[used] < HEIGHT[part], f"{part} uses {used}"
        assert part in RESERVED.get(top, {part}), f"{part} uses {top}"


def test_every_module_has_its_layer() -> None:
    assert {part_of(path) for path in FILES} == set(HEIGHT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_stand_at_the_top(path: Path) -> None:
    if path.name == "pytest_plugin.py":
        # It is imported in every test run, so it imports the rest only when a fixture is used.
        return
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert not [
        node.lineno for function in functions for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def test_no_code_of_the_service_stands_in_quotes_outside_the_catalogue() -> None:
    from alimock import errors

    codes = {row.code for row in vars(errors).values() if isinstance(row, errors.ErrorDefinition)}
    for path in FILES:
        if path.name == "errors.py":
            continue
        texts = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not codes & texts, path
