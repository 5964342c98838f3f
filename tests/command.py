"""Run the `alimock` command as a process."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from alimock.cli.main import main

COMMAND = [sys.executable, "-m", "alimock"]
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("ALIMOCK_")}


@contextmanager
def serving(*options: str, command: Sequence[str] = COMMAND, **environ: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `alimock serve`; yield the process and its ready line."""
    process = subprocess.Popen(
        [*command, "serve", "--port", "0", *options],
        env={**ENVIRON, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def ask(ready_line: str, path: str) -> tuple[int, bytes]:
    found = re.search(r"http://(\S+)", ready_line)
    assert found, ready_line
    connection = http.client.HTTPConnection(found[1], timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


def run(*arguments: str, **environ: str) -> tuple[int, str, str]:
    done = subprocess.run([*COMMAND, *arguments], env={**ENVIRON, **environ}, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what an option such as --help prints in this process."""
    with pytest.raises(SystemExit) as done:
        main(arguments)
    assert done.value.code == 0
    return capsys.readouterr().out
