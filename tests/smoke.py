"""Test a built wheel as a user would: install it into an empty virtual environment, serve, make one call and stop."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import urllib.request
import venv
from pathlib import Path

# The oldest pytest that the plugin supports, and one that is older, with a part of their output.
_PYTEST = {"7.0.0": "2 passed", "6.2.5": "the fixtures of alimock need pytest 7 or newer, and this is pytest 6.2.5"}
_TESTS = """
def test_without_the_fixture():
    pass

def test_with_the_fixture(alimock, alimock_env):
    assert alimock.calls.list() == []
"""
_BUILT_IN = ("default", "throttled", "neighbours")


def main(wheel: Path) -> None:
    """Install the wheel, use its commands, serve on a free port, make one call and stop the server, and run pytest."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        binaries = Path(folder, "Scripts" if os.name == "nt" else "bin")
        subprocess.run([binaries / "pip", "install", "--quiet", "--disable-pip-version-check", wheel], check=True)
        version = subprocess.run([binaries / "alimock", "--version"], check=True, capture_output=True, text=True).stdout.strip()
        assert version == f"alimock {wheel.name.split('-')[1]}", version
        for arguments in (["init"], ["check", "alimock.yaml", *_BUILT_IN]):
            subprocess.run([binaries / "alimock", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        ledger = subprocess.run(
            [binaries / "alimock", "fidelity", "--markdown"], cwd=folder, check=True, capture_output=True, text=True
        ).stdout
        assert "An account submits 500 new addresses" in ledger, ledger
        with subprocess.Popen(
            [binaries / "alimock", "serve", "--port", "0"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as server:
            try:
                url, response = _call(server)
                page = "".join(_get(f"{url}/_alimock/{path}") for path in ("", "static/main.js", "static/snippets/curl.sh"))
            finally:
                server.terminate()
            # Windows ends a process without a signal that it could handle.
            assert server.wait(timeout=10) == (1 if os.name == "nt" else 0), server.returncode
        for version, result in _PYTEST.items():
            _check_pytest(Path(folder), binaries, version, result)
    assert "<Code>SendTokenQuotaExceeded</Code>" in response, response
    assert "static/main.js" in page and "render(html" in page and "Email=jo@example.com" in page, page
    print(f"{wheel.name}: installs, serves, responds and stops")


def _check_pytest(folder: Path, binaries: Path, version: str, result: str) -> None:
    subprocess.run([binaries / "pip", "install", "--quiet", "--disable-pip-version-check", f"pytest=={version}"], check=True)
    (folder / "test_plugin.py").write_text(_TESTS)
    # The rewritten assertions of an old pytest need an old Python.
    command = [binaries / "python", "-m", "pytest", "--assert=plain", "test_plugin.py"]
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout
    assert result in output, output


def _call(server: subprocess.Popen[str]) -> tuple[str, str]:
    assert server.stdout is not None
    line = server.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, f"no ready line: {line!r}"
    query = "Action=ResendEmailVerification&Version=2018-01-29&Email=test1@aliyun.com"
    return found[0], _get(f"{found[0]}/?{query}")


def _get(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as response:
        return str(response.read().decode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
