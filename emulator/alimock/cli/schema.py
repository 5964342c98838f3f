"""`alimock schema`: prints the JSON Schema of scenario files, by which editors complete and check them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from alimock.scenario import reference, schema


def run(arguments: Sequence[str]) -> int:
    """Prints the schema, or the reference made from it."""
    parser = argparse.ArgumentParser("alimock schema", description="Prints the JSON Schema of scenario files, for editors.")
    parser.add_argument("--markdown", action="store_true", help="print the reference of all keys in its place")
    if parser.parse_args(arguments).markdown:
        print("\n".join(f"The keys of {name}:\n\n{table}" for name, table in reference.tables().items()), end="")
    else:
        print(json.dumps(schema.json_schema(), indent=2, ensure_ascii=False))
    return 0
