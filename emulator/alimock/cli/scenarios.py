"""`alimock scenarios`: list the built-in scenarios."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from alimock.cli.command import parse
from alimock.scenario import loader, sources


def run(arguments: Sequence[str]) -> int:
    """Print each built-in scenario with its description."""
    parse(argparse.ArgumentParser("alimock scenarios", description="List the built-in scenarios."), arguments)
    names = sources.built_in_names()
    for name in names:
        print(f"{name:<{max(map(len, names))}}  {loader.load(name).description}")
    return 0
