"""`alimock scenarios`: list the built-in scenarios."""

from __future__ import annotations

from collections.abc import Sequence

from alimock.cli.command import Parser, parse
from alimock.scenario import loader, sources


def parser() -> Parser:
    """Return the parser of the command line."""
    return Parser("alimock scenarios", description="List the built-in scenarios.")


def run(arguments: Sequence[str]) -> int:
    """Print each built-in scenario with its description."""
    parse(parser(), arguments)
    names = sources.built_in_names()
    for name in names:
        print(f"{name:<{max(map(len, names))}}  {loader.load(name).description}")
    return 0
