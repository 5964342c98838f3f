"""The snippets of the web UI that need no toolchain but curl. `make interop` runs all of them."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alimock import Emulator, create_app
from web.snippets import EMAIL, FOLDER, filled, run_line

NAMES = sorted(path.name for path in FOLDER.iterdir() if path.is_file())


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_snippet_has_only_known_placeholders(name: str, emulator: Emulator) -> None:
    program = filled(name, emulator)
    assert emulator.endpoint in program
    assert "{{" not in program


@pytest.mark.parametrize("name", NAMES)
def test_snippet_is_served_as_text(name: str) -> None:
    response = create_app().test_client().get(f"/_alimock/static/snippets/{name}")
    assert (response.content_type, response.text) == ("text/plain; charset=utf-8", (FOLDER / name).read_text())


def test_curl_snippet_sends_the_email(emulator: Emulator, tmp_path: Path) -> None:
    shell = shutil.which("sh")
    if shell is None or shutil.which("curl") is None:
        pytest.skip("no curl or no sh on this machine")
    assert '"Code":"Success"' in run(shell, "-c", filled("curl.sh", emulator), folder=tmp_path)
    assert [mail.to for mail in emulator.outbox.messages()] == [EMAIL]


@pytest.mark.slow
def test_python_snippet_sends_the_email(emulator: Emulator, tmp_path: Path) -> None:
    assert "'Code': 'Success'" in run(sys.executable, "-c", filled("python.py", emulator), folder=tmp_path)
    assert [mail.to for mail in emulator.outbox.messages()] == [EMAIL]


@pytest.mark.slow
def test_pytest_snippet_passes_with_the_emulator(emulator: Emulator, tmp_path: Path) -> None:
    program = filled("test_signup.py", emulator)
    (tmp_path / "test_signup.py").write_text(program)
    assert "1 passed" in run(sys.executable, "-m", *shlex.split(run_line(program)), folder=tmp_path)
