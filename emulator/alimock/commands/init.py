"""`alimock init`: writes a commented scenario to begin with."""

from __future__ import annotations

import argparse
import json
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
    try:
        with path.open("xb") as stream:
            stream.write(files("alimock").joinpath("starter.yaml").read_bytes())
        path.with_name(SCHEMA_NAME).write_text(json.dumps(schema.json_schema(), indent=2) + "\n", encoding="utf-8")
    except FileExistsError:
        print(f"alimock: {path} is there already; name another file", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"alimock: cannot write {path}: {error.strerror}", file=sys.stderr)
        return 2
    print(f"wrote {path}, and {path.with_name(SCHEMA_NAME)} for editors\ntry: alimock serve --watch --scenario {_argument(path)}")
    return 0


def _argument(path: Path) -> str:
    """Writes a path so that it is not taken for the name of a built-in scenario."""
    return str(path) if "/" in str(path) or path.suffix == ".yaml" else f"./{path}"
