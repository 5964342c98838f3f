"""`alimock run`: a command against an emulator of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

RUN = [sys.executable, "-m", "alimock", "run"]
CALL = """
import os, sys, urllib.request
url = os.environ["ALIMOCK_URL"]
def call(query, key=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"]):
    try:
        return urllib.request.urlopen(f"{url}/?Version=2018-01-29&AccessKeyId={key}&{query}").read().decode()
    except urllib.request.HTTPError as error:
        return error.read().decode()
"""


def ran(*words: str, code: str = "", environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python code against an emulator."""
    command = [*RUN, *words, "--", sys.executable, "-c", CALL + code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **(environ or {})})


def test_command_gets_the_endpoint_and_the_credentials() -> None:
    done = ran(code="print(call('Action=ListEmailVerification'))\n"
        "for name in sorted(os.environ):\n    if name.startswith(('ALI', 'NO_PROXY')): print(name, os.environ[name])",
        environ={"ALIBABA_CLOUD_SECURITY_TOKEN": "real", "NO_PROXY": "internal"})  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "<ListEmailVerificationResponse>" in done.stdout
    endpoint = re.search(r"ALIMOCK_ENDPOINT (127\.0\.0\.1:\d+)\n", done.stdout)
    assert endpoint is not None
    for line in (
        f"ALIMOCK_URL http://{endpoint[1]}",
        f"ALIBABA_CLOUD_ENDPOINT {endpoint[1]}",
        "ALIBABA_CLOUD_ACCESS_KEY_ID testid",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET testsecret",
        "NO_PROXY internal,127.0.0.1,localhost",
    ):
        assert f"{line}\n" in done.stdout
    assert "SECURITY_TOKEN" not in done.stdout


@pytest.mark.parametrize("status", [0, 1, 3, 255])
def test_exit_status_is_that_of_the_command(status: int) -> None:
    assert ran(code=f"sys.exit({status})").returncode == status


def test_failing_command_is_followed_by_a_report() -> None:
    done = ran(code="call('Action=SubmitEmailVerification&Email=jo@example.com'); sys.exit(1)")
    assert re.search(
        r"alimock: events in the emulator:\n\+0\.\d{3} s  SubmitEmailVerification Email=jo@example\.com -> 200 OK \(unsigned\)\n"
        r" +jo@example\.com: success \[rule new-address\]\n +email to jo@example\.com, link now open\n$",
        done.stderr,
    ), done.stderr
    quiet = ran(code="sys.exit(1)").stderr
    message = r"no call reached the emulator\. If the application made one, point it at http://(127\.0\.0\.1:\d+) \(host:port \1, plain HTTP\)\."
    assert re.search(message, quiet)


def test_settings_are_those_of_serve(tmp_path: Path) -> None:
    (tmp_path / "late.yaml").write_text("alimock: 1\nclock: 2021-01-01 00:00:00\naddresses: {jo@example.com: verified}\n")
    code = "print(call('Action=QueryEmailVerification&Email=jo@example.com'))"
    assert "<GmtCreate>2021-01-01 00:00:00" in ran("--scenario", f"{tmp_path}/late.yaml", code=code).stdout
    assert "<GmtCreate>2021-01-01 00:00:00" in ran(code=code, environ={"ALIMOCK_SCENARIO": f"{tmp_path}/late.yaml"}).stdout
    assert "<Code>MissingSignature</Code>" in ran("--auth", "strict", code=code).stdout
    assert (
        "<failList>"
        in ran("--profile=docs-2021", code="print(call('Action=ResendEmailVerification&Email=test2@aliyun.com'))").stdout
    )


def test_application_can_have_its_own_key_and_variables() -> None:
    done = ran(
        "--access-key-id=app", "--access-key-secret=hush", "--env", "APP_DOMAIN=http://{endpoint}/", "--env=APP_KEY={access_key_id}:{access_key_secret}",
        code="print(os.environ['APP_DOMAIN'], os.environ['APP_KEY'], os.environ['ALIBABA_CLOUD_ACCESS_KEY_SECRET'])",
    )  # fmt: skip
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/ app:hush hush\n", done.stdout)


def test_proxy_variable_redirects_plain_http() -> None:
    code = "url = 'http://domain.aliyuncs.com'; print(call('Action=ListEmailVerification'))"
    assert "<ListEmailVerificationResponse>" in ran("--proxy", code=code).stdout


PRINT_PROXIES = "print(*sorted(f'{name}={value}' for name, value in os.environ.items() if 'proxy' in name.lower()))"
LOOPBACK = "NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost"


@pytest.mark.parametrize(
    ("words", "environ", "expected"),
    [
        ((), {"HTTP_PROXY": "http://proxy.example.com"}, LOOPBACK),
        ((), dict.fromkeys(("https_proxy", "ALL_PROXY", "Http_Proxy"), "proxy.example.com:8080"), LOOPBACK),
        # Not a network proxy of programs.
        ((), {"MY_PROXY_HOST": "a"}, f"MY_PROXY_HOST=a {LOOPBACK}"),
        (("--env", "HTTPS_PROXY=http://kept:1"), {"HTTPS_PROXY": "http://kept:1"}, f"HTTPS_PROXY=http://kept:1 {LOOPBACK}"),
        (
            ("--proxy",),
            {"all_proxy": "http://proxy.example.com", "NO_PROXY": "internal,*.aliyuncs.com", "no_proxy": "*"},
            "HTTP_PROXY={url} NO_PROXY=internal,127.0.0.1,localhost http_proxy={url} no_proxy=internal,127.0.0.1,localhost",
        ),
    ],
)
def test_command_gets_no_network_proxy_but_the_emulator(words: tuple[str, ...], environ: dict[str, str], expected: str) -> None:
    inherited = {name: "" for name in os.environ if "proxy" in name.lower()}
    done = ran(*words, code=f"print(os.environ['ALIMOCK_URL']); {PRINT_PROXIES}", environ={**inherited, **environ})
    url, _, printed = done.stdout.partition("\n")
    assert [word for word in printed.split() if not word.endswith("=")] == expected.replace("{url}", url).split(" "), done.stderr


