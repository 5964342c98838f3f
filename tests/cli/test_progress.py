"""The progress of long work: a line on a terminal, and nothing anywhere else."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TextIO

import pytest
from alimock.cli import progress
from alimock.cli.progress import Progress
from command import COMMAND, ENVIRON

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals", allow_module_level=True)

import fcntl
import pty
import struct
import termios

COLUMNS = 40


class Terminal:
    """A pseudo-terminal, whose other end is `stream`."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        self.stream = os.fdopen(os.dup(self.slave), "w")

    def read_until(self, text: str) -> str:
        """Return what is written until a text appears."""
        written = ""
        while text not in written:
            written += os.read(self.master, 4096).decode()
        return written

    def rest(self) -> str:
        """Return what is written until the end."""
        self.stream.write("END")
        self.stream.flush()
        return self.read_until("END").removesuffix("END")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal, to be used as standard error."""
    monkeypatch.setenv("TERM", "xterm")
    opened = Terminal()
    yield opened
    opened.stream.close()
    os.close(opened.slave)
    os.close(opened.master)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "DELAY_SECONDS", 0)


@contextmanager
def working(stream: TextIO, text: Callable[[], str]) -> Iterator[Progress]:
    """Show progress on a stream; pytest replaces one that a fixture sets."""
    with redirect_stderr(stream), Progress(text) as shown:
        yield shown


ERASED = f"\r{' ' * (COLUMNS - 1)}\r"


def test_line_is_shown_and_erased_at_the_end(terminal: Terminal, at_once: None) -> None:
    with working(terminal.stream, lambda: "3 of 9 files"):
        assert terminal.read_until(")") == "3 of 9 files (0 s)"
    assert terminal.rest().endswith(ERASED)


def test_line_is_rewritten_in_place(terminal: Terminal, at_once: None) -> None:
    texts = iter(["one", "two"])
    with working(terminal.stream, lambda: next(texts, "three")):
        assert terminal.read_until("three (").startswith(f"one (0 s){ERASED}two (0 s){ERASED}three (")


def test_line_fits_the_terminal(terminal: Terminal, at_once: None) -> None:
    with working(terminal.stream, lambda: "x" * 2 * COLUMNS):
        assert terminal.read_until(ERASED).startswith("x" * (COLUMNS - 1) + ERASED)


def test_line_is_erased_while_something_else_is_written(terminal: Terminal, at_once: None) -> None:
    with working(terminal.stream, lambda: "working") as shown:
        terminal.read_until(")")
        with shown.hidden():
            print("a result", file=sys.stderr)
            sys.stderr.flush()
            assert terminal.read_until("\n").endswith(f"{ERASED}a result\r\n")
        assert "working" in terminal.read_until(")")


def test_short_work_shows_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "DELAY_SECONDS", 60)
    with working(terminal.stream, lambda: "working") as shown, shown.hidden():
        pass
    assert terminal.rest() == ""


def test_line_is_erased_after_an_exception(terminal: Terminal, at_once: None) -> None:
    with pytest.raises(KeyboardInterrupt), working(terminal.stream, lambda: "working"):
        terminal.read_until(")")
        raise KeyboardInterrupt
    assert terminal.rest().endswith(ERASED)


def test_dumb_terminal_shows_nothing(terminal: Terminal, at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with working(terminal.stream, lambda: pytest.fail("asked for its text")):
        pass
    assert terminal.rest() == ""


def test_file_shows_nothing(at_once: None) -> None:
    file = io.StringIO()
    with working(file, lambda: pytest.fail("asked for its text")):
        pass
    assert file.getvalue() == ""


@pytest.mark.slow
def test_large_scenario_shows_its_progress_on_a_terminal_only(tmp_path: Path, terminal: Terminal) -> None:
    addresses = "".join(f"  a{number}@example.com: verified\n" for number in range(100_000))
    (tmp_path / "large.yaml").write_text(f"alimock: 1\naddresses:\n{addresses}")
    command = [*COMMAND, "check", str(tmp_path / "large.yaml")]
    environ = {**ENVIRON, "TERM": "xterm"}
    script = ["sh", "-c", '"$@" >&2; printf END >&2', "sh", *command]
    with subprocess.Popen(script, env=environ, stderr=terminal.slave):
        shown = terminal.read_until("END")
    in_pipe = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert (in_pipe.returncode, in_pipe.stderr) == (0, "")
    assert shown.startswith("0 of 1 files checked (")
    assert shown.replace("\r\n", "\n").endswith(f"{ERASED}{in_pipe.stdout}END")
