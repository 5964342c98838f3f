"""The texts of `alimock compare`: what it is going to do, each step, and the summary; and the section of the fidelity page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from alimock import __version__
from alimock.compare import verdicts
from alimock.compare.calls import Caller
from alimock.compare.difference import Difference
from alimock.compare.evidence import EvidenceFile
from alimock.compare.plan import Plan
from alimock.compare.results import Outcome, Result
from alimock.spec import fidelity
from alimock.spec.contract import Evidence

_LEDGER = {entry.id: entry for entry in fidelity.ledger()}
_INDENT = " " * 14
# Of one step. The evidence has them all.
MAXIMUM_DIFFERENCES = 20


def plan_text(plan: Plan, caller: Caller, authority: str) -> str:
    """Return what a comparison is going to do, and what it cannot undo."""
    how = f"version {caller.version}, signature {caller.sign.upper()}"
    lines = [
        f"alimock compare will make {len(plan.steps)} calls to {authority} ({how}), in {plan.seconds:.0f} seconds or more,",
        f"and cause up to {plan.mails} emails to {plan.email}. A throttled call is tried once more.",
        "  first: Whether the account has a record of the address. (1 call)",
        *(f"  {one.name}: {one.description} ({len(one.steps)} calls)" for one in plan.conversations),
        "It submits the address and deletes it again. If the account already has a record of the address, it leaves that alone.",
        "It cannot take back: the emails, the part of the day's quotas that they use, and the calls in the account's audit log.",
        "Calls with a wrong secret are among them.",
    ]
    return "\n".join(lines)


def step_text(result: Result, mask: Callable[[str], str]) -> str:
    """Return the lines about a step, with `mask` applied to what came from the service."""
    head = f"{result.outcome.value:<13} {result.name}" + (f": {mask(result.reason)}" if result.reason else "")
    lines = [f"{_INDENT}{_format_difference(one, mask)}" for one in result.differences[:MAXIMUM_DIFFERENCES]]
    more = len(result.differences) - len(lines)
    return "\n".join((head, *lines, *([f"{_INDENT}and {more} more"] if more else [])))


def summary(results: Sequence[Result], *, is_trial: bool) -> str:
    """Return the counts, and the lines of the ledger that were confirmed and refuted. A trial confirms and refutes none."""
    counts = {outcome: sum(result.outcome is outcome for result in results) for outcome in Outcome}
    steps = f"{len(results)} steps: " + ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items())
    if is_trial:
        return f"{steps}\nThis was a trial: the endpoint is an alimock. It is no evidence about the real service."
    rows = verdicts.merged((result.name, verdict) for result in results for verdict in result.verdicts)
    refuted = {row: steps[False] for row, steps in rows.items() if steps[False]}
    confirmed = {row: steps[True] for row, steps in rows.items() if row not in refuted}
    assumed = {row: steps for row, steps in confirmed.items() if _is_assumed(row)}
    lines = [
        steps,
        f"Lines of the fidelity ledger: {len(confirmed)} confirmed, {len(refuted)} refuted",
    ]
    if refuted:
        lines += ["", "Refuted:", *_row_lines(refuted)]
    if assumed:
        lines += ["", "Confirmed as far as these steps test them, until now assumed at least in part:", *_row_lines(assumed)]
    others = sorted(confirmed.keys() - assumed.keys())
    if others:
        lines += ["", "Confirmed, with evidence before:", *(f"  {line}" for line in _grouped(others))]
    return "\n".join(lines)


def heading(file: EvidenceFile) -> list[str]:
    """Return what an evidence file compared, and when, as lines."""
    how = f"version {file.version}, signature {file.signature.upper()}"
    return [
        f"Compared with {file.endpoint} on {file.date} ({how})\n",
        f"By alimock {file.alimock} with the profile `{file.profile}`.",
        *([] if file.alimock == __version__ else [f"This is alimock {__version__}: repeat the comparison before you rely on it."]),
        "",
    ]


def section(file: EvidenceFile) -> str:
    """Return the content of an evidence file as a section of the fidelity page."""
    title, *details = heading(file)
    lines = [
        f"## {title}",
        *details,
        "| result | id | evidence so far | what alimock does | steps |",
        "| --- | --- | --- | --- | --- |",
        *_section_rows("refuted", file.refuted),
        *_section_rows("confirmed", file.confirmed),
    ]
    return "\n".join(lines) + "\n"


def _section_rows(result: str, rows: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for row in sorted(rows, key=lambda row: (not _is_assumed(row), row)):
        entry = _LEDGER.get(row)
        known, statement = (entry.evidence, entry.statement) if entry is not None else ("", "(not in this version's ledger)")
        cells = (result, row, known, statement, ", ".join(rows[row]))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in cells)} |"


def _is_assumed(row: str) -> bool:
    entry = _LEDGER.get(row)
    return entry is not None and (entry.evidence == Evidence.ASSUMED.value or bool(entry.assumed))


def _row_lines(rows: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for row, steps in rows.items():
        yield f"  {row}: {_LEDGER[row].statement}"
        yield f"{_INDENT}in {', '.join(steps)}"


def _grouped(rows: Iterable[str]) -> Iterator[str]:
    """Return ids, with those of the fields of one body in one line."""
    names: dict[str, list[str]] = {}
    for row in rows:
        parent, _, name = row.rpartition("/") if row.startswith("field/") else (row, "", "")
        names.setdefault(parent, []).append(name)
    for parent, found in names.items():
        yield f"{parent}: {', '.join(found)}" if any(found) else parent


def _format_difference(one: Difference, mask: Callable[[str], str]) -> str:
    where, service, alimock = (mask(text) for text in (one.where, one.service, one.alimock))
    return f"{one.kind.value}{where and f' {where}'}: service {service}, alimock {alimock}"