def test_strict_mode_fails_a_command_that_the_real_service_would_have_rejected() -> None:
    code = "call('Action=VerifyEmail&Token=x'); call('Action=ListEmailVerification&PageNumber=1', '')"
    assert ran(code=code).returncode == 0
    done = ran("--strict", "--allow", "MissingEmail, ParameterIllegal", code=code)
    assert done.returncode == 1
    violations = re.findall(r"^alimock: strict mode: (.*)$", done.stderr, re.MULTILINE)
    assert [re.sub(r" \(request .*?\)", "", line) for line in violations] == [
        "VerifyEmail was not signed; the real service would reject it",
        "ListEmailVerification was not signed; the real service would reject it",
        "ListEmailVerification: unknown parameter PageNumber; did you mean PageNum?",
    ]
    assert "returned 400 ParameterIllegal" in ran("--strict", code=code).stderr


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--", "no-such-command"], 127, "alimock: command not found: no-such-command\n"),
        (["--", "/"], 126, "alimock: cannot execute /: Permission denied\n"),
        ([], 2, "alimock run: no command\nWrite the command after --, for example: alimock run -- npm test\n"),
        (["run", "--", "true"], 2, "alimock run: unknown argument `run` before --\nWrite the command after --"),
        (["--scenario", "no-such", "--", "true"], 2, "alimock: no-such: found no such scenario, expected a built-in scenario"),
        (["--auth", "maybe", "--", "true"], 2, "alimock run: --auth: found `maybe`, expected one of known-keys, strict, none\n"),
        (["--env", "A", "--", "true"], 2, "alimock run: --env: found `A`, expected NAME=VALUE"),
        (["--env", "A={urll}", "--", "true"], 2, "found `{urll}` in `A={urll}`, expected one of {url}, {endpoint}"),
        (["sh", "-c", "true"], 2, "alimock run: unknown option `-c`\nWrite the command after --"),
        (
            ["--access-key-id", "k", "--", "true"],
            2,
            "alimock: no secret known for the key k; add --access-key-secret\n",
        ),
        (["--access-key-secret", "k", "--", "true"], 2, "alimock: found an access_key_secret without an access_key_id"),
    ],
)
def test_command_that_cannot_run_is_reported(words: list[str], status: int, message: str) -> None:
    done = subprocess.run([*RUN, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == status
    assert message in done.stderr and "Traceback" not in done.stderr and "events in" not in done.stderr


def test_words_after_the_separator_belong_to_the_command() -> None:
    done = subprocess.run([*RUN, "--", "echo", "--scenario", "--", "-x"], capture_output=True, text=True, timeout=60)
    assert done.stdout == "--scenario -- -x\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_is_forwarded_to_the_command(number: signal.Signals) -> None:
    code = f"import signal, sys, time\nsignal.signal({int(number)}, lambda *_: sys.exit(9))\nprint('ready', flush=True)\ntime.sleep(60)"
    with subprocess.Popen([*RUN, "--", sys.executable, "-c", code],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(timeout=30) == 9


def test_command_ended_by_a_signal_has_the_status_of_a_shell() -> None:
    assert ran(code="import signal; os.kill(os.getpid(), signal.SIGKILL)").returncode == 137


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"ALIMOCK_PUBLIC_URL": "http://mail.example.com"}, "ALIMOCK_PUBLIC_URL"),
        ({"ALIMOCK_WEBHOOK_FILE": "webhook", "ALIMOCK_PORT": "2546"}, "ALIMOCK_PORT, ALIMOCK_WEBHOOK"),
        ({"ALIMOCK_PORT": "tcp://10.0.0.1:2546"}, None),
        ({"ALIMOCK_CONTROL_TOKEN": "secret", "ALIMOCK_AUTH": "none"}, None),
    ],
    ids=["one", "several", "Kubernetes Service", "used settings"],
)
def test_settings_that_it_does_not_use_are_named(environ: dict[str, str], named: str | None) -> None:
    hint = "To use them, start `alimock serve`, and the command without `alimock run`."
    assert ran(environ=environ).stderr == (f"alimock: warning: `alimock run` does not use {named}. {hint}\n" if named else "")


def test_strict_mode_reports_calls_that_it_could_not_check() -> None:
    done = ran("--strict", code="")
    assert (done.returncode, done.stderr.partition(".")[0]) == (0, "alimock: strict mode: no call reached the emulator")
    reset = "call('Action=ListEmailVerification'); urllib.request.urlopen(urllib.request.Request(url + '/_alimock/reset', b''))"
    done = ran("--strict", code=reset)
    assert done.returncode == 0
    assert "alimock: strict mode: 1 of 1 calls were deleted by resets and not checked" in done.stderr
    assert "(1 calls were deleted by resets or with their accounts)" in ran(code=f"{reset}; sys.exit(1)").stderr
