"""`alimock env`, and the variables that the pytest plugin and `alimock run` set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from alimock.cli.env import SDKS
from alimock.cli.main import main
from alimock.testing import env


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def printed(capsys: pytest.CaptureFixture[str], sdk: str, *options: str) -> str:
    assert main(["env", "--sdk", sdk, *options]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ""),
        ({"NO_PROXY": "internal.example.com", "HTTP_PROXY": ""}, ""),
        ({"HTTP_PROXY": "http://a:1", "all_proxy": "http://a:1"}, "unset HTTP_PROXY all_proxy"),
        ({"Https_Proxy": "http://a:1"}, "unset Https_Proxy"),
        ({"no_proxy": "a.example.com,*.aliyuncs.com"}, "export NO_PROXY=a.example.com no_proxy=a.example.com"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "*"}, "unset HTTPS_PROXY export NO_PROXY= no_proxy="),
    ],
)
def test_env_begins_with_the_commands_against_a_proxy(
    environ: dict[str, str], expected: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = printed(capsys, "cli")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    commands = printed(capsys, "cli").removesuffix(plain).splitlines()
    assert " ".join(line for line in commands if line and not line.startswith("#")) == expected


@pytest.mark.parametrize(
    ("host", "is_kept"),
    [
        ("internal.example.com", True),
        ("10.0.0.0/8", True),
        ("::1", True),
        ("[::1]:8080", True),
        ("ecs.aliyuncs.com", True),
        ("*", False),
        ("domain.aliyuncs.com", False),
        ("domain.aliyuncs.com:80", False),
        ("Domain.AliYunCS.com", False),
        ("domain-intl.aliyuncs.com", False),
        ("aliyuncs.com", False),
        (".aliyuncs.com", False),
        ("*.aliyuncs.com", False),
        (" .com ", False),
    ],
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_hosts_that_cover_the_service_are_not_direct_if_the_emulator_is_the_proxy(name: str, host: str, is_kept: bool) -> None:
    environ = {name: f"a.example.com,{host},,b.example.com"}
    kept = ["a.example.com", *([host.strip()] if is_kept else []), "b.example.com"]
    assert env.direct_hosts(environ, proxy=True) == kept
    assert env.direct_hosts(environ, proxy=False) == ["a.example.com", host.strip(), "b.example.com"]


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX shell")
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "a;exit"])
def test_shell_evaluates_the_settings_of_the_aliyun_command(
    host: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://a:1")
    monkeypatch.setenv("NO_PROXY", "a b;exit,*.aliyuncs.com")
    text = printed(capsys, "cli", "--url", f"http://{host}:2546")
    names = ("ENDPOINT", "ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "REGION_ID", "IGNORE_PROFILE")
    values = " ".join(f"$ALIBABA_CLOUD_{name}" for name in names)
    script = f'eval "$1"; echo "{values} ${{HTTP_PROXY-unset}} $NO_PROXY"'
    done = subprocess.run(["sh", "-euc", script, "sh", text], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == (f"{host}:2546 testid testsecret cn-hangzhou TRUE unset a b;exit\n", "")


@pytest.mark.parametrize("url", ["http://127.0.0.1:2546", "https://localhost:2547"])
@pytest.mark.parametrize("sdk", SDKS)
def test_only_the_settings_for_the_url_are_not_comments(
    sdk: str, url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if sdk != "cli":
        monkeypatch.setenv("HTTP_PROXY", "http://a:1")
    comment = "//" if sdk in ("node", "java", "go") else "#"
    lines = [line for line in printed(capsys, sdk, "--url", url).splitlines() if line and not line.startswith(comment)]
    assert sum(url.partition("//")[2] in line for line in lines) == (2 if sdk in ("node", "java") else 1)
    assert [line for line in lines if line.startswith("export ") is not (sdk == "cli")] == []


@pytest.mark.parametrize("sdk", ["python", "python-core"])
def test_settings_of_python_compile(sdk: str, capsys: pytest.CaptureFixture[str]) -> None:
    compile(printed(capsys, sdk), "settings.py", "exec")


def test_page_has_the_call_of_the_aliyun_command_that_was_checked(capsys: pytest.CaptureFixture[str]) -> None:
    (call, _) = [line[4:] for line in printed(capsys, "cli").splitlines() if line.startswith("#   aliyun ")]
    assert f"\nalimock run -- {call}\n" in (Path(__file__).parents[2] / "docs" / "how-to" / "command-line.md").read_text()
