"""`alimock fidelity`: print which behavior is verified and which is assumed."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from alimock.cli.command import parse
from alimock.spec import fidelity


def run(arguments: Sequence[str]) -> int:
    """Print the fidelity page as Markdown, or as JSON."""
    parser = argparse.ArgumentParser("alimock fidelity", description="Print which behavior is verified and which is assumed.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    options = parse(parser, arguments)
    print(json.dumps(fidelity.document(), ensure_ascii=False, indent=2) if options.json else fidelity.page(), end="")
    return 0
