"""`alimock completion`: the scripts are asked as the shells ask them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest
from alimock.cli.main import COMMANDS, main
from alimock.scenario import sources

SHELLS = ("bash", "zsh", "fish")
# Each line, and what its last word is completed to. bash gets its words, of which the = of an option is one.
QUESTIONS = [
    ("serv", ["serve"]),
    ("expl", ["explain-signature"]),
    ("help explain", ["explain-signature"]),
    ("serve --aut", ["--auth"]),
    ("serve --auth ", ["known-keys", "none", "strict"]),
    ("serve --auth s", ["strict"]),
    ("serve --auth=s", ["strict"]),
    ("serve --watch --log-l", ["--log-level"]),
    ("serve --log-level ", ["debug", "error", "info", "warning"]),
    ("serve --scenario throt", ["throttled"]),
    ("run --profile docs-", ["docs-2018", "docs-2021"]),
    ("check defau", ["default"]),
    ("check --js", ["--json"]),
    ("env --sdk python", ["python", "python-core"]),
    ("completion ", ["bash", "fish", "zsh"]),
    ("serve --port ", []),
]


def needs(shell: str) -> None:
    """Skip a test without its shell."""
    if sys.platform == "win32" or shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


@pytest.fixture
def script(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return the script of the shell that the test is for."""
    needs(request.param)
    assert main(["completion", request.param]) == 0
    path = tmp_path / f"script.{request.param}"
    path.write_text(capsys.readouterr().out)
    return path


def answer_of_bash(script: Path, line: str) -> list[str]:
    """Return the completions of the last word."""
    code = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _alimock; printf "%s\\n" "${COMPREPLY[@]}"'
    words = ["alimock", *line.replace("=", " = ").split(" ")]
    done = subprocess.run(["bash", "--norc", "-c", code, "bash", str(script), *words], capture_output=True, text=True, check=True)
    return done.stdout.split()


def answer_of_fish(script: Path, line: str) -> list[str]:
    """Return the completions of the last word, without an option before the =."""
    code = f'source {script}; complete -C "alimock {line}"'
    done = subprocess.run(["fish", "--no-config", "-c", code], capture_output=True, text=True, check=True, cwd=script.parent)
    return [row.partition("\t")[0].rpartition("=")[2] for row in done.stdout.splitlines()]


@pytest.mark.parametrize("script", ["bash"], indirect=True)
def test_bash_completes_words(script: Path) -> None:
    assert {line: sorted(answer_of_bash(script, line)) for line, _ in QUESTIONS} == dict(QUESTIONS)


@pytest.mark.slow
@pytest.mark.parametrize("script", ["fish"], indirect=True)
def test_fish_completes_words(script: Path) -> None:
    assert {line: sorted(answer_of_fish(script, line)) for line, _ in QUESTIONS} == dict(QUESTIONS)
    assert answer_of_fish(script, "serve --tls-key scr") == answer_of_fish(script, "check scr") == ["script.fish"]


INTERACTIVE_ANSWERS = {
    "expl": "explain-signature",
    "serve --aut": "serve --auth",
    "serve --auth s": "serve --auth strict",
    "serve --auth=s": "serve --auth=strict",
    "check defau": "check default",
    "check scr": "check script.{shell}",
    "serve --tls-key scr": "serve --tls-key script.{shell}",
}
SETUP = {
    "bash": "source script.bash; alimock() { printf '<%s>\\n' \"$*\"; }; alimock ready\n",
    "zsh": 'autoload -U compinit; compinit -D -u; source script.zsh; alimock() { print "<$*>" }; alimock ready\n',
}
START = {"bash": ["bash", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"]}


@pytest.mark.slow
@pytest.mark.parametrize("script", ["bash", "zsh"], indirect=True)
def test_interactive_shell_completes_words(script: Path) -> None:
    shell = script.suffix.removeprefix(".")
    terminal, end = os.openpty()
    environ = {**os.environ, "TERM": "dumb", "PS1": "", "HOME": str(script.parent)}
    process = subprocess.Popen(
        START[shell], stdin=end, stdout=end, stderr=end, env=environ, cwd=script.parent, start_new_session=True
    )
    os.close(end)
    os.set_blocking(terminal, False)
    try:
        os.write(terminal, SETUP[shell].encode())
        assert "<ready>" in read_until(terminal, "<ready>")
        for line, answer in INTERACTIVE_ANSWERS.items():
            completed = answer.format(shell=shell)
            os.write(terminal, f"alimock {line}\t\n".encode())
            assert f"<{completed}>" in read_until(terminal, f"<{completed}>")
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def read_until(terminal: int, expected: str) -> str:
    """Return the output of a terminal until it has a text, or after a timeout."""
    output, end = "", time.monotonic() + 20
    while expected not in output and time.monotonic() < end:
        try:
            output += os.read(terminal, 65536).decode(errors="replace")
        except BlockingIOError:
            time.sleep(0.01)
    return output


@pytest.mark.parametrize("shell", SHELLS)
def test_script_has_every_command_option_and_scenario(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for command in COMMANDS:
        flags = import_module(f"alimock.cli.{command.replace('-', '_')}").parser().flags
        for flag in (one for one in flags if one.startswith("--")):
            assert (f"-l {flag[2:]} " if shell == "fish" else flag) in script
        assert command in script
    assert all(name in script for name in sources.built_in_names())
