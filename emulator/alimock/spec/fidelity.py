"""The fidelity ledger: how well everything that alimock answers is known, read from contract, catalogue and behaviours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from alimock.spec.behaviors import BEHAVIOURS
from alimock.spec.contract import LIST_ITEM_TAGS, OPERATIONS, PROFILES, Layout
from alimock.spec.errors import CATALOGUE, ErrorDefinition
from alimock.spec.evidence import Evidence

_HEAD = """\
# How well it is known

Everything that alimock answers, with the evidence for it: *captured* (a real answer that somebody published), *documented* (a
page of the vendor), *sdk* (implied by the source of an official SDK), *assumed*. `alimock fidelity` prints this page;
`alimock fidelity --json` and `GET /_alimock/fidelity` give the same as data, field by field.

## Assumed

If you know better: the scenario lines, where there are any, have it otherwise, for an address, an account or everything.
"""


@dataclass(frozen=True)
class Entry:
    """One line of the ledger: what it is about, what alimock does, how well that is known, and how a scenario has it otherwise."""

    kind: str
    subject: str
    statement: str
    evidence: str
    source: str
    assumed: str = ""
    override: str = ""


def ledger() -> tuple[Entry, ...]:
    """Gives every line of the ledger, what is assumed first."""
    entries = (*_behaviours(), *_operations(), *_parameters(), *_fields(), *_codes())
    order = {evidence.value: number for number, evidence in enumerate(reversed(Evidence))}
    return tuple(sorted(entries, key=lambda entry: order[entry.evidence]))


def document() -> dict[str, object]:
    """Gives the ledger as JSON shows it, with a count for each kind of evidence."""
    entries = ledger()
    counts = {evidence.value: sum(entry.evidence == evidence.value for entry in entries) for evidence in Evidence}
    return {"counts": counts, "entries": [asdict(entry) for entry in entries]}


def page() -> str:
    """Gives the ledger as a page of Markdown; fields that are known alike share a row."""
    entries = ledger()
    known = [entry for entry in entries if entry.evidence != Evidence.ASSUMED.value]
    assumed = [entry for entry in entries if entry.evidence == Evidence.ASSUMED.value]
    partly = [(e.subject, e.assumed, e.source, _code(e.override)) for e in known if e.assumed]
    lines = [
        _HEAD,
        *_table(("about", "what alimock does", "why", "scenario lines"), _rows(assumed, "override")),
        "\n## Partly assumed\n\nThe code is known, but not all of its row.\n",
        *_table(("about", "what is assumed", "what is known", "scenario lines"), partly),
    ]
    for kind in dict.fromkeys(entry.kind for entry in known):
        rows = _rows([entry for entry in known if entry.kind == kind], "evidence")
        lines += [f"\n## Known: {kind}\n", *_table(("about", "what alimock does", "source", "evidence"), rows)]
    return "\n".join(lines) + "\n"


def _rows(entries: list[Entry], last: str) -> list[tuple[str, ...]]:
    """Makes a row of each entry, and one of all fields of a body, which differ by their name alone."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for entry in entries:
        subject, _, name = entry.subject.partition(" ") if entry.kind == "field" else (entry.subject, "", "")
        value = _code(entry.override) if last == "override" else entry.evidence
        rows.setdefault((subject, entry.statement, entry.source, value), []).append(name)
    return [(row[0], ": ".join(filter(None, (row[1], ", ".join(names)))), *row[2:]) for row, names in rows.items()]


def _behaviours() -> Iterator[Entry]:
    for row in BEHAVIOURS:
        yield Entry("behaviour", row.area, row.statement, row.evidence.value, row.source, override=row.override)


def _operations() -> Iterator[Entry]:
    for operation in OPERATIONS.values():
        statement = f"versions {', '.join(operation.versions)}; RAM action {operation.ram_action}"
        yield Entry("operation", operation.name, statement, operation.evidence.value, operation.source)


def _parameters() -> Iterator[Entry]:
    for operation in OPERATIONS.values():
        for parameter in operation.parameters:
            words = [parameter.kind.value, "required" if parameter.required else "optional"]
            words += [f"default {parameter.default}"] if parameter.default is not None else []
            words += [f"from {parameter.minimum}"] if parameter.minimum is not None else []
            words += [f"to {parameter.maximum}"] if parameter.maximum is not None else []
            subject = f"{operation.name} {parameter.name}"
            yield Entry("parameter", subject, ", ".join(words), parameter.evidence.value, parameter.source)


def _fields() -> Iterator[Entry]:
    for profile in PROFILES.values():
        for (operation, body_format), layout in profile.layouts.items():
            for name in _names(layout):
                subject = f"{operation} {name}"
                statement = f"profile {profile.name}, {body_format.value}"
                yield Entry("field", subject, statement, layout.evidence.value, layout.source, override=_profile_lines(layout))


def _names(layout: Layout) -> Iterator[str]:
    for name in layout.fields:
        yield _spelled(name, layout)
        if name in LIST_ITEM_TAGS:
            yield from (f"{_spelled(name, layout)}[].{_spelled(item, layout)}" for item in layout.item_fields)


def _spelled(name: str, layout: Layout) -> str:
    return name[0].lower() + name[1:] if layout.camel else name


def _profile_lines(layout: Layout) -> str:
    return "profile: current" if layout.evidence is Evidence.ASSUMED else ""


def _codes() -> Iterator[Entry]:
    for row in CATALOGUE:
        lines = f"codes: {{{row.code}: {{status: {row.status}}}}}" if row.status is not None else ""
        yield Entry("code", row.code, _said(row), row.evidence.value, row.source, row.assumed, lines)


def _said(row: ErrorDefinition) -> str:
    status = row.status if row.status is not None else "in FailList"
    chinese = f", {row.chinese!r}" if row.chinese is not None else ""
    return f"{status}, {row.text!r}{chinese}; {row.trigger or 'by a fault of the scenario'}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *cells)]


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
