"""`alimock fidelity`: prints how well everything that alimock answers is known."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from alimock.spec import fidelity


def run(arguments: Sequence[str]) -> int:
    """Prints the ledger as a page of Markdown, or as JSON."""
    parser = argparse.ArgumentParser("alimock fidelity", description="Prints how well everything that alimock answers is known.")
    parser.add_argument("--json", action="store_true", help="as JSON")
    options = parser.parse_args(arguments)
    print(json.dumps(fidelity.document(), ensure_ascii=False, indent=2) if options.json else fidelity.page(), end="")
    return 0
