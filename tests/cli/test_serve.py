"""The command `alimock` in a process of its own."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from alimock.cli.main import main
from alimock.settings import LIMITS, SETTINGS
from command import ask, run, serving, shown
from conftest import Running


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_prints_one_line_logs_each_call_and_exits_cleanly(number: signal.Signals) -> None:
    with serving() as (process, line):
        pattern = r"alimock \S+ ready on http://127\.0\.0\.1:\d+ \(scenario default, profile current, authentication known-keys, 1 known key, state in memory\); web UI: http://127\.0\.0\.1:\d+/_alimock/\n"
        assert re.fullmatch(pattern, line)
        assert (
            ask(line, "/?Action=ResendEmailVerification&Version=2018-01-29&Email=test1@aliyun.com,x%0Ay&AccessKeyId=a%0Ab")[0]
            == 200
        )
        process.send_signal(number)
        output, log = process.communicate(timeout=10)
    assert (process.returncode, output) == (0, "")
    assert re.fullmatch(
        r"\S+ \S+ INFO 200 ResendEmailVerification OK, 'a\\nb', unsigned: test1@aliyun\.com SendTokenQuotaExceeded \[default\.yaml:19\]; "
        r"'x\\ny' ParameterIllegall \[rule malformed-address\] \(\d+\.\d ms\)\n",
        log,
    )


@pytest.mark.slow
def test_settings_come_from_options_and_variables() -> None:
    with serving("--auth", "strict", "--scenario", "quota-exceeded", ALIMOCK_PROFILE="docs-2021", ALIMOCK_LOG_LEVEL="error") as (
        process,
        line,
    ):
        assert "(scenario quota-exceeded, profile docs-2021, authentication strict, 1 known key, state in memory)" in line
        assert ask(line, "/?Action=ListEmailVerification&Version=2018-01-29")[0] == 400
        process.terminate()
        assert process.communicate(timeout=10) == ("", "")


@pytest.mark.slow
def test_scenario_can_be_passed_as_a_variable() -> None:
    text = "alimock: 1\naddresses: {'*': illegal}"
    with serving(ALIMOCK_SCENARIO_YAML=text) as (_, line):
        answer = ask(line, "/?Action=SubmitEmailVerification&Version=2018-01-29&Email=jo@example.com&Format=JSON")
    assert b'"Code":"ParameterIllegall"' in answer[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "environ", "message"),
    [
        (["serve", "--port", "http"], {}, "alimock: --port: found `http`, expected a port from 0 to 65535\n"),
        (["serve"], {"ALIMOCK_AUTH": "off"}, "alimock: ALIMOCK_AUTH: found `off`, expected one of known-keys, strict, none\n"),
        (["serve"], {"ALIMOCK_SCENARIO_YAML": "alimock: 2"}, "ALIMOCK_SCENARIO_YAML:1:10: alimock: found `2`, expected 1 (the version of this format)\n"),
        (["serve", "--scenario", "./no.yaml"], {}, "no.yaml: found No such file or directory, expected a readable file\n"),
    ],
)  # fmt: skip
def test_serve_rejects_invalid_settings_and_scenarios(arguments: list[str], environ: dict[str, str], message: str) -> None:
    assert run(*arguments, **environ) == (2, "", message)


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--port", "--tls-port"])
def test_serve_reports_a_used_port(option: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = str(used.getsockname()[1])
        ports = {"--port": "0", option: port}
        words = [word for pair in ports.items() for word in pair]
        status, output, log = run("serve", *words, "--tls-directory", str(tmp_path))
    assert (status, output) == (2, "")
    assert log == (
        f"alimock: cannot listen on 127.0.0.1 port {port}: address already in use\n"
        "Stop the process that uses it, or choose another --port, --tls-port or --host (port 0: any free port).\n"
    )


def test_serve_reports_an_unknown_host() -> None:
    status, output, log = run("serve", "--host", "a..b", "--port", "0")
    assert (status, output) == (2, "")
    assert log.startswith("alimock: cannot listen on a..b port 0: ")
    assert log.endswith("\nChoose another --port, --tls-port or --host (port 0: any free port).\n")


def test_check_shows_every_error_of_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("alimock: 1\nprofil: x\nclock: y\n")
    assert main(["check", str(wrong), "default"]) == 2
    output = capsys.readouterr()
    assert output.out == "default: ok\n"
    assert output.err == (
        f"{wrong}:2:1: found the unknown key `profil`, expected `profile`\n"
        f"{wrong}:3:8: clock: found `y`, expected a time like 2019-02-19 16:38:07 (UTC+8), or null for real time, or a mapping\n"
    )
    assert main(["check", "default", "empty"]) == 0


def test_scenarios_lists_the_built_in_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 16
    assert (
        "default             The addresses of the published samples, and one address for each outcome under sim.example.com."
        in lines
    )


def test_ready_distinguishes_a_running_emulator_from_a_missing_one(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ready", "--url", running.url]) == 0
    assert capsys.readouterr().out == f"ready: {running.url}\n"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    missing = "Is `alimock serve` running? (Connection refused)"
    for url, reason in (
        (f"http://127.0.0.1:{port}", f"Cannot reach alimock at http://127.0.0.1:{port}. {missing}"),
        (f"{running.url}/mail", f"GET {running.url}/mail/readyz returned 404"),
    ):
        assert main(["ready", "--url", url, "--wait", "0.1"]) == 1
        assert capsys.readouterr().err == f"alimock: not ready: {reason}\n"


def test_ready_ignores_proxy_variables(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert main(["ready", "--url", running.url]) == 0


def test_ready_uses_the_port_of_the_environment(running: Running) -> None:
    assert run("ready", ALIMOCK_PORT=str(running.port))[0] == 0


def test_ready_does_not_load_the_server() -> None:
    code = "import sys; from alimock.cli import ready; print([name for name in ('flask', 'cheroot', 'lxml', 'yaml') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_help_of_serve_names_every_setting_and_limit_on_one_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    output = shown(capsys, "serve", "--help")
    for setting in SETTINGS:
        assert (setting.flag or "") in output and setting.variable in output
    for limit in LIMITS.values():
        assert f"{limit.name}={limit.default}" in output.split()
    for group in ("server", "scenario", "mail", "TLS", "logging", "limits"):
        assert f"\n{group}:\n" in output
    assert len(output.splitlines()) <= 53
