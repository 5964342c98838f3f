"""Windows, as far as another system shows it: the emulator uses nothing that Windows lacks."""

from __future__ import annotations

import subprocess
import sys

import pytest

# The libraries are loaded first, because they know the real system.
WITHOUT = """
import asyncio, flask, httptools, http.client, lxml.etree, pathlib, select, signal, ssl, subprocess, sys, yaml
for module, names in ((signal, ("SIGHUP", "SIGUSR1", "SIGKILL")), (select, ("poll",))):
    for name in names:
        vars(module).pop(name, None)
sys.modules["resource"] = sys.modules["fcntl"] = None
sys.platform = "win32"
"""
EMULATOR = """
from alimock import Emulator
with Emulator() as emulator:
    connection = http.client.HTTPConnection(emulator.endpoint)
    connection.request("GET", "/?Action=SubmitEmailVerification&Version=2018-01-29&Email=jo@example.com")
    assert connection.getresponse().status == 200
    connection.close()
    print(emulator.outbox.wait(to="jo@example.com").to)
"""
RUN = """
from alimock.cli.main import main
sys.exit(main(["run", "--", sys.executable, "-c", "import os; print('jo@example.com' if os.environ['ALIMOCK_URL'] else '')"]))
"""
SERVE = """
import threading
from alimock.cli import serve
from alimock.cli.main import main
signal.signal = lambda number, handler: threading.Timer(0.5, handler, (number, None)).start()
assert main(["serve", "--port", "0"]) == 0
print("jo@example.com")
"""


@pytest.mark.slow
@pytest.mark.parametrize("code", [EMULATOR, RUN, SERVE], ids=["Emulator", "run", "serve"])
def test_emulator_works_without_what_windows_lacks(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT + code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["jo@example.com"]), done.stderr
