"""The command as its users run it: in processes of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import alimock
import pytest
from alimock.cli.main import main
from alimock.server import occupant as occupant_module
from alimock.server.occupant import occupant
from alimock.settings import SETTINGS
from command import ENVIRON, ask, run, serving
from conftest import Running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_one_line_logs_a_line_a_call_and_ends_cleanly(number: signal.Signals) -> None:
    with serving() as (process, line):
        pattern = r"alimock \S+ ready on http://127\.0\.0\.1:\d+ \(scenario default, profile current, authentication known-keys, 1 known key\)\n"
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


def test_every_setting_can_be_given_as_an_option_or_a_variable() -> None:
    with serving("--auth", "strict", "--scenario", "quota-exceeded", ALIMOCK_PROFILE="docs-2021", ALIMOCK_LOG_LEVEL="error") as (
        process,
        line,
    ):
        assert "(scenario quota-exceeded, profile docs-2021, authentication strict, 1 known key)" in line
        assert ask(line, "/?Action=ListEmailVerification&Version=2018-01-29")[0] == 400
        process.terminate()
        assert process.communicate(timeout=10) == ("", "")


def test_a_scenario_can_stand_in_a_variable() -> None:
    text = "alimock: 1\naddresses: {'*': illegal}"
    with serving(ALIMOCK_SCENARIO_YAML=text) as (_, line):
        answer = ask(line, "/?Action=SubmitEmailVerification&Version=2018-01-29&Email=jo@example.com&Format=JSON")
    assert b'"Code":"ParameterIllegall"' in answer[1]


@pytest.mark.parametrize(
    ("arguments", "environ", "message"),
    [
        (["serve", "--port", "http"], {}, "alimock: --port: found `http`, expected a port from 0 to 65535\n"),
        (["serve"], {"ALIMOCK_AUTH": "off"}, "alimock: ALIMOCK_AUTH: found `off`, expected one of known-keys, strict, none\n"),
        (["serve"], {"ALIMOCK_SCENARIO_YAML": "alimock: 2"}, "ALIMOCK_SCENARIO_YAML:1:10: alimock: found `2`, expected 1 (the version of this format)\n"),
        (["serve", "--scenario", "./no.yaml"], {}, "no.yaml: found No such file or directory, expected a readable file\n"),
    ],
)  # fmt: skip
def test_serve_refuses_to_start_with_what_it_cannot_use(arguments: list[str], environ: dict[str, str], message: str) -> None:
    assert run(*arguments, **environ) == (2, "", message)


def test_serve_says_when_the_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, output, log = run("serve", "--port", port)
    assert (status, output) == (2, "")
    assert log.startswith(f"alimock: cannot listen on 127.0.0.1 port {port}: ")
    assert "Address already in use" in log
    assert log.endswith("Choose another with --port or --tls-port (0 picks a free one) or --host.\n")


def taken(port: int) -> str:
    """Gives what `alimock serve` says of who has a port."""
    status, output, log = run("serve", "--port", str(port))
    assert (status, output) == (2, "")
    told = re.fullmatch(r"alimock: cannot listen on .*\n(?:It is taken by (.*)\. )?Choose another with .*\n", log)
    assert told, log
    return told[1] or ""


MYSELF = f", process {os.getpid()} (" if Path("/proc/net/tcp").exists() else ""


def test_serve_says_which_alimock_has_the_port(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRON, "http_proxy", "http://127.0.0.1:1")
    assert taken(running.server.port).startswith(f"alimock {alimock.__version__} with the scenario default{MYSELF}")


def test_serve_says_that_an_alimock_with_a_token_has_the_port() -> None:
    with serving("--control-token", "hush") as (process, line):
        told = taken(int(line.partition("127.0.0.1:")[2].partition(" ")[0]))
    assert told.startswith("an alimock with a control token")
    assert "hush" not in told
    assert f"process {process.pid} (" in told or not MYSELF


class Other(BaseHTTPRequestHandler):
    """A server that is no alimock, and says what it was made to say."""

    answer = b""

    def do_GET(self) -> None:
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example.com\r\n",
        *(b"HTTP/1.0 200 OK\r\n\r\n" + body for body in (b"<html>", b"[]", b"{}", b'{"version": "1", "scenario": "2"}', b"\xff")),
    ],
)
def test_serve_takes_no_other_server_for_an_alimock(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Other, "answer", answer)
    with HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        told = occupant("127.0.0.1", other.server_port)
        other.shutdown()
    assert told is None if not MYSELF else str(told).startswith(MYSELF.removeprefix(", "))


def test_serve_says_who_has_the_port_also_if_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occupant_module, "TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = occupant("127.0.0.1", silent.getsockname()[1])
    assert told is None if not MYSELF else str(told).startswith(MYSELF.removeprefix(", "))


def test_serve_asks_no_other_machine_who_has_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occupant_module, "HTTPConnection", None)
    monkeypatch.setattr(occupant_module, "_PROC", Path("/none"))
    assert occupant("192.0.2.1", 80) is None


def test_serve_says_when_there_is_no_such_host() -> None:
    status, output, log = run("serve", "--host", "a..b", "--port", "0")
    assert (status, output) == (2, "")
    assert log.startswith("alimock: cannot listen on a..b port 0: ")


def test_check_shows_every_mistake_and_goes_on_to_the_next_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_scenarios_lists_the_built_in_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 16
    assert (
        "default             The addresses of the published samples, and one address for each outcome under sim.example.com."
        in lines
    )


def test_ready_tells_a_running_emulator_from_a_missing_one(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ready", "--url", running.url]) == 0
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", "http://[broken", "nonsense", f"{running.url}/_alimock"):
        assert main(["ready", "--url", url, "--wait", "0.1"]) == 1
        assert capsys.readouterr().err.startswith(f"alimock: not ready: {url}: ")


def test_ready_says_what_a_url_looks_like(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ready", "--url", "127.0.0.1:2546"]) == 1
    assert capsys.readouterr().err == "alimock: not ready: 127.0.0.1:2546: expected a URL like http://127.0.0.1:2546\n"


def test_ready_ignores_proxy_variables(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert main(["ready", "--url", running.url]) == 0


def test_ready_asks_the_port_of_the_environment(running: Running) -> None:
    assert run("ready", ALIMOCK_PORT=str(running.server.port))[0] == 0


def test_ready_loads_no_server() -> None:
    code = "import sys; from alimock.cli import ready; print([name for name in ('flask', 'cheroot', 'lxml', 'yaml') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    "arguments",
    [[], ["nonsense"], ["--nonsense"], ["check"], ["ready", "--wait", "nan"], ["ready", "--wait", "-1"], ["scenarios", "x"]],
)
def test_a_wrong_command_line_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(arguments)
    assert done.value.code == 2
    assert "usage: alimock" in capsys.readouterr().err


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, text in ((["--version"], f"alimock {alimock.__version__}\n"), (["serve", "--help"], None)):
        with pytest.raises(SystemExit) as done:
            main(arguments)
        assert done.value.code == 0
        output = capsys.readouterr().out
        assert text is None or output == text
    for setting in SETTINGS:
        assert setting.flag is None or (setting.flag in output and setting.variable in output)
