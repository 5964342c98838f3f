"""The commands on scenario files: `check`, `init`, `scenarios`, and `schema`."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path

from alimock.cli.command import fail, parse
from alimock.scenario import loader, reference, schema, sources
from alimock.scenario.diagnostics import ScenarioError

SCHEMA_NAME = "scenario.schema.json"


def check(arguments: Sequence[str]) -> int:
    """Return 0 if all scenarios are valid, else 2."""
    parser = argparse.ArgumentParser("alimock check", description="Validate scenarios and show every error.")
    parser.add_argument("scenarios", nargs="+", metavar="FILE", help="a path, or the name of a built-in scenario")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parse(parser, arguments)
    errors = {name: _error(name) for name in options.scenarios}
    if options.json:
        files = [
            {"name": name, "ok": error is None, "mistakes": [asdict(one) for one in error.mistakes] if error else []}
            for name, error in errors.items()
        ]
        print(json.dumps({"ok": not any(errors.values()), "files": files}, indent=2))
    else:
        for name, error in errors.items():
            print(error or f"{name}: ok", file=sys.stderr if error else sys.stdout)
    return 2 if any(errors.values()) else 0


def _error(name: str) -> ScenarioError | None:
    try:
        loader.load(name)
    except ScenarioError as error:
        return error
    return None


def init(arguments: Sequence[str]) -> int:
    """Write the scenario, and next to it the schema for editors; neither replaces an existing file."""
    parser = argparse.ArgumentParser("alimock init", description="Create a commented scenario file.")
    parser.add_argument("file", nargs="?", default="alimock.yaml", metavar="FILE", help="file to create (default: %(default)s)")
    path = Path(parse(parser, arguments).file)
    if "," in str(path):
        return fail(f"found `{path}`, expected a name without a comma: --scenario separates names by commas")
    try:
        with path.open("xb") as stream:
            stream.write(resources.files("alimock.cli").joinpath("starter.yaml").read_bytes())
        schema_note = _write_schema(path.with_name(SCHEMA_NAME))
    except FileExistsError:
        return fail(f"{path} already exists; choose another name")
    except OSError as error:
        return fail(f"cannot write {path}: {error.strerror}")
    # --scenario would take a name without a slash or .yaml for that of a built-in scenario.
    argument = shlex.quote(str(path) if "/" in str(path) or path.suffix == ".yaml" else f"./{path}")
    print(f"wrote {path}{schema_note}\ntry: alimock serve --watch --scenario {argument}")
    return 0


def _write_schema(path: Path) -> str:
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(json.dumps(schema.json_schema(), indent=2) + "\n")
    except FileExistsError:
        return f"; kept the existing {path}"
    return f" and {path} (for editors)"


def scenarios(arguments: Sequence[str]) -> int:
    """Print each built-in scenario with its description."""
    parse(argparse.ArgumentParser("alimock scenarios", description="List the built-in scenarios."), arguments)
    names = sources.built_in_names()
    for name in names:
        print(f"{name:<{max(map(len, names))}}  {loader.load(name).description}")
    return 0


def print_schema(arguments: Sequence[str]) -> int:
    """Print the schema, or the reference generated from it."""
    parser = argparse.ArgumentParser("alimock schema", description="Print the JSON Schema of scenario files, for editors.")
    parser.add_argument("--markdown", action="store_true", help="print a reference of all keys in Markdown instead")
    if parse(parser, arguments).markdown:
        print("\n".join(f"The keys of {name}:\n\n{table}" for name, table in reference.tables().items()), end="")
    else:
        print(json.dumps(schema.json_schema(), indent=2, ensure_ascii=False))
    return 0
