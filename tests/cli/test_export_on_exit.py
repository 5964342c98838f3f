"""The state that `--export-on-exit` writes when the emulator stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from alimock.cli.export_file import ExportFile
from alimock.scenario import export, loader
from alimock.scenario.sources import built_in_names
from alimock.settings import SettingError
from command import COMMAND, ENVIRON, ask, run, serving

SUBMIT = "/?Action=SubmitEmailVerification&Version=2018-01-29&Email="
CALL = "import os, sys, urllib.request; urllib.request.urlopen(os.environ['ALIMOCK_URL'] + {target!r}).read(); sys.exit({status})"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_exports_what_alimock_export_prints(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "case.yaml"
    with serving("--export-on-exit", str(path)) as (process, line):
        ask(line, f"{SUBMIT}jo@example.com")
        url = line.split(" ready on ")[1].split()[0]
        freeze = urllib.request.Request(f"{url}/_alimock/clock", b'{"frozen": true}', {}, method="PUT")
        urllib.request.urlopen(freeze).close()
        printed = run("export", "--url", url)[1]
        assert not path.exists()
        process.send_signal(number)
        assert (process.communicate(timeout=10)[0], process.returncode) == ("", 0)
    assert path.read_text() == printed
    assert "testsecret" not in printed
    assert "jo@example.com" in loader.load(f"default,{path}").addresses.exact
    assert os.listdir(tmp_path) == ["case.yaml"]


@pytest.mark.slow
def test_used_accounts_that_are_not_exported_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    with serving(ALIMOCK_EXPORT_ON_EXIT=str(path), ALIMOCK_LOG_LEVEL="warning") as (process, line):
        for key in ("one", "two", "testid"):
            ask(line, f"{SUBMIT}jo@example.com&AccessKeyId={key}")
        process.terminate()
        assert f"WARNING {path} does not contain the state of 2 other accounts\n" in process.communicate(timeout=10)[1]
        assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("status", [0, 3])
def test_run_exports_when_its_command_has_ended(tmp_path: Path, status: int) -> None:
    path = tmp_path / "case.yaml"
    code = CALL.format(target=f"{SUBMIT}jo@example.com&AccessKeyId=own", status=status)
    key = ("--access-key-id", "own", "--access-key-secret", "s3cret", "--auth", "none")
    assert run("run", *key, "--export-on-exit", str(path), "--", sys.executable, "-c", code)[0] == status
    assert "jo@example.com" in path.read_text()
    assert "s3cret" not in path.read_text()


@pytest.mark.slow
def test_export_that_fails_at_exit_is_reported_by_message_and_status(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    remove = f"import os, sys; os.rmdir({str(folder)!r}); sys.exit(int(sys.argv[1]))"
    for status, expected in (("0", 1), ("3", 3)):
        folder.mkdir(exist_ok=True)
        words = ("run", "--export-on-exit", str(folder / "case.yaml"), "--", sys.executable, "-c", remove, status)
        code, _, errors = run(*words)
        assert code == expected
        assert f"alimock: cannot export the state to {folder / 'case.yaml'}: No such file or directory\n" in errors
    folder.mkdir()
    with serving("--export-on-exit", str(folder / "case.yaml")) as (process, _):
        folder.rmdir()
        process.terminate()
        assert "alimock: cannot export the state to" in process.communicate(timeout=10)[1]
        assert process.returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize("command", [["serve"], ["run", "--", "true"]], ids=lambda command: command[0])
def test_file_that_cannot_be_written_is_rejected_at_the_start(tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "none" / "case.yaml"
    words = [*COMMAND, command[0], "--export-on-exit", str(path), *command[1:]]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, env=ENVIRON)
    message = f"alimock: --export-on-exit: cannot write `{path}`: No such file or directory\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_what_is_not_a_regular_file_is_rejected(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(SettingError) as caught:
            ExportFile(str(path))
        assert str(caught.value) == f"--export-on-exit: found `{path}`, expected a regular file"


def test_check_at_the_start_leaves_no_trace(tmp_path: Path) -> None:
    existing = tmp_path / "case.yaml"
    existing.write_text("as before")
    ExportFile(str(existing))
    ExportFile(str(tmp_path / "new.yaml"))
    assert (os.listdir(tmp_path), existing.read_text()) == (["case.yaml"], "as before")


def test_file_behind_a_symbolic_link_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").touch(mode=0o600)
    (tmp_path / "link.yaml").symlink_to("real.yaml")
    assert ExportFile(str(tmp_path / "link.yaml")).write({"alimock": 1}, 0) == 0
    assert (tmp_path / "link.yaml").is_symlink()
    assert (tmp_path / "real.yaml").read_text().endswith("\nalimock: 1\n")
    assert (tmp_path / "real.yaml").stat().st_mode & 0o777 == 0o600


def test_failure_keeps_the_file_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "case.yaml"
    path.write_text("as before")
    file = ExportFile(str(path))
    monkeypatch.setattr(os, "fsync", full)
    assert file.write({"alimock": 1}, 0) == 1
    assert capsys.readouterr().err == f"alimock: cannot export the state to {path}: No space left on device\n"
    assert (os.listdir(tmp_path), path.read_text()) == (["case.yaml"], "as before")


@pytest.mark.parametrize("name", built_in_names())
def test_every_built_in_scenario_can_be_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / "case.yaml"
    assert ExportFile(str(path)).write(export.document(loader.load(name)), 0) == 0
    assert loader.load(f"{name},{path}").addresses.exact.keys() == loader.load(name).addresses.exact.keys()


def test_name_of_a_json_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"case\.json`, expected a name like case.yaml: the file is YAML$"):
        ExportFile(str(tmp_path / "case.json"))
