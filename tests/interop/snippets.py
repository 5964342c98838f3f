"""Run every snippet of the web UI against an emulator, as its reader would, and print the results. Run by `make interop`.

A snippet passes if its program succeeds and its email is in the outbox. One without its toolchain is skipped with a reason; if CI is set,
it fails.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from alimock import Client, Emulator
from alimock.testing import env
from recipes import TIMEOUT_SECONDS, go_command, java_command, node_command, python_command, serving
from run import Missing, tool
from web.snippets import EMAIL, FOLDER, filled, run_line


def _shell(*programs: str) -> Callable[[Path], list[str]]:
    def command(program: Path) -> list[str]:
        for name in programs:
            tool(name)
        return [tool("bash"), "-eu", str(program)]

    return command


def _pytest(program: Path) -> list[str]:
    return [sys.executable, "-m", *shlex.split(run_line(program.read_text()))]


COMMANDS: dict[str, Callable[[Path], list[str]]] = {
    "curl.sh": _shell("curl"),
    "python.py": python_command("alibabacloud-domain20180129==5.1.1"),
    "node.mjs": node_command,
    "Main.java": java_command,
    "main.go": go_command,
    "aliyun.sh": _shell("aliyun"),
    "test_signup.py": _pytest,
}
# No package registry has the command, so CI may skip it.
OPTIONAL = {"aliyun.sh"}
# The fixture deletes the account of a passed test, so the test itself checks the email.
CHECKED_BY_ITSELF = {"test_signup.py"}


def run(name: str, client: Client, folder: Path) -> None:
    """Run one snippet; raise RuntimeError if it fails or its email is not in the outbox."""
    client.reset()
    program = folder / name
    program.write_text(filled(name, client))
    environ = {name: value for name, value in os.environ.items() if name not in (*env.removed(os.environ), "PYTHONPATH")}
    command = COMMANDS[name](program)
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    mails = [mail.to for mail in client.outbox.messages()]
    if done.returncode or (mails != [EMAIL] and name not in CHECKED_BY_ITSELF):
        raise RuntimeError(f"exit status {done.returncode}, emails to {mails}\n{done.stdout[-1000:]}{done.stderr[-1000:]}")


def main() -> int:
    """Run all snippets; return 1 if one failed or, if CI is set, was skipped."""
    assert set(COMMANDS) == {path.name for path in FOLDER.iterdir() if path.is_file()}
    status = 0
    with serving() as (url,):
        client = Emulator.connect(url)
        for name in COMMANDS:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    run(name, client, Path(folder))
                    result = "passed"
                except Missing as missing:
                    result = f"skipped: {missing}"
                    status = 1 if os.environ.get("CI") and name not in OPTIONAL else status
                except (RuntimeError, subprocess.SubprocessError) as error:
                    result, status = f"FAILED\n{error}", 1
            print(f"snippet {name}: {result}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
