"""`alimock schema`: print the JSON Schema of scenario files, or their reference."""

from __future__ import annotations

import json
from collections.abc import Sequence

from alimock.cli.command import Parser, parse
from alimock.scenario import reference_tables, schema


def parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser("alimock schema", description="Print the JSON Schema of scenario files, for editors.")
    parser.add_argument("--markdown", action="store_true", help="print a reference of all keys in Markdown instead")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print the schema, or the reference generated from it."""
    if parse(parser(), arguments).markdown:
        print("\n".join(f"The keys of {name}:\n\n{table}" for name, table in reference_tables.tables().items()), end="")
    else:
        print(json.dumps(schema.json_schema(), indent=2, ensure_ascii=False))
    return 0
