"""What `alimock serve` prints when it is ready: a block on a terminal, else one line (see test_serve.py)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import takewhile

import pytest
from alimock import __version__
from alimock.cli import ready_text
from alimock.cli.color import Colors
from alimock.scenario import loader
from alimock.settings import Settings, resolve
from command import COMMAND, ENVIRON
from conftest import scenario


def block(name: str, settings: Settings | None = None, width: int = 80) -> str:
    """Return the block for a scenario."""
    loaded = loader.load(name) if ":" not in name else scenario(name)
    return ready_text.block(["http://127.0.0.1:1"], loaded, settings or Settings(), "state in memory", Colors(), width)


def test_block_has_what_a_person_needs() -> None:
    assert block("default").splitlines() == [
        f"alimock {__version__} is ready",
        "",
        "  Web UI          http://127.0.0.1:1/_alimock/",
        "  API endpoint    http://127.0.0.1:1",
        "  Access keys     testid / testsecret",
        "  Scenario        default: The addresses of the published samples, and one",
        "                  address for each outcome under sim.example.com.",
        "  Profile         current",
        "  Authentication  known-keys",
        "  State           in memory",
        "  Log             standard error, level info",
        "",
        "Press Ctrl-C to stop.",
    ]


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("default", "testid / testsecret"),
        ("default,access-keys", "testid / testsecret, team-key / team-secret, reader / reader-secret, disabled / disabled-secret, 1 more"),
        ("accounts: {a: {access_keys: [{id: mine, secret: hush}, {id: testid, secret: hush}]}}", "mine, testid"),
        ("seed: '1'", "none"),
    ],
)  # fmt: skip
def test_block_shows_only_the_secrets_of_built_in_scenarios(name: str, keys: str) -> None:
    assert f"  Access keys     {keys}\n" in block(name, width=200)


def test_block_shows_settings_and_no_control_token() -> None:
    options = {"control_token": "hush", "log_format": "json", "log_level": "error", "auth": "strict", "profile": "docs-2018"}
    text = block("default", resolve(options, {}), width=100)
    assert "hush" not in text
    for row in (
        "Web UI          http://127.0.0.1:1/_alimock/ (the password is the control token)",
        "Profile         docs-2018",
        "Authentication  strict",
        "Log             standard error, level error, as JSON",
    ):
        assert f"  {row}\n" in text


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_terminal_gets_the_block_and_a_closing_line() -> None:
    terminal, end = os.openpty()
    environ = {**ENVIRON, "NO_COLOR": "1"}
    with open(terminal, encoding="utf-8", newline="\r\n") as output, subprocess.Popen(
        [*COMMAND, "serve", "--port", "0"], env=environ, stdin=end, stdout=end, stderr=end
    ) as process:  # fmt: skip
        os.close(end)
        lines = list(takewhile(lambda line: line != "Press Ctrl-C to stop.\r\n", output))
        process.send_signal(signal.SIGINT)
        last = [output.readline() for _ in range(3)]
        assert process.wait(20) == 0
    assert lines[0] == f"alimock {__version__} is ready\r\n"
    assert last == ["\r\n", "\r\n", "Stopped.\r\n"]
