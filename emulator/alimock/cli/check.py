"""`alimock check`: validate scenarios and show every error."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from alimock.cli.command import Parser, parse
from alimock.cli.progress import Progress
from alimock.scenario import loader
from alimock.scenario.diagnostics import ScenarioError


def _error(name: str) -> ScenarioError | None:
    try:
        loader.load(name)
    except ScenarioError as error:
        return error
    return None


def parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser("alimock check", description="Validate scenarios and show every error.")
    parser.add_argument(
        "scenarios",
        nargs="+",
        metavar="SCENARIO",
        help="a path with a slash, .yaml, .yml or .json, or the name of a built-in scenario",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Return 0 if all scenarios are valid, else 2."""
    options = parse(parser(), arguments)
    errors: dict[str, ScenarioError | None] = {}
    with Progress(lambda: f"{len(errors):,} of {len(set(options.scenarios)):,} files checked"):
        for name in options.scenarios:
            errors[name] = _error(name)
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
