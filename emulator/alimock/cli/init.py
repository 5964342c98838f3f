"""`alimock init`: create a commented scenario file, and the JSON Schema for editors."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from alimock import package_data
from alimock.cli.command import Parser, fail, parse
from alimock.scenario import schema
from alimock.scenario.sources import is_path

SCHEMA_NAME = "scenario.schema.json"


def parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser("alimock init", description="Create a commented scenario file.")
    parser.add_argument("file", nargs="?", default="alimock.yaml", metavar="FILE", help="file to create (default: %(default)s)")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Write the scenario, and next to it the schema for editors; neither replaces an existing file."""
    path = Path(parse(parser(), arguments).file)
    if "," in str(path):
        return fail(f"found `{path}`, expected a name without a comma: --scenario separates names by commas")
    if path.suffix == ".json":
        return fail(f"found `{path}`, expected a name like alimock.yaml: the file is YAML, for its comments")
    try:
        _create(path, package_data.read("cli/starter.yaml"))
        schema_note = _write_schema(path.with_name(SCHEMA_NAME))
    except FileExistsError:
        return fail(f"{path} already exists; choose another name")
    except OSError as error:
        return fail(f"cannot write {path}: {error.strerror}")
    # --scenario would take another name for that of a built-in scenario.
    argument = shlex.quote(str(path) if is_path(str(path)) else f"./{path}")
    print(f"wrote {path}{schema_note}\ntry: alimock serve --watch --scenario {argument}")
    return 0


def _write_schema(path: Path) -> str:
    try:
        _create(path, f"{json.dumps(schema.json_schema(), indent=2)}\n".encode())
    except FileExistsError:
        return f"; kept the existing {path}"
    return f" and {path} (for editors)"


def _create(path: Path, content: bytes) -> None:
    """Create a file, or none if its content cannot be written."""
    path.open("xb").close()
    try:
        path.write_bytes(content)
    except OSError:
        path.unlink()
        raise
