"""The page for troubleshooting quotes alimock and the Python SDK verbatim: each fault is provoked here."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from alibabacloud_domain20180129 import models
from alibabacloud_domain20180129.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from aliyunsdkcore.client import AcsClient
from aliyunsdkdomain.request.v20180129.EmailVerifiedRequest import EmailVerifiedRequest
from command import ENVIRON, run, serving
from conftest import Running

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "troubleshooting.md").read_text()
CALL = "Action=SubmitEmailVerification&Version=2018-01-29&Format=JSON&Email=jo@example.com"
EXPIRED = (
    "&AccessKeyId=testid&Timestamp=2020-01-01T00:00:00Z&SignatureNonce=1&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&Signature=x"
)


@dataclass
class Fault:
    """What may be needed to provoke a fault: an emulator, the environment of a test, and an empty folder."""

    running: Running
    monkeypatch: pytest.MonkeyPatch
    folder: Path
    caplog: pytest.LogCaptureFixture

    def get(self, path: str, *, endpoint: str | None = None, **headers: str) -> str:
        """Return the headers and the body of a response."""
        connection = http.client.HTTPConnection(endpoint or self.running.endpoint, timeout=10)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        text = f"{response.headers}{response.read().decode()}"
        connection.close()
        return text

    def sdk(
        self,
        *,
        endpoint: str | None = None,
        protocol: str | None = "http",
        key: str = "testid",
        secret: str = "testsecret",
        read_timeout: int | None = None,
    ) -> str:
        """Return the error of a call of the SDK."""
        endpoint = endpoint or self.running.endpoint
        config = Config(
            endpoint=endpoint, protocol=protocol, access_key_id=key, access_key_secret=secret, read_timeout=read_timeout
        )
        client = Client(config)
        with pytest.raises(Exception) as raised:
            client.submit_email_verification(models.SubmitEmailVerificationRequest(email="jo@example.com"))
        return str(raised.value)


def inject(fault: Fault, injected: dict[str, str]) -> str:
    """Return the errors of both SDKs for a fault, with a read timeout that is shorter than its delay."""
    connection = http.client.HTTPConnection(fault.running.endpoint, timeout=10)
    connection.request("PUT", "/_alimock/faults/it", json.dumps(injected))
    assert connection.getresponse().status == 200
    connection.close()
    request = EmailVerifiedRequest()
    request.set_endpoint(fault.running.endpoint)
    request.set_Email("abc@aliyun.com")
    request.set_read_timeout(0.5)
    with pytest.raises(Exception) as raised:
        json.loads(AcsClient("testid", "testsecret", "cn-hangzhou").do_action_with_exception(request))
    return f"{fault.sdk(read_timeout=500)} {raised.value}"


def speak_tls_to_the_plain_port(fault: Fault) -> str:
    return fault.sdk(protocol=None) + fault.caplog.text


def speak_http_to_the_tls_port(fault: Fault) -> str:
    with serving("--tls-port", "0", "--tls-directory", str(fault.folder)) as (process, line):
        error = fault.sdk(endpoint=_tls_endpoint(line))
        process.terminate()
        return error + process.communicate()[1]


def trust_no_authority(fault: Fault) -> str:
    with serving("--tls-port", "0", "--tls-directory", str(fault.folder)) as (_, line):
        return fault.sdk(endpoint=_tls_endpoint(line), protocol="https")


def _tls_endpoint(ready_line: str) -> str:
    (endpoint,) = re.findall(r"https://([\d.:]+)", ready_line)
    return str(endpoint)


def call_nothing(fault: Fault) -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    errors = run("ready", "--url", f"http://127.0.0.1:{port}")[2]
    return fault.sdk(endpoint=f"127.0.0.1:{port}") + errors.replace(str(port), "2546")


def call_through_a_dead_proxy(fault: Fault) -> str:
    fault.monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    return fault.sdk()


def run_a_command_that_makes_no_call(fault: Fault) -> str:
    errors = run("run", "--", sys.executable, "-c", "raise SystemExit(1)")[2]
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:2546", errors)


def run_with_a_setting_of_serve(fault: Fault) -> str:
    return run("run", "--", "true", ALIMOCK_PUBLIC_URL="http://mail.example.com")[2]


def listen_on_a_used_port(fault: Fault) -> str:
    return run("serve", "--port", str(fault.running.port))[2].replace(str(fault.running.port), "2546")


def listen_without_the_privilege(fault: Fault) -> str:
    program = (
        "import errno, socket, sys\n"
        "def refuse(*_, **__): raise PermissionError(errno.EACCES, 'Permission denied')\n"
        "socket.create_server = refuse\n"
        "from alimock.cli.main import main\n"
        "sys.exit(main(['serve', '--port', '443']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=ENVIRON, timeout=60)
    return done.stderr


def load_invalid_scenarios(fault: Fault) -> str:
    (fault.folder / "case.yaml").write_text("alimock: 1\nadresses:\n  jo@example.com: verified\n")
    fault.monkeypatch.chdir(fault.folder)
    return run("check", "case.yaml")[2] + run("check", "quota-exceded")[2]


def set_an_unknown_variable(fault: Fault) -> str:
    return run("scenarios", ALIMOCK_SCENARIOS="default")[2]


def install_without_the_package(fault: Fault) -> str:
    environ = {name: value for name, value in os.environ.items() if name != "ALIMOCK_PACKAGE"}
    (fault.folder / "requirements.txt").write_text("${ALIMOCK_PACKAGE}[pytest]\n")
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "-r", fault.folder / "requirements.txt"]
    return subprocess.run(command, capture_output=True, text=True, env=environ, timeout=60).stderr


def run_with_a_key_without_a_secret(fault: Fault) -> str:
    return run("run", "--access-key-id", "my-key", "--", "true")[2]


def use_the_fixture_without_the_plugin(fault: Fault) -> str:
    (fault.folder / "test_it.py").write_text("def test_it(alimock): pass")
    environ = {**ENVIRON, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", fault.folder]
    return subprocess.run(command, capture_output=True, text=True, cwd=fault.folder, env=environ, timeout=60).stdout


def sign_with_a_wrong_secret(fault: Fault) -> str:
    request = EmailVerifiedRequest()
    request.set_endpoint(fault.running.endpoint)
    with pytest.raises(Exception) as raised:
        AcsClient("testid", "wrong", "cn-hangzhou").do_action_with_exception(request)
    error = fault.sdk(secret="wrong")
    call = json.loads(fault.get("/_alimock/calls").partition("\n\n")[2])["calls"][0]
    return f"{error}{raised.value}{call}"


def authenticate_strictly(fault: Fault) -> str:
    with serving("--auth", "strict") as (_, line):
        endpoint = re.findall(r"http://([\d.:]+)", line)[0]
        return fault.sdk(endpoint=endpoint, key="unknown") + fault.get(f"/?{CALL}", endpoint=endpoint)


def call_with_an_old_timestamp(fault: Fault) -> str:
    return re.sub(r"\(-\d+ s", "(-217925261 s", fault.get(f"/?{CALL}{EXPIRED}"))


def call_unknown_operations(fault: Fault) -> str:
    return fault.get("/?Action=QueryNothing&Version=2018-01-29") + fault.get("/?Action=VerifyEmail")


def misspell_a_parameter(fault: Fault) -> str:
    return fault.get(f"/?{CALL.replace('Email=', 'Emial=')}") + fault.get("/_alimock/calls")


def use_an_unknown_host(fault: Fault) -> str:
    return fault.get("/_alimock/info", Host="alimock:2546")


def call_from_another_origin(fault: Fault) -> str:
    return fault.get("/_alimock/info", Origin="http://localhost:3000")


def leave_out_the_control_token(fault: Fault) -> str:
    with serving("--control-token", "secret") as (_, line):
        return run("tail", "--url", re.findall(r"http://[\d.:]+", line)[0])[2]


def read_xml_as_json(fault: Fault) -> str:
    body = fault.get(f"/?{CALL}".replace("Format=JSON", "Format=XML")).partition("\n\n")[2]
    with pytest.raises(json.JSONDecodeError) as raised:
        json.loads(body)
    return f"json.decoder.JSONDecodeError: {raised.value}"


def wait_for_no_email(fault: Fault) -> str:
    messages = []
    for address, timeout in (("jo@example.com", "0.5"), ("al@example.com", "0.2")):
        answer = json.loads(fault.get(f"/_alimock/outbox/wait?to={address}&timeout={timeout}").partition("\n\n")[2])
        messages.append(f"{answer['message']}. {answer['hint']}\n")
        fault.get(f"/?{CALL}")
    return "".join(messages)


PROVOKED: dict[str, Callable[[Fault], str]] = {
    "SSL: WRONG_VERSION_NUMBER": speak_tls_to_the_plain_port,
    "Remote end closed connection without response, socket hang up, EOF": speak_http_to_the_tls_port,
    "Connection refused, ECONNREFUSED": call_nothing,
    "ProxyError, proxyconnect tcp": call_through_a_dead_proxy,
    "CERTIFICATE_VERIFY_FAILED, unable to verify the first certificate": trust_no_authority,
    "No call reached the emulator": run_a_command_that_makes_no_call,
    "address already in use": listen_on_a_used_port,
    "permission denied": listen_without_the_privilege,
    "found the unknown key, found no such scenario": load_invalid_scenarios,
    "is not a setting of alimock": set_an_unknown_variable,
    "alimock run does not use ALIMOCK_PUBLIC_URL": run_with_a_setting_of_serve,
    "Invalid requirement: ${ALIMOCK_PACKAGE}": install_without_the_package,
    "no secret known for the key": run_with_a_key_without_a_secret,
    "fixture 'alimock' not found": use_the_fixture_without_the_plugin,
    "SignatureDoesNotMatch": sign_with_a_wrong_secret,
    "InvalidAccessKeyId.NotFound, MissingAccessKeyId": authenticate_strictly,
    "InvalidTimeStamp.Expired": call_with_an_old_timestamp,
    "InvalidAction.NotFound, InvalidVersion": call_unknown_operations,
    "MissingEmail, though the parameter is sent": misspell_a_parameter,
    "Unknown Host header": use_an_unknown_host,
    "Cross-origin request": call_from_another_origin,
    "The control token is missing or wrong": leave_out_the_control_token,
    "JSONDecodeError: XML where JSON was expected": read_xml_as_json,
    "Timed out": wait_for_no_email,
}
SECTIONS = dict(re.findall(r"^### ([^\n]*)\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE))


def quotes(section: str) -> list[str]:
    """Return what a section quotes of alimock and of clients in Python. Other clients are not installed where these tests run."""
    blocks = re.findall(r"^```text\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    python = re.findall(r"^\| Python[^|]*\| (.*) \|$", section, re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    return [*(line for line in lines if "must starts with" not in line), *re.findall("`([^`]+)`", "".join(python))]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("heading", PROVOKED)
def test_quoted_message_is_the_one_of_the_fault(
    heading: str, running: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output = PROVOKED[heading](Fault(running, monkeypatch, tmp_path, caplog))
    quoted = quotes(SECTIONS[heading]) or [heading]
    assert [line for line in quoted if line not in output.replace(str(running.port), "2546")] == [], output


def test_every_quoted_message_is_provoked() -> None:
    assert {heading for heading, section in SECTIONS.items() if quotes(section)} <= PROVOKED.keys() <= SECTIONS.keys()


# The first cells of the rows about faults that fail in Python, and their messages there.
FAULT_ROWS = re.findall(r"^\| `(delay|reset|body: [\w-]+)` \| (.*?) \|", SECTIONS["What clients report for a fault"], re.MULTILINE)
VALUES = {"delay": "2s", "reset": "after"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "cell"), FAULT_ROWS)
def test_python_reports_a_fault_as_documented(
    name: str, cell: str, running: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key, _, value = name.partition(": ")
    output = inject(Fault(running, monkeypatch, tmp_path, caplog), {key: value or VALUES[key]})
    assert [message for message in re.findall("`([^`]+)`", cell) if message not in output] == [], output


def test_all_documented_faults_are_found() -> None:
    assert len(FAULT_ROWS) == 6
