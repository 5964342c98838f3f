"""A recording of a run, and its replay."""

from __future__ import annotations

import io
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from alimock.persistence.recording import Recorder, Replay
from alimock.persistence.snapshot import Snapshot, restore
from command import ask, run, serving
from conftest import Api, make_api, scenario

SUBMIT = "/?Action=SubmitEmailVerification&Version=2018-01-29&Format=JSON&Email="


@pytest.fixture
def recorded(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Api, Path]:
    """An emulator whose commands are recorded, and the file."""
    api, path = make_api(scenario("limits: {sends_per_address_per_day: 1}")), tmp_path / "commands.jsonl"
    recorder = api.store.recorder = Recorder(api.store, path)
    request.addfinalizer(recorder.close)
    for email in ("jo@example.com", "al@example.com", "jo@example.com"):
        api.call("ResendEmailVerification", Email=email)
        api.call("SubmitEmailVerification", Email=email, SendIfExist="true")
    return api, path


def test_replay_repeats_every_answer_and_the_state(recorded: tuple[Api, Path]) -> None:
    api, path = recorded
    replay = Replay(path)
    assert (list(replay.differences()), replay.commands) == ([], 6)
    assert Snapshot(replay.store).digest() == Snapshot(api.store).digest()


def test_other_answer_is_found_with_its_line(recorded: tuple[Api, Path]) -> None:
    _, path = recorded
    lines = path.read_text().splitlines(keepends=True)
    # Without the first call, the ids of all further ones are others.
    del lines[1]
    path.write_text("".join(lines))
    differences = list(Replay(path).differences())
    assert [(one.line, one.command) for one in differences[:2]] == [(2, "SubmitEmailVerification"), (3, "ResendEmailVerification")]
    assert differences[0].recorded != differences[0].replayed


def test_line_that_was_cut_off_by_a_crash_is_ignored(recorded: tuple[Api, Path]) -> None:
    _, path = recorded
    path.write_bytes(path.read_bytes()[:-20])
    replay = Replay(path)
    assert (list(replay.differences()), replay.commands) == ([], 5)


def test_recording_goes_on_from_a_state_that_was_restored(recorded: tuple[Api, Path]) -> None:
    api, path = recorded
    restore(
        api.store, json.loads(json.dumps(Snapshot(make_api(scenario("addresses: {jo@example.com: verified}")).store).document()))
    )
    api.call("QueryEmailVerification", Email="jo@example.com")
    replay = Replay(path)
    assert (list(replay.differences()), replay.commands) == ([], 7)
    assert Snapshot(replay.store).digest() == Snapshot(api.store).digest()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty; expected a file that `alimock serve --log-commands` wrote"),
        ("x\n", ":1: not a line that `--log-commands` writes"),
        ('{"time": 1, "command": ["ResetAccounts", {}], "answer": 0}\n', ":1: not a line .*a command before the first snapshot"),
        ('{"snapshot": {"format": 99, "version": "9.9"}}\n', ":1: .*written by alimock 9.9 in another format"),
        ('{"snapshot": {}}\n', ":1: not a line that `--log-commands` writes"),
        ("[" * 100_000, "not a line"),
        ("\x00\n", ":1: not a line"),
    ],
)
def test_other_file_is_refused_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "commands.jsonl"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        list(Replay(path).differences())


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "commands.jsonl"
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(ValueError, match=":1: not a line"):
        list(Replay(path).differences())


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no /dev/full")
def test_full_disk_ends_the_recording_and_no_call(empty: Api, caplog: pytest.LogCaptureFixture) -> None:
    empty.store.recorder = Recorder(empty.store, Path("/dev/full"))
    for _ in range(2):
        assert empty.call("ListEmailVerification").status == 200
    assert caplog.text.count("No more commands are logged.") == 1


def test_write_in_pieces_is_complete(empty: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = io.FileIO.write
    monkeypatch.setattr("builtins.open", lambda *arguments, **options: Slow(arguments[0], "w"))

    class Slow(io.FileIO):
        """A file that takes a few bytes at a time."""

        def write(self, content: Any, /) -> int:
            return write(self, bytes(content)[:50])

    recorder = empty.store.recorder = Recorder(empty.store, tmp_path / "commands.jsonl")
    empty.call("ListEmailVerification")
    recorder.close()
    monkeypatch.undo()
    assert list(Replay(tmp_path / "commands.jsonl").differences()) == []


@pytest.mark.slow
def test_run_of_serve_is_replayed_by_the_command(tmp_path: Path) -> None:
    path = tmp_path / "commands.jsonl"
    with serving("--log-commands", str(path)) as (process, line):
        for number in range(3):
            ask(line, f"{SUBMIT}{number}@example.com")
        process.kill()
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert run("replay", str(path)) == (0, "3 commands, all answers the same\n", "")
    path.write_text(path.read_text().replace('"code":"OK"', '"code":"Other"', 1))
    status, output, _ = run("replay", str(path))
    assert (status, output.splitlines()[0], output.splitlines()[-1]) == (
        1,
        "line 2: SubmitEmailVerification",
        "3 commands, 1 with another answer",
    )
    assert "  recorded: 200 Other [rule new-address] {" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("replay", "missing.jsonl"), "alimock: cannot read missing.jsonl: No such file or directory\n"),
        (
            ("serve", "--log-commands", "missing/commands.jsonl"),
            "alimock: --log-commands: cannot write `missing/commands.jsonl`: No such file",
        ),
    ],
)
def test_file_that_cannot_be_used_is_reported(arguments: tuple[str, ...], message: str) -> None:
    status, output, errors = run(*arguments)
    assert (status, output) == (2, "")
    assert errors.startswith(message)
