"""gevent and eventlet replace the threads of a process: an emulator refuses to run there, and a client works."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
from conftest import Running

PATCHES = {"gevent": "import gevent.monkey; gevent.monkey.patch_all()", "eventlet": "import eventlet; eventlet.monkey_patch()"}
libraries = pytest.mark.parametrize("library", list(PATCHES))
orders = pytest.mark.parametrize("order", ["before", "after"])


def run(library: str, order: str, code: str) -> str:
    """Run code in a process whose threads were replaced before or after alimock was imported, and return its output."""
    pytest.importorskip(library, reason=f"{library} is not installed")
    lines = ["from alimock import Emulator, EmulatorError"]
    lines.insert(0 if order == "before" else 1, PATCHES[library])
    done = subprocess.run(
        [sys.executable, "-c", "\n".join((*lines, textwrap.dedent(code)))], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@libraries
@orders
def test_emulator_refuses_to_start_and_says_what_to_do(library: str, order: str) -> None:
    code = """
        emulator = Emulator()
        for _ in range(2):
            try:
                emulator.start()
            except RuntimeError as error:
                print(error)
        emulator.stop()
    """
    refusal = (
        f"an emulator cannot run in a process whose threads {library} has replaced; "
        "run `alimock serve` and use Emulator.connect(url), or --alimock-url with pytest\n"
    )
    assert run(library, order, code) == refusal * 2


@pytest.mark.slow
@libraries
def test_fixture_fails_with_the_same_message(library: str, pytester: pytest.Pytester) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed")
    pytester.makeconftest(PATCHES[library])
    pytester.makepyfile("def test_it(alimock):\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:schemathesis", "-p", "no:hypothesispytest"]
    done = subprocess.run(command, cwd=pytester.path, capture_output=True, text=True, timeout=60)
    assert "1 error" in done.stdout and "Traceback" not in done.stdout, done.stdout + done.stderr
    assert f"whose threads {library} has replaced; run `alimock serve` and use" in done.stdout


@pytest.mark.slow
@libraries
@orders
def test_client_of_an_emulator_in_another_process_works(library: str, order: str, running: Running) -> None:
    code = f"""
        client = Emulator.connect({running.url!r}).new_account()
        client.faults.put("busy", {{"error": "Throttling.User"}})
        print(client.faults.list()[0].id)
        try:
            client.outbox.wait(timeout=0.05)
        except TimeoutError as error:
            print(error)
    """
    assert run(library, order, code).startswith("busy\nTimed out after 0.05 s; the outbox is empty.")


@pytest.mark.slow
@libraries
def test_emulator_starts_if_the_library_is_imported_but_replaces_nothing(library: str) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed")
    imported = {"gevent": "import gevent.monkey", "eventlet": "import eventlet.patcher"}[library]
    code = f"{imported}\nfrom alimock import Emulator\nwith Emulator() as emulator:\n    print(emulator.outbox.messages())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout == "[]\n"
