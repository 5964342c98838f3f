"""`alimock fidelity`: print which behavior is verified and which is assumed."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from alimock.cli.command import fail, parse
from alimock.spec import fidelity


def run(arguments: Sequence[str]) -> int:
    """Print the fidelity page as Markdown, or as JSON, with the evidence of a comparison if there is one."""
    parser = argparse.ArgumentParser("alimock fidelity", description="Print which behavior is verified and which is assumed.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument("--evidence", type=Path, metavar="FILE", help="show what a file of `alimock compare --write` says about it")
    options = parse(parser, arguments)
    if options.evidence is not None:
        return _with_evidence(options.evidence, as_json=options.json)
    print(json.dumps(fidelity.document(), ensure_ascii=False, indent=2) if options.json else fidelity.page(), end="")
    return 0


def _with_evidence(file: Path, *, as_json: bool) -> int:
    # Imported late: what a comparison needs takes as long to load as the rest.
    from alimock.compare import evidence, report

    try:
        found = evidence.load(file)
    except evidence.EvidenceError as error:
        return fail(str(error))
    if as_json:
        print(json.dumps({**fidelity.document(), "comparison": asdict(found)}, ensure_ascii=False, indent=2))
    else:
        print(f"{report.section(found)}\n{fidelity.page()}", end="")
    return 0
