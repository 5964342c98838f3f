"""`alimock scenarios`: lists the built-in scenarios."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from alimock.scenario import loader, sources


def run(arguments: Sequence[str]) -> int:
    """Prints each built-in scenario with its description."""
    argparse.ArgumentParser("alimock scenarios", description="Lists the built-in scenarios.").parse_args(arguments)
    names = sources.built_in_names()
    for name in names:
        print(f"{name:<{max(map(len, names))}}  {loader.load(name).description}")
    return 0
