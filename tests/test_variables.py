"""The variables `ALIMOCK_*`: those of Kubernetes and Docker, secrets in files, and unknown names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from alimock import Emulator, EmulatorError
from alimock.cli.main import main
from alimock.client.connection import Connection, default_url
from alimock.settings import SETTINGS, SettingError, Settings, resolve, unknown_variables
from command import run

# As in a pod next to Services named alimock, alimock-tls, and alimock-tls-port with IPv6.
SERVICES = {
    "ALIMOCK_SERVICE_HOST": "10.0.0.1",
    "ALIMOCK_SERVICE_PORT": "2546",
    "ALIMOCK_SERVICE_PORT_HTTP": "2546",
    "ALIMOCK_PORT": "tcp://10.0.0.1:2546",
    "ALIMOCK_PORT_2546_TCP": "tcp://10.0.0.1:2546",
    "ALIMOCK_PORT_2546_TCP_PROTO": "tcp",
    "ALIMOCK_PORT_2546_TCP_PORT": "2546",
    "ALIMOCK_PORT_2546_TCP_ADDR": "10.0.0.1",
    "ALIMOCK_TLS_SERVICE_HOST": "10.0.0.2",
    "ALIMOCK_TLS_PORT": "tcp://10.0.0.2:443",
    "ALIMOCK_TLS_PORT_443_TCP": "tcp://10.0.0.2:443",
    "ALIMOCK_TLS_PORT_PORT": "udp://[fd00::3]:53",
    "ALIMOCK_TLS_PORT_PORT_53_UDP_ADDR": "fd00::3",
}
# As in a job of GitLab CI with a service named alimock.
LINK = {
    "ALIMOCK_NAME": "/runner-1-project-1-concurrent-0-build/alimock",
    "ALIMOCK_PORT": "tcp://172.17.0.2:2546",
    "ALIMOCK_PORT_2546_TCP": "tcp://172.17.0.2:2546",
    "ALIMOCK_ENV_ALIMOCK_HOST": "0.0.0.0",
    "ALIMOCK_ENV_PATH": "/opt/alimock/bin:/usr/bin",
}
SECRETS = [setting.name for setting in SETTINGS if setting.is_secret]


@pytest.mark.parametrize("variables", [SERVICES, LINK], ids=["Kubernetes", "Docker"])
def test_variables_of_services_are_ignored(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve({}, variables) == Settings()
    assert unknown_variables(variables) == []
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_url() == "http://127.0.0.1:2546"


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("ALIMOCK_CONTROL_TOKE", "; did you mean ALIMOCK_CONTROL_TOKEN?"),
        ("ALIMOCK_CONTROL_TOKEN_FIL", "; did you mean ALIMOCK_CONTROL_TOKEN_FILE?"),
        ("ALIMOCK_TLS_KEY_FILE", "; did you mean ALIMOCK_TLS_KEY?"),
        ("ALIMOCK_TLS_NAME", "; did you mean ALIMOCK_TLS_NAMES?"),
        ("ALIMOCK_TYPO", "; see `alimock serve --help`"),
        ("ALIMOCK_LIMIT", "; did you mean ALIMOCK_LIMITS?"),
        ("ALIMOCK_MAX_ACCOUNTS", "; did you mean ALIMOCK_LIMITS=max_accounts=...?"),
        ("ALIMOCK_URI", "; did you mean ALIMOCK_URL?"),
        ("alimock_scenario", "; did you mean ALIMOCK_SCENARIO?"),
        ("ALIMOCK_XYZZYXYZZY", "; see `alimock serve --help`"),
    ],
)
def test_unknown_variable_is_reported_with_the_nearest_name(name: str, warning: str) -> None:
    assert unknown_variables({name: "1"}) == [f"the environment variable {name} is not a setting of alimock{warning}"]


def test_known_and_empty_variables_and_those_of_others_are_not_reported() -> None:
    known = {variable: "1" for setting in SETTINGS for variable in setting.variables}
    others = {
        "ALIMOCK_URL": "1",
        "ALIMOCK_ENDPOINT": "1",
        "ALIMOCK_STRICT": "1",
        "ALIMOCK_PACKAGE": "1",
        "ALIMOCK_IMAGE": "1",
        "ALIMOCK_XYZZY": "",
        "HOME": "1",
        "NOT_ALIMOCK_X": "1",
    }
    assert unknown_variables({**known, **others}) == []


@pytest.mark.slow
def test_command_and_plugin_warn_of_an_unknown_variable(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIMOCK_STRIC", "yes")
    warning = "alimock: warning: the environment variable ALIMOCK_STRIC is not a setting of alimock; did you mean ALIMOCK_STRICT?"
    status, _, errors = run("scenarios", ALIMOCK_STRIC="yes")
    assert (status, errors) == (0, f"{warning}\n")
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest("-p", "no:hypothesispytest", "-p", "no:schemathesis")
    result.assert_outcomes(passed=1)
    assert warning in str(result.stdout)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("content", [b"http://abc", b"http://abc\n", b"http://abc\r\n", b"\xef\xbb\xbfhttp://abc\n"])
def test_secret_is_read_from_a_file(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(content)
    assert getattr(resolve({}, {f"ALIMOCK_{name.upper()}_FILE": str(tmp_path / "secret")}), name) == "http://abc"
    assert getattr(resolve({name: "http://option"}, {f"ALIMOCK_{name.upper()}_FILE": "missing"}), name) == "http://option"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read `FILE`: No such file or directory; expected a file with the secret"),
        (b"", "`FILE` is empty; expected a file with the secret"),
        (b" \n", "`FILE` is empty; expected a file with the secret"),
        (b"x" * 100_000, "`FILE` is too large; expected a file with the secret"),
        (b"ab cd", "found a value that is not shown, expected visible ASCII characters"),
        (b"ab\ncd\n", "found a value that is not shown, expected visible ASCII characters"),
        (b"\xff\xfe", "found a value that is not shown, expected visible ASCII characters"),
    ],
)
def test_invalid_file_of_a_secret_is_rejected(
    content: bytes | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    expected = f"ALIMOCK_CONTROL_TOKEN_FILE: {message.replace('FILE', str(file))}"
    with pytest.raises(SettingError) as caught:
        resolve({}, {"ALIMOCK_CONTROL_TOKEN_FILE": str(file)})
    assert str(caught.value) == expected
    monkeypatch.setenv("ALIMOCK_CONTROL_TOKEN_FILE", str(file))
    with pytest.raises(EmulatorError) as rejected:
        Connection("http://127.0.0.1:1").send("GET", "info")
    assert str(rejected.value) == expected


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_named_pipe_as_the_file_of_a_secret_is_rejected(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SettingError, match="is a named pipe"):
        resolve({}, {"ALIMOCK_CONTROL_TOKEN_FILE": str(tmp_path / "pipe")})


def test_secret_in_both_variables_is_rejected(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIMOCK_CONTROL_TOKEN", "abc")
    monkeypatch.setenv("ALIMOCK_CONTROL_TOKEN_FILE", "file")
    for arguments in (["serve"], ["tail"]):
        assert main(arguments) == 2
        expected = "alimock: found both ALIMOCK_CONTROL_TOKEN and ALIMOCK_CONTROL_TOKEN_FILE, expected one of them\n"
        assert capsys.readouterr().err == expected


def test_invalid_secret_is_not_shown() -> None:
    with pytest.raises(SettingError) as caught:
        resolve({}, {"ALIMOCK_CONTROL_TOKEN": "hush hush"})
    assert str(caught.value) == "ALIMOCK_CONTROL_TOKEN: found a value that is not shown, expected visible ASCII characters"
    with pytest.raises(EmulatorError, match="the password in the URL: found a value that is not shown"):
        Emulator.connect("http://:a%0Ab@127.0.0.1:1")
