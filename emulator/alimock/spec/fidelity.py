"""The fidelity ledger: the evidence for every response of alimock, from contract, profiles, error catalog and behaviors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache

import yaml

from alimock import package_data
from alimock.spec.contract import LIST_ITEM_TAGS, OPERATIONS, Evidence, Format
from alimock.spec.error_catalog import CATALOG, SIGNATURE_DOES_NOT_MATCH_V3
from alimock.spec.errors import ErrorDefinition
from alimock.spec.profiles import PROFILES, Layout

_HEAD = """\
# Fidelity: verified and assumed behavior

Every response of alimock, with the evidence for it: *captured* (a real response that a third party published), *documented* (a page
of the vendor), *sdk* (implied by the source of an official SDK) or *assumed*. `alimock fidelity` prints it as a table, `alimock
fidelity resend` only the lines that contain a word, and `alimock fidelity --markdown` this page. `alimock fidelity --json` and
`GET /_alimock/fidelity` return the same data, field by field. `alimock compare` tests it against the real service
([how to compare](../how-to/compare.md)).

## Assumed

If you know better, override the assumption for one address, one account or everything with the scenario lines in the last column.
"""


# The sections of the page. The kinds themselves are part of the JSON, which keeps its spelling.
_TITLES = {
    "behaviour": "behaviors",
    "operation": "operations",
    "parameter": "parameters",
    "field": "response fields",
    "code": "error codes",
}


@dataclass(frozen=True)
class Entry:
    """One line of the ledger: what alimock does, the evidence for it, and the scenario lines that override it.

    `id` is unique and stays the same when the statement changes, such as `behavior/Submit/new-address`.
    """

    id: str
    kind: str
    subject: str
    statement: str
    evidence: str
    source: str
    assumed: str = ""
    override: str = ""


@cache
def ledger() -> tuple[Entry, ...]:
    """Return all lines of the ledger, the assumed ones first."""
    entries = (*_behaviors(), *_operations(), *_parameters(), *_fields(), *_codes())
    order = {evidence.value: number for number, evidence in enumerate(reversed(Evidence))}
    return tuple(sorted(entries, key=lambda entry: order[entry.evidence]))


def document(entries: Sequence[Entry]) -> dict[str, object]:
    """Return lines of the ledger as a JSON object, with the number of lines for each kind of evidence."""
    counts = {evidence.value: sum(entry.evidence == evidence.value for entry in entries) for evidence in Evidence}
    return {"counts": counts, "entries": [asdict(entry) for entry in entries]}


def page(entries: Sequence[Entry]) -> str:
    """Return lines of the ledger as a Markdown page; fields with the same evidence share a row."""
    known = [entry for entry in entries if entry.evidence != Evidence.ASSUMED.value]
    assumed = [entry for entry in entries if entry.evidence == Evidence.ASSUMED.value]
    partly = [(e.subject, e.assumed, e.source, _as_code(e.override)) for e in known if e.assumed]
    lines = [
        _HEAD,
        *_table(("subject", "what alimock does", "reason", "override"), rows(assumed, lambda entry: _as_code(entry.override))),
        "\n## Partly assumed\n\nThe code has evidence; what the second column names has none.\n",
        *_table(("subject", "what is assumed", "evidence of the code", "override"), partly),
    ]
    for kind in dict.fromkeys(entry.kind for entry in known):
        of_kind = rows([entry for entry in known if entry.kind == kind], lambda entry: entry.evidence)
        lines += [
            f"\n## With evidence: {_TITLES[kind]}\n",
            *_table(("subject", "what alimock does", "source", "evidence"), of_kind),
        ]
    return "\n".join(lines) + "\n"


def rows(entries: Sequence[Entry], last: Callable[[Entry], str]) -> list[tuple[str, str, str, str]]:
    """Return a row for each entry: subject, statement, source and a `last` cell; the fields of one body share a row."""
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for entry in entries:
        subject, _, name = entry.subject.partition(" ") if entry.kind == "field" else (entry.subject, "", "")
        found.setdefault((subject, entry.statement, entry.source, last(entry)), []).append(name)
    return [
        (subject, ": ".join(filter(None, (statement, ", ".join(names)))), source, cell)
        for (subject, statement, source, cell), names in found.items()
    ]


def _behaviors() -> Iterator[Entry]:
    areas = yaml.safe_load(package_data.read("spec/behaviors.yaml"))
    for area, rules in areas.items():
        for rule in rules:
            yield Entry(f"behavior/{area}/{rule.pop('id')}", "behaviour", area, **rule)


def _operations() -> Iterator[Entry]:
    for operation in OPERATIONS.values():
        statement = f"versions {', '.join(operation.versions)}; RAM action {operation.ram_action}"
        name = operation.name
        yield Entry(f"operation/{name}", "operation", name, statement, operation.evidence.value, operation.source)


def _parameters() -> Iterator[Entry]:
    for operation in OPERATIONS.values():
        for parameter in operation.parameters:
            words = [parameter.kind.value, "required" if parameter.required else "optional"]
            words += [f"default {parameter.default}"] if parameter.default is not None else []
            words += [f"from {parameter.minimum}"] if parameter.minimum is not None else []
            words += [f"to {parameter.maximum}"] if parameter.maximum is not None else []
            subject, row_id = f"{operation.name} {parameter.name}", f"parameter/{operation.name}/{parameter.name}"
            yield Entry(row_id, "parameter", subject, ", ".join(words), parameter.evidence.value, parameter.source)


def _fields() -> Iterator[Entry]:
    for profile in PROFILES.values():
        for (operation, body_format), layout in profile.layouts.items():
            statement = f"profile {profile.name}, {body_format.value}"
            override = "profile: current" if layout.evidence is Evidence.ASSUMED else ""
            for name in _names(layout):
                row_id = field_id(profile.name, body_format, operation, name)
                subject = f"{operation} {name}"
                yield Entry(row_id, "field", subject, statement, layout.evidence.value, layout.source, override=override)


def field_id(profile: str, body_format: Format, operation: str, name: str) -> str:
    """Return the id of the line about a response field, such as `Data[].Email`."""
    return f"field/{profile}/{body_format.value}/{operation}/{name}"


def _names(layout: Layout) -> Iterator[str]:
    for name in layout.fields:
        yield layout.wire_name(name)
        if name in LIST_ITEM_TAGS:
            yield from (f"{layout.wire_name(name)}[].{layout.wire_name(item)}" for item in layout.item_fields)


def _codes() -> Iterator[Entry]:
    for row in CATALOG:
        status = row.status if row.status is not None else "in FailList"
        chinese = f", {row.chinese!r}" if row.chinese is not None else ""
        statement = f"{status}, {row.text!r}{chinese}; {row.trigger or 'by a fault of the scenario'}"
        override = f"codes: {{{row.code}: {{status: {row.status}}}}}" if row.status is not None else ""
        yield Entry(code_id(row), "code", row.code, statement, row.evidence.value, row.source, row.assumed, override)


def code_id(row: ErrorDefinition) -> str:
    """Return the id of the line about an error. The two rows of SignatureDoesNotMatch share their code."""
    return f"code/{row.code}/V3" if row is SIGNATURE_DOES_NOT_MATCH_V3 else f"code/{row.code}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *cells)]


def _as_code(text: str) -> str:
    return f"`{text}`" if text else ""
