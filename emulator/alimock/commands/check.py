"""`alimock check`: checks scenarios and shows every mistake."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from alimock.scenario import loader
from alimock.scenario.document import ScenarioError


def run(arguments: Sequence[str]) -> int:
    """Gives 0 if all scenarios can be used, else 2."""
    parser = argparse.ArgumentParser("alimock check", description="Checks scenarios and shows every mistake.")
    parser.add_argument("scenarios", nargs="+", metavar="FILE", help="a path, or the name of a built-in scenario")
    status = 0
    for name in parser.parse_args(arguments).scenarios:
        try:
            loader.load(name)
            print(f"{name}: ok")
        except ScenarioError as error:
            print(error, file=sys.stderr)
            status = 2
    return status
