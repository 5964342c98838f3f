"""vcrpy and pook replace the HTTP client of the process: they see the calls of the application, but not those to the control API."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from alimock import Emulator
from test_emulator import JO, SUBMIT, call

vcr = pytest.importorskip("vcr", reason="vcrpy is not installed")

MODES = [mode.value for mode in vcr.mode]
# A cassette that has an answer to a request for the outbox.
RECORDED = """
interactions:
- request: {{method: GET, uri: '{url}/_alimock/outbox?access_key_id={key}', body: null, headers: {{}}}}
  response: {{status: {{code: 200, message: OK}}, headers: {{}}, body: {{string: '{{"messages": ["recorded"]}}'}}}}
version: 1
"""


def use_control_api(emulator: Emulator) -> None:
    assert emulator.outbox.messages() == []
    emulator.addresses.put(JO, "verified")
    with pytest.raises(TimeoutError):
        emulator.outbox.wait(timeout=0.01)
    with pytest.raises(TimeoutError):
        asyncio.run(emulator.outbox.wait_async(timeout=0.01))


@pytest.mark.parametrize("mode", MODES)
def test_control_calls_are_neither_recorded_nor_answered_by_a_cassette(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    with Emulator() as emulator:
        path.write_text(RECORDED.format(url=emulator.url, key=emulator.access_key_id))
        with vcr.use_cassette(str(path), record_mode=mode, allow_playback_repeats=True) as cassette:
            use_control_api(emulator)
            assert (cassette.play_count, cassette.dirty) == (0, False)


@pytest.mark.parametrize(("ignored", "recorded"), [({}, 1), ({"ignore_localhost": True}, 0), ({"ignore_hosts": ["127.0.0.1"]}, 0)])
def test_calls_of_the_application_are_recorded_unless_they_are_ignored(
    ignored: dict[str, object], recorded: int, tmp_path: Path
) -> None:
    with Emulator() as emulator, vcr.use_cassette(str(tmp_path / "cassette.yaml"), **ignored) as cassette:
        call(emulator, SUBMIT, Email=JO)
        assert emulator.outbox.wait(to=JO).token
        assert len(cassette) == recorded


@pytest.mark.slow
@pytest.mark.parametrize("library", ["vcr.use_cassette('cassette.yaml', record_mode='none')", "pook.use(network=False)"])
def test_package_that_is_loaded_while_http_is_replaced_uses_the_network(library: str, tmp_path: Path) -> None:
    module = library.partition(".")[0]
    pytest.importorskip(module, reason=f"{module} is not installed")
    code = f"""
        import {module}

        with {library}:
            from alimock import Emulator
            with Emulator() as emulator:
                print(emulator.outbox.messages())
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
