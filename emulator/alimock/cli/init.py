"""`alimock init`: writes a commented scenario to begin with."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from alimock.scenario import schema

SCHEMA_NAME = "scenario.schema.json"


def run(arguments: Sequence[str]) -> int:
    """Writes the scenario, and the schema that editors use beside it; gives 2 if it cannot, as when the file is there already."""
    parser = argparse.ArgumentParser("alimock init", description="Writes a commented scenario to begin with.")
    parser.add_argument("file", nargs="?", default="alimock.yaml", metavar="FILE", help="default: %(default)s")
    path = Path(parser.parse_args(arguments).file)
    if "," in str(path):
        print(f"alimock: found `{path}`, expected a name without a comma, which would part two scenarios", file=sys.stderr)
        return 2
    try:
        with path.open("xb") as stream:
            stream.write(files("alimock.cli").joinpath("starter.yaml").read_bytes())
        schema_told = _write_schema(path.with_name(SCHEMA_NAME))
    except FileExistsError:
        print(f"alimock: {path} is there already; name another file", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"alimock: cannot write {path}: {error.strerror}", file=sys.stderr)
        return 2
    print(f"wrote {path}{schema_told}\ntry: alimock serve --watch --scenario {_argument(path)}")
    return 0


def _write_schema(path: Path) -> str:
    """Writes the schema that editors use, unless a file of that name is there, and says so."""
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(json.dumps(schema.json_schema(), indent=2) + "\n")
    except FileExistsError:
        return f"; {path} was there already and is left as it is"
    return f", and {path} for editors"


def _argument(path: Path) -> str:
    """Writes a path so that it is not taken for the name of a built-in scenario."""
    return shlex.quote(str(path) if "/" in str(path) or path.suffix == ".yaml" else f"./{path}")
