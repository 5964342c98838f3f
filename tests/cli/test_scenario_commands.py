"""The commands for authors of scenarios: check, init, schema, export, and serve with --watch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from alimock.cli.main import main
from alimock.scenario import loader, schema
from alimock.scenario.schema import SCENARIO
from command import ask, serving
from conftest import Running


def test_check_prints_every_error_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("alimock: 1\nprofil: x\n")
    assert main(["check", "--json", "default", str(wrong)]) == 2
    output = capsys.readouterr()
    mistake = {
        "file": str(wrong),
        "line": 2,
        "column": 1,
        "path": "",
        "found": "the unknown key `profil`",
        "expected": "`profile`",
    }
    files = [{"name": "default", "ok": True, "mistakes": []}, {"name": str(wrong), "ok": False, "mistakes": [mistake]}]
    assert (json.loads(output.out), output.err) == ({"ok": False, "files": files}, "")
    assert main(["check", "--json", "default"]) == 0


def test_init_writes_a_valid_file_that_shows_every_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert capsys.readouterr().out == (
        "wrote alimock.yaml and scenario.schema.json (for editors)\ntry: alimock serve --watch --scenario alimock.yaml\n"
    )
    text = Path("alimock.yaml").read_text()
    assert loader.load("alimock.yaml").addresses.exact
    assert json.loads(Path("scenario.schema.json").read_text()) == schema.json_schema()
    missing = {"profile", "timestamps", "unknown_keys"}
    assert {key for key in SCENARIO.table if f"\n{key}:" not in text and f"\n# {key}:" not in text} == missing
    assert main(["init"]) == 2
    assert capsys.readouterr().err == "alimock: alimock.yaml already exists; choose another name\n"
    assert main(["init", "missing/x.yaml"]) == 2
    assert capsys.readouterr().err == "alimock: cannot write missing/x.yaml: No such file or directory\n"


def test_file_of_init_is_valid_with_every_comment_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MY_SECRET", "secret")
    path = tmp_path / "mine.yaml"
    assert main(["init", str(path)]) == 0
    lines = path.read_text().splitlines()[1:]
    # Comments that are sentences stay; those that are YAML are uncommented.
    code = [line.replace("# ", "", 1) if line.lstrip().startswith("# ") and not line.endswith(".") else line for line in lines]
    path.write_text("\n".join(code))
    loaded = loader.load(str(path))
    assert (loaded.seed, len(loaded.faults), list(loaded.stubs), loaded.access_keys["my-key"].secret) == (
        "my-tests",
        4,
        ["QueryDomainList"],
        "secret",
    )


def test_init_keeps_an_existing_schema_and_quotes_the_file_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scenario.schema.json").write_text("mine")
    assert main(["init", "my case"]) == 0
    assert capsys.readouterr().out == (
        "wrote my case; kept the existing scenario.schema.json\ntry: alimock serve --watch --scenario './my case'\n"
    )
    assert Path("scenario.schema.json").read_text() == "mine"
    assert main(["init", "a,b.yaml"]) == 2
    assert capsys.readouterr().err.startswith("alimock: found `a,b.yaml`, expected a name without a comma")
    assert main(["init", "case.json"]) == 2
    assert capsys.readouterr().err.startswith("alimock: found `case.json`, expected a name like alimock.yaml")


def test_schema_prints_the_schema_and_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema.json_schema()
    assert main(["schema", "--markdown"]) == 0
    assert "\n| `link_valid_days`" not in capsys.readouterr().out


def test_export_with_secrets_can_be_loaded(running: Running, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    ask(running.url, "/?Action=SubmitEmailVerification&Version=2018-01-29&Email=%E6%9D%8E@example.com&AccessKeyId=testid")
    assert main(["export", "--url", running.url, "--secrets"]) == 0
    path = tmp_path / "case.yaml"
    path.write_bytes(capsysbinary.readouterr().out)
    loaded = loader.load(str(path))
    assert loaded.access_keys["testid"].secret == "testsecret"
    assert "李@example.com" in loaded.addresses.exact
    assert "  李@example.com:\n" in path.read_text()


def test_export_without_secrets_says_so_and_selects_the_account_of_a_key(
    running: Running, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    ask(running.url, "/?Action=SubmitEmailVerification&Version=2018-01-29&Email=one@example.com&AccessKeyId=one")
    assert main(["export", "--url", running.url, "--access-key-id", "one"]) == 0
    text = capsysbinary.readouterr().out.decode()
    assert "# It contains no secrets. Combine it with a file that has them (--scenario keys.yaml,this.yaml)" in text
    assert "testsecret" not in text
    assert "one@example.com" in text


def test_export_without_secrets_merges_with_a_file_that_has_them(
    running: Running, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["export", "--url", running.url]) == 0
    path = tmp_path / "case.yaml"
    path.write_bytes(capsysbinary.readouterr().out)
    assert loader.load(f"default,{path}").access_keys["testid"].secret == "testsecret"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "nonsense",
            "alimock: found the URL `nonsense`, expected one like http://127.0.0.1:2546 or https://mocks.example.com/mail\n",
        ),
        (
            "http://127.0.0.1:1",
            "alimock: Cannot reach alimock at http://127.0.0.1:1. Is `alimock serve` running? (Connection refused)\n",
        ),
        ("http://[x", None),
        ("http://127.0.0.1:x", None),
    ],
)
def test_export_reports_an_invalid_url(url: str, message: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--url", url]) == 2
    error = capsys.readouterr().err
    assert error == message if message is not None else error.startswith("alimock: ")


def test_export_reports_an_error_of_the_emulator(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--url", running.url, "--access-key-id", "nobody"]) == 2
    assert (
        capsys.readouterr().err
        == "alimock: Access key 'nobody' has no account. An account is created by the first call with its key.\n"
    )


@pytest.mark.slow
def test_serve_reloads_a_changed_file_unless_it_is_invalid(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text("alimock: 1\ndescription: One.\n")
    with serving("--watch", "--scenario", str(path)) as (process, line):
        info = json.loads(ask(line, "/_alimock/info")[1])["scenario"]
        assert (info["description"], info["error"]) == ("One.", None)
        path.write_text("alimock: 1\ndescription: Two.\nprofil: x\n")
        assert process.stderr is not None
        reported = next(part for part in iter(process.stderr.readline, "") if "not reloaded" in part)
        assert "the previous one stays loaded" in reported
        info = json.loads(ask(line, "/_alimock/info")[1])["scenario"]
        assert (info["description"], info["error"]) == (
            "One.",
            f"{path}:3:1: found the unknown key `profil`, expected `profile`",
        )
        path.write_text("alimock: 1\ndescription: Three.\n")
        assert next(part for part in iter(process.stderr.readline, "") if "Scenario reloaded" in part)
        info = json.loads(ask(line, "/_alimock/info")[1])["scenario"]
        assert (info["description"], info["error"]) == ("Three.", None)
        process.terminate()
        assert process.wait(10) == 0


def test_serve_merges_several_files(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text("alimock: 1\nprofile: docs-2018\n")
    with serving("--scenario", f"default,{path}") as (_, line):
        assert f"(scenario default,{path}, profile docs-2018, authentication known-keys, 1 known key, state in memory)" in line


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of the file size")
def test_init_leaves_no_incomplete_file(tmp_path: Path) -> None:
    code = "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100));"
    code += "from alimock.cli.main import main; sys.exit(main(['init', 'case.yaml']))"
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (2, "alimock: cannot write case.yaml: File too large\n")
    assert list(tmp_path.iterdir()) == []
