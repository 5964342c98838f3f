"""Commands whose standard output or standard error is full, closed, or without a reader."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command import ENVIRON

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full"),
]

COMMAND = f"{sys.executable} -m alimock"
FULL = "alimock: cannot write to standard output: No space left on device\n"
CLOSED = "alimock: cannot write to standard output: Bad file descriptor\n"
OUTPUTS = {">/dev/full": FULL, ">&-": CLOSED, ">&BROKEN": ""}


def shell(command: str, **environ: str) -> tuple[int, str, str]:
    """Run a command, where BROKEN is a pipe without a reader."""
    reader, writer = os.pipe()
    os.close(reader)
    script = f"{COMMAND} {command}".replace("BROKEN", str(writer))
    done = subprocess.run(
        ["bash", "-c", script], env={**ENVIRON, **environ}, capture_output=True, text=True, timeout=60, pass_fds=(writer,)
    )
    os.close(writer)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("redirection", OUTPUTS)
@pytest.mark.parametrize("command", ["schema", "scenarios", "check default", "env --sdk go", "--help", "serve --help", "--version"])
def test_lost_output_is_an_error(command: str, redirection: str, unbuffered: str) -> None:
    status, output, errors = shell(f"{command} {redirection}", PYTHONUNBUFFERED=unbuffered)
    assert (status, output, errors) == (1, "", OUTPUTS[redirection])


def test_certificate_that_cannot_be_printed_is_an_error(tmp_path: Path) -> None:
    for redirection, message in OUTPUTS.items():
        assert shell(f"ca --tls-directory {tmp_path} {redirection}") == (1, "", message)


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "2>&BROKEN", "<&- >&- 2>&-", ">/dev/full 2>&1"])
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("run -- sh -c 'exit 3'", 3),
        ("run -- true", 0),
        ("run --strict -- true", 0),
        ("run -- no-such-command", 127),
        ("check no-such-scenario", 2),
        ("no-such-command", 2),
        ("serve --port x", 2),
        ("ready --url http://127.0.0.1:1", 1),
        ("explain-signature - --url http://127.0.0.1:1", 2),
    ],
)
def test_lost_messages_do_not_change_the_exit_status(command: str, expected: int, redirection: str) -> None:
    status, output, errors = shell(f"{command} {redirection}", ALIMOCK_UNKNOWN="1")
    assert (status, output, errors) == (expected, "", "")


def test_serve_reports_that_the_ready_line_cannot_be_written() -> None:
    assert shell("serve --port 0 >/dev/full") == (1, "", FULL)
    assert shell("serve --port 0 >&BROKEN") == (1, "", "")


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "2>/dev/full", "<&- >&- 2>&-"])
def test_serve_runs_with_closed_streams(redirection: str, tmp_path: Path) -> None:
    port = tmp_path / "port"
    script = f"""
import sys
sys.argv = ["alimock", "serve", "--port", "0"]
from alimock.cli import main
from alimock.server import server
start = server.Server.start
def started(self):
    start(self)
    open({str(port)!r}, "w").write(str(self.listeners[0].port) + ".")
server.Server.start = started
sys.exit(main.main())
"""
    process = subprocess.Popen(["bash", "-c", f'exec {sys.executable} -c "$0" {redirection}', script], env=ENVIRON)
    with process:
        try:
            while not port.exists() or not port.read_text().endswith("."):
                assert process.poll() is None
            url = f"http://127.0.0.1:{port.read_text()[:-1]}"
            assert shell(f"ready --url {url}") == (0, f"ready: {url}\n", "")
        finally:
            os.kill(process.pid, signal.SIGTERM)
        assert process.wait(30) == 0
