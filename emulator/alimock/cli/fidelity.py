"""`alimock fidelity`: print which behavior is verified and which is assumed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from alimock.cli.command import Parser, did_you_mean, fail, parse
from alimock.cli.width import padded, width
from alimock.spec import fidelity
from alimock.spec.fidelity import Entry

if TYPE_CHECKING:
    from alimock.compare.evidence import EvidenceFile

EXIT_NO_MATCH = 1
_HEAD = ("EVIDENCE", "SUBJECT", "STATEMENT")
_GAP = "  "
# In a narrower terminal, the lines of the table are longer than it.
_NARROWEST = 20
_EPILOG = "--markdown and --json also print the source of each line, and the scenario lines that override an assumption."


def parser() -> Parser:
    """Return the parser of the command line."""
    description = "Print which behavior is verified and which is assumed, as a table."
    parser = Parser("alimock fidelity", description=description, epilog=_EPILOG)
    parser.add_argument("word", nargs="?", default="", metavar="WORD", help="show only lines that contain it, in any letter case")
    kind = parser.add_mutually_exclusive_group()
    parser.add_to(kind, "--markdown", action="store_true", help="print Markdown, as docs/reference/fidelity.md")
    parser.add_to(kind, "--json", action="store_true", help="print JSON")
    parser.add_argument("--evidence", type=Path, metavar="FILE", help="show what a file of `alimock compare --write` says about it")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print the ledger as a table, as Markdown or as JSON, with the evidence of a comparison if there is one."""
    options = parse(parser(), arguments)
    file = None
    if options.evidence is not None:
        # Imported late: what a comparison needs takes as long to load as the rest.
        from alimock.compare import evidence

        try:
            file = evidence.load(options.evidence)
        except evidence.EvidenceError as error:
            return fail(str(error))
    verdicts = _verdicts(file) if file is not None else {}
    entries = [entry for entry in fidelity.ledger() if options.word.casefold() in "\n".join(_cells(entry, verdicts)).casefold()]
    if not entries:
        return fail(_no_match(options.word), EXIT_NO_MATCH)
    if file is not None and options.word:
        file = _narrowed(file, {entry.id for entry in entries})
    if options.json:
        comparison = {"comparison": asdict(file)} if file is not None else {}
        print(json.dumps({**fidelity.document(entries), **comparison}, ensure_ascii=False, indent=2))
    else:
        print(_markdown(entries, file) if options.markdown else _table(entries, file, verdicts), end="")
    return 0


def _no_match(word: str) -> str:
    known = {entry.subject for entry in fidelity.ledger()}
    return (
        f"no line contains `{word}`, expected a part of the evidence, the subject or the statement of a line"
        f"{did_you_mean(word, known)}\nRun `alimock fidelity` to see all lines."
    )


def _verdicts(file: EvidenceFile) -> Mapping[str, str]:
    """Return the verdict of a comparison on each line that it tested, by id; a line that one step refutes is refuted."""
    return {**dict.fromkeys(file.confirmed, "confirmed"), **dict.fromkeys(file.refuted, "refuted")}


def _narrowed(file: EvidenceFile, ids: set[str]) -> EvidenceFile:
    confirmed, refuted = ({row: steps for row, steps in rows.items() if row in ids} for rows in (file.confirmed, file.refuted))
    return replace(file, confirmed=confirmed, refuted=refuted)


def _cells(entry: Entry, verdicts: Mapping[str, str]) -> tuple[str, str, str]:
    """Return the evidence, the subject and the statement of a line."""
    evidence = ", ".join(filter(None, (entry.evidence, verdicts.get(entry.id, ""))))
    return evidence, entry.subject, f"{entry.statement} (assumed: {entry.assumed})" if entry.assumed else entry.statement


def _markdown(entries: Sequence[Entry], file: EvidenceFile | None) -> str:
    if file is None:
        return fidelity.page(entries)
    from alimock.compare import report

    return f"{report.section(file)}\n{fidelity.page(entries)}"


def _table(entries: Sequence[Entry], file: EvidenceFile | None, verdicts: Mapping[str, str]) -> str:
    lines = []
    if file is not None:
        from alimock.compare import report

        lines = report.heading(file)
    shown = [replace(entry, statement=_cells(entry, verdicts)[2]) for entry in entries]
    grouped = fidelity.rows(shown, lambda entry: _cells(entry, verdicts)[0])
    rows = [(evidence, subject, statement) for subject, statement, _, evidence in grouped]
    # 80 columns if standard output is not a terminal.
    return "\n".join((*lines, *_lines([_HEAD, *rows], shutil.get_terminal_size().columns), ""))


def _lines(rows: Sequence[tuple[str, str, str]], columns: int) -> Iterator[str]:
    """Yield the lines of a table; beside a subject that is too long for its column is no statement."""
    evidence, subject, statement = _widths(rows, columns)
    for row in rows:
        subjects, statements = _wrapped(row[1], subject), _wrapped(row[2], statement)
        if any(width(text) > subject for text in subjects):
            statements[:0] = [""] * len(subjects)
        for left, middle, right in zip_longest(_wrapped(row[0], evidence), subjects, statements, fillvalue=""):
            yield _GAP.join((padded(left, evidence), padded(middle, subject), right)).rstrip()


def _widths(rows: Sequence[tuple[str, str, str]], columns: int) -> tuple[int, int, int]:
    """Return the widths of the columns: the statements need their longest word, and the subjects get what is left of half."""
    evidence, _, word = (max(width(word) for row in rows for word in row[number].split()) for number in range(3))
    left = columns - evidence - 2 * len(_GAP)
    longest = max(width(row[1]) for row in rows)
    subject = max(min(longest, left - max(word, columns // 2)), len(_HEAD[1]))
    return evidence, subject, max(left - subject, _NARROWEST)


def _wrapped(text: str, columns: int) -> list[str]:
    """Break a text between words only, which `textwrap` does not do by the width of Chinese characters."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width(longer) <= columns:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
