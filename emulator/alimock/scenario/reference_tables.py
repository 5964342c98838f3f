"""The reference of the scenario's keys: Markdown tables generated from the schema."""

from __future__ import annotations

from collections.abc import Iterator

from alimock.scenario.fields import LISTED_VALUES, Either, Field, Keys, Scalar
from alimock.scenario.schema import ACCESS_KEY, ACCOUNT, ANSWER, CODE, FAULT, RECORD, SCENARIO

_TABLES = {
    "a file": SCENARIO,
    "an account": ACCOUNT,
    "an access key": ACCESS_KEY,
    "an address": RECORD,
    "an answer": ANSWER.mapping,
    "a fault": FAULT,
    "a code": CODE,
}


def tables() -> dict[str, str]:
    """Return the tables by subject: a row for each key with its type, meaning and default."""
    head = "| key | type | meaning | default |\n|---|---|---|---|\n"
    return {name: head + "".join(_rows(keys, "")) for name, keys in _TABLES.items()}


def _rows(keys: Keys, prefix: str) -> Iterator[str]:
    for name, key in keys.table.items():
        yield f"| `{prefix}{name}` | {_type(key.takes)} | {key.meaning} | {key.without} |\n"
        inner = key.takes.mapping if isinstance(key.takes, Either) else key.takes
        if isinstance(inner, Keys):
            yield from _rows(inner, f"{prefix}{name}.")


def _type(field: Field) -> str:
    values = field.json.get("enum", ()) if isinstance(field, Scalar) else ()
    if 0 < len(values) <= LISTED_VALUES:
        return ", ".join(f"`{value}`" for value in values)
    return field.expected.replace("null", "`null`").replace("true or false", "`true` or `false`")
