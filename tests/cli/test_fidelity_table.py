"""`alimock fidelity`: the ledger as a table that fits the terminal, and its lines that contain a word."""

from __future__ import annotations

import json
import unicodedata

import pytest
from alimock.cli.main import main
from alimock.spec import fidelity

WORDS = {word for entry in fidelity.ledger() for word in f"{entry.subject} {entry.statement}".split()}


def table(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """Return the printed lines."""
    assert main(["fidelity", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def width(text: str) -> int:
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_table_fits_the_terminal_and_breaks_no_word(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = table(capsys)
    assert columns - 20 < max(map(width, lines)) <= columns
    text = " ".join(lines)
    assert [word for word in WORDS if word not in text] == []


def test_table_has_80_columns_without_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert max(map(width, table(capsys))) <= 80


@pytest.mark.parametrize(
    "word", ["resend", "RESEND", "capTured", "500 new"], ids=["subject", "letter case", "evidence", "statement"]
)
def test_word_selects_the_lines_that_contain_it(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    entries = json.loads("\n".join(table(capsys, word, "--json")))["entries"]
    assert 0 < len(entries) < len(fidelity.ledger())
    assert all(word.lower() in f"{one['evidence']} {one['subject']} {one['statement']}".lower() for one in entries)
    assert len(table(capsys, word)) > 1


def test_partly_assumed_line_says_what_is_assumed(capsys: pytest.CaptureFixture[str]) -> None:
    assert "(assumed: text and status)" in " ".join(" ".join(table(capsys, "UnsupportedSignatureType")).split())


def test_word_in_no_line_is_an_error_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fidelity", "ResentEmailVerification"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == (
        "alimock: no line contains `ResentEmailVerification`, expected a part of the evidence, the subject or the statement of a line; "
        "did you mean `ResendEmailVerification`?\nRun `alimock fidelity` to see all lines.\n"
    )
